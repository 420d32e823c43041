"""Records are whole or absent, and what is not a record is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import RecordError, device_count, is_whole, read_record, read_summary, staged, write_json
from tests.recorded import record_of

RUN = Run("digits", "quick", "net", "0123abcd", 0.1, 0.0, 0)
SETTINGS = {"epochs": 3, "training_version": 2}
RECORD = record_of(RUN, SETTINGS)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / RUN.path
    write_json(path, RECORD)
    assert read_record(path) == RECORD
    assert os.listdir(path.parent) == [path.name]


def test_a_summary_is_the_record_without_its_history(tmp_path: Path) -> None:
    path = tmp_path / RUN.path
    history = {"epoch": [1, 2], "train_loss": [2.5, None]}
    more = {"evaluations": {"pgd": {"eps": 1}}, "seconds": 3.0}
    write_json(path, RECORD | {"history": history} | more)
    assert read_summary(path) == RECORD | {"history": {}} | more


@pytest.mark.parametrize("kept", [0, 1, 60, 100, 150, 190, -2])
def test_a_summary_of_what_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / RUN.path
    write_json(path, {**RECORD, "history": {"epoch": list(range(50))}, "seconds": 3.0})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RecordError, match="damaged"):
        read_summary(path)
    path.unlink()
    with pytest.raises(RecordError, match="no such record"):
        read_summary(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(tmp_path: Path, number: float) -> None:
    path = tmp_path / RUN.path
    write_json(path, RECORD)
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {**RECORD, "history": {"epoch": [1.0] * 10_000 + [number]}})
    assert read_record(path) == RECORD
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / RUN.path
    write_json(path, RECORD)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {**RECORD, "test_best": 0.0})
    assert read_record(path) == RECORD
    assert os.listdir(path.parent) == [path.name]


def test_a_reader_never_sees_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the last moment the old record is there, then the new one."""
    path = tmp_path / RUN.path
    write_json(path, RECORD)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(read_record(path)))
    write_json(path, {**RECORD, "test_best": 80.0})
    assert seen == [RECORD]
    assert read_record(path)["test_best"] == 80.0


WHOLE = json.dumps(RECORD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (WHOLE[:-1].encode(), "damaged"),
        (WHOLE[: len(WHOLE) // 2].encode(), "damaged"),
        (b"\xff\xfe\x00", "damaged .*; delete it and the run is trained again"),
        (b"[1, 2]", "not a run record of format 1; move it elsewhere"),
        (b'{"dataset": "digits"}', "not a run record"),
        (json.dumps({**RECORD, "format": 2}).encode(), "not a run record of format 1"),
    ],
)
def test_what_is_no_record_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / RUN.path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(RecordError, match=rf"lr0\.1_wd0_seed0\.json: {message}"):
        read_record(path)
    assert not is_whole(path, SETTINGS)


def test_a_missing_record_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"seed0\.json: no such record"):
        read_record(tmp_path / RUN.path)
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(tmp_path)


@pytest.mark.parametrize(("asked", "whole"), [(SETTINGS, True), (SETTINGS | {"epochs": 4}, False), ({}, False)])
def test_a_record_is_whole_for_its_own_settings_only(tmp_path: Path, asked: dict[str, Any], whole: bool) -> None:
    write_json(tmp_path / RUN.path, RECORD)
    assert is_whole(tmp_path / RUN.path, asked) is whole


def test_staged_records_lie_beside_their_place() -> None:
    assert staged("results/runs/a/run.json") == Path("results/runs/a/.staged/run.json")


@pytest.mark.parametrize(
    ("record", "devices"),
    [({"device": {"name": "A100", "count": 4}}, 4), ({"device": {"name": "A100"}}, 1)],
)
def test_a_record_that_does_not_say_how_many_devices_had_one(record: dict[str, object], devices: int) -> None:
    assert device_count(record) == devices
