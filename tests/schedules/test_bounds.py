"""Bounds held to the sums as they are written, to closed forms, and to runs that they must not undercut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma

from decay_atlas.schedules.bounds import (
    Bound,
    bound,
    horizons,
    linear_schedule,
    orabona_bound,
    piecewise_factors,
    piecewise_schedule,
    shamir_zhang_bound,
    sqrt_schedule,
)


def harmonic(n: int) -> float:
    return float(np.sum(1 / np.arange(1, n + 1)))


def brute_force(eta: list[float], gamma: float, distance: float, gradient: float) -> float:
    """The bound as it is written, term by term."""
    total, steps = sum(eta), len(eta)
    result = (distance**2 + gamma**2 * sum((rate * gradient) ** 2 for rate in eta)) / (2 * gamma * total)
    for k in range(steps - 1):
        later = sum(eta[k + 1 :])
        result += gamma / 2 * eta[k] / later * sum((rate * gradient) ** 2 for rate in eta[k:]) / sum(eta[k:])
    return result


@given(
    eta=st.lists(st.floats(0.01, 10), min_size=1, max_size=12),
    gamma=st.floats(0.01, 10),
    distance=st.floats(0.1, 10),
    gradient=st.floats(0.1, 10),
)
def test_the_bound_is_the_double_sum(eta: list[float], gamma: float, distance: float, gradient: float) -> None:
    found = bound(np.array(eta), distance, gradient).at(gamma)
    assert found == pytest.approx(brute_force(eta, gamma, distance, gradient), rel=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_a_constant_schedule_pays_with_a_harmonic_number(steps: int) -> None:
    found = bound(np.ones(steps), distance=3.0, gradient=2.0)
    assert found.start == pytest.approx(9 / (2 * steps))
    assert found.noise == pytest.approx(4 * (1 + harmonic(steps - 1)) / 2)


@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_linear_decay_is_of_order_one_over_the_root(steps: int) -> None:
    found = bound(linear_schedule(steps))
    assert found.start == pytest.approx(1 / (steps + 1))
    assert found.noise == pytest.approx(
        (2 * steps + 1) / (6 * steps) + (2 * (steps - 1) + 3 * harmonic(steps - 1)) / (3 * steps)
    )
    if steps == 1000:
        assert found.least * np.sqrt(steps) == pytest.approx(2, rel=0.01)


@given(scale=st.floats(0.01, 100), gamma=st.floats(0.1, 10))
def test_only_the_product_of_base_rate_and_schedule_counts(scale: float, gamma: float) -> None:
    eta = sqrt_schedule(20)
    assert bound(eta * scale).at(gamma) == pytest.approx(bound(eta).at(gamma * scale))


def test_the_best_base_rate_is_the_best() -> None:
    found = bound(sqrt_schedule(50), distance=2.0, gradient=0.5)
    assert found.at(found.gamma) == pytest.approx(found.least)
    for other in (0.5, 0.99, 1.01, 2):
        assert found.at(found.gamma * other) > found.least
    assert found.least == pytest.approx(2 * 0.5 * bound(sqrt_schedule(50)).least)


@pytest.mark.parametrize("eta", [[], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [[1.0]]])
def test_what_is_no_schedule_is_refused(eta: list[float]) -> None:
    with pytest.raises(ValueError, match="rates greater than 0; let one that falls to 0 end a step before it"):
        bound(np.array(eta))
    with pytest.raises(ValueError, match="gamma must be greater than 0"):
        Bound(1.0, 1.0).at(0)


def by_stages(factors: list[float], lengths: list[int]) -> tuple[float, float]:
    """The bound's two parts for constant stages, each summed exactly by partial fractions and digammas."""
    later = rest = squares = 0.0
    for c, n in reversed(list(zip(factors, lengths, strict=True))):
        r, q, first = rest / c, squares / c**2, 2 if rest == 0 else 1  # the very last step has no steps after it
        steps = digamma(n + r) - digamma(first - 1 + r), digamma(n + 1 + r) - digamma(first + r)
        later += c * ((1 - r + q) * steps[0] + (r - q) * steps[1])
        rest, squares = rest + c * n, squares + c**2 * n
    return 1 / (2 * rest), (squares / rest + later) / 2


def test_constant_stages_have_a_closed_form() -> None:
    factors, lengths = [1.0, 0.5, 2.0, 0.1], [7, 1, 30, 5]
    found = bound(np.repeat(factors, lengths))
    assert (found.start, found.noise) == pytest.approx(by_stages(factors, lengths), rel=1e-12)


