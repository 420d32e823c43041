"""Grids as people have them: no crash, and no law out of nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.law_costs import law_costs
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.methods.rivals import LAWS
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve

LR, WD = [1e-4, 1e-3, 1e-2], [1e-3, 1e-2, 0.1, 1.0, 10.0]
TABLES: dict[str, Callable[..., pd.DataFrame]] = {
    "optima": optima,
    "ratio": ratio,
    "laws": laws,
    "law_costs": law_costs,
    "recommendation": recommendation,
    "recommendation_curve": recommendation_curve,
}


def flat(lr: int = 3, wd: int = 5, seeds: int = 3) -> pd.DataFrame:
    """Nothing but seed noise."""
    axes = np.geomspace(1e-4, 1e-2, lr), np.geomspace(1e-3, 10, wd)
    return simulate(*axes, seeds, curvature=0.0, no_decay=0.0, lr_curvature=0.0)


def missing() -> pd.DataFrame:
    """Noise, of which a third is not there."""
    runs = flat(5, 7)
    return runs[np.random.default_rng(0).random(len(runs)) > 1 / 3]


def diverged(but: int | None = None) -> pd.DataFrame:
    """Runs that diverged, all but one."""
    runs = flat()
    well = runs.index == but
    return runs.assign(status=np.where(well, "ok", "diverged"), value=np.where(well, 60.0, 10.0))


def alone(runs: pd.DataFrame) -> pd.DataFrame:
    """Every cell of a checkerboard by itself."""
    place = runs["lr"].rank(method="dense") + runs["wd"].rank(method="dense")
    return runs[place % 2 == 0]


NOTHING = {
    "one seed": lambda: flat(5, 7, 1),
    "one seed of a law": lambda: simulate(LR, WD, 1),
    "one weight decay": lambda: flat(3, 1),
    "two weight decays": lambda: simulate(LR, [0.01, 0.1], 3),
    "λ = 0 only": lambda: simulate(LR, [0.0], 3),
    "λ = 0 and one more": lambda: simulate(LR, [0.0, 0.1], 3),
    "one learning rate": lambda: simulate([1e-3], WD, 3),
    "one cell": lambda: simulate([1e-3], [0.1], 3),
    "one run": lambda: simulate([1e-3], [0.1], 1),
    "ties": lambda: flat().assign(value=lambda runs: runs["value"].round(-1)),
    "constant values": lambda: flat().assign(value=50.0),
    "seeds that do not differ": lambda: (
        flat(seeds=1)
        .merge(pd.Series([0, 1, 2], name="twin"), how="cross")
        .pipe(lambda runs: runs.assign(seed=runs["twin"]))
    ),
    "all diverged": lambda: diverged(),
    "all diverged and not scored": lambda: flat().assign(status="diverged", value=np.nan),
    "one run did not diverge": lambda: diverged(but=7),
    "missing cells": missing,
    "a checkerboard": lambda: alone(flat(4, 6)),
    "50 weight decays": lambda: flat(2, 50, 2),
    "20 learning rates": lambda: flat(20, 3, 2),
}


@pytest.fixture(scope="module", params=NOTHING)
def runs(request: pytest.FixtureRequest) -> pd.DataFrame:
    return NOTHING[request.param]()


@pytest.mark.parametrize("name", TABLES)
def test_nothing_crashes_and_no_law_comes_of_nothing(runs: pd.DataFrame, name: str) -> None:
    table = TABLES[name](runs, "max")
    if name == "laws":
        assert not table["verdict"].isin([*LAWS, "other"]).any()
    if name.startswith("recommendation"):
        known = table[table["wd"].notna()]
        assert not table["law"].isin([*LAWS, "fitted"]).any()
        assert known["wd"].between(runs["wd"].min() * (1 - 1e-6), runs["wd"].max() * (1 + 1e-6)).all()
        assert (table.loc[table["wd"].isna(), "note"] != "").all()
        if runs["seed"].nunique() == 1:
            assert table[["wd_lo", "wd_hi", "band_lo", "band_hi"]].isna().all(axis=None)


def test_a_grid_of_fifty_by_fifty_is_answered() -> None:
    runs = simulate(np.geomspace(1e-4, 1e-2, 50), np.geomspace(1e-3, 10, 50), 2, law="product")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = laws(runs, "max").set_index("method")
    assert table.loc["censored", "verdict"] == "product"
