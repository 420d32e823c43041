"""Comparisons: of a mean with a number, Welch's of two means, Holm's correction, and every two architectures.

Source: C, Tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import t

from decay_atlas.statistics.methods.estimates import Estimate, combine_df
from decay_atlas.statistics.methods.landscape import Floats

Located = Mapping[tuple[str, str], Estimate]
"""An estimate on a log scale for every (arch, dataset)."""


def holm(p: Floats) -> Floats:
    """Holm's correction over the p-values that exist; NaN stays NaN."""
    # Not statsmodels' multipletests: it collects garbage at every call, which takes 0.1 s.
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    ascending = known[np.argsort(p[known], kind="stable")]
    remaining = np.arange(len(known), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(p[ascending] * remaining), 1.0)
    return corrected


@dataclass(frozen=True)
class Pair:
    """How far two architectures lie apart on a log scale, averaged over their data sets."""

    first: str
    second: str
    difference: Estimate

    def tost(self, bound: float) -> tuple[float, float]:
        """t and p of the worse of the two one-sided tests that |difference| ≥ bound."""
        statistic = (bound - abs(self.difference.value)) / self.difference.se
        return statistic, float(t.sf(statistic, self.difference.df))

    def smallest_bound(self, level: float) -> float:
        """The smallest bound that `tost` would show at this level."""
        return abs(self.difference.value) + float(t.isf(level, self.difference.df)) * self.difference.se


def pairs(located: Located) -> list[Pair]:
    """Every two architectures that share a data set with a standard error each."""
    known = {place: one for place, one in located.items() if one.se > 0 and one.df > 0}
    archs = list(dict.fromkeys(arch for arch, _ in known))
    result = []
    for first, second in combinations(archs, 2):
        shared = [dataset for arch, dataset in known if arch == first and (second, dataset) in known]
        if shared:
            ones = [(known[first, dataset], known[second, dataset]) for dataset in shared]
            result.append(Pair(first, second, _mean_difference(ones)))
    return result


def _mean_difference(ones: list[tuple[Estimate, Estimate]]) -> Estimate:
    """Mean of the differences, with Welch–Satterthwaite degrees of freedom."""
    parts = [(one.se**2 / len(ones) ** 2, one.df) for pair in ones for one in pair]
    variance = sum(part for part, _ in parts)
    df = variance**2 / sum(part**2 / df for part, df in parts)
    value = float(np.mean([first.value - second.value for first, second in ones]))
    return Estimate(value, variance**0.5, df)


def mean_of(sample: Floats) -> Estimate:
    """The mean of one value or more with Student's standard error; without an error where there is but one."""
    se = float(sample.std(ddof=1)) / len(sample) ** 0.5 if len(sample) > 1 else float("nan")
    return Estimate(float(sample.mean()), se, len(sample) - 1)


def welch(first: Floats, second: Floats) -> Estimate:
    """Difference of two means, with Welch's standard error and degrees of freedom.

    Without an error where a sample has fewer than two values, or no value differs.
    """
    value = float(first.mean() - second.mean()) if len(first) and len(second) else float("nan")
    if min(len(first), len(second)) < 2:
        return Estimate(value, float("nan"), float("nan"))
    return welch_of(value, (float(first.var(ddof=1)), len(first)), (float(second.var(ddof=1)), len(second)))


def welch_of(value: float, first: tuple[float, int], second: tuple[float, int]) -> Estimate:
    """The same from the difference itself and both samples' variance and size, two or more."""
    parts = [(variance / n, n - 1) for variance, n in (first, second)]
    df = combine_df(*parts[0], *parts[1])
    return Estimate(value, sum(part for part, _ in parts) ** 0.5, df)
