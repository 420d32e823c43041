"""A straight line through estimates that are known by a covariance, or only to lie beyond a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import log_ndtr
from scipy.stats import chi2, norm, t

from decay_atlas.statistics.landscape import Floats

ROUNDS = 50


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and the degrees of freedom of its t-test; NaN where unknown."""

    value: float
    se: float
    df: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided confidence interval."""
        half = float(t.ppf((1 + level) / 2, self.df)) * self.se if self.df > 0 else np.nan
        return self.value - half, self.value + half

    def p(self, null: float) -> float:
        """Two-sided p-value of the hypothesis that the true value is `null`."""
        if not (self.se > 0 and self.df > 0):
            return float("nan")
        return float(2 * t.sf(abs(self.value - null) / self.se, self.df))


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


def combine_df(known: float, known_df: float, scatter: float, scatter_df: float) -> float:
    """Degrees of freedom of a variance that is the sum of two estimated ones (Welch–Satterthwaite)."""
    total = known + scatter
    if total <= 0:
        return float("nan")
    parts = [v**2 / df for v, df in ((known, known_df), (scatter, scatter_df)) if v > 0 and df > 0]
    if not parts:
        return float("nan")
    return total**2 / sum(parts) if sum(parts) > 0 else float("inf")


def excess_scatter(x: Floats, y: Floats, covariance: Floats) -> float:
    """Variance of y about a line in x, least squares, beyond its covariance; 0 where there is none.

    `x` is the (n, p) design. The value at which the generalised residual sum of squares equals its n − p
    degrees of freedom (Paule & Mandel 1982).
    """
    df = len(y) - x.shape[1]
    if df < 1:
        return 0.0

    def surplus(tau2: float) -> float:
        weight = np.linalg.pinv(covariance + tau2 * np.eye(len(y)), hermitian=True)
        beta = np.linalg.lstsq(x.T @ weight @ x, x.T @ weight @ y, rcond=None)[0]
        residual = y - x @ beta
        return float(residual @ weight @ residual) - df

    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    largest = float(residual @ residual)
    tiny = 1e-12 * max(1.0, largest)
    if largest <= tiny or surplus(tiny) <= 0:
        return 0.0
    return float(brentq(surplus, tiny, largest + np.trace(covariance) + tiny))


def random_effects(estimates: Sequence[Estimate]) -> tuple[Estimate, float]:
    """Pool estimates of one quantity that may truly differ, and the p-value that they do not.

    The weights hold each estimate's variance and the scatter between them; so do the standard error and
    its degrees of freedom. Estimates without a standard error are left out; UNKNOWN when none is left.
    """
    kept = [one for one in estimates if one.se > 0 and one.df > 0]
    if not kept:
        return UNKNOWN, float("nan")
    value = np.array([one.value for one in kept])
    variance = np.array([one.se**2 for one in kept])
    df = np.array([one.df for one in kept])
    tau2 = excess_scatter(np.ones((len(kept), 1)), value, np.diag(variance))
    weight = 1 / (variance + tau2)
    share = weight / weight.sum()
    known = float((share**2 * variance).sum())
    # Infinite degrees of freedom throughout leave nothing to divide by.
    spread = float(((share**2 * variance) ** 2 / df).sum())
    known_df = known**2 / spread if spread > 0 else np.inf
    between = tau2 * float((share**2).sum())
    pooled = Estimate(
        float(share @ value), (known + between) ** 0.5, combine_df(known, known_df, between, len(kept) - 1)
    )
    if len(kept) < 2:
        return pooled, float("nan")
    fixed = float((value / variance).sum() / (1 / variance).sum())
    return pooled, float(chi2.sf(((value - fixed) ** 2 / variance).sum(), len(kept) - 1))


def censored_line(
    x: Floats,
    y: Floats,
    covariance: Floats,
    df: int,
    below: NDArray[np.bool_],
    above: NDArray[np.bool_],
    lower: Floats,
    upper: Floats,
) -> Estimate:
    """Slope of the line through points whose `below` are known only to be < lower, `above` only > upper.

    Tobit likelihood: the other points are normal with `covariance` (estimated with `df` degrees of
    freedom) plus an independent scatter about the line, which is estimated from them; a censored point
    adds the probability of lying beyond its bound. UNKNOWN with fewer than three uncensored points.

    Source: C, "What is wrong with the claim", 5.
    """
    seen = ~below & ~above
    n = int(seen.sum())
    if n < 3 or np.ptp(x[seen]) == 0:
        return UNKNOWN
    centre = x[seen].mean()
    design = np.column_stack([np.ones_like(x), x - centre])
    tau2 = excess_scatter(design[seen], y[seen], covariance[np.ix_(seen, seen)])
    if tau2 == 0 and not np.diag(covariance)[seen].any():
        slope = np.polyfit(x[seen], y[seen], 1)[0]
        return Estimate(float(slope), 0.0, float("nan"))
    beta, information = _maximise(design, y, covariance, tau2, below, above, lower, upper)
    if df == 0:
        # Seeds say nothing, so a censored point is as scattered as the others: where it pulls the line off them, the
        # scatter is what they all show about that line.
        for _ in range(ROUNDS):
            about = _scatter(design @ beta, y, below, above, lower, upper)
            if about <= tau2 * (1 + 1e-6):
                break
            tau2 = about
            beta, information = _maximise(design, y, covariance, tau2, below, above, lower, upper)
    variance = float(np.linalg.inv(information)[1, 1])
    # The seeds' share of the variance is known by their degrees of freedom, the scatter's by the points'.
    unscattered = _maximise(design, y, covariance, 0.0, below, above, lower, upper)[1] if df else None
    known = min(variance, float(np.linalg.inv(unscattered)[1, 1])) if unscattered is not None else 0.0
    return Estimate(float(beta[1]), variance**0.5, combine_df(known, df, variance - known, n - 2))


def _scatter(
    line: Floats,
    y: Floats,
    below: NDArray[np.bool_],
    above: NDArray[np.bool_],
    lower: Floats,
    upper: Floats,
) -> float:
    """Variance of the points about a line; a censored one is as far off as the line lies beyond its bound."""
    off = np.where(below, np.maximum(line - lower, 0), np.where(above, np.maximum(upper - line, 0), y - line))
    return float(off @ off) / max(int((off != 0).sum()) - 2, 1)


def _maximise(
    design: Floats,
    y: Floats,
    covariance: Floats,
    tau2: float,
    below: NDArray[np.bool_],
    above: NDArray[np.bool_],
    lower: Floats,
    upper: Floats,
) -> tuple[Floats, Floats]:
    """Coefficients of highest likelihood and their observed information, by Newton's method.

    The log-likelihood is concave, so that halving a step that overshoots is enough to converge.
    """
    seen = ~below & ~above
    cut = below | above
    weight = np.linalg.inv(covariance[np.ix_(seen, seen)] + tau2 * np.eye(int(seen.sum())))
    spread = np.sqrt(np.diag(covariance)[cut] + tau2)
    side = np.where(below[cut], 1.0, -1.0)
    bound = np.where(below[cut], lower[cut], upper[cut])

    def beyond(beta: Floats) -> Floats:
        return side * (bound - design[cut] @ beta) / spread

    def likelihood(beta: Floats) -> float:
        residual = y[seen] - design[seen] @ beta
        return float(-residual @ weight @ residual / 2 + log_ndtr(beyond(beta)).sum())

    normal = design[seen].T @ weight @ design[seen]
    beta: Floats = np.asarray(np.linalg.solve(normal, design[seen].T @ weight @ y[seen]), float)
    information: Floats = np.asarray(normal, float)
    for _ in range(ROUNDS):
        z = beyond(beta)
        ratio = np.exp(norm.logpdf(z) - log_ndtr(z))
        pull = design[cut] * (side / spread)[:, None]
        gradient = design[seen].T @ weight @ (y[seen] - design[seen] @ beta) - pull.T @ ratio
        information = normal + (pull * (ratio * (ratio + z))[:, None]).T @ pull
        step = np.linalg.solve(information, gradient)
        now = likelihood(beta)
        while likelihood(beta + step) < now - 1e-12 and np.abs(step).max() > 1e-12:
            step = step / 2
        beta = np.asarray(beta + step, float)
        if np.abs(step).max() < 1e-9:
            break
    return beta, information
