"""What to set: a decision of least expected loss, its band, the side to err to, and silence where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.simulation.truth import Truth
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.recommendation import (
    COLUMNS,
    CURVE_COLUMNS,
    Advisor,
    advisor,
    recommend,
    recommendation,
    recommendation_curve,
)

LR = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
WD = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]


def advised(runs: pd.DataFrame, between: tuple = (), tolerance: float | None = None) -> Advisor:
    (landscape,) = landscapes(runs, "max")
    return advisor(landscape, tolerance=tolerance, between=between)


@pytest.fixture(scope="module")
def product() -> Advisor:
    """Five seeds of the product law, λ* = 0.1 at η = 0.001, asked about η = 0.002 too."""
    return advised(simulate(LR, WD, 5, law="product"), (2e-3,))


@pytest.mark.parametrize("lr", LR)
def test_the_true_optimum_lies_in_the_interval_and_near_what_is_set(product: Advisor, lr: float) -> None:
    row = recommend(product, lr)
    true = 1e-4 / lr
    assert row["law"] in ("grid", "measured")
    assert row["wd_lo"] < true < row["wd_hi"]
    assert abs(np.log(row["wd"] / true)) < np.log(3)
    assert row["loss"] == pytest.approx(0, abs=0.6)


def test_what_is_set_has_the_least_expected_loss_and_the_band_is_what_is_tolerable(product: Advisor) -> None:
    smooth, places = product.smooth, np.exp(product.smooth.places)
    for i, lr in enumerate([*LR, 2e-3]):
        row = recommend(product, lr)
        expected = smooth.losses[:, i].mean(axis=0)
        mine = np.interp(np.log(row["wd"]), smooth.places, expected)
        if row["law"] == "measured":
            assert mine == pytest.approx(np.nanmin(expected))
        else:
            assert row["law"] == "grid"
            assert mine <= np.nanmin(expected) + smooth.noise[i]
        inside = (places >= row["band_lo"] * (1 - 1e-9)) & (places <= row["band_hi"] * (1 + 1e-9))
        assert row["band_lo"] <= row["wd"] <= row["band_hi"]
        assert (expected[inside] <= max(row["tolerance"], mine) + 1e-9).all()
        beside = np.flatnonzero(inside)[[0, -1]] + [-1, 1]
        assert not (expected[beside] <= row["tolerance"]).any()


def test_the_ends_of_the_band_lose_what_the_landscape_has_there(product: Advisor) -> None:
    row = recommend(product, 1e-3)
    truth = Truth(law="product")
    best = float(truth.loss(1e-3, 0.1))
    for end in ("lo", "hi"):
        known = float(truth.loss(1e-3, row[f"band_{end}"])) - best
        assert row[f"band_{end}_loss"] == pytest.approx(known, abs=0.5)


def test_intervals_and_bands_hold_the_true_optimum_as_often_as_they_say() -> None:
    """24 rows: 95 % intervals miss more than five of them with probability 0.1 %."""
    held = []
    for seed in range(8):
        table = recommendation(simulate(LR[::2], WD, 3, law="product", seed=seed, seed_sd=0.5), "max")
        true = 1e-4 / table["lr"]
        held += list((table["wd_lo"] < true) & (true < table["wd_hi"]) & (table["band_lo"] <= true))
    assert np.sum(held) >= 19


def test_between_the_measured_rates_the_curves_decide_and_no_loss_is_measured(product: Advisor) -> None:
    row = recommend(product, 2e-3)
    assert row["law"] == "measured"
    assert row["wd_lo"] < 0.05 < row["wd_hi"]
    assert "loss" not in row
    assert "not trained" in row["note"]
    assert not row["extrapolated"]


def test_a_rate_in_between_that_was_not_asked_about_is_refused(product: Advisor) -> None:
    with pytest.raises(ValueError, match=r"not asked about the learning rate 0\.005"):
        recommend(product, 5e-3)


@pytest.mark.parametrize("lr", [0.0, -1.0, np.nan])
def test_a_rate_that_is_none_is_refused(product: Advisor, lr: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        recommend(product, lr)


def test_beyond_the_measured_rates_a_law_reaches_one_decade_and_says_so(product: Advisor) -> None:
    near, far = recommend(product, 3e-5), recommend(product, 5e-6)
    assert near["extrapolated"]
    assert near["law"] == "product"
    assert near["wd_lo"] < 0.1 / 0.03 < near["wd_hi"]
    assert "not trained" in near["note"]
    assert "wd" not in far
    assert "more than 10× beyond" in far["note"]


def test_a_slope_that_is_no_laws_is_followed_as_fitted() -> None:
    row = recommend(advised(simulate(LR, WD, 5, law=-0.5, seed_sd=0.1)), 3e-5)
    assert row["law"] == "fitted"
    assert row["slope"] == pytest.approx(-0.5, abs=0.15)
    assert row["wd"] == pytest.approx(0.1 / 0.03**0.5, rel=0.5)


@pytest.mark.parametrize("seeds", [1, 3])
def test_two_weight_decays_make_no_curve_but_have_a_better_one(seeds: int) -> None:
    (row,) = recommendation(simulate([1e-3], [0.0, 0.1, 10.0], seeds, seed_sd=0.1), "max").to_dict("records")
    assert (row["wd"], row["law"]) == (0.1, "grid")
    assert "no curve shows" in row["note"]
    assert np.isnan(row["band_lo"])
    assert np.isfinite(row["loss"]) == (seeds > 1)


def test_without_a_law_nothing_is_known_beyond() -> None:
    one = advised(simulate([1e-3, 1e-2], WD, 5))
    assert recommend(one, 2e-2)["note"].startswith("no law is established")
    assert "wd" in recommend(one, 1e-2)


def test_below_a_cliff_one_errs_low_and_the_band_ends_before_it() -> None:
    """The decoupled law with λ* = 0.1, but at η = 0.001 every λ from there on is much worse than those below."""
    runs = simulate(LR, WD, 5, law="decoupled")
    runs.loc[(runs["lr"] == 1e-3) & (runs["wd"] >= 0.1), "value"] -= 20
    table = recommendation(runs, "max").set_index("lr")
    row = table.loc[1e-3]
    assert row["wd"] < 0.1
    assert row["band_hi"] < 0.1
    assert (table["loss"] < 1.0).all()
    (alone,) = recommendation(runs[runs["lr"] == 1e-3], "max").to_dict("records")
    assert alone["wd"] == 0.03
    assert alone["err"] == "low"


def test_above_a_cliff_one_errs_high() -> None:
    runs = simulate([1e-3], WD, 5)
    runs.loc[runs["wd"] <= 0.1, "value"] -= 20
    (row,) = recommendation(runs, "max").to_dict("records")
    assert row["err"] == "high"
    assert row["band_lo"] > 0.1


def test_a_valley_of_like_sides_has_no_side_to_err_to(product: Advisor) -> None:
    assert [recommend(product, lr)["err"] for lr in LR] == [""] * 5


def test_a_larger_tolerance_makes_a_wider_band() -> None:
    runs = simulate([1e-3], WD, 5)
    bands = [recommend(advised(runs, tolerance=tolerance), 1e-3) for tolerance in (0.5, 2.0)]
    assert bands[0]["band_lo"] > bands[1]["band_lo"]
    assert bands[0]["band_hi"] < bands[1]["band_hi"]
    assert [one["tolerance"] for one in bands] == [0.5, 2.0]


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"statistics\.tolerance must be greater than 0"):
        advised(simulate([1e-3], WD, 2), tolerance=tolerance)


@pytest.mark.parametrize(("seen", "silent"), [("last", (3e-3, np.inf)), ("middle", (3e-4, 3e-3))])
def test_where_every_run_diverged_and_up_to_its_neighbours_nothing_is_recommended(seen: str, silent: tuple) -> None:
    dead = {"last": 1e-2, "middle": 1e-3}[seen]
    runs = simulate(LR, WD, 5, law="product", seed_sd=0.1)
    runs.loc[runs["lr"] == dead, ["status", "value"]] = ["diverged", 1.0]
    table = recommendation(runs, "max").set_index("lr")
    assert table.index[table["wd"].isna()].tolist() == [dead]
    assert table.loc[dead, ["law", "loss"]].isna().all()
    assert table.loc[dead, "note"] == "every run diverged at this learning rate"
    curve = recommendation_curve(runs, "max")
    within = (curve["lr"] > silent[0]) & (curve["lr"] < silent[1])
    assert within.any()
    assert (curve["wd"].isna() == within).all()
    assert curve.loc[within, "note"].str.contains(f"every run diverged at .* {dead:g}").all()


def test_one_run_that_did_not_diverge_is_something_to_go_by() -> None:
    runs = simulate(LR, WD, 5, law="product")
    runs.loc[(runs["lr"] == 1e-2) & ~((runs["wd"] == 1e-3) & (runs["seed"] == 0)), "status"] = "diverged"
    assert recommendation(runs, "max")["wd"].notna().all()


def test_one_seed_gives_the_best_cell_without_interval_or_band() -> None:
    runs = simulate(LR, WD, 1, law="product")
    table = recommendation(runs, "max")
    best = runs.loc[runs.groupby("lr")["value"].idxmax()]
    assert table["wd"].tolist() == best["wd"].tolist()
    assert (table["law"] == "grid").all()
    assert table[["wd_lo", "wd_hi", "loss", "band_lo", "band_hi", "err", "tolerance"]].isna().all(axis=None)
    assert table["note"].str.contains("one seed").all()


def test_an_optimum_at_the_edge_is_given_with_a_warning() -> None:
    """The published grid under the published law: the best λ of every η is its smallest, or 0."""
    lr = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    wd = [0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]
    table = recommendation(simulate(lr, wd, 5, law="ratio", wd_best=1e-5, seed_sd=0.1), "max")
    assert (table["wd"] < 0.005).all()
    assert table["note"].str.contains("lies at its lower edge, a better one may lie beyond").all()


def test_no_weight_decay_at_all_may_be_the_best() -> None:
    runs = simulate([1e-3], [0.0, *WD], 5)
    runs.loc[runs["wd"] == 0, "value"] += 20
    (row,) = recommendation(runs, "max").to_dict("records")
    assert (row["wd"], row["law"]) == (0.0, "grid")
    assert row["loss"] == pytest.approx(0)
    assert pd.isna(row["wd_lo"])
    assert pd.isna(row["band_lo"])


def test_the_curve_has_a_point_between_any_two_rates_and_what_the_table_has() -> None:
    curve = recommendation_curve(simulate([*LR, 1.05e-2], WD, 3), "max")
    assert curve.columns.tolist() == CURVE_COLUMNS
    assert ((curve["lr"] > 1e-2) & (curve["lr"] < 1.05e-2)).any()
    between = curve[~curve["extrapolated"].astype(bool)]
    assert (between["band_lo"] <= between["wd"]).all()


def test_every_combination_and_rate_has_a_row() -> None:
    runs = pd.concat([simulate(LR, WD, 3, archs=["a", "b"]), simulate(LR, WD, 3, dataset="other")])
    table = recommendation(runs, "max")
    assert len(table) == 15
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
