"""Look-ahead schedules: the last-iterate bound of convex optimisation, and schedules built on it. Source: L.

The method is x_{t+1} = x_t − γ·η_t·g_t with ‖g_t‖ ≤ G and ‖x_1 − x*‖ ≤ D. A schedule is the array of its η_t,
t = 1 … T, all greater than 0; γ is the base rate, apart from the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar, nnls

from decay_atlas.statistics.landscape import Floats

Horizons = NDArray[np.int64]
EXPONENTS = 400
"""Starting points of a fit's exponent."""


@dataclass(frozen=True)
class Bound:
    """What f(x_T) − f(x*) cannot exceed: start / γ + γ · noise, in units of D·G where D = G = 1."""

    start: float
    noise: float

    @property
    def gamma(self) -> float:
        """The base rate γ* at which the bound is least."""
        return float(np.sqrt(self.start / self.noise))

    @property
    def least(self) -> float:
        """The bound there, Ω*."""
        return float(2 * np.sqrt(self.start * self.noise))

    def at(self, gamma: float) -> float:
        """The bound at another base rate.

        Raises:
            ValueError: the rate is not greater than 0.
        """
        if not gamma > 0:
            raise ValueError(f"gamma must be greater than 0, not {gamma}")
        return self.start / gamma + gamma * self.noise


def bound(eta: Floats, distance: float = 1.0, gradient: float = 1.0) -> Bound:
    """The last-iterate bound of a schedule at its end, T = len(eta), in O(T). Source: L (Defazio et al. 2023, Thm 10).

    Ω_T = [D² + γ²G²·Ση²] / (2γ·Ση) + (γ/2)·Σ_{k<T} [η_k / Σ_{t>k} η_t]·[G²·Σ_{t≥k} η_t² / Σ_{t≥k} η_t].

    Raises:
        ValueError: the schedule is empty or has a rate that is not greater than 0 (one that ends at 0 divides by 0).
    """
    eta = np.asarray(eta, dtype=float)
    if eta.ndim != 1 or not len(eta) or not np.all(eta > 0):
        raise ValueError("a schedule is a list of rates greater than 0; let one that falls to 0 end a step before it")
    sums, squares = _suffix(eta), _suffix(eta**2)
    return _bound(eta, sums, squares, distance, gradient)


def sqrt_schedule(steps: int) -> Floats:
    """η_t = 1 / √t."""
    return 1 / np.sqrt(np.arange(1, steps + 1))


def linear_schedule(steps: int) -> Floats:
    """η_t = (T + 1 − t) / T: a line from 1 to 1 / T, which would be 0 one step later."""
    return np.arange(steps, 0, -1) / steps


def horizons(stride: int, last: int) -> Horizons:
    """T_k = 1 + k·Δt for k = 1, 2, … up to `last`.

    Raises:
        ValueError: there is none.
    """
    if stride < 1 or last <= stride:
        raise ValueError(f"the stride must be at least 1 and less than the last horizon, {last}, not {stride}")
    return np.arange(1 + stride, last + 1, stride)


def piecewise_factors(ends: Sequence[int] | Horizons) -> Floats:
    """The factors of the look-ahead schedule that is constant between the horizons `ends`, the first being 1.

    Stage by stage: the next factor is the one with which γ* of the next horizon stays at γ* of the first, so that
    one base rate is the best at every horizon. Of two such factors it is the larger. D and G do not matter.

    Raises:
        ValueError: the horizons do not rise from 2 or more, or no factor keeps γ*.
    """
    ends = np.asarray(ends, dtype=np.int64)
    if not len(ends) or ends[0] < 2 or np.any(np.diff(ends) < 1):
        raise ValueError("horizons must rise, and begin at 2 or later")
    eta = np.ones(ends[0])
    target = bound(eta).gamma
    factors = [1.0]
    for before, end in pairwise(ends):
        stage = _Stage(eta, int(end - before))
        factors.append(_larger_root(stage, target, factors[-1], int(end)))
        eta = np.concatenate([eta, np.full(end - before, factors[-1])])
    return np.array(factors)


def piecewise_schedule(ends: Sequence[int] | Horizons, factors: Floats) -> Floats:
    """η_t of the look-ahead schedule with these factors (see `piecewise_factors`), up to the last horizon."""
    return np.repeat(factors, np.diff(np.asarray(ends), prepend=0))


