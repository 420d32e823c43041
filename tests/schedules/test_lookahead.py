from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from decay_atlas.schedules.bounds import (
    bound,
    horizons,
    linear_schedule,
    piecewise_factors,
    piecewise_schedule,
    sqrt_schedule,
)
from decay_atlas.schedules.lookahead import compare, fit_log, fit_power
from tests.schedules.test_bounds import brute_force


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


def test_a_ratio_that_falls_has_a_law_too() -> None:
    ends = horizons(100, 10_001)
    law = fit_log(ends, 1 + 3 * np.log(ends) ** -1.5)
    assert (law.a, law.b, law.c) == pytest.approx((1, 3, -1.5), rel=0.02)
    assert law.deviation < 1e-5
