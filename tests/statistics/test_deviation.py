import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from decay_atlas.simulation.simulator import Truth, simulate
from decay_atlas.statistics.deviation import (
    COLUMNS,
    FIT_COLUMNS,
    cross_fitted_drops,
    deviation,
    expected_maximum,
    noise_floor,
)
from decay_atlas.statistics.methods.landscape import landscapes

LR = np.geomspace(1e-4, 1e-2, 5)
WD = np.geomspace(1e-7, 1e-1, 25)
KAPPAS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def runs(seeds=5, **settings) -> pd.DataFrame:
    return simulate(LR, WD, seeds, **{"law": "ratio", "wd_best": 1e-4, "no_decay": 50.0, **settings})


def at(table: pd.DataFrame, centre: str, kappa: float) -> pd.Series:
    return table[(table["centre"] == centre) & (table["kappa"] == kappa)].iloc[0]


def test_the_tables_begin_with_the_columns_of_the_contract():
    table, fit = deviation(runs(), "max")
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
    assert fit.columns[: len(FIT_COLUMNS)].tolist() == FIT_COLUMNS
    assert len(table) == 3 * len(KAPPAS)
    assert len(fit) == 3 * 3


@pytest.mark.parametrize("centre", ["ratio", "optimum"])
@pytest.mark.parametrize("kappa", KAPPAS)
def test_drops_without_noise_are_the_true_losses(centre, kappa):
    table, _ = deviation(runs(seed_sd=1e-9), "max")
    truth = Truth(law="ratio", wd_best=1e-4, no_decay=50.0)
    expected = truth.loss(1e-3, kappa * 1e-4)
    # Linear interpolation cuts the parabola by at most curvature · (step/2)².
    assert at(table, centre, kappa)["drop"] == pytest.approx(float(expected), abs=2 * 0.125**2 + 1e-6)


def test_a_loss_metric_has_the_drops_of_the_quality_it_mirrors():
    data = runs()
    mirrored, _ = deviation(data.assign(value=-data["value"]), "min")
    pd.testing.assert_frame_equal(mirrored, deviation(data, "max")[0])


def test_each_seed_is_scored_at_the_optimum_that_the_others_chose():
    (one,) = landscapes(runs(seed_sd=2.0), "max")
    drops = cross_fitted_drops(one, "optimum", np.array([1.0, 10**0.25]), 0.1)
    for s in range(5):
        for i in range(len(LR)):
            others = [k for k in range(5) if k != s]
            best = one.quality[i][:, others].mean(axis=1).argmax()
            if best + 1 < len(WD):
                expected = one.quality[i, best, s] - one.quality[i, best + 1, s]
                assert drops.from_optimum[s, i] == pytest.approx([0, expected])


def test_a_flat_landscape_shows_no_drop_where_the_naive_one_is_the_noise_floor():
    drops, naive, floors = [], [], []
    for seed in range(40):
        (one,) = landscapes(runs(curvature=0.0, no_decay=0.0, lr_curvature=0.0, seed_sd=0.3, seed=seed), "max")
        drops.append(np.nanmean(cross_fitted_drops(one, "ratio", np.array([2.0]), 0.1).from_optimum))
        naive.append((one.mean().max(axis=1) - one.mean().mean(axis=1)).mean())
        floors.append(noise_floor(one))
    assert np.mean(drops) == pytest.approx(0, abs=0.03)
    assert np.mean(naive) == pytest.approx(np.mean(floors), rel=0.05)


def test_the_noise_floor_of_the_published_grid_is_a_fifth_of_a_point():
    data = simulate(LR, [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3], 5, seed_sd=0.3)
    (one,) = landscapes(data, "max")
    assert noise_floor(one) == pytest.approx(0.19, abs=0.02)


def test_the_expected_maximum_is_known_for_small_samples():
    assert expected_maximum(2) == pytest.approx(1 / np.sqrt(np.pi))
    assert expected_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi))