# The look-ahead schedule

ENDS = horizons(20, 401)


def test_one_base_rate_is_the_best_at_every_horizon() -> None:
    eta = piecewise_schedule(ENDS, piecewise_factors(ENDS))
    assert len(eta) == ENDS[-1] == 401
    gammas = [bound(eta[:end]).gamma for end in ENDS]
    assert gammas == pytest.approx([bound(np.ones(21)).gamma] * len(ENDS), rel=1e-9)


def test_its_factors_fall_as_one_over_the_root() -> None:
    factors = piecewise_factors(horizons(20, 10_001))
    assert factors[0] == 1
    assert np.all(np.diff(factors) < 0)
    half, last = len(factors) // 2, len(factors) - 1
    assert np.log(factors[last] / factors[half]) / np.log(2) == pytest.approx(-0.5, abs=0.06)


def test_of_the_two_factors_that_keep_the_rate_it_takes_the_larger() -> None:
    eta, factor = np.ones(21), piecewise_factors(ENDS)[1]
    target = bound(eta).gamma

    def gamma(other: float) -> float:
        return bound(np.concatenate([eta, np.full(20, other)])).gamma

    above, below = np.geomspace(factor * 1.001, 100, 200), np.geomspace(1e-6, factor * 0.999, 2000)
    assert all(gamma(other) < target for other in above)
    signs = np.sign([gamma(other) - target for other in below])
    assert signs[0] == -1, "the smaller root"
    assert signs[-1] == 1
    assert np.count_nonzero(np.diff(signs)) == 1


def test_horizons_begin_one_stride_after_the_first_step() -> None:
    assert horizons(100, 10_001).tolist() == [1 + 100 * k for k in range(1, 101)]
    for stride, last in ((0, 10), (10, 10)):
        with pytest.raises(ValueError, match="less than the last horizon"):
            horizons(stride, last)
    for ends in ([], [1, 5], [5, 5]):
        with pytest.raises(ValueError, match="horizons must rise, and begin at 2 or later"):
            piecewise_factors(ends)


# Bounds of others


@given(eta=st.lists(st.floats(0.01, 10), min_size=1, max_size=12), gamma=st.floats(0.01, 10))
def test_orabonas_bound_is_the_double_sum(eta: list[float], gamma: float) -> None:
    eta = sorted(eta, reverse=True)
    steps, rates = len(eta), [gamma * rate for rate in eta]
    direct = (4 + 9 * sum(rate**2 for rate in rates)) / (2 * steps * rates[-1])
    for k in range(1, steps):
        direct += 9 * sum(rate**2 for rate in rates[steps - k - 1 :]) / (2 * rates[-1] * k * (k + 1))
    assert orabona_bound(np.array(eta), distance=2.0, gradient=3.0).at(gamma) == pytest.approx(direct, rel=1e-9)


def test_orabonas_bound_wants_a_schedule_that_never_rises() -> None:
    with pytest.raises(ValueError, match="never rises"):
        orabona_bound(np.array([1.0, 2.0]))


def test_shamir_and_zhangs_bound_at_its_best_rate() -> None:
    found = shamir_zhang_bound(100, distance=2.0, gradient=4.0)
    assert found.gamma == pytest.approx(0.5)
    assert found.least == pytest.approx(2 * 2 * 4 * (2 + np.log(100)) / 10)


@pytest.mark.parametrize("gamma", [0.03, 0.3, 2.0])
@pytest.mark.parametrize("steps", [1, 7, 60])
def test_no_run_ends_above_a_bound(gamma: float, steps: int) -> None:
    """Subgradient descent on |x| from 1: D = G = 1, and x* = 0. On the interval [−1, 1] the diameter is 2."""
    for eta in (sqrt_schedule(steps), linear_schedule(steps), np.ones(steps)):
        x = 1.0
        for rate in eta[:-1]:
            x -= gamma * rate * np.sign(x)
        assert abs(x) <= min(bound(eta).at(gamma), orabona_bound(eta).at(gamma))
    x = 1.0
    for rate in sqrt_schedule(steps)[:-1]:
        x = float(np.clip(x - gamma * rate * np.sign(x), -1, 1))
    assert abs(x) <= shamir_zhang_bound(steps, distance=2.0).at(gamma)
