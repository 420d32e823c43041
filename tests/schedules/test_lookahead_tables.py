"""The look-ahead tables are held to bounds computed one by one and to the figures that are expected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.schedules.bounds import (
    bound,
    linear_schedule,
    orabona_bound,
    piecewise_factors,
    piecewise_schedule,
    shamir_zhang_bound,
    sqrt_schedule,
)
from decay_atlas.schedules.lookahead import fit_log
from decay_atlas.schedules.lookahead_tables import lookahead, lookahead_fits

STRIDE, LAST = 25, 200


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return lookahead([STRIDE, 50], LAST)


def test_every_horizon_has_a_row_a_schedule(table: pd.DataFrame) -> None:
    one = table[table["stride"] == STRIDE]
    assert one.groupby("schedule")["horizon"].apply(list).map(tuple).nunique() == 1
    assert sorted(one["horizon"].unique()) == [26, 51, 76, 101, 126, 151, 176]
    assert set(table["schedule"]) == {"sqrt", "linear", "piecewise"}


@pytest.mark.parametrize("horizon", [26, 101, 176])
def test_figures_are_those_of_the_schedules_cut_at_their_horizon(table: pd.DataFrame, horizon: int) -> None:
    at = table[(table["stride"] == STRIDE) & (table["horizon"] == horizon)].set_index("schedule")
    ends = [26, 51, 76, 101, 126, 151, 176]
    whole = {"sqrt": sqrt_schedule(LAST), "piecewise": piecewise_schedule(ends, piecewise_factors(ends))}
    for schedule, eta in whole.items():
        kept = bound(eta[:26]).gamma
        assert at.loc[schedule, "bound"] == pytest.approx(bound(eta[:horizon]).at(kept))
        assert at.loc[schedule, "gamma"] == pytest.approx(bound(eta[:horizon]).gamma)
        assert at.loc[schedule, "rate"] == pytest.approx(eta[horizon - 1])
        assert at.loc[schedule, "orabona"] == pytest.approx(orabona_bound(eta[:horizon]).at(kept))
    kept = bound(sqrt_schedule(26)).gamma
    assert at.loc["sqrt", "shamir_zhang"] == pytest.approx(shamir_zhang_bound(horizon).at(kept))
    assert at.loc[["linear", "piecewise"], "shamir_zhang"].isna().all()
    linear = bound(linear_schedule(horizon))
    assert at.loc["linear", ["bound", "gamma", "rate"]].tolist() == pytest.approx(
        [linear.least, linear.gamma, 1 / horizon]
    )


def test_the_look_ahead_schedule_keeps_its_base_rate_and_lies_between_the_others(table: pd.DataFrame) -> None:
    wide = table.pivot_table(index=["stride", "horizon"], columns="schedule", values="bound")
    later = wide[wide.index.get_level_values("horizon") > 51]
    assert (later["linear"] < later["piecewise"]).all()
    assert (later["piecewise"] < later["sqrt"]).all()
    for _, part in table[table["schedule"] == "piecewise"].groupby("stride"):
        np.testing.assert_allclose(part["gamma"], part["gamma"].iloc[0], rtol=1e-6)
    own = table[table["schedule"] == "piecewise"].set_index(["stride", "horizon"])["improvement"]
    pd.testing.assert_series_equal(own, 100 * (1 - wide["piecewise"] / wide["sqrt"]), check_names=False)
    assert table.loc[table["schedule"] != "piecewise", "improvement"].isna().all()


def test_ratios_are_to_linear_decay(table: pd.DataFrame) -> None:
    wide = table.pivot_table(index=["stride", "horizon"], columns="schedule", values=["bound", "ratio"])
    np.testing.assert_allclose(wide["ratio", "linear"], 1)
    np.testing.assert_allclose(wide["ratio", "sqrt"], wide["bound", "sqrt"] / wide["bound", "linear"])


def test_both_laws_are_fitted_to_both_schedules() -> None:
    fits = lookahead_fits(lookahead([STRIDE], LAST))
    assert fits[["schedule", "law"]].apply(tuple, axis=1).tolist() == [
        ("sqrt", "power"), ("sqrt", "log"), ("piecewise", "power"), ("piecewise", "log"), ("piecewise", "rate"),
    ]  # fmt: skip
    ends = np.arange(26, 200, 25)
    made = pd.DataFrame({"stride": 25, "horizon": ends, "schedule": "sqrt", "ratio": 0.5 + 0.2 * np.log(ends)})
    law = lookahead_fits(made).set_index("law").loc["log"]
    assert law[["a", "b", "c"]].tolist() == pytest.approx([0.5, 0.2, 1], abs=1e-4)
    assert law["deviation"] == pytest.approx(fit_log(ends, made["ratio"].to_numpy()).deviation)


def test_the_shape_of_the_rate_is_fitted_over_the_later_half() -> None:
    ends = np.arange(26, 400, 25)
    rate = np.where(ends < 200, 1.0, 3 * ends**-0.4)
    made = pd.DataFrame({"stride": 25, "horizon": ends, "schedule": "piecewise", "ratio": 1.0, "rate": rate})
    shape = lookahead_fits(made).set_index("law").loc["rate"]
    assert shape[["a", "b", "c", "deviation"]].tolist() == pytest.approx([0, 3, -0.4, 0], abs=1e-9)
