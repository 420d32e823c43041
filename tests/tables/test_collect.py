"""From records to the table of runs: what fits becomes a row, what does not is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decay_atlas.runs.grid import Run, dataset_folder, digest_of
from decay_atlas.runs.records import RecordError, write_json
from decay_atlas.tables.collect import COLUMNS, collect
from tests import recorded

SETTINGS = {"dataset": {"source": "digits", "classes": 10}, "recipe": {"epochs": 3}, "training_version": 1}
CHECKSUM = "c" * 64


def run_of(lr: float = 0.1, wd: float = 0.0, seed: int = 0) -> Run:
    return Run("digits", "short", "tiny", digest_of(SETTINGS), lr, wd, seed)


def record_of(run: Run, **changes: Any) -> dict[str, Any]:
    """A record with all that collect reads of it."""
    return recorded.record_of(run, SETTINGS) | {
        "data_checksum": CHECKSUM,
        "test_loss_best": 0.25,
        "history": {"weight_norm": [5.0, 4.5]},
        "dog": {"dog": 0.016, "epochs": 2},
        "evaluations": {"pruning": {"0.9": 12.5}},
        "seconds": 2.5,
        "node": "somewhere",
        "versions": {"torch": "2.9.0", "numpy": "2.2.0"},
        "slurm": {"job_id": "17", "partition": "gpu"},
        "source": {"digest": "0123456789abcdef", "revision": "a" * 40, "dirty": True},
        **changes,
    }


def write(root: Path, run: Run, **changes: Any) -> str:
    write_json(root / run.path, record_of(run, **changes))
    return run.path


def test_a_record_of_no_slurm_job_and_no_repository_says_so_by_nothing(tmp_path: Path) -> None:
    source = {"digest": "0123456789abcdef", "revision": None, "dirty": None}
    path = write(tmp_path, run_of(), slurm=None, source=source)
    (row,) = collect([path], "test_best", tmp_path).to_dict("records")
    assert (row["slurm_job"], row["source"]) == ("", "0123456789abcdef")


@pytest.fixture
def grid(tmp_path: Path) -> list[str]:
    """Paths of six good records."""
    return [
        write(tmp_path, run_of(lr, wd, seed), test_best=90.0 + seed)
        for lr, wd, seed in [
            (1.0, 0.0, 0),
            (1.0, 0.0, 1),
            (1.0, 1e-5, 0),
            (1e-3, 0.0, 0),
            (1e-3, 1.0, 0),
            (1e-3, 1.0, 1),
        ]
    ]


def test_a_row_a_record_in_the_order_asked_for(tmp_path: Path, grid: list[str]) -> None:
    runs = collect(reversed(grid), "test_best", tmp_path)
    assert list(runs["path"]) == grid[::-1]
    assert runs.dtypes.map(str).to_dict() == COLUMNS
    assert runs.iloc[0].drop("path").to_dict() == {
        "dataset": "digits",
        "recipe": "short",
        "arch": "tiny",
        "lr": 0.001,
        "wd": 1.0,
        "seed": 1,
        "value": 91.0,
        "test_best": 91.0,
        "test_final": 90.0,
        "val_best": pytest.approx(np.nan, nan_ok=True),
        "val_final": pytest.approx(np.nan, nan_ok=True),
        "status": "ok",
        "seconds": 2.5,
        "weight_norm": 4.5,
        "dog": 0.016,
        "evaluations": '{"pruning": {"0.9": 12.5}}',
        "device": "a processor",
        "n_devices": 1,
        "node": "somewhere",
        "slurm_job": "17",
        "versions": "numpy 2.2.0, torch 2.9.0",
        "source": "0123456789abcdef (aaaaaaaaaaaa, edited)",
        "digest": digest_of(SETTINGS),
        "training_version": 1,
    }


def test_no_records_make_an_empty_table_of_the_same_columns(tmp_path: Path) -> None:
    assert collect([], "test_best", tmp_path).dtypes.map(str).to_dict() == COLUMNS


def test_any_recorded_score_can_be_the_value(tmp_path: Path, grid: list[str]) -> None:
    assert set(collect(grid, "test_loss_best", tmp_path)["value"]) == {0.25}


def test_the_devices_that_shared_a_run_are_counted(tmp_path: Path) -> None:
    shared = {"type": "cuda", "name": "A100", "count": 4}
    paths = [write(tmp_path, run_of(seed=0), device=shared), write(tmp_path, run_of(seed=1))]
    assert collect(paths, "test_best", tmp_path)["n_devices"].tolist() == [4, 1]


def test_a_diverged_run_is_a_row_like_any_other(tmp_path: Path) -> None:
    path = write(tmp_path, run_of(), status="diverged", test_best=10.0)
    assert collect([path], "test_best", tmp_path).loc[0, ["status", "value"]].tolist() == ["diverged", 10.0]


def test_a_missing_score_says_what_to_set(tmp_path: Path, grid: list[str]) -> None:
    with pytest.raises(
        RecordError, match="no score val_best; the recipe holds out no validation part: set val_fraction"
    ):
        collect(grid, "val_best", tmp_path)


def test_missing_and_damaged_records_are_named_together(tmp_path: Path, grid: list[str]) -> None:
    (tmp_path / grid[1]).unlink()
    (tmp_path / grid[4]).write_text('{"format": 1,')
    with pytest.raises(RecordError) as raised:
        collect(grid, "test_best", tmp_path)
    first, missing, damaged = str(raised.value).splitlines()
    assert first == "2 record(s) cannot be used:"
    assert missing.endswith(f"{grid[1]}: no such record")
    assert f"{grid[4]}: damaged" in damaged


@pytest.mark.parametrize(
    ("axis", "value"), [("dataset", "cifar10"), ("arch", "large"), ("lr", 0.2), ("wd", 0.2), ("seed", 5)]
)
def test_a_record_in_anothers_place_is_named(tmp_path: Path, axis: str, value: Any) -> None:
    path = write(tmp_path, run_of(), **{axis: value})
    with pytest.raises(RecordError, match=f"{path}: the record says {axis} {value!r}; it is another run's"):
        collect([path], "test_best", tmp_path)


def test_altered_settings_are_named(tmp_path: Path) -> None:
    altered = {**SETTINGS, "recipe": {"epochs": 4}}
    path = write(tmp_path, run_of(), settings=altered)
    with pytest.raises(RecordError, match=f"{path}: its settings have the digest {digest_of(altered)}"):
        collect([path], "test_best", tmp_path)


@pytest.mark.parametrize("key", ["settings", "data_checksum", "seconds", "val_final", "device"])
def test_a_record_that_lacks_a_part_is_named(tmp_path: Path, key: str) -> None:
    record = record_of(run_of())
    del record[key]
    write_json(tmp_path / run_of().path, record)
    with pytest.raises(RecordError, match=f"the record lacks '{key}'; delete it"):
        collect([run_of().path], "test_best", tmp_path)


def test_runs_of_other_data_than_the_prepared_are_named(tmp_path: Path, grid: list[str]) -> None:
    manifest = tmp_path / dataset_folder("digits", SETTINGS["dataset"]) / "manifest.json"
    write_json(manifest, {"checksum": CHECKSUM})
    assert len(collect(grid, "test_best", tmp_path)) == 6
    write(tmp_path, run_of(1.0, 0.0, 1), data_checksum="d" * 64)
    with pytest.raises(RecordError, match=r"^1 record.*\n.*_seed1.json: trained on other data") as raised:
        collect(grid, "test_best", tmp_path)
    assert str(manifest) in str(raised.value)


def test_without_the_prepared_data_records_are_held_against_each_other(tmp_path: Path, grid: list[str]) -> None:
    write(tmp_path, run_of(1e-3, 1.0, 1), data_checksum="d" * 64)
    with pytest.raises(RecordError, match=f"{grid[5]}: trained on other data .* than {grid[0]} says"):
        collect(grid, "test_best", tmp_path)


def test_more_than_ten_problems_are_summed_up(tmp_path: Path) -> None:
    with pytest.raises(RecordError) as raised:
        collect([run_of(seed=seed).path for seed in range(13)], "test_best", tmp_path)
    lines = str(raised.value).splitlines()
    assert lines[0] == "13 record(s) cannot be used:"
    assert len(lines) == 12
    assert lines[-1] == "… and 3 more"


def test_a_record_survives_a_copy_of_the_tree(tmp_path: Path, grid: list[str]) -> None:
    """Reformatted JSON is the same record: what counts is what it says."""
    record = json.loads((tmp_path / grid[0]).read_text())
    (tmp_path / grid[0]).write_text(json.dumps(record, indent=2, sort_keys=True))
    assert len(collect(grid, "test_best", tmp_path)) == 6
