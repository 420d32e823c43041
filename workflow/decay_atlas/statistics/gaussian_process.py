"""A Gaussian process over two axes, averaged over its hyperparameters, and draws from its posterior.

Source: Rasmussen & Williams (2006), chapters 2 and 5; draws by Matheron's rule, Wilson et al. (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.special import logsumexp

from decay_atlas.statistics.landscape import Floats

LENGTHS_X = (0.6, 1.2, 2.4, 5.0)
LENGTHS_Z = (0.3, 0.6, 1.2)
AMPLITUDES = (0.5, 1.0, 2.0, 4.0)
"""Correlation lengths in ln λ and ln η, and standard deviation, of the process; all combinations are averaged."""

ROW_SD = 5.0
"""Standard deviation of the level of a row, of which nothing is known beforehand."""

JITTER = 1e-6

TRIED_ON = 250
"""Of more points than this, the hyperparameters are weighed on rows that have fewer between them."""


@dataclass(frozen=True)
class Points:
    """Observations `y` with `noise` covariance (point, point) at `x` in the row `row`, whose place is `z[row]`."""

    row: NDArray[np.int64]
    x: Floats
    y: Floats
    noise: Floats
    z: Floats

    def of_rows(self, rows: NDArray[np.int64]) -> Points:
        """The points of some rows alone; `z` stays that of all."""
        keep = np.flatnonzero(np.isin(self.row, rows))
        return Points(self.row[keep], self.x[keep], self.y[keep], self.noise[np.ix_(keep, keep)], self.z)


def draws(points: Points, x: Floats, n: int, seed: int = 0) -> Floats:
    """`n` functions drawn from the posterior, at `x` of every row: shape (n, row, x).

    The kernel is a Matérn 3/2 in x times another in z, plus a level of each row's own.
    """
    rng = np.random.default_rng(seed)
    grid = list(product(LENGTHS_X, LENGTHS_Z, AMPLITUDES))
    evidence = _evidence(_thinned(points), grid)
    weight = np.exp(evidence - logsumexp(evidence))
    upto = np.floor(np.concatenate([[0.0], np.cumsum(weight)]) / weight.sum() * n + rng.random())
    counts = np.diff(upto).astype(int)
    return np.concatenate([_posterior(points, x, grid[k], int(counts[k]), rng) for k in np.flatnonzero(counts)])


def matern(distance: Floats) -> Floats:
    """The Matérn 3/2 correlation at a distance in correlation lengths."""
    r = np.sqrt(3) * np.abs(distance)
    result: Floats = (1 + r) * np.exp(-r)
    return result


def _thinned(points: Points) -> Points:
    """The points, or those of evenly spaced rows where there are too many to weigh every hyperparameter on."""
    rows = np.unique(points.row)
    fraction = TRIED_ON / len(points.y)
    if fraction >= 1 or len(rows) < 3:
        return points
    kept = np.linspace(0, len(rows) - 1, max(2, int(len(rows) * fraction))).round().astype(int)
    return points.of_rows(rows[np.unique(kept)])


def _evidence(points: Points, grid: list[tuple[float, float, float]]) -> Floats:
    """Log marginal likelihood of the points under every (length in x, length in z, amplitude)."""
    z = points.z[points.row]
    dx, dz = points.x[:, None] - points.x, z[:, None] - z
    in_x = {length: matern(dx / length) for length in LENGTHS_X}
    in_z = {length: matern(dz / length) for length in LENGTHS_Z}
    fixed = points.noise + ROW_SD**2 * (points.row[:, None] == points.row) + JITTER * np.eye(len(points.y))
    result = []
    for length_x, length_z, amplitude in grid:
        factor = np.linalg.cholesky(amplitude**2 * in_x[length_x] * in_z[length_z] + fixed)
        fit = float(points.y @ cho_solve((factor, True), points.y))
        result.append(-0.5 * fit - np.log(np.diagonal(factor)).sum())
    return np.array(result)


def _posterior(
    points: Points, x: Floats, hyper: tuple[float, float, float], n: int, rng: np.random.Generator
) -> Floats:
    """Draws under one set of hyperparameters: prior functions, corrected by what they miss at the points."""
    length_x, length_z, amplitude = hyper
    places, place = np.unique(points.x, return_inverse=True)
    everywhere = np.concatenate([x, places])
    n_rows = len(points.z)
    root_x = _root(matern((everywhere[:, None] - everywhere) / length_x))
    root_z = _root(matern((points.z[:, None] - points.z) / length_z))
    prior = amplitude * (root_z @ rng.standard_normal((n, n_rows, len(everywhere))) @ root_x.T)
    prior += ROW_SD * rng.standard_normal((n, n_rows, 1))
    here = prior[:, points.row, len(x) + place]
    missed = points.y - here - rng.standard_normal(here.shape) @ _root(points.noise).T
    in_z = matern((points.z[:, None] - points.z) / length_z)[:, points.row]
    in_x = matern((x[:, None] - points.x) / length_x)
    own = (np.arange(n_rows)[:, None] == points.row).astype(float)
    covariance = amplitude**2 * matern((points.x[:, None] - points.x) / length_x) * in_z[points.row]
    covariance += ROW_SD**2 * own[points.row] + points.noise + JITTER * np.eye(len(points.y))
    gain = cho_solve((np.linalg.cholesky(covariance), True), missed.T).T
    correction = (gain[:, None, :] * (amplitude**2 * in_z)) @ in_x.T + ROW_SD**2 * (gain @ own.T)[..., None]
    result: Floats = prior[..., : len(x)] + correction
    return result


def _root(covariance: Floats) -> Floats:
    """A square root of a covariance that may be singular, or nothing but zeros where no noise was measured."""
    if not covariance.any():
        return covariance
    return np.linalg.cholesky(covariance + JITTER * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
