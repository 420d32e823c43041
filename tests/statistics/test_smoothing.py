import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.landscape import Landscape, landscapes
from decay_atlas.statistics.simulator import simulate
from decay_atlas.statistics.smoothing import smooth_optima

LR = np.geomspace(1e-4, 1e-2, 7)
WD = np.geomspace(1e-4, 10, 16)


def simulated(lr=LR, wd=WD, seeds=5, **settings) -> Landscape:
    defaults = {"wd_best": 0.043, "no_decay": 1000.0, "best": 5000.0}
    (one,) = landscapes(simulate(lr, wd, seeds, **{**defaults, **settings}), "max")
    return one


@pytest.mark.parametrize("curvature", [2.0, {"below": 1.0, "above": 2.0}])
def test_without_noise_the_optimum_between_grid_points_is_found_exactly(curvature):
    smooth = smooth_optima(simulated(seed_sd=1e-6, curvature=curvature))
    assert smooth.interior.all()
    assert np.exp(smooth.log_wd) == pytest.approx(0.043 * 1e-3 / LR, rel=1e-4)


def test_the_curvature_is_in_quality_per_squared_ln():
    smooth = smooth_optima(simulated(seed_sd=1e-6, curvature=2.0))
    assert smooth.curvature == pytest.approx(2.0 / np.log(10) ** 2, rel=1e-3)


def test_standard_errors_are_those_that_repetition_shows():
    z, together = [], []
    for seed in range(60):
        smooth = smooth_optima(simulated(seed_sd=0.5, curvature=1.0, seed=seed))
        miss = smooth.log_wd - np.log(0.043 * 1e-3 / LR)
        z += list(miss / np.sqrt(np.diag(smooth.covariance)))
        together.append(miss.mean() / np.sqrt(smooth.covariance.mean()))
    assert 0.85 < np.sqrt(np.mean(np.square(z))) < 1.15
    assert 0.75 < np.sqrt(np.mean(np.square(together))) < 1.25


def test_more_seeds_and_less_noise_locate_the_optimum_better():
    known = [np.trace(smooth_optima(simulated(seeds=n, seed_sd=0.3)).covariance) for n in (2, 8)]
    assert known[0] > 2 * known[1]


def test_a_flat_landscape_has_no_smooth_optimum():
    found = [smooth_optima(simulated(curvature=0.0, no_decay=0.0, seed=seed)) for seed in range(20)]
    assert sum(one is not None for one in found) <= 1


def test_optima_off_the_grid_are_censored_at_the_side_where_they_lie():
    smooth = smooth_optima(simulated(wd=np.geomspace(1e-2, 0.1, 8), law="product", seed_sd=0.05))
    assert smooth.above[0]
    assert smooth.below[-1]
    assert smooth.interior[3]


def test_a_plateau_below_does_not_pull_the_optimum():
    smooth = smooth_optima(simulated(seed_sd=0.2, no_decay=2.0))
    assert np.abs(smooth.log_wd - np.log(0.043 * 1e-3 / LR)).max() < 0.7
    assert not smooth.window.all()


def test_diverged_cells_take_no_part():
    smooth = smooth_optima(simulated(seed_sd=0.2, diverge={"product": 3e-3}))
    diverged = (LR[:, None] * WD) > 3e-3
    assert not (smooth.window & diverged).any()
    assert np.abs(smooth.log_wd - np.log(0.043 * 1e-3 / LR)).max() < 0.4


def test_zero_and_missing_cells_are_left_out():
    one = simulated(wd=[0, *WD], seed_sd=1e-6)
    one.quality[2, 5] = np.nan
    smooth = smooth_optima(one)
    assert np.exp(smooth.log_wd) == pytest.approx(0.043 * 1e-3 / LR, rel=1e-4)
    assert not smooth.window[:, 0].any()


def test_one_seed_gives_optima_without_errors():
    smooth = smooth_optima(simulated(seeds=1, seed_sd=0.05))
    assert smooth.interior.all()
    assert smooth.df == 0
    assert not smooth.covariance.any()


def test_two_weight_decays_are_too_few():
    assert smooth_optima(simulated(wd=[0, 0.1, 1])) is None


def test_valleys_that_have_no_shape_in_common_are_read_off_the_grid() -> None:
    """Walls and plains: each η's curve bends elsewhere, as in a ridge regression's losses."""
    lr, wd = np.geomspace(1e-4, 1e-1, 7), np.geomspace(1e-4, 1e2, 13)
    distance = np.log(wd)[None, :] - np.log(1e-3 / lr)[:, None]  # the product law, ηλ* = 0.001
    steep = np.geomspace(0.02, 5, 7)[:, None]
    quality = -np.where(distance > 0, steep * distance**2, 0.3 * np.abs(distance) ** 0.5)
    noise = 0.01 * np.random.default_rng(0).standard_normal((7, 13, 5))
    rows = [
        {"dataset": "d", "recipe": "r", "arch": "a", "lr": eta, "wd": decay, "seed": seed, "status": "ok",
         "value": quality[i, j] + noise[i, j, seed]}
        for i, eta in enumerate(lr) for j, decay in enumerate(wd) for seed in range(5)
    ]  # fmt: skip
    (landscape,) = landscapes(pd.DataFrame(rows), "max")
    found = smooth_optima(landscape)
    assert found is not None
    step = np.log(wd[1] / wd[0])
    np.testing.assert_array_less(np.abs(found.log_wd - np.log(1e-3 / lr)), step)
    spread = np.sqrt(np.diag(found.covariance))
    assert (spread >= step / np.sqrt(12) - 1e-9).all()  # anywhere within a step
    assert (spread < 1.5 * step).all()
