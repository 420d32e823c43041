"""The tolerance-zone law of a deviation: drop(κ) = γ·max(0, |ln κ| − δ)². Source: C, Deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from decay_atlas.statistics.methods.landscape import Floats

START_POINTS = 200

MIN_FIT = 3
"""The fewest drops that determine the two parameters."""


@dataclass(frozen=True)
class Tolerance:
    """`delta` is the zone's half-width in ln κ, `gamma` the curvature outside, in metric per (ln κ)²."""

    delta: float
    gamma: float
    r2: float


def fit_tolerance(kappa: Floats, drop: Floats) -> Tolerance:
    """Least-squares zone and curvature of `drop` at the deviation factors `kappa`, both of shape (n,).

    Raises:
        ValueError: there are too few figures for the two parameters.
    """
    distance = np.abs(np.log(kappa))
    if len(drop) < MIN_FIT or distance.max() == 0:
        raise ValueError(f"a tolerance zone takes {MIN_FIT} drops or more, not all at κ = 1; there are {len(drop)}")

    def curvature(delta: float) -> tuple[float, float]:
        shape = np.maximum(0.0, distance - delta) ** 2
        gamma = max(0.0, float(shape @ drop / (shape @ shape)))
        return gamma, float(((drop - gamma * shape) ** 2).sum())

    # The sum of squares has kinks where δ passes a figure: search from the best of many starts.
    starts = np.linspace(0.0, distance.max(), START_POINTS, endpoint=False)
    best = int(np.argmin([curvature(delta)[1] for delta in starts]))
    low, high = starts[max(best - 1, 0)], starts[min(best + 1, START_POINTS - 1)]
    refined = float(minimize_scalar(lambda d: curvature(d)[1], bounds=(low, high), method="bounded").x)
    delta = min((float(starts[best]), refined), key=lambda d: curvature(d)[1])
    gamma, residual = curvature(delta)
    spread = float(((drop - drop.mean()) ** 2).sum())
    return Tolerance(delta, gamma, 1 - residual / spread if spread > 0 else float("nan"))
