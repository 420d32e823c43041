"""The two numbers that would couple λ and η: ρ = λ*/η and ηλ*, per combination and per seed."""

from __future__ import annotations

import numpy as np

from decay_atlas.statistics.methods.estimates import UNKNOWN, Estimate
from decay_atlas.statistics.methods.landscape import Floats, Landscape
from decay_atlas.statistics.methods.selection import Choice, argmax_wd
from decay_atlas.statistics.methods.smoothing import SmoothOptima


def origin_slope(lr: Floats, wd_opt: Floats) -> Floats:
    """ρ of the line λ* = ρη through the origin, Σηλ*/Ση² over the lr with an optimum. Source: C, Regressions.

    `wd_opt` is (..., lr), NaN where an lr has no optimum; the result has its leading shape, NaN where all are.
    """
    found = np.isfinite(wd_opt)
    squares = np.where(found, lr**2, 0.0).sum(axis=-1)
    products = np.where(found, lr * np.where(found, wd_opt, 0.0), 0.0).sum(axis=-1)
    return np.divide(products, squares, out=np.full(squares.shape, np.nan), where=squares > 0)


def mean_product(lr: Floats, wd_opt: Floats) -> Floats:
    """Geometric mean of ηλ* over the lr whose λ* is positive, NaN where none is; shapes as `origin_slope`."""
    positive = np.isfinite(wd_opt) & (wd_opt > 0)
    n = positive.sum(axis=-1)
    total = np.where(positive, np.log(lr * np.where(positive, wd_opt, 1.0)), 0.0).sum(axis=-1)
    return np.exp(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))


def choice_per_seed(landscape: Landscape) -> Choice:
    """The optima that each seed alone would choose, none where all its runs diverged; arrays of shape (seed, lr)."""
    return argmax_wd(np.moveaxis(landscape.quality, 2, 0), landscape.wd, landscape.searchable() & landscape.trained().T)


def log_ratio(lr: Floats, smooth: SmoothOptima | None) -> Estimate:
    """Calibrated ln ρ: the slope through the origin of the smooth interior optima.

    The standard error carries the pooled seed noise, with its degrees of freedom. UNKNOWN without an
    interior optimum.
    """
    if smooth is None or not smooth.interior.any():
        return UNKNOWN
    seen = smooth.interior
    terms = lr[seen] * np.exp(smooth.log_wd[seen])
    return _linear(np.log(terms.sum() / (lr[seen] ** 2).sum()), terms / terms.sum(), smooth)


def log_product(lr: Floats, smooth: SmoothOptima | None) -> Estimate:
    """Calibrated ln ηλ*: the mean over the smooth interior optima, like `log_ratio`."""
    if smooth is None or not smooth.interior.any():
        return UNKNOWN
    seen = smooth.interior
    share = np.full(int(seen.sum()), 1 / seen.sum())
    return _linear(float(share @ (np.log(lr[seen]) + smooth.log_wd[seen])), share, smooth)


def _linear(value: float, gradient: Floats, smooth: SmoothOptima) -> Estimate:
    """An estimate with the standard error that its gradient by the interior optima gives it."""
    if smooth.df == 0:
        return Estimate(value, float("nan"), float("nan"))
    seen = smooth.interior
    variance = gradient @ smooth.covariance[np.ix_(seen, seen)] @ gradient
    return Estimate(value, float(np.sqrt(variance)), smooth.df)