def pieces(epochs: int, stage: int, steps_per_epoch: int) -> list[list[float]]:
    """The look-ahead schedule of a training run, as the `pieces` of a recipe's schedule `piecewise`.

    Stages are `stage` epochs long, the last one perhaps shorter; the first has the multiplier 1 and is not listed.

    Raises:
        ValueError: a stage is no shorter than the run, or see `piecewise_factors`.
    """
    starts = list(range(stage, epochs, stage)) if stage > 0 else []
    if not starts:
        raise ValueError(f"a stage must be shorter than the {epochs} epochs of the run, and at least one, not {stage}")
    factors = piecewise_factors([epoch * steps_per_epoch for epoch in (*starts, starts[-1] + stage)])
    return [[epoch, float(f"{factor:.4g}")] for epoch, factor in zip(starts, factors[1:], strict=True)]


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
    """Least squares of y = a + b·T^c with a, b ≥ 0 and 0 ≤ c ≤ 3.

    Raises:
        ValueError: there are fewer than four figures.
    """
    return _fit(np.asarray(ends, dtype=float), y, 3.0)


def fit_log(ends: Horizons, y: Floats) -> Growth:
    """Least squares of y = a + b·log(T)^c with a, b ≥ 0 and 0 ≤ c ≤ 1.

    Raises:
        ValueError: there are fewer than four figures.
    """
    return _fit(np.log(np.asarray(ends, dtype=float)), y, 1.0)


def _suffix(values: Floats) -> Floats:
    return np.cumsum(values[::-1])[::-1]


def _bound(eta: Floats, sums: Floats, squares: Floats, distance: float = 1.0, gradient: float = 1.0) -> Bound:
    start = distance**2 / (2 * sums[0])
    later = float(np.sum(eta[:-1] / sums[1:] * squares[:-1] / sums[:-1]))
    return Bound(start, gradient**2 * (squares[0] / sums[0] + later) / 2)


class _Stage:
    """A schedule followed by one constant stage, as a function of the stage's factor."""

    def __init__(self, eta: Floats, steps: int) -> None:
        self._eta, self._sums, self._squares = eta, _suffix(eta), _suffix(eta**2)
        self._count = np.arange(steps, 0, -1)

    def gamma(self, factor: float) -> float:
        steps = len(self._count)
        eta = np.concatenate([self._eta, np.full(steps, factor)])
        sums = np.concatenate([self._sums + factor * steps, factor * self._count])
        squares = np.concatenate([self._squares + factor**2 * steps, factor**2 * self._count])
        return _bound(eta, sums, squares).gamma


def _larger_root(stage: _Stage, target: float, last: float, end: int) -> float:
    """The larger factor at which γ* is `target`; γ* is small for tiny and for huge factors, with one peak between."""
    low = np.log(last) - 12
    peak = minimize_scalar(lambda log: -stage.gamma(np.exp(log)), bounds=(low, np.log(last) + 3), method="bounded").x
    if stage.gamma(np.exp(peak)) < target:
        raise ValueError(f"no factor keeps γ* at horizon {end}: its stage is too short; take a larger stride")
    high = peak + 1
    while stage.gamma(np.exp(high)) > target:
        high += 1
    return float(np.exp(brentq(lambda log: stage.gamma(np.exp(log)) - target, peak, high, xtol=1e-13)))


def _fit(x: Floats, y: Floats, most: float) -> Growth:
    if len(x) < 4:
        raise ValueError(f"three numbers are fitted to four figures or more, not to {len(x)}")

    def linear_part(c: float) -> tuple[Floats, float]:
        scale = x[-1] ** c
        (a, b), residual = nnls(np.column_stack([np.ones_like(x), x**c / scale]), y)
        return np.array([a, b / scale]), residual

    starts = np.linspace(0, most, EXPONENTS)
    best = int(np.argmin([linear_part(c)[1] for c in starts]))
    inner = (starts[max(best - 1, 0)], starts[min(best + 1, EXPONENTS - 1)])
    refined = minimize_scalar(lambda c: linear_part(c)[1], bounds=inner, method="bounded", options={"xatol": 1e-10}).x
    c = min((float(starts[best]), float(refined)), key=lambda c: linear_part(c)[1])
    a, b = linear_part(c)[0]
    return Growth(float(a), float(b), c, float(np.mean(np.abs(y - a - b * x**c))))
