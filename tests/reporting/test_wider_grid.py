"""The wider grid, and of imported runs the part of it that is still to be run."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest
import yaml

from decay_atlas.reporting.wider_grid import missing_cells, wider_grid
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.optima import optima

LR, WD = [1e-4, 1e-3, 1e-2], [0.1, 1.0, 10.0]
AXES = ["dataset", "recipe", "arch", "lr", "wd"]


def cells(text: str) -> set[tuple]:
    blocks = [[one if isinstance(one, list) else [one] for one in block.values()] for block in read(text)]
    return {cell for block in blocks for cell in product(*block[: len(AXES)])}


def read(text: str) -> list[dict]:
    content = yaml.safe_load(text)
    return content["grid"] if isinstance(content, dict) else content


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    """Optima beyond the smallest weight decay, one cell that was not run."""
    found = simulate(LR, WD, 3, archs=["a", "b"], law="decoupled", wd_best=0.01)
    return found[(found["arch"] == "a") | (found["lr"] != 1e-3) | (found["wd"] != 10)]


def test_what_is_lacking_and_what_is_there_make_the_wider_grid(runs: pd.DataFrame) -> None:
    table = optima(runs, "max")
    there = set(runs[AXES].itertuples(index=False, name=None))
    wider, text = cells(wider_grid(runs, table, "max")), missing_cells(runs, table, "max")
    assert cells(text) == wider - there
    assert any(cell[2:] == ("b", 1e-3, 10) for cell in cells(text))
    assert {tuple(block["seed"]) for block in read(text)} == {(0, 1, 2)}


def test_where_every_run_has_a_seed_of_its_own_a_cell_lacks_as_many_as_the_fullest_has(runs: pd.DataFrame) -> None:
    own = runs.assign(seed=range(len(runs)))
    assert {len(block["seed"]) for block in read(missing_cells(own, optima(own, "max"), "max"))} == {3}


def test_nothing_is_lacking_where_no_optimum_lies_at_an_edge() -> None:
    inside = simulate(LR, WD, 3, law="decoupled", wd_best=1.0, lr_best=1e-3)
    table = optima(inside, "max")
    assert missing_cells(inside, table, "max") is None
    assert wider_grid(inside, table, "max") is None
