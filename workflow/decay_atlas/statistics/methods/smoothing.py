"""Where the optimum of every learning rate may lie, between the grid points too.

The averages over seeds are taken for a smooth function of ln λ and ln η with the noise that the seeds show (see
`seed_covariance`), and functions are drawn from its posterior (see `gaussian_process`). No shape is assumed: the
optimum of a learning rate is wherever the draws have theirs, be it on a plateau or at the foot of a cliff. Of every
learning rate only the cells about its best one take part, up to the first on either side that is worse beyond
doubt; and their shortfalls from the best are compressed where they are large, so that a cliff does not decide
how rough the valley may be.

Source: Ours, Smooth optima; C, Between grid points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from decay_atlas.statistics.methods import gaussian_process
from decay_atlas.statistics.methods.gaussian_process import Points
from decay_atlas.statistics.methods.landscape import MIN_WEIGHT_DECAYS, Floats, Landscape
from decay_atlas.statistics.methods.seed_covariance import SeedCovariance, seed_covariance

Booleans = NDArray[np.bool_]

DRAWS = 400
FINE = 0.1
"""Spacing in ln λ of the places at which functions are drawn, as far as `MOST_PLACES` allow."""

MOST_PLACES = 121

WORSE = 4.0
"""A cell this many standard errors below the best ends the window about it."""

AT_LEAST = 2
"""Cells on either side of the best that are in the window, whatever they are worth."""

COMPRESSED = 3.0
"""Shortfalls of more than this many standard deviations of a run are compressed."""

DOUBT = 0.2
"""Share of the draws that may have their optimum at an edge before it is no longer taken to lie inside."""

SURE = 0.9
"""Share of the draws that have it at one edge where it is taken to lie there."""


@dataclass(frozen=True)
class SmoothOptima:
    """Optimal ln λ of every lr, and how well it is known. Arrays have shape (lr,), NaN where not estimated.

    An estimate below `lower` or above `upper` is censored: it lies beyond the midpoint between an edge of
    the lr's λ and its neighbour, and no nearer place can be told. `covariance` (lr, lr) is that of `log_wd`
    under the seed noise (`noise` of a run in the valley of each lr, NaN where unknown, of `df` degrees of freedom); it
    is zero with one seed. `drawn` (draw, lr) are the optima of functions that the data allow, NaN where there is no
    estimate of any kind; `losses` (draw, lr, place) what those functions lose at the ln λ of `places` against their
    optimum, in the metric's unit, NaN outside the lr's window.
    """

    log_wd: Floats
    covariance: Floats
    lower: Floats
    upper: Floats
    noise: Floats
    df: int
    drawn: Floats
    places: Floats
    losses: Floats

    @property
    def usual_noise(self) -> float:
        """The median over lr of the noise; NaN where unknown."""
        return float(np.nanmedian(self.noise)) if self.df else float("nan")

    @property
    def below(self) -> Booleans:
        """Optima at or beyond the lower edge."""
        return self.log_wd < self.lower

    @property
    def above(self) -> Booleans:
        """Optima at or beyond the upper edge."""
        return self.log_wd > self.upper

    @property
    def interior(self) -> Booleans:
        """Optima that the grid shows."""
        return np.isfinite(self.log_wd) & ~self.below & ~self.above


def smooth_optima(landscape: Landscape, between: Sequence[float] = ()) -> SmoothOptima | None:
    """Locate the optimum of every lr between the grid points; None where no lr has three positive weight decays.

    Learning rates `between` the measured ones follow these in every array; nothing was trained there, so that only
    `drawn` and `losses` are given.
    """
    means = landscape.mean()
    usable = np.isfinite(means) & (landscape.wd > 0) & ~landscape.all_diverged()[:, None]
    usable &= (usable.sum(axis=1) >= MIN_WEIGHT_DECAYS)[:, None]
    rows = np.flatnonzero(usable.any(axis=1))
    if len(rows) == 0:
        return None
    best = np.where(usable, means, -np.inf).max(axis=1)
    depth = np.where(usable, best[:, None] - means, np.nan)
    covariance = seed_covariance(landscape, depth)
    window = np.zeros_like(usable)
    for i in rows:
        window[i] = _window(usable[i], depth[i], covariance.sd[i] / np.sqrt(np.maximum(landscape.n_seeds()[i], 1)))
    noise, scale = _scales(depth, covariance, window)
    x = np.log(np.where(landscape.wd > 0, landscape.wd, np.nan))
    ends = np.array([[x[window[i]].min(), x[window[i]].max(), np.log(scale[i])] for i in rows])
    z, asked = np.log(landscape.lr[rows]), np.log(np.asarray(between, float))
    ends = np.concatenate([ends, np.column_stack([np.interp(asked, z, column) for column in ends.T])])
    places = _places(ends[:, 0].min(), ends[:, 1].max(), x[window.any(axis=0)])
    points = _points(landscape, depth, covariance, window, rows, scale)
    functions = gaussian_process.draws(replace(points, z=np.concatenate([z, asked])), places, DRAWS)
    losses = _losses(functions, places, ends)
    where = np.concatenate([rows, len(landscape.lr) + np.arange(len(asked))])
    drawn = np.full((DRAWS, len(landscape.lr) + len(asked)), np.nan)
    drawn[:, where] = places[np.where(np.isnan(losses), np.inf, losses).argmin(axis=2)]
    every = np.full((*drawn.shape, len(places)), np.nan)
    every[:, where] = losses
    lower, upper = _bounds(usable & landscape.none_diverged(), landscape.wd)
    log_wd = _settled(drawn[:, : len(landscape.lr)], lower, upper)
    seen = np.isfinite(log_wd) & (log_wd >= lower) & (log_wd <= upper)
    spread = np.full((len(log_wd), len(log_wd)), np.nan)
    measured = drawn[:, : len(landscape.lr)]
    spread[np.ix_(seen, seen)] = np.atleast_2d(np.cov(measured[:, seen].T)) if covariance.df else 0.0
    return SmoothOptima(log_wd, spread, lower, upper, noise, covariance.df, drawn, places, every)


def _losses(functions: Floats, places: Floats, ends: Floats) -> Floats:
    """What drawn functions (draw, lr, place) lose against their optimum, between the ends of each lr's window.

    The functions are of the compressed shortfall; `ends` has each lr's first and last place and ln of its scale.
    """
    outside = (places < ends[:, :1] - 1e-6) | (places > ends[:, 1:2] + 1e-6)
    inside = np.where(outside, np.nan, functions)
    result: Floats = np.exp(ends[:, 2:]) * np.sinh(np.nanmax(inside, axis=2, keepdims=True) - inside)
    return result


def _bounds(usable: Booleans, wd: Floats) -> tuple[Floats, Floats]:
    """The midpoints, in ln λ, between the edges of every lr's cells and their neighbours; NaN with fewer than two.

    Cells with a diverged run are beyond the edge: where the best λ lies next to them, they and not a law put it there.
    """
    lower, upper = np.full((2, len(usable)), np.nan)
    for i in np.flatnonzero(usable.sum(axis=1) > 1):
        x = np.log(wd[usable[i]])
        lower[i], upper[i] = (x[0] + x[1]) / 2, (x[-2] + x[-1]) / 2
    return lower, upper


def _settled(drawn: Floats, lower: Floats, upper: Floats) -> Floats:
    """The mean optimum where the draws have it inside, an edge where they surely have it there, else NaN."""
    below, above = (drawn < lower).mean(axis=0), (drawn > upper).mean(axis=0)
    inside = np.isfinite(lower) & (below + above <= DOUBT)
    result = np.full(len(lower), np.nan)
    result[inside] = np.clip(drawn[:, inside].mean(axis=0), lower[inside], upper[inside])
    result[below >= SURE] = drawn[:, below >= SURE].min(axis=0)
    result[above >= SURE] = drawn[:, above >= SURE].max(axis=0)
    return result


def _window(usable: Booleans, depth: Floats, error: Floats) -> Booleans:
    """The cells about the best one, up to the first on either side that is worse beyond doubt."""
    cells = np.flatnonzero(usable)
    best = int(np.argmin(depth[cells]))
    worse = depth[cells] > WORSE * (error[cells] + error[cells[best]])  # nothing is, where the noise is unknown
    left, right = np.flatnonzero(worse[:best]), np.flatnonzero(worse[best + 1 :])
    first = min(left[-1], best - AT_LEAST) if len(left) else 0
    last = max(best + 1 + right[0], best + AT_LEAST) if len(right) else len(cells) - 1
    window = np.zeros_like(usable)
    window[cells[max(first, 0) : last + 1]] = True
    return window


def _scales(depth: Floats, covariance: SeedCovariance, window: Booleans) -> tuple[Floats, Floats]:
    """Noise of a run in every lr's valley, NaN where unknown, and the shortfall from which on depths are compressed."""
    noises, scales = np.full((2, len(depth)), np.nan)
    for i in np.flatnonzero(window.any(axis=1)):
        inside = depth[i, window[i]]
        scales[i] = np.median(inside[inside > 0]) if (inside > 0).any() else 1.0
        if covariance.df:
            shallow = np.argsort(inside)[: max(3, len(inside) // 3)]
            noises[i] = np.sqrt(np.mean(covariance.sd[i, window[i]][shallow] ** 2))
            scales[i] = max(scales[i], COMPRESSED * noises[i])
    return noises, scales


def _points(
    landscape: Landscape,
    depth: Floats,
    covariance: SeedCovariance,
    window: Booleans,
    rows: NDArray[np.int64],
    scale: Floats,
) -> Points:
    """The cells as observations of the compressed shortfall, whose noise is compressed alike."""
    place, column = np.nonzero(window[rows])
    shortfall = depth[rows][place, column]
    steepness = 1 / np.hypot(scale[rows[place]], shortfall)
    noise = np.zeros((len(place), len(place)))
    for k, i in enumerate(rows):
        here = np.flatnonzero(place == k)
        if covariance.df:
            noise[np.ix_(here, here)] = covariance.of_means(landscape, int(i), column[here])
    noise *= np.outer(steepness, steepness)
    x = np.log(landscape.wd[column])
    return Points(place, x, -np.arcsinh(shortfall / scale[rows[place]]), noise, np.log(landscape.lr[rows]))


def _places(first: float, last: float, cells: Floats) -> Floats:
    """The ln λ at which functions are drawn, the cells among them."""
    between = np.linspace(first, last, int(np.clip((last - first) / FINE, 2, MOST_PLACES)))
    return np.unique(np.concatenate([cells, between]).round(9))
