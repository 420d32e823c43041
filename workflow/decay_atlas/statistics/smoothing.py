"""The optimum between grid points: one local curve in log λ shared by the lr of a combination.

Around its optimum μ(η) the seed-averaged quality of every lr is modelled as

    peak(η) − c·u² + d·u³   or   peak(η) − c·u² + d·u·|u|,   u = ln λ − μ(η),

with curvature c and skew d common to the combination. The window is the widest in which the data do not
reject the shape; where both fit, they are averaged. Where the valleys of a landscape have no shape in common,
so that every window is rejected out of hand, an optimum is only known to lie within half a grid step of the
best cell, and that cell only as surely as the seeds tell it from its neighbours. Cells with a diverged run,
and λ = 0 (no logarithm), take no part.

Source: C, "What is wrong with the claim", 5 (local parabola in log λ), and C, Bootstrap (seed noise pooled
over a combination's cells).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from decay_atlas.statistics.landscape import Average, Floats, Landscape
from decay_atlas.statistics.selection import choose, seed_noise

Booleans = NDArray[np.bool_]
Skew = Callable[[Floats], Floats]

MISFIT_LEVEL = 0.1
"""A window whose misfit has a smaller p is narrowed: a wrong shape biases, a narrow window only costs."""

HOPELESS = 1e-3
"""If the misfit of the best window has a smaller p, no curve is believed."""

CURVED = 3.0
"""A curvature of fewer standard errors than this is no valley, and locates no optimum."""

SKEWS: list[Skew] = [lambda u: u**3, lambda u: u * np.abs(u)]
"""A smooth skew, and a valley whose sides differ in curvature."""

NARROWING = 0.8
NARROWEST_STEPS = 2.5
ROUNDS = 40
CONVERGED = 1e-3
SINGULAR = 1e-9
DRAWS = 400
"""Resamples of the seeds, to see how often another cell is the best."""


@dataclass(frozen=True)
class SmoothOptima:
    """Optimal ln λ of every lr, and how well it is known. Arrays have shape (lr,), NaN where not estimated.

    An estimate below `lower` or above `upper` is censored: it lies beyond the midpoint between an edge of
    the lr's λ and its neighbour, and no nearer place can be told. `covariance` (lr, lr) is that of `log_wd`
    under the seed noise (`noise` per run, `df` degrees of freedom); it is zero with one seed, whose noise
    is unknown. `curvature` is c above, in quality per (ln λ)²; `window` (lr, wd) the cells fitted.
    """

    log_wd: Floats
    covariance: Floats
    lower: Floats
    upper: Floats
    curvature: float
    noise: float
    df: int
    window: Booleans

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


@dataclass(frozen=True)
class _Cells:
    """Average quality `y` of `n` runs over rows of lr and the positive λ at `x` = ln λ."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    x: Floats
    y: Floats
    n: Floats
    usable: Booleans
    valley: Booleans  # the best cell of the row has neighbours on both sides
    start: Floats  # ln λ of the best cell of the row

    def edge(self, position: int) -> Floats:
        """The position-th smallest ln λ of every row; negative positions count from the largest."""
        if position >= 0:
            return np.sort(np.where(self.usable, self.x, np.inf), axis=1)[:, position]
        return np.sort(np.where(self.usable, self.x, -np.inf), axis=1)[:, position]

    @cached_property
    def step(self) -> float:
        """Typical distance of neighbours in ln λ."""
        return float(np.median((self.edge(-1) - self.edge(0)) / (self.usable.sum(axis=1) - 1)))


@dataclass(frozen=True)
class _Curve:
    """A line in every row plus shared powers of the distance from the centres, by least squares.

    `slope` (row,) at the centres and `shared` (power,) are linear in y; `shared_gain` (power, row, x) is the
    derivative of `shared` by it, `to_slope` (row, x) that of a row's own line, whose slope takes `leak`
    (power, row) of the shared coefficients.
    """

    slope: Floats
    shared: Floats
    to_slope: Floats
    leak: Floats
    shared_gain: Floats
    residual: Floats

    def slope_gain(self) -> Floats:
        """Derivative of the slopes by y: that of the row's own line, less the shared curve's part in it."""
        gain = -np.einsum("pr,psx->rsx", self.leak, self.shared_gain)
        own = np.arange(len(self.slope))
        gain[own, own] += self.to_slope
        return gain