def test_the_interval_and_p_are_those_of_a_t_test_over_seeds_and_architectures():
    data = runs(archs=["a", "b"])
    units = []
    for one in landscapes(data, "max"):
        units += np.nanmean(
            cross_fitted_drops(one, "ratio", np.array([5.0]), 0.1).from_optimum[..., 0], axis=1
        ).tolist()
    row, test = at(deviation(data, "max")[0], "ratio", 5), ttest_1samp(units, 0)
    assert row["n"] == 10
    assert row["p"] == pytest.approx(test.pvalue)
    assert tuple(row[["lo", "hi"]]) == pytest.approx(tuple(test.confidence_interval(0.95)))


def test_what_the_grid_does_not_reach_is_blank_with_the_reason():
    table, fit = deviation(simulate(LR, [0, 1e-3, 0.01, 0.1, 0.3], 3, law="ratio", wd_best=1e-4), "max")
    tenth = at(table, "ratio", 0.1)
    assert np.isnan(tenth["drop"])
    assert tenth["n"] == 0
    assert tenth["blank"] == "beyond the grid's weight decays at every lr"
    assert at(table, "ratio", 10)["reached"] == pytest.approx(3 / 5)
    assert at(table, "product", 1)["blank"] == "no λ* inside the grid gives an ηλ*"
    assert fit[fit["centre"] == "product"]["blank"].str.contains("fewer than 3").all()


def test_where_every_run_diverged_nothing_is_lost_and_nothing_reached():
    data = runs(3, diverge={"lr": 5e-3})
    for both, lived in zip(deviation(data, "max"), deviation(data[data["lr"] < 5e-3], "max"), strict=True):
        pd.testing.assert_frame_equal(both, lived)


def test_one_seed_leaves_none_to_choose_by():
    table, fit = deviation(runs(seeds=1), "max")
    assert table["drop"].isna().all()
    assert (table["blank"] == "one seed: none is left to choose the optimum").all()
    assert fit["gamma"].isna().all()


def test_asymmetry_is_found_and_fitted():
    table, fit = deviation(runs(curvature={"below": 1.0, "above": 3.0}, seed_sd=0.1), "max")
    row = at(table, "ratio", 10)
    assert row["asymmetry"] == pytest.approx(2, abs=0.2)
    assert row["asymmetry_lo"] < row["asymmetry"] < row["asymmetry_hi"]
    assert row["p_asymmetry"] < 0.001
    gamma = fit[fit["centre"] == "ratio"].set_index("side")["gamma"]
    per_ln = 1 / np.log(10) ** 2
    assert gamma["below"] == pytest.approx(per_ln, rel=0.25)
    assert gamma["above"] == pytest.approx(3 * per_ln, rel=0.25)


def test_sides_that_differ_have_no_fit_in_common():
    fits = deviation(runs(curvature={"below": 1.0, "above": 3.0}, seed_sd=0.1), "max")[1]
    both = fits[(fits["centre"] == "ratio") & (fits["side"] == "both")].iloc[0]
    assert both["blank"] == "the sides differ"
    assert np.isnan(both["delta"])
    alike = deviation(runs(seed_sd=0.1), "max")[1]
    assert (alike[alike["centre"] == "ratio"]["blank"] == "").all()


def test_drops_that_are_noise_have_no_tolerance_zone():
    """A few drops without any law are fitted well by chance now and then, but not as a rule."""
    flat = {"curvature": 0.0, "no_decay": 0.0, "lr_curvature": 0.0}
    fits = pd.concat(deviation(runs(**flat, seed_sd=1.0, seed=k), "max")[1] for k in range(10))
    both = fits[(fits["side"] == "both") & fits["r2"].notna()]
    assert (both["delta"].notna() == (both["r2"] >= 0.5)).all()
    assert both["delta"].isna().mean() > 0.7
    assert set(both.loc[both["delta"].isna(), "blank"]) == {"it explains less than 50% of the drops' variance"}


def test_under_the_product_law_its_centre_loses_nothing_and_the_ratio_much():
    data = simulate(LR, np.geomspace(1e-4, 10, 16), 5, law="product", wd_best=0.03, no_decay=20.0)
    table, _ = deviation(data, "max", rho_reference=30.0)
    assert abs(at(table, "product", 1)["drop"]) < 0.2
    assert at(table, "ratio", 1)["drop"] > 1
    assert at(table, "product", 1)["drop_centre"] == 0


def test_kappas_must_be_positive():
    with pytest.raises(ValueError, match="kappas and rho_reference"):
        deviation(runs(), "max", kappas=[0, 1])
