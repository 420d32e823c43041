"""Tables of simulated runs of a known law (see `truth`): what the statistics are held to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.runs.record_schema import SCORES
from decay_atlas.simulation.truth import Truth, outcomes
from decay_atlas.statistics.methods.landscape import AXES, Direction


def simulate(
    lr: Sequence[float],
    wd: Sequence[float],
    seeds: int | Sequence[int] = 5,
    *,
    archs: Sequence[str] = ("net",),
    dataset: str = "simulated",
    recipe: str = "adamw",
    direction: Direction = "max",
    **settings: Any,
) -> pd.DataFrame:
    """Simulate every run of lr × wd × seed × arch; `settings` are the fields of `Truth`.

    Returns the table that `simulate_runs` returns.

    Raises:
        ValueError: a setting is unknown or out of range.
    """
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    grid = pd.DataFrame(product([dataset], [recipe], archs, lr, wd, seeds), columns=AXES)
    return simulate_runs(grid, Truth.parse(settings), direction)


def simulate_runs(
    grid: pd.DataFrame, truth: Truth, direction: Direction = "max", score: str = "test_best"
) -> pd.DataFrame:
    """Simulate each run of a study's grid (columns dataset, recipe, arch, lr, wd, seed), in its order.

    Returns the columns of `runs.parquet`: the axes, value (the named score), the four scores, status
    (ok | diverged), seconds and device.

    Raises:
        ValueError: an axis or the score is missing, or an lr or wd is negative or not finite.
    """
    missing = [name for name in AXES if name not in grid.columns]
    if missing:
        raise ValueError(f"a grid to simulate needs the column(s) {', '.join(missing)}")
    if score not in SCORES:
        raise ValueError(f"a simulated run has no score {score!r}; it has {', '.join(SCORES)}")
    runs = grid[AXES].reset_index(drop=True).astype({"lr": float, "wd": float, "seed": np.int64})
    found = outcomes({name: runs[name].to_numpy() for name in AXES}, truth, direction)
    return runs.assign(value=found[score], **found, device="simulated")
