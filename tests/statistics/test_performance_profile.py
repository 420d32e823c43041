"""Performance profiles against their definition: the share of combinations within a loss, counted one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ecdf

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.performance_profile import performance_profile
from decay_atlas.statistics.tuning import tuning


def table(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    usual = {"strategy": ["ratio-1d"] * n, "budget": [6.0] * n, "constant": [0.1] * n, "blank": [""] * n}
    return pd.DataFrame(usual | columns)


def test_each_step_is_the_share_of_combinations_that_lose_no_more() -> None:
    gaps = [0.3, -0.1, 0.3, 1.2, 0.0]
    profile = performance_profile(table(gap=gaps))
    truth = ecdf(gaps).cdf
    assert profile["gap"].tolist() == truth.quantiles.tolist()
    assert profile["share"].tolist() == pytest.approx(truth.probabilities.tolist())
    assert set(profile["n_combinations"]) == {5}


def test_a_combination_that_is_blank_is_not_reached() -> None:
    profile = performance_profile(table(gap=[0.1, np.nan], blank=["", "off the grid"]))
    assert profile[["gap", "share"]].to_numpy().tolist() == [[0.1, 0.5]]


def test_a_strategy_without_any_figure_says_why() -> None:
    profile = performance_profile(table(gap=[np.nan, np.nan], blank=["off the grid", "off the grid"]))
    (row,) = profile.to_dict("records")
    assert (row["share"], row["blank"]) == (0.0, "off the grid")
    assert np.isnan(row["gap"])


def test_budgets_and_trained_protocols_are_strategies_of_their_own() -> None:
    strategies = ["random", "random", "ratio-1d-tied", "ratio-1d-tied", "full-2d"]
    profile = performance_profile(
        table(strategy=strategies, budget=[4, 8, 6, 6, 48], constant=[np.nan, np.nan, 0.1, 0.3, np.nan], gap=[1.0] * 5)
    )
    rows = profile[["strategy", "budget"]].to_numpy().tolist()
    assert rows == [["random", 4], ["random", 8], ["ratio-1d-tied", 6], ["ratio-1d-tied", 6]]
    assert profile["constant"].tolist()[2:] == [0.1, 0.3]
    assert (profile["n_combinations"] == 1).all()


def test_of_a_study_every_strategy_but_the_full_search_has_a_profile_that_ends_at_what_was_replayed() -> None:
    runs = simulate([1e-4, 1e-3, 1e-2], [1e-3, 1e-2, 0.1, 1.0], 3, archs=["a", "b", "c"])
    replayed = tuning(runs, "max")
    profile = performance_profile(replayed)
    ends = profile.groupby("strategy")["share"].max()
    there = replayed["gap"].notna().groupby(replayed["strategy"]).mean().drop("full-2d")
    assert ends.to_dict() == pytest.approx(there.to_dict())


def test_an_empty_table_gives_a_headed_one() -> None:
    empty = performance_profile(table(gap=[0.0], strategy=["full-2d"]))
    assert len(empty) == 0
    assert list(empty.columns[:2]) == ["strategy", "budget"]
