from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.trap import COLUMNS, trap

RIDGE = {(0.1, 0.005): 7.0, (0.1, 0.0005): 9.0, (0.01, 0.005): 8.0, (0.01, 0.0005): 6.0}


def runs_of(values: dict[tuple[float, float], float], seeds: int = 2) -> pd.DataFrame:
    rows = [
        {"dataset": "d", "recipe": "r", "arch": "a", "lr": lr, "wd": wd, "seed": seed, "value": value}
        for (lr, wd), value in values.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_the_published_trap() -> None:
    """Searches begun at (λ, η) = (0.005, 0.01) never leave it, while (0.0005, 0.1) is better."""
    table = trap(runs_of(RIDGE), "max").set_index(["lr_start", "wd_start"])
    caught = table.loc[(0.01, 0.005)]
    assert (caught["lr_end"], caught["wd_end"], caught["lost"], caught["tried"]) == (0.01, 0.005, 1.0, 3)
    assert (caught["lr_best"], caught["wd_best"], caught["value_best"]) == (0.1, 0.0005, 9.0)
    free = table.loc[(0.1, 0.005)]
    assert (free["lr_end"], free["wd_end"], free["lost"]) == (0.1, 0.0005, 0.0)
    assert len(table) == 4


def test_of_a_loss_the_smallest_is_best() -> None:
    losses = {cell: -value for cell, value in RIDGE.items()}
    found, mirror = trap(runs_of(losses), "min"), trap(runs_of(RIDGE), "max")
    assert list(found.columns) == COLUMNS
    assert found["lost"].tolist() == mirror["lost"].tolist()
    assert found["value_best"].tolist() == [-9.0] * 4


def test_a_single_hill_traps_nobody() -> None:
    runs = simulate([1e-3, 1e-2, 1e-1], [0.01, 0.1, 1.0, 10.0], 1, law="decoupled", seed_sd=0.0)
    assert trap(runs, "max")["lost"].max() == pytest.approx(0, abs=1e-9)


def test_one_dimension_has_no_second_to_be_trapped_in() -> None:
    (row,) = trap(runs_of({(0.1, 1.0): 3.0, (0.2, 1.0): 4.0}), "max").to_dict("records")
    assert np.isnan(row["lost"])
    assert row["note"] == "a single learning rate or weight decay"
