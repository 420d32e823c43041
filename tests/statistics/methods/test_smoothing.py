"""The optimum between grid points, and how well it is known, on valleys, cliffs and plateaus."""

from __future__ import annotations

import numpy as np
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.landscape import Landscape, landscapes
from decay_atlas.statistics.methods.smoothing import DRAWS, smooth_optima

LR = np.geomspace(1e-4, 1e-2, 7)
WD = np.geomspace(1e-4, 10, 16)
STEP = np.log(WD[1] / WD[0])
TRUE = np.log(0.043 * 1e-3 / LR)


def simulated(lr=LR, wd=WD, seeds=5, **settings) -> Landscape:
    defaults = {"wd_best": 0.043, "no_decay": 1000.0, "best": 5000.0}
    (one,) = landscapes(simulate(lr, wd, seeds, **{**defaults, **settings}), "max")
    return one


def made(quality: np.ndarray, noise: float = 0.1) -> Landscape:
    """A landscape of five seeds about `quality` (lr, wd)."""
    runs = quality[..., None] + noise * np.random.default_rng(0).normal(size=(*quality.shape, 5))
    return Landscape("d", "r", "a", LR[: len(runs)], WD, np.arange(5), runs, np.zeros(runs.shape, bool), "max")


@pytest.mark.parametrize("curvature", [2.0, {"below": 1.0, "above": 2.0}])
def test_without_noise_the_optimum_between_grid_points_is_found(curvature):
    """Within a tenth of the grid's step, though no shape is assumed; of unlike sides the kink is rounded."""
    smooth = smooth_optima(simulated(seed_sd=1e-6, curvature=curvature))
    assert smooth.interior.all()
    assert smooth.log_wd == pytest.approx(TRUE, abs=0.1 * STEP if curvature == 2.0 else 0.25 * STEP)


def test_standard_errors_are_those_that_repetition_shows():
    z = []
    for seed in range(12):
        smooth = smooth_optima(simulated(lr=LR[::2], seed_sd=0.5, curvature=1.0, seed=seed))
        z += list(((smooth.log_wd - TRUE[::2]) / np.sqrt(np.diag(smooth.covariance)))[smooth.interior])
    assert len(z) > 40
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.3


def test_more_seeds_locate_the_optimum_better():
    known = [np.nanmean(np.diag(smooth_optima(simulated(seeds=n, seed_sd=0.5)).covariance)) for n in (2, 10)]
    assert known[0] > 1.5 * known[1]


def test_the_foot_of_a_cliff_is_the_optimum_where_all_is_flat_or_rising_before_it():
    """Quality rises slowly to the 9th cell, and from the 10th on is lost: no parabola would find it."""
    smooth = smooth_optima(made(np.tile(np.where(np.arange(16) < 9, 0.5 * np.arange(16), -30.0), (5, 1))))
    assert smooth.interior.all()
    assert (np.abs(smooth.log_wd - np.log(WD[8])) < STEP).all()
    assert (smooth.drawn < np.log(WD[9]) - 1e-9).all()


def test_a_flat_landscape_has_no_optimum():
    """Where anything may be best, the optimum is not known to better than several cells."""
    for seed in range(3):
        smooth = smooth_optima(simulated(lr=LR[::2], curvature=0.0, no_decay=0.0, seed=seed))
        assert smooth is None or np.nanmedian(np.ptp(smooth.drawn, axis=0)) > 8 * STEP


def test_optima_off_the_grid_are_censored_at_the_side_where_they_lie():
    smooth = smooth_optima(simulated(wd=np.geomspace(1e-2, 0.1, 8), law="product", seed_sd=0.05))
    assert smooth.above[0]
    assert smooth.below[-1]
    assert smooth.interior[3]


def test_a_plateau_below_does_not_pull_the_optimum():
    smooth = smooth_optima(simulated(seed_sd=0.2, no_decay=2.0))
    assert np.abs(smooth.log_wd - TRUE).max() < STEP


def test_zero_takes_no_part_and_a_missing_cell_is_bridged():
    with_zero, without = (smooth_optima(simulated(wd=wd, seed_sd=0.2)) for wd in ([0, *WD], WD))
    np.testing.assert_allclose(with_zero.log_wd, without.log_wd, atol=0.5 * STEP)
    assert with_zero.places[0] > np.log(WD[0]) - 1e-9
    one = simulated(seed_sd=1e-6)
    one.quality[2, 7] = np.nan
    assert smooth_optima(one).log_wd == pytest.approx(TRUE, abs=0.3 * STEP)


def test_a_learning_rate_at_which_all_diverged_has_no_optimum_and_leaves_the_others_theirs():
    one = simulated(seed_sd=0.2)
    one.diverged[-1] = True
    smooth = smooth_optima(one)
    assert np.isnan(smooth.log_wd[-1])
    assert np.isnan(smooth.drawn[:, -1]).all()
    assert np.abs(smooth.log_wd[:-1] - TRUE[:-1]).max() < STEP


def test_what_drawn_functions_lose_is_in_the_metrics_unit():
    """Without noise a parabola of 2 a squared decade loses 0.5 half a decade away; the window ends soon beyond."""
    smooth = smooth_optima(simulated(seed_sd=1e-6, curvature=2.0))
    expected = smooth.losses[:, 3].mean(axis=0)
    for side in (-np.log(10) / 2, np.log(10) / 2):
        assert np.interp(TRUE[3] + side, smooth.places, expected) == pytest.approx(0.5, rel=0.1)
    assert np.isnan(expected[0])
    assert np.nanmin(smooth.losses, axis=2) == pytest.approx(0)


def test_between_the_learning_rates_the_optimum_lies_between_theirs():
    asked = np.sqrt(LR[:-1] * LR[1:])
    smooth = smooth_optima(simulated(seed_sd=0.2), between=asked)
    assert smooth.drawn.shape == (DRAWS, 13)
    found = np.median(smooth.drawn[:, 7:], axis=0)
    assert np.abs(found - np.log(0.043 * 1e-3 / asked)).max() < STEP
    assert smooth.log_wd.shape == (7,)


def test_one_seed_gives_optima_without_errors():
    smooth = smooth_optima(simulated(seeds=1, seed_sd=0.05))
    assert smooth.interior.all()
    assert smooth.df == 0
    assert np.isnan(smooth.noise).all()
    assert np.isnan(smooth.usual_noise)
    assert not smooth.covariance.any()


def test_two_weight_decays_are_too_few():
    assert smooth_optima(simulated(wd=[0, 0.1, 1])) is None


def test_valleys_that_have_no_shape_in_common_are_located():
    """Walls and plains: each η's curve bends elsewhere, as in a ridge regression's losses."""
    distance = np.log(WD)[None, :] - TRUE[:, None]
    steep = np.geomspace(0.02, 5, 7)[:, None]
    quality = -np.where(distance > 0, steep * distance**2, 0.3 * np.abs(distance) ** 0.5)
    found = smooth_optima(made(quality, noise=0.01))
    assert np.abs(found.log_wd - TRUE).max() < STEP