def smooth_optima(landscape: Landscape, average: Average = "mean") -> SmoothOptima | None:
    """Locate the optimum of every lr between the grid points; None where the landscape shows no valley."""
    cells = _cells(landscape, average)
    if cells is None:
        return None
    rejected: list[tuple[SmoothOptima, float]] = []
    for width in _widths(cells):
        fits = [fit for skew in SKEWS if (fit := _fit(landscape, cells, width, skew)) is not None]
        fitting = [optima for optima, misfit_p in fits if misfit_p >= MISFIT_LEVEL]
        if fitting:
            # A curve that fits and is not curved is flat: narrower windows would only find bumps of noise.
            valleys = [optima for optima in fitting if optima is not None]
            return _agree(valleys) if valleys else None
        rejected += [(optima, misfit_p) for optima, misfit_p in fits if optima is not None]
    if not rejected:
        return None
    # Of windows that all misfit, the least bad; the narrowest where one seed leaves misfit unknown.
    optima, misfit_p = max(reversed(rejected), key=lambda fit: fit[1])
    return _on_grid(landscape, cells, optima) if optima.df and misfit_p < HOPELESS else optima


def _on_grid(landscape: Landscape, cells: _Cells, fit: SmoothOptima) -> SmoothOptima:
    """The best cells in place of a fit that is not believed."""
    quality = landscape.quality[np.ix_(cells.rows, cells.columns)]
    present = np.isfinite(quality) & cells.usable[..., None]
    n_seeds = quality.shape[2]
    drawn = np.random.default_rng(0).multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), DRAWS)
    count = np.einsum("ds,rxs->drx", drawn, present)
    total = np.einsum("ds,rxs->drx", drawn, np.where(present, quality, 0.0))
    means = np.divide(total, count, out=np.full(total.shape, -np.inf), where=count > 0)
    best = cells.x[means.argmax(axis=2)]
    steps = (cells.edge(-1) - cells.edge(0)) / (cells.usable.sum(axis=1) - 1)
    variance = best.var(axis=0) + steps**2 / 12  # of a place anywhere within a grid step
    log_wd, covariance = np.full_like(fit.log_wd, np.nan), np.full_like(fit.covariance, np.nan)
    log_wd[cells.rows] = cells.start
    covariance[np.ix_(cells.rows, cells.rows)] = np.diag(variance)
    return replace(fit, log_wd=log_wd, covariance=covariance)


def _agree(fits: list[SmoothOptima]) -> SmoothOptima:
    """The mean of the shapes that fit. Their mean covariance bounds that of the mean from above."""
    log_wd = np.mean([fit.log_wd for fit in fits], axis=0)
    return replace(fits[0], log_wd=log_wd, covariance=np.mean([fit.covariance for fit in fits], axis=0))


def _cells(landscape: Landscape, average: Average) -> _Cells | None:
    columns = np.flatnonzero(landscape.wd > 0)
    usable = landscape.calm()
    rows = np.flatnonzero(usable[:, columns].sum(axis=1) >= 3)
    if len(rows) == 0:
        return None
    pick = np.ix_(rows, columns)
    usable = usable[pick]
    y = np.where(usable, landscape.mean(average)[pick], np.nan)
    wd = landscape.wd[columns]
    best = choose(y, wd, np.ones(len(rows), bool))
    n = landscape.n_seeds()[pick].astype(float)
    return _Cells(rows, columns, np.log(wd), np.where(usable, y, 0.0), n, usable, best.interior, np.log(best.wd(wd)))


def _widths(cells: _Cells) -> list[float]:
    """Half-widths to try, from the whole axis down to the narrowest window that holds a curve."""
    widest = float((cells.edge(-1) - cells.edge(0)).max())
    narrowest = min(NARROWEST_STEPS * cells.step, widest)
    count = int(np.log(narrowest / widest) / np.log(NARROWING)) + 1
    return [widest * NARROWING**k for k in range(count)]


def _climb(cells: _Cells, width: float, skew: Skew) -> Floats:
    """Move every window to where its curve is level; it stays where the shared curve is no maximum."""
    first, last = cells.edge(0), cells.edge(-1)
    centre = cells.start
    for _ in range(ROUNDS):
        curve = _curve(cells, centre, _weights(cells, centre, width), skew)
        if curve is None or not curve.shared[0] < 0:
            break
        step = np.clip(-curve.slope / (2 * curve.shared[0]), -width / 2, width / 2)
        moved = np.clip(centre + step, first, last)
        settled = np.abs(moved - centre).max() < CONVERGED
        centre = moved
        if settled:
            break
    return centre


