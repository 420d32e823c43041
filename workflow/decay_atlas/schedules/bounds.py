"""Bounds of convex optimisation on the last iterate, and the look-ahead schedule that is built on one.

The method is x_{t+1} = x_t − γ·η_t·g_t with ‖g_t‖ ≤ G and ‖x_1 − x*‖ ≤ D. A schedule is the array of its η_t,
t = 1 … T, all greater than 0; γ is the base rate, apart from the schedule.

Source: L, Bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

Floats = NDArray[np.float64]
Horizons = NDArray[np.int64]


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
    """The last-iterate bound of a schedule at its end, T = len(eta), in O(T).

    Ω_T = [D² + γ²G²·Ση²] / (2γ·Ση) + (γ/2)·Σ_{k<T} [η_k / Σ_{t>k} η_t]·[G²·Σ_{t≥k} η_t² / Σ_{t≥k} η_t].

    Raises:
        ValueError: the schedule is empty or has a rate that is not greater than 0 (one that ends at 0 divides by 0).

    Source: L, Bounds (Defazio 2023, theorem 10).
    """
    eta = _checked(eta)
    sums, squares = _suffix(eta), _suffix(eta**2)
    return _bound(eta, sums, squares, distance, gradient)


def orabona_bound(eta: Floats, distance: float = 1.0, gradient: float = 1.0) -> Bound:
    """The last-iterate bound of a schedule that never rises, with harmonic weights (Orabona 2020). Source: L, Bounds.

    Ω_T = [D²/γ + γG²·Ση²] / (2·η_T·T) + γG²/(2·η_T)·Σ_{k<T} Σ_{t≥T−k} η_t² / (k·(k + 1)).

    Raises:
        ValueError: as `bound`, or the schedule rises.
    """
    eta = _checked(eta)
    if np.any(np.diff(eta) > 0):
        raise ValueError("Orabona's bound is for a schedule that never rises")
    squares, k, last = _suffix(eta**2), np.arange(1, len(eta)), eta[-1]
    later = float(np.sum(squares[-2::-1] / (k * (k + 1))))
    return Bound(distance**2 / (2 * last * len(eta)), gradient**2 * (squares[0] / len(eta) + later) / (2 * last))


def shamir_zhang_bound(steps: int, distance: float = 1.0, gradient: float = 1.0) -> Bound:
    """The last-iterate bound of η_t = 1/√t on a domain of diameter D (Shamir and Zhang 2013, theorem 2).

    Ω_T = (D²/γ + γG²)·(2 + log T) / √T.

    Source: L, Bounds.
    """
    factor = (2 + np.log(steps)) / np.sqrt(steps)
    return Bound(float(distance**2 * factor), float(gradient**2 * factor))


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


def _checked(eta: Floats) -> Floats:
    eta = np.asarray(eta, dtype=float)
    if eta.ndim != 1 or not len(eta) or not np.all(eta > 0):
        raise ValueError("a schedule is a list of rates greater than 0; let one that falls to 0 end a step before it")
    return eta


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
