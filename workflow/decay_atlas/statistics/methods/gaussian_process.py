"""A Gaussian process over two axes, averaged over its hyperparameters, and draws from its posterior.

Source: Ours, Smooth optima; Rasmussen and Williams 2006 (chapters 2 and 5); Wilson et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.special import logsumexp

from decay_atlas.statistics.methods.landscape import Floats

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


@dataclass(frozen=True)
class Hyperparameters:
    """Those of one kernel."""

    length_x: float
    length_z: float
    amplitude: float

    def in_x(self, distance: Floats) -> Floats:
        """Correlation at distances in ln λ."""
        return matern(distance / self.length_x)

    def in_z(self, distance: Floats) -> Floats:
        """Correlation at distances in ln η."""
        return matern(distance / self.length_z)


def draws(points: Points, x: Floats, n: int, seed: int = 0) -> Floats:
    """`n` functions drawn from the posterior, at `x` of every row: shape (n, row, x).

    The kernel is a Matérn 3/2 in x times another in z, plus a level of each row's own: valleys of networks have a
    kink where the cliff begins, which a smoother process would round off and be too sure about.
    """
    rng = np.random.default_rng(seed)
    grid = [Hyperparameters(*values) for values in product(LENGTHS_X, LENGTHS_Z, AMPLITUDES)]
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


def _evidence(points: Points, grid: list[Hyperparameters]) -> Floats:
    """Log marginal likelihood of the points under every set of hyperparameters."""
    z = points.z[points.row]
    dx, dz = points.x[:, None] - points.x, z[:, None] - z
    in_x = {one.length_x: one.in_x(dx) for one in grid}
    in_z = {one.length_z: one.in_z(dz) for one in grid}
    fixed = points.noise + ROW_SD**2 * (points.row[:, None] == points.row) + JITTER * np.eye(len(points.y))
    result = []
    for one in grid:
        shape = in_x[one.length_x] * in_z[one.length_z]
        factor = np.linalg.cholesky(one.amplitude**2 * shape + fixed)
        fit = float(points.y @ cho_solve((factor, True), points.y))
        result.append(-0.5 * fit - np.log(np.diagonal(factor)).sum())
    return np.array(result)


def _posterior(points: Points, x: Floats, one: Hyperparameters, n: int, rng: np.random.Generator) -> Floats:
    """Draws under one set of hyperparameters: prior functions, corrected by what they miss at the points."""
    places, place = np.unique(points.x, return_inverse=True)
    everywhere = np.concatenate([x, places])
    n_rows = len(points.z)
    root_x = _root(one.in_x(everywhere[:, None] - everywhere))
    root_z = _root(one.in_z(points.z[:, None] - points.z))
    prior = one.amplitude * (root_z @ rng.standard_normal((n, n_rows, len(everywhere))) @ root_x.T)
    prior += ROW_SD * rng.standard_normal((n, n_rows, 1))
    here = prior[:, points.row, len(x) + place]
    missed = points.y - here - rng.standard_normal(here.shape) @ _root(points.noise).T
    in_z = one.in_z(points.z[:, None] - points.z)[:, points.row]
    in_x = one.in_x(x[:, None] - points.x)
    own = (np.arange(n_rows)[:, None] == points.row).astype(float)
    covariance = one.amplitude**2 * one.in_x(points.x[:, None] - points.x) * in_z[points.row]
    covariance += ROW_SD**2 * own[points.row] + points.noise + JITTER * np.eye(len(points.y))
    gain = cho_solve((np.linalg.cholesky(covariance), True), missed.T).T
    correction = (gain[:, None, :] * (one.amplitude**2 * in_z)) @ in_x.T + ROW_SD**2 * (gain @ own.T)[..., None]
    result: Floats = prior[..., : len(x)] + correction
    return result


def _root(covariance: Floats) -> Floats:
    """A square root of a covariance that may be singular, or nothing but zeros where no noise was measured."""
    if not covariance.any():
        return covariance
    return np.linalg.cholesky(covariance + JITTER * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
