"""Runs trained elsewhere become a table of runs, or an error that names the line and prints the fix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.imports import ImportedRunsError, import_runs

PERCENT = {"name": "accuracy", "unit": "%", "direction": "max"}


def sweep(**changes: object) -> pd.DataFrame:
    """Four runs of a small sweep, with columns changed."""
    frame = pd.DataFrame(
        {
            "dataset": "cifar10",
            "recipe": "ours",
            "arch": "resnet18",
            "lr": [0.001, 0.001, 0.01, 0.01],
            "wd": [0.0, 0.1, 0.0, 0.1],
            "seed": 0,
            "value": [91.0, 92.5, 90.0, 10.0],
        }
    )
    return frame.assign(**changes)


def written(frame: pd.DataFrame, folder: Path, name: str = "sweep.csv") -> Path:
    path = folder / name
    if name.endswith(".csv"):
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_a_plain_table_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    runs = import_runs([written(sweep(), tmp_path, name)], {}, {}, PERCENT)
    assert runs["value"].tolist() == [91.0, 92.5, 90.0, 10.0]
    assert runs["status"].eq("ok").all()
    assert runs["val_best"].isna().all()


def test_columns_are_renamed_and_what_the_file_lacks_is_filled(tmp_path: Path) -> None:
    theirs = sweep().rename(columns={"wd": "weight_decay", "value": "accuracy"}).drop(columns="dataset")
    runs = import_runs([written(theirs, tmp_path)], {"weight_decay": "wd"}, {"dataset": "cifar100"}, PERCENT)
    assert runs["wd"].tolist() == [0.0, 0.1, 0.0, 0.1]
    assert runs["dataset"].eq("cifar100").all()
    assert runs["value"].max() == 92.5


def test_several_files_are_one_table(tmp_path: Path) -> None:
    files = [written(sweep(), tmp_path, "a.csv"), written(sweep(seed=1), tmp_path, "b.parquet")]
    assert import_runs(files, {}, {}, PERCENT)["seed"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_losses_are_taken_with_direction_min(tmp_path: Path) -> None:
    loss = {"name": "loss", "unit": "", "direction": "min"}
    runs = import_runs([written(sweep(value=[0.3, 0.2, 0.4, 9.0]), tmp_path)], {}, {}, loss)
    assert runs["value"].min() == 0.2


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (sweep().drop(columns="wd"), r"no column 'wd'.*columns: \{their_name: wd\}"),
        (sweep(value=[0.91, 0.92, 0.9, 0.1]), r"may be fractions.*metric: \{unit: \"fraction\"\}"),
        (sweep(value=[91, 92, 90, np.nan]), r"value: 1 .*sweep\.csv:5"),
        (sweep(value=[91, 92, 90, 190]), r"outside 0 … 100: .*sweep\.csv:5 \(190\)"),
        (sweep(lr=[0.1, -0.1, 0.1, 0.1]), r"lr .*greater than 0: .*sweep\.csv:3 \(-0.1\)"),
        (sweep(wd=0.1, lr=[0.1, 0.1, 0.2, 0.3]), r"2 lines give the same run .*sweep\.csv:2.*sweep\.csv:3"),
        (sweep(seed=[0.5, 0, 0, 0]), r"seed .*whole numbers: .*sweep\.csv:2 \(0\.5\)"),
        (sweep(lr=["0.1", "high", "0.1", "0.1"]), r"lr: 1 value.*sweep\.csv:3 \(high\)"),
        (sweep(status=["ok", "ok", "ok", "failed"]), r"status must hold ok or diverged.*sweep\.csv:5"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(ImportedRunsError, match=f"(?s){says}"):
        import_runs([written(frame, tmp_path)], {}, {}, PERCENT)


def test_a_rename_of_nothing_and_a_fill_of_something_are_refused(tmp_path: Path) -> None:
    file = written(sweep(), tmp_path)
    with pytest.raises(ImportedRunsError, match="no column 'decay' to rename"):
        import_runs([file], {"decay": "wd"}, {}, PERCENT)
    with pytest.raises(ImportedRunsError, match="has a column 'arch' already"):
        import_runs([file], {}, {"arch": "vit"}, PERCENT)
