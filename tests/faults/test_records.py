"""Records that were altered, damaged or put into another's place: every reader names path, key and remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from decay_atlas import cli
from decay_atlas.runs.grid import Run, dataset_folder, digest_of
from decay_atlas.runs.packs import missing_members, put
from decay_atlas.runs.records import RecordError, is_whole, read_record, read_summary, staged, write_json
from decay_atlas.status.facts import Reader
from decay_atlas.tables.collect import collect
from tests.recorded import record_of

SETTINGS: dict[str, Any] = {
    "dataset": {"source": "digits"},
    "recipe": {"epochs": 2},
    "arch": {},
    "training_version": 2,
}
RUN = Run("digits", "quick", "net", digest_of(SETTINGS), 0.1, 0.01, 0)
OTHERS = [
    Run("digits", "quick", "net", RUN.digest, 0.1, 0.01, 1),
    Run("digits", "quick", "net", RUN.digest, 0.1, 0.1, 0),
    Run("digits", "quick", "net", RUN.digest, 0.2, 0.01, 0),
    Run("digits", "quick", "other", RUN.digest, 0.1, 0.01, 0),
    Run("cifar10", "quick", "net", RUN.digest, 0.1, 0.01, 0),
]
REMEDY = "delete it and the run is trained again"
SCORES = ["test_best", "test_final", "val_best", "val_final"]
LOST = object()
"""In place of a value: the key is taken out."""

FALSE: list[tuple[str, Any]] = [
    *((score, value) for score in SCORES for value in (999, -1, 100.1, "12", True, [50], {"mean": 50}, 10**400, LOST)),
    *(("val_robust_best", value) for value in (999, "12", -3.0)),
    *(("test_loss_best", value) for value in ("0.1", False, 10**400, [])),
    *(("status", value) for value in ("done", "OK", "", None, 1, ["ok"], {"ok": 1}, LOST)),
    *(("seconds", value) for value in (-1, -0.001, "3", None, True, 10**400, LOST)),
    *(("device", value) for value in (None, "A100", [], {}, {"name": 3}, {"name": "A100", "count": 0}, LOST)),
    *(("device", {"name": "A100", "count": count}) for count in (-1, 1.5, "4", True, None)),
    *(("history", value) for value in (None, [], "", 1, {"epoch": 2}, {"epoch": [1, "2"]}, {"epoch": [True]}, LOST)),
    *(("history", value) for value in ({"epoch": [1, 2], "dog": [1]}, {"epoch": {"1": 2}}, {"epoch": [[1]]})),
    *(("versions", value) for value in (None, [], "torch 2", {"torch": 2.9}, {"torch": None})),
    *(
        ("settings", value)
        for value in (None, [], "{}", {}, {"training_version": "2"}, {"training_version": None}, LOST)
    ),
    *(("data_checksum", value) for value in (None, 7, ["c"], LOST)),
    *(("node", value) for value in (None, 7, [], LOST)),
    *(("slurm", value) for value in ("17", [17], {}, {"job_id": 17})),
    *(("source", value) for value in ("abc", [], {"revision": 7}, {"revision": "abc"})),
    *(("dog", value) for value in (0.1, [], {"dog": "0.1"})),
    *(("evaluations", value) for value in (40.0, [], {"pgd": {"pgd20": 10**400}})),
    *((axis, value) for axis in ("lr", "wd", "seed") for value in ("0.1", None, True, [0], LOST)),
    *((name, value) for name in ("dataset", "recipe", "arch", "digest") for value in (None, 7, ["net"], LOST)),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole record in its place below the working directory."""
    monkeypatch.chdir(tmp_path)
    put(Path(RUN.path), record_of(RUN, SETTINGS))
    return Path(RUN.path)


def altered(key: str, value: Any) -> str:
    record = record_of(RUN, SETTINGS)
    record.pop(key, None)
    return json.dumps(record if value is LOST else {**record, key: value})


@pytest.mark.parametrize(("key", "value"), FALSE, ids=lambda value: "lost" if value is LOST else repr(value)[:30])
def test_what_no_record_can_say_is_refused_by_every_reader(place: Path, key: str, value: Any) -> None:
    place.write_text(altered(key, value))
    for read in (read_record, lambda path: collect([str(path)], "test_best")):
        with pytest.raises(RecordError) as raised:
            read(place)
        message = str(raised.value)
        assert str(place) in message
        assert key in message
        assert REMEDY in message
        assert len(message) < 400
    if key != "history":  # which a summary leaves out
        assert isinstance(Reader(Path())(str(place)), RecordError)
    assert not is_whole(place, SETTINGS)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400", "0x10", "1_0", "١٢"])
