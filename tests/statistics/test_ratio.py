from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, t
from statsmodels.api import OLS
from statsmodels.stats.multitest import multipletests

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.estimates import Estimate
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.methods.resampling import weighted_quantile, weighted_sd
from decay_atlas.statistics.ratio import COLUMNS, bootstrap_rho, ratio

LR = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
WD = np.geomspace(1e-6, 1e-1, 11)


def runs(seeds=5, **settings) -> pd.DataFrame:
    return simulate(LR, WD, seeds, **{"law": "ratio", "wd_best": 1e-4, "seed_sd": 0.6, **settings})


def optima_by_hand(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    means = data.pivot_table(index="lr", columns="wd", values="value", aggfunc="mean")
    return means.index.to_numpy(), means.idxmax(axis=1).to_numpy()


def rho_by_hand(data: pd.DataFrame) -> float:
    lr, best = optima_by_hand(data)
    return (lr * best).sum() / (lr**2).sum()


def test_the_table_begins_with_the_columns_of_the_contract():
    assert ratio(runs(), "max").columns[: len(COLUMNS)].tolist() == COLUMNS


def test_the_fits_are_those_of_scipy_and_statsmodels():
    data = runs()
    row = ratio(data, "max").iloc[0]
    lr, best = optima_by_hand(data)
    origin, line = OLS(best, lr).fit(), linregress(lr, best)
    assert row["rho"] == pytest.approx(origin.params[0]) == pytest.approx(rho_by_hand(data))
    assert row["r2_uncentred"] == pytest.approx(origin.rsquared)
    assert row["r2_centred"] == pytest.approx(1 - origin.ssr / ((best - best.mean()) ** 2).sum())
    assert row["intercept"] == pytest.approx(line.intercept)
    assert row["intercept_p"] == pytest.approx(2 * t.sf(abs(line.intercept / line.intercept_stderr), 4))
    assert row["intercept_df"] == 4
    assert row["leverage"] == pytest.approx(0.908, abs=5e-4)


def test_the_calibrated_interval_stays_where_runs_were_good():
    """On a plateau that ends in a cliff, a parabola puts the optimum too low, with bars too wide."""
    rng = np.random.default_rng(0)
    data = runs(seeds=3)
    decades = np.log10(data["wd"] / data["lr"]) + 1
    data["value"] = 90 + 0.3 * np.minimum(decades, 0) - 30 * np.maximum(decades, 0) + rng.normal(0, 0.3, len(data))
    row = ratio(data, "max").iloc[0]
    good = data.groupby(["lr", "wd"])["value"].mean().reset_index().query("value > 88 and lr == lr.max()")
    step = WD[1] / WD[0]
    assert np.isfinite(row["rho_smooth"])
    assert (
        good["wd"].min() / step < row["rho_lo_cal"] * LR[-1] < row["rho_hi_cal"] * LR[-1] < good["wd"].max() * step**2
    )


def test_a_curve_that_puts_the_optimum_far_from_any_good_run_gives_no_ratio(monkeypatch):
    data = runs()
    smooth = ratio(data, "max").iloc[0]
    assert smooth["rho_smooth"] == pytest.approx(0.1, rel=0.3)
    off = Estimate(np.log(30 * smooth["rho_smooth"]), 0.1, 50)
    monkeypatch.setattr("decay_atlas.statistics.ratio.log_ratio", lambda *_: off)
    assert ratio(data, "max")[["rho_smooth", "rho_lo_cal", "rho_hi_cal"]].isna().all(axis=None)


def test_the_exact_bootstrap_is_all_27_ordered_draws_of_three_seeds():
    data = runs(seeds=3, seed_sd=2.0)
    by_hand = []
    for draw in product(range(3), repeat=3):
        parts = [data[data["seed"] == s].assign(seed=k) for k, s in enumerate(draw)]
        by_hand.append(rho_by_hand(pd.concat(parts)))
    row = ratio(data, "max").iloc[0]
    q = np.quantile(by_hand, [0.025, 0.975], method="inverted_cdf")
    assert row[["rho_lo", "rho_hi"]].astype(float).tolist() == pytest.approx(q.tolist())
    assert row["se"] == pytest.approx(np.std(by_hand))


def test_ten_seeds_are_drawn_and_agree_with_what_many_draws_give():
    (one,) = landscapes(runs(seeds=10, seed_sd=2.0), "max")
    few, many = (bootstrap_rho(one, resamples=n, seed=n) for n in (2_000, 20_000))
    assert weighted_sd(*few) == pytest.approx(weighted_sd(*many), rel=0.1)
    assert weighted_quantile(*few, np.array([0.5])) == pytest.approx(weighted_quantile(*many, np.array([0.5])), rel=0.1)


def test_the_reference_is_tested_by_t_and_corrected_by_holm_over_the_table():
    data = runs(archs=["a", "b", "c"], seed_sd=1.5, offsets={"b": {"wd": 1.0}})
    table = ratio(data, "max", rho_reference=0.2)
    expected = 2 * t.sf(np.abs((table["rho"] - 0.2) / table["se"]), 4)
    assert table["p_reference"].to_numpy() == pytest.approx(expected)
    assert (table["df"] == 4).all()
    assert table["p_holm"].to_numpy() == pytest.approx(multipletests(expected, method="holm")[1])


def test_calibrated_intervals_cover_where_percentiles_do_not():
    data = runs(archs=[f"a{k}" for k in range(60)], offsets={f"a{k}": {"wd": k / 120} for k in range(60)})
    table = ratio(data, "max")
    truth = 0.1 * 10 ** (np.arange(60) / 120)
    calibrated = (table["rho_lo_cal"] < truth) & (truth < table["rho_hi_cal"])
    published = (table["rho_lo"] < truth) & (truth < table["rho_hi"])
    assert calibrated.mean() > 0.88
    assert published.mean() < calibrated.mean()


def test_edges_are_counted_and_leave_no_calibrated_interval():
    row = ratio(simulate(LR, [0, 1e-3, 0.01, 0.1], law="ratio", wd_best=1e-4), "max").iloc[0]
    assert row["n_edge"] == row["n_lr"] == 6
    assert np.isnan(row["rho_lo_cal"])


def test_where_every_run_diverged_is_no_part_of_the_ratio():
    """Their optimum would be the smallest λ, and ρ goes by the largest η."""
    data = runs(seeds=3, diverge={"lr": 5e-3})
    both, lived = ratio(data, "max"), ratio(data[data["lr"] < 5e-3], "max")
    fitted = [name for name in COLUMNS if "_cal" not in name]  # which the noise of all runs goes into
    pd.testing.assert_frame_equal(both[fitted], lived[fitted])
    assert both.loc[0, "n_lr"] == len(LR) - 1
    one_lives = (data["lr"] > 5e-3) & (data["seed"] == 0)
    rescued = data.assign(
        status=data["status"].mask(one_lives, "ok"), value=data["value"].mask(one_lives, 50 + data["wd"])
    )
    values, _ = bootstrap_rho(landscapes(rescued, "max")[0])
    lives = data[(data["lr"] < 5e-3) & (data["seed"] == 2)]
    assert values[-1] == pytest.approx(rho_by_hand(lives)), "of seed 2 alone nothing is left there"


def test_a_standard_error_of_zero_tests_nothing():
    row = ratio(runs(seed_sd=1e-9), "max").iloc[0]
    assert row["se"] == pytest.approx(0, abs=1e-15)
    assert np.isnan(row["p_reference"])
    assert "no resample moves" in row["note"]


def test_one_seed_has_no_bootstrap_one_lr_no_line_and_two_weight_decays_no_optimum():
    one_seed = ratio(runs(seeds=1), "max").iloc[0]
    assert one_seed["note"] == "one seed: no bootstrap"
    assert np.isnan([one_seed["rho_lo"], one_seed["rho_lo_cal"], one_seed["p_holm"]]).all()
    one_lr = ratio(runs()[lambda data: data["lr"] == 1e-3], "max").iloc[0]
    assert one_lr["rho"] > 0
    assert np.isnan(one_lr["intercept"])
    few = ratio(runs()[lambda data: data["wd"] < 5e-6], "max").iloc[0]
    assert np.isnan(few["rho"])
    assert few["n_lr"] == 0


def test_a_reference_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="rho_reference"):
        ratio(runs(), "max", rho_reference=0)
