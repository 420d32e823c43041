"""The look-ahead schedule against 1/√t and linear decay, by their bounds, and how the ratios grow.

Source: L, Look-ahead schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar, nnls

from decay_atlas.schedules.bounds import (
    Floats,
    Horizons,
    bound,
    horizons,
    linear_schedule,
    piecewise_factors,
    piecewise_schedule,
    sqrt_schedule,
)

EXPONENTS = 400
"""Starting points of a fit's exponent."""


@dataclass(frozen=True)
class Comparison:
    """The bounds of the three schedules at the horizons `ends`, and the factors of the piecewise one.

    `piecewise` and `sqrt` keep the γ* of the first horizon; `linear` is another schedule, with a γ* of its own,
    for every horizon: it knows where it will stop.
    """

    ends: Horizons
    factors: Floats
    piecewise: Floats
    sqrt: Floats
    linear: Floats

    @property
    def improvement(self) -> Floats:
        """Percent by which the piecewise schedule's bound lies below that of 1/√t."""
        return 100 * (1 - self.piecewise / self.sqrt)


def compare(stride: int = 100, last: int = 10_001, distance: float = 1.0, gradient: float = 1.0) -> Comparison:
    """The bounds at T_k = 1 + k·`stride` up to `last`, for D = `distance` and G = `gradient`.

    Raises:
        ValueError: there is no horizon, or no look-ahead schedule.
    """
    ends = horizons(stride, last)
    factors = piecewise_factors(ends)
    fixed = []
    for eta in (piecewise_schedule(ends, factors), sqrt_schedule(int(ends[-1]))):
        bounds = [bound(eta[:end], distance, gradient) for end in ends]
        fixed.append(np.array([one.at(bounds[0].gamma) for one in bounds]))
    linear = np.array([bound(linear_schedule(int(end)), distance, gradient).least for end in ends])
    return Comparison(ends, factors, fixed[0], fixed[1], linear)


@dataclass(frozen=True)
class Growth:
    """y = a + b·x^c; `deviation` is the mean absolute deviation of the figures from it."""

    a: float
    b: float
    c: float
    deviation: float


def fit_power(ends: Horizons, y: Floats) -> Growth:
    """Least squares of y = a + b·T^c with a, b ≥ 0 and −3 ≤ c ≤ 3.

    Raises:
        ValueError: there are fewer than four figures.
    """
    return _fit(np.asarray(ends, dtype=float), y, -3.0, 3.0)


def fit_log(ends: Horizons, y: Floats) -> Growth:
    """Least squares of y = a + b·log(T)^c with a, b ≥ 0 and −10 ≤ c ≤ 1.

    Raises:
        ValueError: there are fewer than four figures.
    """
    return _fit(np.log(np.asarray(ends, dtype=float)), y, -10.0, 1.0)


def _fit(x: Floats, y: Floats, least: float, most: float) -> Growth:
    if len(x) < 4:
        raise ValueError(f"three numbers are fitted to four figures or more, not to {len(x)}")

    def linear_part(c: float) -> tuple[Floats, float]:
        scale = x[-1] ** c
        (a, b), residual = nnls(np.column_stack([np.ones_like(x), x**c / scale]), y)
        return np.array([a, b / scale]), residual

    starts = np.linspace(least, most, EXPONENTS)
    best = int(np.argmin([linear_part(c)[1] for c in starts]))
    inner = (starts[max(best - 1, 0)], starts[min(best + 1, EXPONENTS - 1)])
    refined = minimize_scalar(lambda c: linear_part(c)[1], bounds=inner, method="bounded", options={"xatol": 1e-10}).x
    c = min((float(starts[best]), float(refined)), key=lambda c: linear_part(c)[1])
    a, b = linear_part(c)[0]
    return Growth(float(a), float(b), c, float(np.mean(np.abs(y - a - b * x**c))))
