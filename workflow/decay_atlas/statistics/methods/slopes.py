"""The log–log slope of λ* on η in one landscape, by three methods.

Source: C, Regressions (3); Ours, Slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress, norm, theilslopes

from decay_atlas.statistics.methods.coupling import log_product
from decay_atlas.statistics.methods.estimates import UNKNOWN, Estimate
from decay_atlas.statistics.methods.landscape import Floats, Landscape
from decay_atlas.statistics.methods.selection import argmax_wd, parametric_bootstrap, seed_noise
from decay_atlas.statistics.methods.smoothing import SmoothOptima, smooth_optima

METHODS = ("ols", "theil-sen", "censored")

DRAWS = 2_000
"""Redrawn landscapes from which the grid methods' intervals are taken."""

BENT = 0.5
"""How far, in ln λ, optima may lie from a straight line in ln η beyond what noise does."""


@dataclass(frozen=True)
class Finding:
    """What a method finds in a landscape: the slope, ln of the mean ηλ*, and the optima that they rest on."""

    method: str
    slope: Estimate
    log_product: Estimate
    n_interior: int
    n_censored: int


def findings(landscape: Landscape, seed: int = 0) -> list[Finding]:
    """What every method finds in a landscape, in the order of `METHODS`."""
    smooth = smooth_optima(landscape)
    return [*_on_the_grid(landscape, smooth, seed), between_points(landscape, smooth)]


def between_points(landscape: Landscape, smooth: SmoothOptima | None) -> Finding:
    """The censored method: a line through the optima that the grid shows, by least squares with moderate weights.

    The weights are 1 / (variance + `BENT`²), so that optima known poorly count less and those known well do not
    outvote the rest: no law is so straight that one stretch of η would do for all. The standard error is that of this
    average of the optima under the seed noise, whose correlation from one η to another counts.
    """
    if smooth is None:
        return Finding("censored", UNKNOWN, UNKNOWN, 0, 0)
    seen = smooth.interior
    n_interior, n_censored = int(seen.sum()), int((smooth.below | smooth.above).sum())
    product = log_product(landscape.lr, smooth)
    if n_interior < 2:
        return Finding("censored", UNKNOWN, product, n_interior, n_censored)
    x, covariance = np.log(landscape.lr[seen]), smooth.covariance[np.ix_(seen, seen)]
    weight = 1 / (np.diag(covariance) + BENT**2)
    about = weight * (x - np.average(x, weights=weight))
    gain = about / (about @ x)
    variance = float(gain @ covariance @ gain)
    known = (variance**0.5, float(smooth.df)) if smooth.df else (np.nan, np.nan)
    return Finding("censored", Estimate(float(gain @ smooth.log_wd[seen]), *known), product, n_interior, n_censored)


def _on_the_grid(landscape: Landscape, smooth: SmoothOptima | None, seed: int) -> list[Finding]:
    """OLS and Theil–Sen on the interior optima of the grid; where runs begin to diverge is an edge too."""
    means = np.where(landscape.none_diverged(), landscape.mean(), np.nan)
    choice = argmax_wd(means, landscape.wd, landscape.searchable())
    seen = choice.interior
    counts = int(seen.sum()), int(choice.found.sum() - seen.sum())
    if counts[0] == 0:
        return [Finding(method, UNKNOWN, UNKNOWN, *counts) for method in METHODS[:2]]
    x, y = np.log(landscape.lr[seen]), np.log(choice.wd(landscape.wd)[seen])
    noise, df = seed_noise(landscape, landscape.none_diverged()) if smooth is None else (smooth.usual_noise, smooth.df)
    drawn = parametric_bootstrap(landscape, means, seen, noise, DRAWS, seed)
    product = _drawn((x + y).mean(), x.mean() + drawn.mean(axis=0), df)
    if counts[0] < 2:
        return [Finding(method, UNKNOWN, product, *counts) for method in METHODS[:2]]
    return [
        Finding("ols", _ols(x, y, drawn, df), product, *counts),
        Finding("theil-sen", _theil_sen(x, y, drawn, df), product, *counts),
    ]


def _drawn(value: float, draws: Floats, df: int) -> Estimate:
    """An estimate whose standard error is that of its redrawn values; unknown where the seed noise is."""
    return Estimate(float(value), float(draws.std()) if df else float("nan"), float(df) if df else np.nan)


def _larger(drawn: Estimate, scattered: Estimate) -> Estimate:
    """The estimate with the larger standard error; unknown where the seed noise is, whatever scatter there is."""
    if np.isnan(drawn.se):
        return drawn
    return scattered if not drawn.se >= scattered.se and np.isfinite(scattered.se) else drawn


def _ols(x: Floats, y: Floats, drawn: Floats, df: int) -> Estimate:
    about = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    choice = _drawn(about @ y, about @ drawn, df)
    if len(x) < 3:
        return choice
    return _larger(choice, Estimate(choice.value, float(linregress(x, y).stderr), len(x) - 2))


def _theil_sen(x: Floats, y: Floats, drawn: Floats, df: int) -> Estimate:
    first, second = np.triu_indices(len(x), 1)
    run = (x[second] - x[first])[:, None]
    choice = _drawn(
        float(np.median((y[second] - y[first]) / run[:, 0])),
        np.median((drawn[second] - drawn[first]) / run, axis=0),
        df,
    )
    if len(x) < 3:
        return choice
    fit = theilslopes(y, x)
    half = (fit.high_slope - fit.low_slope) / 2
    return _larger(choice, Estimate(choice.value, float(half / norm.ppf(0.975)), np.inf))
