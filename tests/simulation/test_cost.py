"""What runs cost, from what like runs took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decay_atlas.runs.grid import Grid, Run
from decay_atlas.runs.records import write_json
from decay_atlas.simulation.cost import UNKNOWN, cost
from tests.recorded import record_of


def grid_of(epochs: int, recipe: str = "r", **more: Any) -> Grid:
    block = {"dataset": "d", "recipe": recipe, "arch": "a", "lr": [0.1, 0.2], "wd": [0, 1], "seed": [0, 1, 2]}
    settings = {"recipe": {"epochs": epochs, **more}, "dataset": {"source": "x"}, "arch": {"model": "m"}}
    return Grid([block], {("d", recipe, "a"): settings})


def record(run: Run, root: Path, seconds: float, status: str = "ok", **more: Any) -> None:
    device = {"type": "cuda", "name": "A100", **more}
    write_json(root / run.path, record_of(run, status=status, seconds=seconds, device=device))


def row_of(grid: Grid, root: Path) -> dict[str, Any]:
    (row,) = cost(grid, root).to_dict("records")
    return row


def settle(grid: Grid, root: Path) -> None:
    """The settings beside the records, as training puts them."""
    (settings,) = grid.settings.values()
    write_json((root / grid.runs[0].path).parent / "settings.json", settings)


def test_time_comes_from_the_studys_own_runs_and_is_unknown_without(tmp_path: Path) -> None:
    grid = grid_of(epochs=10)
    row = row_of(grid, tmp_path)
    assert np.isnan(row["seconds"])
    assert (row["basis"], row["first"]) == (UNKNOWN, grid.runs[0].path)
    for run, seconds in zip(grid.runs[:3], (50.0, 60.0, 90.0), strict=True):
        record(run, tmp_path, seconds)
    row = row_of(grid, tmp_path)
    assert (row["runs"], row["done"], row["seconds"], row["first"]) == (12, 3, 60.0, "")
    assert row["hours"] == pytest.approx(9 / 60)
    assert row["basis"] == "records of these settings on A100"


def test_runs_that_diverged_and_stopped_early_do_not_make_the_rest_look_quick(tmp_path: Path) -> None:
    grid = grid_of(epochs=10)
    record(grid.runs[0], tmp_path, 3.0, "diverged")
    assert row_of(grid, tmp_path)["seconds"] == 3.0
    record(grid.runs[1], tmp_path, 60.0)
    assert row_of(grid, tmp_path)["seconds"] == 60.0


def test_another_recipes_time_is_scaled_by_epochs(tmp_path: Path) -> None:
    other = grid_of(epochs=10, recipe="short")
    record(other.runs[0], tmp_path, 60.0)
    settle(other, tmp_path)
    row = row_of(grid_of(epochs=30), tmp_path)
    assert row["seconds"] == 180.0
    assert row["basis"] == "recipe short, scaled by epochs on A100"


def test_hours_are_those_of_all_devices_that_share_a_run(tmp_path: Path) -> None:
    other = grid_of(epochs=10, recipe="short")
    record(other.runs[0], tmp_path, 60.0, count=4)
    settle(other, tmp_path)
    own, like = row_of(other, tmp_path), row_of(grid_of(epochs=30), tmp_path)
    assert (own["seconds"], own["hours"]) == pytest.approx((60.0, 11 * 4 / 60))
    assert (like["seconds"], like["hours"]) == pytest.approx((180.0, 12 * 4 * 3 / 60))
    assert own["basis"] == "records of these settings on 4 × A100"


def test_a_recipe_on_fewer_images_or_without_settings_is_not_alike(tmp_path: Path) -> None:
    few = grid_of(epochs=10, recipe="few", train_size=512)
    record(few.runs[0], tmp_path, 60.0)
    assert row_of(grid_of(epochs=30), tmp_path)["basis"] == UNKNOWN
    settle(few, tmp_path)
    assert row_of(grid_of(epochs=30), tmp_path)["basis"] == UNKNOWN


def test_a_record_that_cannot_be_read_times_nothing(tmp_path: Path) -> None:
    grid = grid_of(epochs=10)
    path = tmp_path / grid.runs[0].path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert row_of(grid, tmp_path)["basis"] == UNKNOWN


def test_what_is_done_costs_nothing_more_and_what_is_simulated_costs_nothing(tmp_path: Path) -> None:
    grid = grid_of(epochs=10)
    for run in grid.runs:
        record(run, tmp_path, 60.0)
    assert row_of(grid, tmp_path)["hours"] == 0
    block = {"dataset": "d", "recipe": "r", "arch": "a", "lr": 0.1, "wd": 0, "seed": 0}
    simulated = Grid([block], {("d", "r", "a"): {"simulate": {}, "dataset": {"source": "simulated"}}})
    assert row_of(simulated, tmp_path / "empty")["hours"] == 0
