from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from decay_atlas.training import checkpoints as module
from decay_atlas.training.checkpoints import CheckpointError, Checkpoints, discard, furthest_common
from decay_atlas.training.engine.learner import EnsembleRun

SETTINGS = {"recipe": {"epochs": 3}}
STEM = "lr0.01_wd0.1_seed0"


def state(epoch: int, step: int) -> dict[str, Any]:
    return {"epoch": epoch, "step": step, "model": {"weight": torch.full((3,), float(epoch))}, "sums": [torch.ones(())]}


def member(path: Path) -> EnsembleRun:
    return EnsembleRun(0.01, 0.1, 0, path, history=[{"epoch": 1, "train_loss": None}])


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "runs" / f"{STEM}.json"


@pytest.fixture
def checkpoints(record: Path) -> Checkpoints:
    return Checkpoints(record, SETTINGS, "abc")


def files(record: Path) -> list[str]:
    return sorted(file.name for file in (record.parent / ".checkpoints").iterdir())


def test_a_checkpoint_gives_back_what_it_was_given(record: Path, checkpoints: Checkpoints) -> None:
    assert checkpoints.places() == []
    checkpoints.save(member(record), state(1, 7))
    assert checkpoints.places() == [(1, 7)]
    found, fields = checkpoints.load((1, 7))
    assert torch.equal(found["model"]["weight"], torch.ones(3))
    assert (found["epoch"], found["step"]) == (1, 7)
    assert fields["history"] == [{"epoch": 1, "train_loss": None}]


def test_the_last_two_are_kept_until_the_run_is_done(record: Path, checkpoints: Checkpoints) -> None:
    other = Checkpoints(record.with_name("lr0.01_wd0.1_seed1.json"), SETTINGS, "abc")
    other.save(EnsembleRun(0.01, 0.1, 1), state(0, 1))
    for epoch, step in ((0, 2), (0, 10), (1, 0), (10, 1)):
        checkpoints.save(member(record), state(epoch, step))
    assert checkpoints.places() == [(10, 1), (1, 0)]
    discard(record)
    assert checkpoints.places() == []
    assert other.places() == [(0, 1)]
    discard(record.with_name("lr0.01_wd0.1_seed1.json"))
    assert files(record) == []


def test_what_a_killed_process_was_writing_goes_too(record: Path, checkpoints: Checkpoints) -> None:
    checkpoints.save(member(record), state(0, 1))
    (record.parent / ".checkpoints" / f".{STEM}.epoch0_step2.ckpt.123.part").write_bytes(b"half")
    discard(record)
    assert files(record) == []


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_is_named_and_set_aside(record: Path, checkpoints: Checkpoints, harm: str) -> None:
    checkpoints.save(member(record), state(0, 1))
    checkpoints.save(member(record), state(0, 2))
    path = record.parent / ".checkpoints" / f"{STEM}.epoch0_step2.ckpt"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes({"cut": bytes(content[:300]), "flipped": bytes(content), "empty": b""}[harm])
    with pytest.raises(CheckpointError, match=f"{path.name}: unusable .*checksum.*; set aside as .*unusable"):
        checkpoints.load((0, 2))
    assert checkpoints.places() == [(0, 1)]
    assert f"{STEM}.epoch0_step2.unusable" in files(record)


@pytest.mark.parametrize(
    ("settings", "checksum", "why"),
    [({"recipe": {"epochs": 4}}, "abc", "another settings"), (SETTINGS, "abd", "another data checksum")],
)
def test_a_checkpoint_of_other_settings_or_data_is_not_trusted(
    record: Path, checkpoints: Checkpoints, settings: dict[str, Any], checksum: str, why: str
) -> None:
    checkpoints.save(member(record), state(0, 1))
    with pytest.raises(CheckpointError, match=why):
        Checkpoints(record, settings, checksum).load((0, 1))


def test_a_checkpoint_of_other_software_is_not_trusted(
    record: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(member(record), state(0, 1))
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    with pytest.raises(CheckpointError, match="another format"):
        Checkpoints(record, SETTINGS, "abc").load((0, 1))


def test_a_checkpoint_under_another_runs_name_is_not_trusted(record: Path, checkpoints: Checkpoints) -> None:
    checkpoints.save(EnsembleRun(0.01, 0.2, 0), state(0, 1))
    with pytest.raises(CheckpointError, match=r"it is that of lr0.01_wd0.2_seed0"):
        checkpoints.load((0, 1))


def test_a_checkpoint_of_other_libraries_is_not_trusted(
    record: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(member(record), state(0, 1))
    monkeypatch.setattr(module, "version", lambda name: "99.0")
    with pytest.raises(CheckpointError, match="another software"):
        Checkpoints(record, SETTINGS, "abc").load((0, 1))


def test_a_checkpoint_of_another_step_than_its_name_says_is_not_trusted(record: Path, checkpoints: Checkpoints) -> None:
    checkpoints.save(member(record), state(0, 1))
    path = record.parent / ".checkpoints" / f"{STEM}.epoch0_step1.ckpt"
    path.rename(path.with_name(f"{STEM}.epoch1_step2.ckpt"))
    with pytest.raises(CheckpointError, match=r"it is of epoch 0, step 1"):
        checkpoints.load((1, 2))


def test_a_checkpoint_that_another_process_removed_is_looked_for_again(record: Path, checkpoints: Checkpoints) -> None:
    checkpoints.save(member(record), state(0, 1))
    discard(record)
    with pytest.raises(CheckpointError, match="it was there and is gone; looking again"):
        checkpoints.load((0, 1))
    assert files(record) == []


def test_nothing_in_a_checkpoint_is_executed(record: Path, checkpoints: Checkpoints) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(record.parent / "harmed"),)

    checkpoints.save(member(record), {**state(0, 1), "model": Harm()})
    with pytest.raises(CheckpointError, match="unusable"):
        checkpoints.load((0, 1))
    assert not (record.parent / "harmed").exists()


def test_a_disk_that_refuses_leaves_the_earlier_checkpoint(
    record: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(member(record), state(0, 1))

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(member(record), state(0, 2))
    assert files(record) == [f"{STEM}.epoch0_step1.ckpt"]


def test_runs_go_on_together_from_the_furthest_place_they_share(tmp_path: Path) -> None:
    runs = []
    for seed, places in enumerate([[(0, 1), (0, 2)], [(0, 2), (0, 3)], [(0, 2)]]):
        run = EnsembleRun(0.01, 0.1, seed, tmp_path / f"lr0.01_wd0.1_seed{seed}.json")
        assert run.path
        runs.append(Checkpoints(run.path, SETTINGS, "abc"))
        for place in places:
            runs[-1].save(run, state(*place))
    assert furthest_common(runs) == (0, 2)
    assert furthest_common(runs[1:2]) == (0, 3)
    discard(tmp_path / "lr0.01_wd0.1_seed2.json")
    assert furthest_common(runs) is None  # the beginning, which all share
