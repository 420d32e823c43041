"""Estimates with their standard errors, the scatter beyond these, and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, t

from decay_atlas.statistics.methods.landscape import Floats


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


def between_variance(x: Floats, y: Floats, covariance: Floats) -> float:
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
    tau2 = between_variance(np.ones((len(kept), 1)), value, np.diag(variance))
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
