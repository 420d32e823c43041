"""Learning curves: the mean over seeds of what runs recorded, thinned where training was long."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from decay_atlas.runs.grid import Run
from decay_atlas.tables.curves import MOST_EPOCHS, curves, thinned
from tests.recorded import record_of


def write(root: Path, seed: int, history: dict, wd: float = 0.1) -> str:
    run = Run("digits", "quick", "vit", "0123abcd", 0.01, wd, seed)
    path = root / run.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record_of(run, history=history)))
    return run.path


def test_a_cell_s_curve_is_the_mean_over_its_seeds(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, 0, {"epoch": [1, 2], "train_loss": [2.0, 1.0], "lr": [0.1, 0.2]}),
        write(tmp_path, 1, {"epoch": [1, 2], "train_loss": [4.0, 2.0], "lr": [0.1, 0.2]}),
    ]
    table = curves(paths, tmp_path)
    assert table["epoch"].tolist() == [1, 2]
    assert table["train_loss"].tolist() == [3.0, 1.5]
    assert table["rate"].tolist() == [0.1, 0.2], "the schedule's rate, for lr is the axis"
    assert table["lr"].tolist() == [0.01, 0.01]


def test_a_run_that_ended_early_counts_while_it_lasted(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, 0, {"epoch": [1, 2, 3], "train_loss": [1.0, 1.0, 1.0]}),
        write(tmp_path, 1, {"epoch": [1, 2], "train_loss": [3.0, None]}),
    ]
    assert curves(paths, tmp_path)["train_loss"].tolist() == [2.0, 1.0, 1.0]


def test_a_quantity_that_no_seed_has_is_missing_not_zero(tmp_path: Path) -> None:
    path = write(tmp_path, 0, {"epoch": [1], "dog": [None]})
    assert np.isnan(curves([path], tmp_path)["dog"]).all()


def test_long_training_is_thinned_to_its_first_last_and_some_between(tmp_path: Path) -> None:
    n = 2000
    path = write(tmp_path, 0, {"epoch": list(range(1, n + 1)), "train_loss": [1.0 / e for e in range(1, n + 1)]})
    table = curves([path], tmp_path)
    assert len(table) == MOST_EPOCHS
    assert table["epoch"].iloc[[0, -1]].tolist() == [1, n]
    assert table["train_loss"].tolist() == pytest.approx((1 / table["epoch"]).tolist())


def test_simulated_runs_have_none(tmp_path: Path) -> None:
    table = curves([write(tmp_path, 0, {})], tmp_path)
    assert table.empty
    assert {"dataset", "lr", "wd", "epoch"} <= set(table.columns)


@pytest.mark.parametrize(("n", "most"), [(1, 5), (5, 5), (6, 5), (100, 2)])
def test_thinning_keeps_the_ends(n: int, most: int) -> None:
    kept = thinned(n, most)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) == min(n, most)