@pytest.mark.parametrize("key", ["test_best", "seconds", "lr", "test_loss_best"])
def test_what_json_has_no_number_for_is_refused(place: Path, key: str, number: str) -> None:
    place.write_text(altered(key, "HERE").replace('"HERE"', number))
    for read in (read_record, read_summary):
        with pytest.raises(RecordError, match=rf"{place}: .*{REMEDY}"):
            read(place)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 500,
        b"null",
        b"3",
        b'"ok"',
        b"[" * 100_000,
        b'{"format": 1, "a": ' * 100_000,
        b'{"format": 1, "seconds": ' + b"9" * 5000 + b"}",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"PK\x03\x04",
        b'{"format": "1"}',
        b'{"format": 2}',
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_json_of_a_record_is_refused(place: Path, content: bytes) -> None:
    place.unlink()
    place.write_bytes(content)
    for read in (read_record, read_summary):
        with pytest.raises(RecordError, match=rf"{place}: (damaged|not a run record)"):
            read(place)
    assert not is_whole(place, SETTINGS)


def test_no_place_of_a_whole_record_can_be_cut(place: Path) -> None:
    content = place.read_bytes()
    for kept in range(0, len(content) - 2, 7):  # the last two bytes are the brace and a line break
        place.write_bytes(content[:kept])
        for read in (read_record, read_summary):
            with pytest.raises(RecordError, match="damaged"):
                read(place)


def test_a_folder_in_place_of_a_record_is_refused(place: Path) -> None:
    place.unlink()
    place.mkdir()
    with pytest.raises(RecordError, match=f"{place}: cannot be read"):
        read_record(place)


@pytest.mark.parametrize("other", OTHERS, ids=lambda run: run.path[13:])
def test_another_runs_record_is_refused_where_it_lies_and_where_it_waits(place: Path, other: Run) -> None:
    """Each of them has the settings that are asked for: only what it says of itself tells it apart."""
    shutil.rmtree(place.parents[3])
    for at in (place, staged(place)):
        write_json(at, record_of(other, SETTINGS))
        with pytest.raises(RecordError, match=rf"{at}: the record says .*another run's, move it there"):
            read_record(at)
        assert not is_whole(at, SETTINGS)
    assert [path for path, _ in missing_members(SETTINGS, [place])] == [place]


@pytest.mark.parametrize(
    ("key", "value"), [("test_best", 999), ("seconds", -3), ("status", "fine"), ("history", {"a": 1})]
)
def test_a_false_record_that_waits_is_not_put_into_place(place: Path, key: str, value: Any) -> None:
    place.unlink()
    staged(place).write_text(altered(key, value))
    assert [path for path, _ in missing_members(SETTINGS, [place])] == [place]
    assert not place.exists()


def test_a_record_that_waits_is_put_into_place(place: Path) -> None:
    place.unlink()
    assert missing_members(SETTINGS, [place]) == []
    assert read_record(place) == record_of(RUN, SETTINGS)


def test_the_command_says_what_is_wrong_with_a_record_of_a_cell(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "load", lambda name: {"metric": {"score": "test_best"}})
    monkeypatch.setattr(cli, "_chosen", lambda study, options: [RUN])
    place.write_text(altered("test_best", 999))
    assert cli.main(["cell", "--arch", "net", "--lr", "0.1", "--wd", "0.01"]) == 0
    shown = capsys.readouterr().out
    assert f"test_best is 999, not an accuracy from 0 to 100; {REMEDY}" in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"val_best": 88.0, "val_robust_best": 40, "test_loss_best": 1e12},
        {"status": "diverged", "test_best": 10.0, "history": {"epoch": [1], "test_loss": [None]}},
        {"test_best": None, "test_final": None, "test_loss_best": 1e-9},
        {"slurm": None, "source": None, "dog": None, "evaluations": None},
        {"source": {"digest": "ab", "revision": None, "dirty": None}, "engine": "fused", "timing": {"training": 1.0}},
        {"evaluations": {"autoattack": {"attack": "pgd20", "robust": 40.0}, "pruning": {"0.9": 12.5}}},
        {"a key of tomorrow": {"x": [1]}, "device": {"name": "A100", "count": 8, "type": "cuda", "threads": 4}},
    ],
)
def test_what_records_do_say_is_read(place: Path, changes: dict[str, Any]) -> None:
    record = record_of(RUN, SETTINGS, **changes)
    write_json(place, record)
    assert read_record(place) == record


def test_a_simulated_score_is_in_its_studys_unit(place: Path) -> None:
    settings = {"dataset": {"source": "simulated"}, "simulate": {}, "training_version": 2}
    run = Run("digits", "quick", "net", digest_of(settings), 0.1, 0.01, 0)
    write_json(run.path, record_of(run, settings, test_best=1234.5))
    assert read_record(run.path)["test_best"] == 1234.5


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"checksum": ', "3"])
def test_a_damaged_manifest_is_named_with_the_folder_to_delete(place: Path, content: str) -> None:
    folder = Path(dataset_folder(RUN.dataset, SETTINGS["dataset"]))
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(content)
    with pytest.raises(RecordError, match=rf"{folder}/manifest.json: damaged .*delete {folder}"):
        collect([str(place)], "test_best")
