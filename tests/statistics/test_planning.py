"""Before anything is trained: what a grid costs and which laws it could tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from decay_atlas.grid import Grid, Run
from decay_atlas.records import write_json
from decay_atlas.statistics.planning import advised_wd, cost, grids, power, untold

LR = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
PUBLISHED_WD = [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]


def grid_of(epochs: int, recipe: str = "r") -> Grid:
    block = {"dataset": "d", "recipe": recipe, "arch": "a", "lr": [0.1, 0.2], "wd": [0, 1], "seed": [0, 1, 2]}
    return Grid([block], {("d", recipe, "a"): {"recipe": {"epochs": epochs}, "dataset": {}}})


def record(run: Run, root: Path, seconds: float) -> None:
    write_json(root / run.path, {"format": 1, "status": "ok", "seconds": seconds})


def test_the_published_grid_cannot_show_the_published_law_and_the_advised_one_can() -> None:
    seen = power(LR, PUBLISHED_WD, 5, repeats=8)
    assert seen.loc[seen["published"], "right"].item() == 0
    assert "ratio" in untold(seen)
    wider = power(LR, advised_wd(LR), 5, repeats=8)
    assert wider.loc[wider["published"], "right"].item() >= 0.75
    assert (wider["wrong"] == 0).all()


def test_advised_weight_decays_bracket_all_three_laws_by_a_decade() -> None:
    wd = advised_wd(LR, rho_reference=0.1, wd_middle=0.05)
    middle = np.exp(np.log(LR).mean())
    optima = [0.1 * 5e-5, 0.1 * 1e-2, 0.05, 0.05 * middle / 5e-5, 0.05 * middle / 1e-2]
    assert min(wd) <= min(optima) / 10 * 1.01
    assert max(wd) >= max(optima) * 10 / 1.01
    assert np.diff(np.log10(wd)).max() < 0.6


def test_time_comes_from_like_runs_and_is_unknown_without(tmp_path: Path) -> None:
    grid = grid_of(epochs=10)
    row = cost(grid, tmp_path).iloc[0]
    assert np.isnan(row["seconds"])
    assert "time one cell first" in row["basis"]
    for run in grid.runs[:3]:
        record(run, tmp_path, 60.0)
    row = cost(grid, tmp_path).iloc[0]
    assert (row["runs"], row["done"], row["seconds"]) == (12, 3, 60.0)
    assert row["hours"] == pytest.approx(9 / 60)


def test_another_recipes_time_is_scaled_by_epochs(tmp_path: Path) -> None:
    other = grid_of(epochs=10, recipe="short")
    record(other.runs[0], tmp_path, 60.0)
    folder = (tmp_path / other.runs[0].path).parent
    write_json(folder / "settings.json", {"recipe": {"epochs": 10}})
    row = cost(grid_of(epochs=30), tmp_path).iloc[0]
    assert row["seconds"] == 180.0
    assert row["basis"] == "recipe short, scaled by epochs"


def test_the_grids_of_a_study_are_named_once() -> None:
    assert grids(grid_of(10)) == [([0.1, 0.2], [0.0, 1.0], 3)]
