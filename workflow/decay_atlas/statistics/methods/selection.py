"""Where the best weight decay lies: the argmax with its ties and edges, and the set that rivals it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi, norm
from scipy.stats import f as f_distribution

from decay_atlas.statistics.methods.landscape import Floats, Landscape

TIE = 1e-9
"""Averages closer than this, relative to the best, are a tie: they differ by rounding alone."""

ROUNDING = 1e-14
"""Seed noise smaller than this, relative to the values, is that of floating point."""


@dataclass(frozen=True)
class Choice:
    """The best weight decay at every lr; the arrays have shape (..., lr).

    `index` is the position on the weight-decay axis, -1 where an lr has no optimum. `lower` and `upper`
    say that the optimum lies at that end of the λ this lr has, `tied` that others are as good.
    """

    index: NDArray[np.int64]
    lower: NDArray[np.bool_]
    upper: NDArray[np.bool_]
    tied: NDArray[np.bool_]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where there is an optimum at all."""
        return self.index >= 0

    @property
    def interior(self) -> NDArray[np.bool_]:
        """Where the optimum has neighbours on both sides."""
        return self.found & ~self.lower & ~self.upper

    def wd(self, axis: Floats) -> Floats:
        """The optimal weight decays, NaN where there is none."""
        return np.where(self.found, axis[np.maximum(self.index, 0)], np.nan)


def argmax_wd(average: Floats, wd: Floats, searchable: NDArray[np.bool_]) -> Choice:
    """The λ of highest average quality at every lr; of ties the smallest λ. Source: C, Optimum.

    `average` is (..., lr, wd), NaN for a missing cell; `searchable` (..., lr) says which lr have an optimum.
    {0, the smallest positive λ} is the lower edge: with 0 as its neighbour the bracket is open below.
    """
    present = np.isfinite(average)
    filled = np.where(present, average, -np.inf)
    best = filled.max(axis=-1, keepdims=True)
    found = np.isfinite(best[..., 0]) & searchable
    best = np.where(np.isfinite(best), best, 0.0)
    as_good = present & (filled >= best - TIE * np.maximum(1.0, np.abs(best)))
    index = as_good.argmax(axis=-1)
    first_positive = (present & (wd > 0)).argmax(axis=-1)
    last = len(wd) - 1 - present[..., ::-1].argmax(axis=-1)
    return Choice(
        index=np.where(found, index, -1),
        lower=found & (index <= first_positive),
        upper=found & (index == last),
        tied=found & (as_good.sum(axis=-1) > 1),
    )


def seed_noise(landscape: Landscape, cells: NDArray[np.bool_]) -> tuple[float, int]:
    """Standard deviation of a run within its cell, pooled over `cells` (lr, wd), and its degrees of freedom.

    What a seed does to all cells alike cannot move an optimum and is taken out first. NaN and 0 where no
    cell has two seeds, or all seeds agree: that tells no noise.
    """
    quality = landscape.quality[cells & (landscape.n_seeds() > 1)]
    present = np.isfinite(quality)
    n_runs, n_cells, n_seeds = int(present.sum()), len(quality), int(present.any(axis=0).sum())
    df = n_runs - n_cells - (n_seeds - 1)
    if n_cells == 0 or df < 1:
        return float("nan"), 0
    within = quality - np.nanmean(quality, axis=1, keepdims=True)
    runs_of_seed = np.maximum(present.sum(axis=0), 1)
    residual = within - np.nansum(within, axis=0) / runs_of_seed
    noise = float(np.sqrt(np.nansum(residual**2) / df))
    return (noise, df) if noise > ROUNDING * np.nanmax(np.abs(quality)) else (float("nan"), 0)


@lru_cache(maxsize=256)
def best_critical(rivals: int, df: int, level: float = 0.95) -> float:
    """Critical value of the comparison of `rivals` means with another (Dunnett, one-sided, equal n).

    The quantile of max_l (Z_l − Z_0) / (√2 χ_df/√df), by quadrature over Z_0 and the noise estimate.
    """
    z, z_weight = np.polynomial.hermite_e.hermegauss(64)
    z_weight = z_weight / z_weight.sum()
    share = (np.arange(48) + 0.5) / 48
    scale = chi.ppf(share, df) / np.sqrt(df)

    def excess(d: float) -> float:
        inside = norm.cdf(z[:, None] + np.sqrt(2) * d * scale) ** rivals
        return float(z_weight @ inside.mean(axis=1)) - level

    return float(brentq(excess, 0.0, 200.0))


def within_noise_of_best(landscape: Landscape, average: Floats, noise: float, df: int) -> NDArray[np.bool_]:
    """Which λ cannot be told from the best of their lr, shape (lr, wd): Hsu's comparisons with the best.

    Where an F-test at 5 % finds no difference among the λ of an lr, all stay: no optimum is distinguished.
    Else a λ stays unless its average falls short of the best other one by more than the one-sided Dunnett
    critical value times the standard error of their difference; the true best is in the set in at least
    95 % of studies. Every λ stays where the noise is unknown.

    Source: C, Optimum; Hsu 1984.
    """
    present = np.isfinite(average)
    if not np.isfinite(noise):
        return present
    n = np.maximum(landscape.n_seeds(), 1)
    result = present.copy()
    for i in np.flatnonzero(present.sum(axis=1) > 1):
        cells = np.flatnonzero(present[i])
        about_mean = average[i, cells] - np.average(average[i, cells], weights=n[i, cells])
        spread = float((n[i, cells] * about_mean**2).sum()) / (len(cells) - 1)
        if spread <= noise**2 * f_distribution.ppf(0.95, len(cells) - 1, df):
            continue
        d = best_critical(len(cells) - 1, df)
        shortfall = average[i, cells][None, :] - average[i, cells][:, None]
        error = noise * np.sqrt(1 / n[i, cells][None, :] + 1 / n[i, cells][:, None])
        result[i, cells] = (shortfall <= d * error).all(axis=1)
    return result


def parametric_bootstrap(
    landscape: Landscape, average: Floats, rows: NDArray[np.bool_], noise: float, draws: int, seed: int
) -> Floats:
    """ln λ* of the chosen rows, shape (rows, draws), as fresh seeds might have had it.

    Each draw adds the pooled seed noise (per run; none where NaN) to the cells' averages, chooses anew, and
    places the optimum at random within its grid cell: between the midpoints to its neighbours in ln λ. A
    draw that chooses λ = 0 takes the smallest positive cell.

    Source: C, Bootstrap (seed noise pooled over a combination's cells, resampled from it).
    """
    rng = np.random.default_rng(seed)
    positive = landscape.wd > 0
    x = np.log(landscape.wd[positive])
    scale = (0.0 if np.isnan(noise) else noise) / np.sqrt(np.maximum(landscape.n_seeds(), 1))
    result = []
    for i in np.flatnonzero(rows):
        means = average[i] + scale[i] * rng.standard_normal((draws, len(landscape.wd)))
        best = np.nan_to_num(means, nan=-np.inf).argmax(axis=1)
        has = np.isfinite(average[i]) & positive
        mine = np.flatnonzero(has)
        cell = np.searchsorted(mine, best)
        points = x[has[positive]]
        between = (points[1:] + points[:-1]) / 2
        left = np.concatenate([[2 * points[0] - between[0]], between])
        right = np.concatenate([between, [2 * points[-1] - between[-1]]])
        result.append(left[cell] + (right - left)[cell] * rng.random(draws))
    return np.array(result)
