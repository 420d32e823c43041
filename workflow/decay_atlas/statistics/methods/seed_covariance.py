"""What chance does to the cells of a landscape: a standard deviation of its own for each, and runs of one seed alike.

On trained networks the seeds' standard deviation is a function of the cell, small in the valley and many times
larger at the cliff above it, and two weight decays that share a seed err together: their difference is known far
better than either. Both are estimated here, with few seeds, by what is alike in them: cells as far below the best
of their learning rate have like variances, and the correlation falls with the distance in ln λ.

Source: Ours, Seed noise; Smyth 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import polygamma

from decay_atlas.statistics.methods.landscape import Floats, Landscape, average_over_seeds

ALIKE = 0.6
"""Bandwidth, in arsinh of the depth below the best over twice the noise, of cells whose variances are alike."""

FIRMEST = 50.0
"""Prior degrees of freedom where the cells' variances scatter about the trend no more than chance has it."""

ROW_DF = 3.0
"""Of the cells of a learning rate, whose runs are correlated, so many count as independent estimates of its level."""

LEAST_DF = 3.0
"""What a learning rate with one seed takes from the others."""

ROW_PRIOR = 4.0
"""Degrees of freedom of the prior that a learning rate's noise is that of the others."""

LENGTHS = (0.4, 1.0, 2.5, 6.0, 15.0, 50.0, 300.0)
SHARES = (0.0, 0.5, 0.8, 0.93, 0.98, 0.995)
"""Correlation exp(−|Δ ln λ| / length) of the share of the noise that two cells of a seed have in common."""

POOLED = 0.3
"""Weight of the other learning rates' evidence in the choice of one's correlation."""

JITTER = 1e-4


@dataclass(frozen=True)
class SeedCovariance:
    """Noise of one run: `sd` (lr, wd) and `correlation` (lr, wd, wd) between runs of one seed; `df` of the estimate.

    `df` is 0, and all else NaN, where no cell has two seeds that differ.
    """

    sd: Floats
    correlation: Floats
    df: int

    def of_means(self, landscape: Landscape, row: int, columns: NDArray[np.int64]) -> Floats:
        """Covariance of the averages over seeds of one lr's cells, shape (columns, columns).

        As far as the noise is estimated from few seeds it is a t distribution's, whose variance is the larger.
        """
        has = np.isfinite(landscape.quality[row, columns]).astype(float)
        df = max(ROW_DF * (has.any(axis=0).sum() - 1), LEAST_DF)
        n = has.sum(axis=1)
        shared = (has @ has.T) / np.outer(n, n)
        sd = self.sd[row, columns]
        return self.correlation[row][np.ix_(columns, columns)] * np.outer(sd, sd) * shared * df / (df - 2)


def seed_covariance(landscape: Landscape, depth: Floats) -> SeedCovariance:
    """The noise of every cell from its seeds; `depth` (lr, wd) is how far its average is below the best of its lr."""
    quality = landscape.quality
    n = landscape.n_seeds()
    residual = quality - average_over_seeds(quality)[..., None]
    many = n > 1
    df = int((n[many] - 1).sum())
    spread = np.nanmax(np.abs(quality)) if np.isfinite(quality).any() else 1.0
    variance = np.full(n.shape, np.nan)
    variance[many] = np.nansum(residual[many] ** 2, axis=-1) / (n[many] - 1)
    if df == 0 or np.sqrt(np.nanmax(variance)) <= 1e-14 * spread:
        nothing = np.full(n.shape, np.nan)
        return SeedCovariance(nothing, np.full((*n.shape, n.shape[1]), np.nan), 0)
    sd = _moderated(variance, n, many, depth)
    return SeedCovariance(
        sd, _correlation(residual / sd[..., None], np.log(np.where(landscape.wd > 0, landscape.wd, 1))), df
    )


def _moderated(variance: Floats, n: NDArray[np.int64], many: NDArray[np.bool_], depth: Floats) -> Floats:
    """Each cell's standard deviation, shrunk to that of cells as deep, and of its own lr."""
    own, weight = variance[many], (n[many] - 1).astype(float)
    floor = 1e-3 * np.average(own, weights=weight)
    best = np.argsort(np.nan_to_num(depth[many]))[: max(3, len(own) // 3)]
    position = np.arcsinh(np.nan_to_num(depth) / (2 * np.sqrt(max(own[best].mean(), floor))))
    near = np.exp(-0.5 * ((position[..., None] - position[many]) / ALIKE) ** 2) * weight
    trend = np.maximum((near @ own) / near.sum(axis=-1), floor)
    ratio = np.where(many, variance / trend, 0.0)
    level = ratio.sum(axis=1) / np.maximum(many.sum(axis=1), 1)
    row_df = ROW_DF * np.where(many, n - 1, 0).max(axis=1)
    trend = trend * ((ROW_PRIOR + row_df * level) / (ROW_PRIOR + row_df))[:, None]
    scatter = np.log(np.maximum(own, floor) / trend[many])
    excess = np.average((scatter - np.average(scatter, weights=weight)) ** 2, weights=weight)
    excess -= np.average(polygamma(1, weight / 2), weights=weight)
    prior = _prior_df(float(excess))
    total = np.where(many, (n - 1) * np.nan_to_num(variance), 0.0)
    return np.sqrt(np.maximum((prior * trend + total) / (prior + np.where(many, n - 1, 0)), floor))


def _prior_df(excess: float) -> float:
    """Degrees of freedom d at which the logarithm of a χ²_d / d has the excess variance: trigamma(d/2)."""
    if excess <= polygamma(1, FIRMEST / 2):
        return FIRMEST
    return float(brentq(lambda d: polygamma(1, d / 2) - excess, 1e-3, FIRMEST))


def _correlation(scaled: Floats, x: Floats) -> Floats:
    """Correlation between the cells of every lr, of the likeliest length and share; residuals are (lr, wd, seed)."""
    distance = np.abs(x[:, None] - x)
    identity = np.eye(len(x))
    candidates = np.stack(
        [identity] + [w * np.exp(-distance / length) + (1 - w) * identity for w in SHARES[1:] for length in LENGTHS]
    )
    evidence = np.array([_evidence(row, candidates) for row in scaled])
    others = (evidence.sum(axis=0) - evidence) / max(len(evidence) - 1, 1)
    return candidates[(evidence + POOLED * others).argmax(axis=1)]


def _evidence(row: Floats, candidates: Floats) -> Floats:
    """Log-likelihood of one lr's residuals, over the cells that all its seeds have, under every correlation."""
    seeds = np.isfinite(row).any(axis=0)
    n = int(seeds.sum())
    cells = np.isfinite(row[:, seeds]).all(axis=1) if n > 1 else np.zeros(len(row), bool)
    if cells.sum() < 3:
        return np.zeros(len(candidates))
    z = row[np.ix_(cells, seeds)] * np.sqrt(n / (n - 1))
    factor = np.linalg.cholesky(candidates[:, cells][:, :, cells] + JITTER * np.eye(int(cells.sum())))
    white = np.linalg.solve(factor, np.broadcast_to(z, (len(factor), *z.shape)))
    log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return (n - 1) / n * (-0.5 * (white**2).sum(axis=(1, 2)) - n * log_det)