def _weights(cells: _Cells, centre: Floats, width: float) -> Floats:
    """1 within the window, falling to 0 over its outermost grid step, so that estimates move smoothly."""
    inside = (width - np.abs(cells.x - centre[:, None])) / cells.step
    return np.clip(inside, 0.0, 1.0) * cells.n * cells.usable


def _curve(cells: _Cells, centre: Floats, weight: Floats, skew: Skew) -> _Curve | None:
    """Weighted least squares with the rows' lines profiled out; None where it is not determined."""
    points = (weight > 0).sum(axis=1)
    u = cells.x - centre[:, None]
    total = weight.sum(axis=1, keepdims=True)
    if (points < 2).any():
        return None
    level = u - (weight * u).sum(axis=1, keepdims=True) / total
    to_slope = weight * level / (weight * level**2).sum(axis=1, keepdims=True)

    def beyond_line(z: Floats) -> Floats:
        mean = (weight * z).sum(axis=1, keepdims=True) / total
        return z - mean - level * (to_slope * z).sum(axis=1, keepdims=True)

    members = cells.valley if cells.valley.any() else np.ones(len(centre), bool)
    spare = np.maximum(points[members] - 2, 0)
    powers = [u**2, skew(u)] if spare.max() >= 3 and spare.sum() > 2 else [u**2]
    bent = np.array([beyond_line(z) for z in powers])
    weighted = bent * np.where(members[:, None], weight, 0.0)
    normal = np.einsum("prx,qrx->pq", weighted, bent)
    if np.linalg.det(normal) <= SINGULAR * normal.diagonal().prod():
        return None
    shared_gain = np.linalg.solve(normal, weighted.reshape(len(powers), -1)).reshape(weighted.shape)
    shared = (shared_gain * cells.y).sum(axis=(1, 2))
    leak = np.array([(to_slope * z).sum(axis=1) for z in powers])
    slope = (to_slope * cells.y).sum(axis=1) - shared @ leak
    residual = beyond_line(cells.y) - np.einsum("p,prx->rx", shared, bent)
    return _Curve(slope, shared, to_slope, leak, shared_gain, residual)


def _fit(landscape: Landscape, cells: _Cells, width: float, skew: Skew) -> tuple[SmoothOptima | None, float] | None:
    """The optima in windows of one width, None where they are no valley, and the p-value of their misfit.

    None for both where the window does not determine the curve.
    """
    centre = _climb(cells, width, skew)
    weight = _weights(cells, centre, width)
    curve = _curve(cells, centre, weight, skew)
    if curve is None:
        return None
    window = np.zeros((len(landscape.lr), len(landscape.wd)), dtype=bool)
    window[np.ix_(cells.rows, cells.columns)] = weight > 0
    noise, df = seed_noise(landscape, window)
    misfit_p = _misfit(cells, centre, weight, skew, noise, df) if df else 0.0
    variance = np.divide(noise**2 if df else 0.0, cells.n, out=np.zeros_like(cells.n), where=cells.n > 0)
    bend = -2 * float(curve.shared[0])
    if bend <= 2 * CURVED * np.sqrt((curve.shared_gain[0] ** 2 * variance).sum()):
        return None, misfit_p
    gain = curve.slope_gain()
    covariance = np.einsum("rsx,sx,tsx->rt", gain, variance, gain, optimize=True) / bend**2
    log_wd = centre + np.clip(curve.slope / bend, -width, width)

    def on_axis(values: Floats) -> Floats:
        full = np.full((len(landscape.lr),) * values.ndim, np.nan)
        full[np.ix_(*[cells.rows] * values.ndim)] = values
        return full

    optima = SmoothOptima(
        log_wd=on_axis(log_wd),
        covariance=on_axis(covariance),
        lower=on_axis((cells.edge(0) + cells.edge(1)) / 2),
        upper=on_axis((cells.edge(-1) + cells.edge(-2)) / 2),
        curvature=bend / 2,
        noise=noise,
        df=df,
        window=window,
    )
    return optima, misfit_p


def _misfit(cells: _Cells, centre: Floats, weight: Floats, skew: Skew, noise: float, df: int) -> float:
    """p-value of the curve's lack of fit against the seed noise, over the window's cells at equal weight."""
    inside = weight > 0
    even = np.where(inside, cells.n, 0.0)
    curve = _curve(cells, centre, even, skew)
    if curve is None:
        return 0.0
    spare = int(inside.sum()) - 2 * len(centre) - len(curve.shared)
    if spare < 1:
        return 1.0
    excess = float((even * curve.residual**2).sum()) / spare / noise**2
    return float(f_distribution.sf(excess, spare, df))
