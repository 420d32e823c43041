"""Runs trained elsewhere become a table of runs, or an error that names the line and prints the fix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decay_atlas.tables.import_files import ImportedRunsError
from decay_atlas.tables.imports import import_runs

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


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_no_name_is_taken_for_nothing_or_for_a_number(tmp_path: Path, name: str) -> None:
    frame = sweep(dataset=10, recipe=["None", "NA", "null", "nan"], arch="018", device=["A100", None, "A100", None])
    runs = import_runs([written(frame, tmp_path, name)], {}, {}, PERCENT)
    assert runs["dataset"].eq("10").all()
    assert runs["recipe"].tolist() == ["None", "NA", "null", "nan"]
    assert runs["arch"].eq("018").all()
    assert runs["device"].tolist() == ["A100", "", "A100", ""]


def test_an_empty_name_of_parquet_is_named_with_its_row(tmp_path: Path) -> None:
    file = written(sweep(arch=["a", None, "a", "a"]), tmp_path, "sweep.parquet")
    with pytest.raises(ImportedRunsError, match=r"arch: 1 name.* empty: .*sweep\.parquet:2;"):
        import_runs([file], {}, {}, PERCENT)


def test_numbers_that_are_not_needed_may_be_missing(tmp_path: Path) -> None:
    frame = sweep(test_best=["91.5", "", "NA", "nan"], seconds=[1.5, np.nan, 2.5, np.nan])
    runs = import_runs([written(frame, tmp_path)], {}, {}, PERCENT)
    assert runs["test_best"].isna().tolist() == [False, True, True, True]
    assert runs["seconds"].sum() == 4


def test_rounding_makes_no_grid_of_its_own(tmp_path: Path) -> None:
    theirs = sweep(seed=1, lr=sweep()["lr"].astype(np.float32), wd=sweep()["wd"].astype(np.float32))
    files = [written(sweep(), tmp_path), written(theirs, tmp_path, "b.parquet")]
    runs = import_runs(files, {}, {}, PERCENT)
    assert sorted(runs["lr"].unique()) == [0.001, 0.01]
    assert sorted(runs["wd"].unique()) == [0.0, 0.1]
    again = [written(sweep(), tmp_path), written(theirs.assign(seed=0), tmp_path, "b.parquet")]
    with pytest.raises(ImportedRunsError, match=r"same run .*sweep\.csv:2.*b\.parquet:1"):
        import_runs(again, {}, {}, PERCENT)


def test_seeds_that_cells_do_not_share_are_numbered_and_said_to_be(tmp_path: Path) -> None:
    file = written(sweep(seed=[17, 4, 99, 23]), tmp_path)
    runs = import_runs([file], {}, {}, PERCENT)
    assert runs["seed"].eq(0).all()
    assert runs["seed_given"].tolist() == [17, 4, 99, 23]
    runs.to_parquet(tmp_path / "archive.parquet")
    again = import_runs([tmp_path / "archive.parquet"], {}, {}, PERCENT)
    pd.testing.assert_frame_equal(again[["seed", "seed_given"]], runs[["seed", "seed_given"]])


def test_evaluations_of_another_tool_are_passed_over(tmp_path: Path) -> None:
    assert import_runs([written(sweep(evaluations=5), tmp_path)], {}, {}, PERCENT)["evaluations"].isna().all()
    ours = sweep(evaluations=['{"pgd": {"pgd20": 40.0}}', "{}", "", "{}"])
    found = import_runs([written(ours, tmp_path)], {}, {}, PERCENT)["evaluations"]
    assert found.dropna().tolist() == ['{"pgd": {"pgd20": 40.0}}', "{}", "{}"]


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
        (sweep(value=[91, 92, 90, np.nan]), r"value: 1 .*sweep\.csv:5 .*status diverged"),
        (sweep(value=[91, 92, 90, 190]), r"outside 0 … 100: .*sweep\.csv:5 \(190\)"),
        (sweep(lr=[0.1, -0.1, 0.1, 0.1]), r"lr .*greater than 0: .*sweep\.csv:3 \(-0.1\)"),
        (sweep(wd=0.1, lr=[0.1, 0.1, 0.2, 0.3]), r"2 lines give the same run .*sweep\.csv:2.*sweep\.csv:3"),
        (sweep(recipe=["ours", "", "ours", " "]), r"recipe: 2 name.* empty: .*sweep\.csv:3, .*sweep\.csv:5"),
        (sweep(arch=["a", None, "a", "a"]), r"arch: 1 name.* empty: .*sweep\.csv:3"),
        (sweep(lr=["0.1", "", "0.1", "0.1"]), r"lr: 1 value.*sweep\.csv:3 \(empty\)$"),
        (sweep(seed=[1e25, 0, 0, 0]), r"seed .*below 2\^63: .*sweep\.csv:2"),
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


def test_a_rename_onto_a_column_that_is_there_is_refused(tmp_path: Path) -> None:
    file = written(sweep(decay=0.1), tmp_path)
    with pytest.raises(ImportedRunsError, match=r"sweep\.csv: 'wd' and 'decay' would both be 'wd' \(key columns\)"):
        import_runs([file], {"decay": "wd"}, {}, PERCENT)


@pytest.mark.parametrize("name", ["val_loss", "Test Error", "perplexity"])
def test_a_loss_is_not_taken_for_an_accuracy(tmp_path: Path, name: str) -> None:
    file = written(sweep(value=[3.0, 2.0, 4.0, 9.0]).rename(columns={"value": name}), tmp_path)
    with pytest.raises(ImportedRunsError, match=r"metric: \{name: loss, unit: \"\", direction: min\}"):
        import_runs([file], {name: "value"}, {}, PERCENT)
    loss = {"name": "loss", "unit": "", "direction": "min"}
    assert import_runs([file], {name: "value"}, {}, loss)["value"].max() == 9
    negated = written(sweep(value=[-3.0, -2.0, -4.0, -9.0]).rename(columns={"value": "neg_loss"}), tmp_path)
    assert len(import_runs([negated], {"neg_loss": "value"}, {}, {**loss, "direction": "max"})) == 4
