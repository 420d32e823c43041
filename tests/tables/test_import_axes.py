"""Imported axes become a grid: rounding splits no learning rate, and seeds that no cells share are numbered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.laws import laws
from decay_atlas.tables.import_axes import numbered_seeds, one_grid

LR, WD = [1e-4, 1e-3, 1e-2], [1e-3, 1e-2, 0.1, 1, 10]


@pytest.fixture
def shared() -> pd.DataFrame:
    """Three seeds that every cell has."""
    return simulate(LR, WD, 3, law="product")


def test_float32_and_digits_that_were_cut_off_make_no_learning_rates_of_their_own() -> None:
    exact = [1e-3, 3e-4, 10**-3.5]
    given = [*exact, *(float(np.float32(value)) for value in exact), float(f"{exact[2]:.7g}"), 0.0]
    found = one_grid(pd.Series(given))
    assert sorted(set(found)) == pytest.approx([0, *sorted(exact)], rel=1e-6)
    assert found[3] == 1e-3
    assert found[7] == 0


def test_float32_alone_becomes_the_number_that_was_meant() -> None:
    assert one_grid(pd.Series(np.array([1e-3, 0.1], dtype=np.float32))).tolist() == [1e-3, 0.1]


def test_numbers_of_many_digits_stay_as_they_are() -> None:
    given = [10**-3.5, 1 / 3, 0.1, 0.100001, 123456.7]
    assert one_grid(pd.Series(given)).tolist() == given


def _ids(runs: pd.DataFrame) -> pd.Series:
    return pd.Series(np.random.default_rng(0).permutation(len(runs)) + 10**9, runs.index)


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(_ids, id="ids of runs"),
        pytest.param(lambda runs: runs["seed"] + 100 * runs["lr"].rank(method="dense").astype(int), id="per lr"),
        pytest.param(lambda runs: runs["seed"] + 100 * runs["wd"].rank(method="dense").astype(int), id="per wd"),
    ],
)
def test_seeds_that_cells_do_not_share_are_numbered(shared: pd.DataFrame, seeds) -> None:
    given = shared.assign(seed=seeds)
    found = numbered_seeds(given)
    assert found["seed_given"].tolist() == given["seed"].tolist()
    assert found.groupby(["lr", "wd"])["seed"].agg(sorted).tolist() == [[0, 1, 2]] * len(LR) * len(WD)
    table = laws(found, "max").set_index("method")
    assert table.loc["censored", "verdict"] == "product"


def test_seeds_of_one_learning_rate_keep_their_pairs(shared: pd.DataFrame) -> None:
    given = shared.assign(seed=shared["seed"] + 100 * shared["lr"].rank(method="dense").astype(int))
    found = numbered_seeds(given.sample(frac=1, random_state=0)).sort_index()
    assert found["seed"].tolist() == shared["seed"].tolist()


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(lambda runs: runs["seed"] >= 0, id="whole"),
        pytest.param(lambda runs: (runs["seed"] == 0) | (runs["lr"] == LR[0]), id="further seeds at one lr"),
        pytest.param(lambda runs: (runs["seed"] == 0) | ((runs["lr"] == LR[1]) & (runs["wd"] == WD[2])), id="one cell"),
        pytest.param(lambda runs: (runs["lr"] == LR[0]) & (runs["wd"] == WD[0]), id="a single cell"),
        pytest.param(lambda runs: (runs["lr"] * 100).round(6).isin(runs["wd"]) & (runs["wd"] <= 1), id="ragged"),
    ],
)
def test_seeds_that_cells_share_stay(shared: pd.DataFrame, kept) -> None:
    given = shared[kept(shared)]
    found = numbered_seeds(given)
    assert found["seed"].tolist() == given["seed"].tolist()
    assert found["seed_given"].isna().all()


def test_every_combination_is_looked_at_for_itself(shared: pd.DataFrame) -> None:
    other = shared.assign(arch="other", seed=_ids(shared))
    found = numbered_seeds(pd.concat([shared, other], ignore_index=True))
    assert found["seed_given"].notna().tolist() == [False] * len(shared) + [True] * len(other)


def test_a_table_that_was_numbered_before_keeps_its_statement(shared: pd.DataFrame) -> None:
    once = numbered_seeds(shared.assign(seed=_ids(shared)))
    pd.testing.assert_frame_equal(numbered_seeds(once), once)
