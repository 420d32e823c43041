"""Three rival laws of λ*(η) side by side, by three methods, and what may be concluded.

Source: C, Rival laws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import linregress

from decay_atlas.statistics.methods.estimates import UNKNOWN, Estimate, random_effects
from decay_atlas.statistics.methods.landscape import COMBINATION, Average, Direction, Landscape, landscapes, tabulate
from decay_atlas.statistics.methods.rivals import HETEROGENEOUS, LAWS, POOLED
from decay_atlas.statistics.methods.selection import argmax_wd
from decay_atlas.statistics.methods.slopes import Finding, findings

MIN_INTERIOR = 3
"""Fewer interior optima than this identify no slope."""

EQUIVALENT = 0.25
"""A slope whose whole interval lies within this of a law's is equivalent to it."""

HALFWAY = 0.5
"""Half the distance of two laws' slopes."""

ROUNDING = 1e-12
"""Relative: a standard error smaller than this is that of floating point."""

COLUMNS = [
    *COMBINATION,
    *["method", "slope", "slope_lo", "slope_hi", "p_ratio", "p_decoupled", "p_product", "product"],
    *["n_interior", "n_censored", "nearest", "verdict"],
]


def laws(runs: pd.DataFrame, direction: Direction, *, seed: int = 0, average: Average = "mean") -> pd.DataFrame:
    """Test the ratio (b = 1), decoupled (b = 0) and product (b = −1) laws: a row a combination and method.

    `ols` and `theil-sen` are fitted to ln λ* of the interior optima on the grid; their intervals carry the
    scatter about the line or, where it is larger, what seed noise and grid step do to the choice of the
    optima. `censored` is fitted to the optima between grid points that lie inside the grid; it carries the seed
    noise, and is the method to trust. `published` is the source's regression, to be
    compared with it: least squares through every λ* > 0, those at an edge too, which may lie beyond the grid. It has
    no verdict, for its interval knows nothing of seeds and of the grid's steps.
    Intervals are 95 %, by t with `df` degrees of freedom. `product` is the geometric mean of ηλ* over the same
    optima. `equivalent` says that the interval lies within ±0.25 of the nearest law's slope. Rows of arch "(all)"
    pool architectures by random effects; their `p_heterogeneity` tests that all share one slope, and where it is
    below `HETEROGENEOUS` no law is theirs: the verdict is `undetermined`.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    rows: list[dict[str, Any]] = []
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for one in landscapes(runs, direction, average):
        for finding in findings(one, seed):
            rows.append({**one.key, **_row(finding)})
            groups.setdefault((one.dataset, one.recipe, finding.method), []).append(finding)
        rows.append({**one.key, **_row(as_published(one)), "verdict": None})
    for (dataset, recipe, _), group in groups.items():
        if len(group) > 1:
            rows.append({"dataset": dataset, "recipe": recipe, "arch": POOLED, **_pooled_row(group)})
    extra = ["se", "df", "product_lo", "product_hi", "equivalent", "p_heterogeneity"]
    return tabulate(rows, [*COLUMNS, *extra])


def as_published(landscape: Landscape) -> Finding:
    """The source's log–log regression: least squares through every λ* > 0. Source: C, Regressions (3)."""
    choice = argmax_wd(landscape.mean(), landscape.wd, landscape.searchable())
    wd_opt = choice.wd(landscape.wd)
    seen = np.nan_to_num(wd_opt) > 0
    counts = int(seen.sum()), int(choice.found.sum() - seen.sum())
    if counts[0] == 0:
        return Finding("published", UNKNOWN, UNKNOWN, *counts)
    x, y = np.log(landscape.lr[seen]), np.log(wd_opt[seen])
    product = Estimate(float((x + y).mean()), np.nan, np.nan)
    if counts[0] < MIN_INTERIOR:
        return Finding("published", UNKNOWN, product, *counts)
    fit = linregress(x, y)
    slope = Estimate(float(fit.slope), float(fit.stderr), counts[0] - 2)
    return Finding("published", slope, product, *counts)


def verdict(slope: Estimate, n_interior: int) -> str:
    """The law that every slope in the 95 % interval is nearest to, or why there is none.

    A law is named where the interval holds its slope and reaches no further than `HALFWAY` to the next one: on a
    landscape of slope −0.5, an interval that happens to hold −1 and not 0 names nothing. `other` is no law's slope.
    """
    if n_interior < MIN_INTERIOR:
        return "not-identifiable"
    low, high = slope.interval()
    inside = [law for law, b in LAWS.items() if not (b < low or b > high)]
    if not inside:
        return "other"
    near = [law for law in inside if LAWS[law] - HALFWAY < low and high < LAWS[law] + HALFWAY]
    return near[0] if near else "undetermined"


def _row(finding: Finding) -> dict[str, Any]:
    slope = finding.slope if finding.n_interior >= MIN_INTERIOR else UNKNOWN
    if slope.se <= ROUNDING * max(1.0, abs(slope.value)):
        # Optima that all lie on the line leave nothing to measure its error by.
        slope = Estimate(slope.value, np.nan, np.nan)
    low, high = slope.interval()
    product_low, product_high = np.exp(finding.log_product.interval())
    known = np.isfinite(slope.value)
    nearest = min(LAWS, key=lambda law: abs(LAWS[law] - slope.value)) if known else None
    return {
        "method": finding.method,
        "slope": slope.value,
        "slope_lo": low,
        "slope_hi": high,
        **{f"p_{law}": slope.p(b) for law, b in LAWS.items()},
        "product": np.exp(finding.log_product.value),
        "n_interior": finding.n_interior,
        "n_censored": finding.n_censored,
        "nearest": nearest,
        "verdict": verdict(slope, finding.n_interior),
        "se": slope.se,
        "df": slope.df,
        "product_lo": product_low,
        "product_hi": product_high,
        "equivalent": nearest is not None and low > LAWS[nearest] - EQUIVALENT and high < LAWS[nearest] + EQUIVALENT,
    }


def _pooled_row(group: Sequence[Finding]) -> dict[str, Any]:
    """The architectures' slopes and products pooled; only those with enough interior optima count."""
    usable = [one for one in group if one.n_interior >= MIN_INTERIOR]
    slope, p_heterogeneity = random_effects([one.slope for one in usable])
    pooled = Finding(
        method=group[0].method,
        slope=slope,
        log_product=random_effects([one.log_product for one in usable])[0],
        n_interior=sum(one.n_interior for one in usable),
        n_censored=sum(one.n_censored for one in group),
    )
    row = {**_row(pooled), "p_heterogeneity": p_heterogeneity}
    return row | {"verdict": "undetermined"} if p_heterogeneity < HETEROGENEOUS else row
