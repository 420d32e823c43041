import numpy as np
import pytest
from scipy.stats import t

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.methods.selection import (
    argmax_wd,
    best_critical,
    parametric_bootstrap,
    seed_noise,
    within_noise_of_best,
)

WD = np.array([0, 0.01, 0.1, 1, 10])


@pytest.mark.parametrize(
    ("means", "wd", "edge", "tied"),
    [
        ([1, 2, 5, 4, 3], 0.1, "none", False),
        ([5, 2, 1, 1, 1], 0, "lower", False),
        ([4, 5, 1, 1, 1], 0.01, "lower", False),  # 0 is its neighbour: the bracket is open below
        ([1, 2, 3, 4, 5], 10, "upper", False),
        ([1, 5, 5, 5, 1], 0.01, "lower", True),  # of ties the smallest
        ([1, 2, 3, 5, np.nan], 1, "upper", False),  # the last that this lr has
        ([1, np.nan, 5, 4, 3], 0.1, "lower", False),
        ([1, 2, 3, 3 + 1e-12, 1], 0.1, "none", True),
    ],
)
def test_the_best_weight_decay_with_its_edge_and_ties(means, wd, edge, tied):
    choice = argmax_wd(np.array([means]), WD, np.array([True]))
    assert choice.wd(WD)[0] == wd
    assert (choice.lower[0], choice.upper[0]) == (edge == "lower", edge == "upper")
    assert choice.interior[0] == (edge == "none")
    assert choice.tied[0] == tied


def test_an_lr_that_is_not_searchable_has_no_optimum():
    choice = argmax_wd(np.array([[1, 2, np.nan, np.nan, np.nan]]), WD, np.array([False]))
    assert np.isnan(choice.wd(WD)).all()
    assert not choice.interior.any()


def test_seed_noise_is_found_and_a_seed_that_shifts_all_cells_is_not_noise():
    (one,) = landscapes(simulate(np.geomspace(1e-4, 1e-2, 10), np.geomspace(1e-3, 1, 20), 5, seed_sd=0.4), "max")
    everywhere = np.ones((10, 20), bool)
    noise, df = seed_noise(one, everywhere)
    assert df == 10 * 20 * 4 - 4
    assert noise == pytest.approx(0.4, rel=0.1)
    one.quality[...] += np.array([0, 3, -2, 5, 1])
    assert seed_noise(one, everywhere) == (pytest.approx(noise), df)


@pytest.mark.parametrize("settings", [{"seeds": 1}, {"seeds": 3, "seed_sd": 0.0}])
def test_one_seed_and_seeds_that_agree_tell_no_noise(settings):
    (one,) = landscapes(simulate([0.1, 0.2], [0.1, 1, 10], **settings), "max")
    noise, df = seed_noise(one, np.ones((2, 3), bool))
    assert np.isnan(noise)
    assert df == 0


def test_the_critical_value_for_one_rival_is_students():
    assert best_critical(1, 12) == pytest.approx(t.ppf(0.95, 12), abs=5e-3)


def test_the_critical_value_for_many_rivals_is_that_of_simulation():
    rng = np.random.default_rng(0)
    means, scale = rng.normal(size=(200_000, 8)), np.sqrt(rng.chisquare(32, 200_000) / 32)
    largest = (means[:, 1:].max(axis=1) - means[:, 0]) / scale / np.sqrt(2)
    assert best_critical(7, 32) == pytest.approx(np.quantile(largest, 0.95), abs=0.02)


def test_the_set_of_rivals_holds_the_true_best_as_often_as_it_says():
    lr, wd = np.geomspace(1e-4, 1e-1, 400), np.geomspace(0.01, 1, 5)
    runs = simulate(lr, wd, 4, law="decoupled", wd_best=0.1, curvature=0.3, lr_curvature=0, seed_sd=0.5)
    (one,) = landscapes(runs, "max")
    noise, df = seed_noise(one, one.none_diverged())
    rivals = within_noise_of_best(one, one.mean(), noise, df)
    assert rivals[:, 2].mean() > 0.93
    assert rivals.sum(axis=1).mean() < 5


def test_redrawn_optima_stay_within_the_cell_without_noise_and_move_with_it():
    runs = simulate([1e-3], np.geomspace(0.001, 10, 9), 3, seed_sd=0.0)
    (one,) = landscapes(runs, "max")
    still = parametric_bootstrap(one, one.mean(), np.array([True]), float("nan"), 500, seed=0)
    half = np.log(10) / 4
    assert np.abs(still - np.log(0.1)).max() <= half + 1e-9
    assert np.ptp(still) > 1.8 * half
    assert np.abs(parametric_bootstrap(one, one.mean(), np.array([True]), 1.0, 500, 0) - np.log(0.1)).max() > half
