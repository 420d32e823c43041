"""The slope is a moderately weighted average of the drawn optima, with the error that seed noise makes."""

from __future__ import annotations

import numpy as np
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.methods.slopes import BENT, between_points, findings
from decay_atlas.statistics.methods.smoothing import SmoothOptima, smooth_optima

LR, WD = np.geomspace(1e-4, 1e-2, 5), np.geomspace(1e-4, 10, 13)


def optima(log_wd: np.ndarray, covariance: np.ndarray, df: int = 100) -> SmoothOptima:
    """Optima as they would be found, within edges at ln λ = ∓9."""
    edge = np.full(len(log_wd), 9.0)
    places = np.linspace(-10, 10, 3)
    drawn, losses = np.tile(log_wd, (2, 1)), np.zeros((2, len(log_wd), 3))
    return SmoothOptima(log_wd, covariance, -edge, edge, 0.1, df, drawn, places, losses)


@pytest.fixture(scope="module")
def one():
    return landscapes(simulate(LR, WD, 5), "max")[0]


def test_equally_known_optima_make_a_line_of_least_squares(one) -> None:
    y = np.array([1.0, -0.5, 0.2, -2.0, -1.5])
    found = between_points(one, optima(y, 0.04 * np.eye(5)))
    x = np.log(LR)
    known, covariance = np.polyfit(x, y, 1), 0.04 / ((x - x.mean()) ** 2).sum()
    assert found.slope.value == pytest.approx(known[0])
    assert found.slope.se == pytest.approx(np.sqrt(covariance))
    assert (found.n_interior, found.n_censored) == (5, 0)


def test_poorly_known_optima_count_less_but_well_known_ones_do_not_outvote_the_rest(one) -> None:
    y, sd = np.array([2.0, 1.0, 0.0, -1.0, 3.0]), np.array([1e-3, 0.1, 0.1, 0.1, 1.5])
    found = between_points(one, optima(y, np.diag(sd**2)))
    known, covariance = np.polyfit(np.log(LR), y, 1, w=1 / np.hypot(sd, BENT), cov="unscaled")
    assert found.slope.value == pytest.approx(known[0])
    assert found.slope.se < np.sqrt(covariance[0, 0])  # BENT weighs, and is no error of the seeds


def test_optima_that_err_together_leave_the_slope_better_known(one) -> None:
    y = -np.log(LR)
    apart = between_points(one, optima(y - y.mean(), 0.04 * np.eye(5))).slope.se
    together = between_points(one, optima(y - y.mean(), 0.04 * (0.1 * np.eye(5) + 0.9))).slope.se
    assert together == pytest.approx(apart * np.sqrt(0.1))


def test_an_optimum_at_an_edge_is_counted_and_left_out(one) -> None:
    y = np.array([9.5, 1.0, 0.0, -1.0, -2.0])
    found = between_points(one, optima(y, 0.04 * np.eye(5)))
    assert (found.n_interior, found.n_censored) == (4, 1)
    assert found.slope.value == pytest.approx(np.polyfit(np.log(LR[1:]), y[1:], 1)[0])


def test_one_seed_has_slopes_without_errors_by_every_method() -> None:
    (single,) = landscapes(simulate(LR, WD, 1, seed_sd=0.05), "max")
    for found in findings(single):
        assert found.slope.value == pytest.approx(-1, abs=0.35)
        assert np.isnan(found.slope.interval()).all()
        assert np.isnan(found.slope.p(0.0))


def test_the_interval_holds_the_slope_that_made_the_runs() -> None:
    """12 studies: 95 % intervals miss more than three of them with probability 0.2 %."""
    held = []
    for seed in range(12):
        (study,) = landscapes(simulate(LR, WD, 3, law="decoupled", wd_best=0.03, no_decay=20.0, seed=seed), "max")
        low, high = between_points(study, smooth_optima(study)).slope.interval()
        held.append(low <= 0 <= high)
    assert sum(held) >= 9
