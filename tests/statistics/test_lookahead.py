from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import digamma

from decay_atlas.statistics.lookahead import (
    Bound,
    bound,
    compare,
    fit_log,
    fit_power,
    horizons,
    linear_schedule,
    pieces,
    piecewise_factors,
    piecewise_schedule,
    sqrt_schedule,
)
from decay_atlas.training.schedules import multipliers


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


def test_a_recipe_can_train_with_it() -> None:
    found = pieces(epochs=11, stage=3, steps_per_epoch=10)
    assert [epoch for epoch, _ in found] == [3, 6, 9]
    trained = multipliers({"name": "piecewise", "pieces": found}, 11, 10)
    ends = [30, 60, 90, 120]
    assert trained == pytest.approx(piecewise_schedule(ends, piecewise_factors(ends))[:110], rel=1e-3)
    for stage in (0, 11):
        with pytest.raises(ValueError, match="shorter than the 11 epochs"):
            pieces(11, stage, 10)


@pytest.mark.parametrize(("stride", "percent"), [(20, 5.7), (100, 6.5), (500, 8.3)])
def test_at_the_last_horizon_it_beats_sqrt_and_loses_to_linear_decay(stride: int, percent: float) -> None:
    found = compare(stride)
    assert found.improvement[-1] == pytest.approx(percent, abs=0.05)
    assert np.all(found.improvement[2:] > 0)
    assert np.all(found.piecewise > found.linear)


def test_the_schedules_compared_take_the_rates_they_are_said_to_take() -> None:
    found = compare(20, 201, distance=2.0, gradient=3.0)
    piecewise, sqrt = piecewise_schedule(found.ends, piecewise_factors(found.ends)), sqrt_schedule(201)
    kept = bound(sqrt[:21], 2.0, 3.0).gamma
    for k, end in enumerate(found.ends):
        assert found.piecewise[k] == pytest.approx(bound(piecewise[:end], 2.0, 3.0).least, rel=1e-9)
        assert found.sqrt[k] == pytest.approx(brute_force(sqrt[:end].tolist(), kept, 2.0, 3.0))
        assert found.linear[k] == pytest.approx(bound(linear_schedule(end), 2.0, 3.0).least)


# The fits


@pytest.mark.parametrize(("a", "b", "c"), [(1.0, 0.05, 0.4), (0.0, 0.8, 0.07), (0.6, 0.1, 1.0)])
def test_a_law_is_recovered(a: float, b: float, c: float) -> None:
    ends = horizons(100, 10_001)
    power = fit_power(ends, a + b * ends**c)
    assert (power.a, power.b, power.c) == pytest.approx((a, b, c), abs=2e-3)
    assert power.deviation < 1e-5
    log = fit_log(ends, a + b * np.log(ends) ** c)
    assert log.deviation < 1e-5


def test_the_deviation_is_the_mean_of_the_absolute_ones() -> None:
    ends = np.arange(1, 101)
    noise = np.where(ends % 2, 0.01, -0.01)
    assert fit_power(ends, 1 + ends**0.5 + noise).deviation == pytest.approx(0.01, rel=0.05)


def test_the_fit_is_that_of_scipy_where_no_limit_binds() -> None:
    found = compare(100)
    ratio = found.piecewise / found.linear
    law = fit_power(found.ends[3:], ratio[3:])
    other, _ = curve_fit(lambda T, a, b, c: a + b * T**c, found.ends[3:], ratio[3:], p0=(1, 0.01, 0.4))
    assert (law.a, law.b, law.c) == pytest.approx(tuple(other), rel=1e-3)


def test_the_logarithm_of_the_horizon_tells_how_far_sqrt_falls_behind() -> None:
    found = compare(100)
    ratio = found.sqrt / found.linear
    law = fit_log(found.ends, ratio)
    assert law.c == pytest.approx(1, abs=1e-6)
    assert law.deviation < 0.001 < fit_power(found.ends, ratio).deviation


def test_three_figures_fit_everything() -> None:
    with pytest.raises(ValueError, match="four figures or more, not to 3"):
        fit_power(np.array([1, 2, 3]), np.ones(3))
