"""Do the architectures share one ρ, or one ηλ*? Tests of difference, of equivalence, and their power.

Source: C, Tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import f_oneway, kruskal
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.power import FTestAnovaPower

from decay_atlas.statistics.methods.comparisons import Located, Pair, holm, pairs
from decay_atlas.statistics.methods.coupling import (
    choice_per_seed,
    log_product,
    log_ratio,
    mean_product,
    origin_slope,
)
from decay_atlas.statistics.methods.estimates import Estimate
from decay_atlas.statistics.methods.landscape import Average, Direction, Landscape, landscapes, tabulate
from decay_atlas.statistics.methods.smoothing import smooth_optima

LEVEL = 0.05
POWER = 0.8
QUANTITIES = {"rho": "ρ", "product": "ηλ*"}
COLUMNS = ["recipe", "quantity", "test", "statistic", "df1", "df2", "p", "margin", "conclusion"]


def universality(
    runs: pd.DataFrame, direction: Direction, *, margin: float = 1.25, average: Average = "mean"
) -> pd.DataFrame:
    """Compare architectures, a row a recipe, quantity (rho | product) and test.

    The tests of difference take what each seed alone finds (ρ, or ln ηλ*), with data sets as replicates:
    `anova` as published, `welch`, `kruskal-wallis`, and with two data sets or more the two-way `arch`,
    `dataset` and `arch:dataset` effects (`two-way …`). `tost` takes the calibrated estimates of ln ρ and
    ln ηλ*, paired by data set, and holds every two architectures to a factor of `margin`; its p is the
    largest of all pairs', and `pair` names that one. `p_holm` corrects each test over the rows it has.
    `detectable` is the smallest factor between architectures that would have been found with 80 % power
    (`anova`), or the smallest margin that would have been shown (`tost`).

    Raises:
        ValueError: the margin is not above 1, a column is missing, a run appears twice, or a setting is
            unknown.
    """
    if not margin > 1:
        raise ValueError(f"margin is a factor above 1 (1.25 for ×/÷ 1.25), not {margin}")
    studied: dict[str, list[Landscape]] = {}
    for one in landscapes(runs, direction, average):
        studied.setdefault(one.recipe, []).append(one)
    rows = []
    for recipe, group in studied.items():
        located = _located(group)
        per_seed = pd.concat([_per_seed(one) for one in group], ignore_index=True)
        for quantity in QUANTITIES:
            key = {"recipe": recipe, "quantity": quantity}
            tested = [*_difference(per_seed, quantity), _equivalence(located[quantity], quantity, margin)]
            rows += [{**key, **row} for row in tested]
    table = tabulate(rows, [*COLUMNS, "p_holm", "pair", "detectable", "n"])
    for _, part in table.groupby("test"):
        table.loc[part.index, "p_holm"] = holm(part["p"].to_numpy(float))
    return table


def _per_seed(landscape: Landscape) -> pd.DataFrame:
    """ρ and ln ηλ* as each seed alone finds them, with the columns dataset, arch, seed, rho, product."""
    wd_opt = choice_per_seed(landscape).wd(landscape.wd)
    return pd.DataFrame(
        {
            "dataset": landscape.dataset,
            "arch": landscape.arch,
            "seed": landscape.seeds,
            "rho": origin_slope(landscape.lr, wd_opt),
            "product": np.log(mean_product(landscape.lr, wd_opt)),
        }
    )


def _located(group: list[Landscape]) -> Mapping[str, Located]:
    """Calibrated ln ρ and ln ηλ* by (arch, dataset)."""
    located: dict[str, dict[tuple[str, str], Estimate]] = {quantity: {} for quantity in QUANTITIES}
    for one in group:
        smooth = smooth_optima(one)
        located["rho"][one.arch, one.dataset] = log_ratio(one.lr, smooth)
        located["product"][one.arch, one.dataset] = log_product(one.lr, smooth)
    return located


def _difference(per_seed: pd.DataFrame, quantity: str) -> Iterator[dict[str, Any]]:
    """The tests of no difference, of which none can show equality."""
    table = per_seed.dropna(subset=[quantity])
    samples = [part.to_numpy(float) for _, part in table.groupby("arch", sort=False)[quantity]]
    samples = [sample for sample in samples if len(sample) > 1]
    why = _why_not(samples)
    if why:
        yield from ({"test": test, "conclusion": why} for test in ("anova", "welch", "kruskal-wallis"))
        return
    k, n = len(samples), sum(map(len, samples))
    found = f_oneway(*samples)
    anova = _tested("anova", found.statistic, k - 1, n - k, found.pvalue, quantity)
    yield {**anova, "detectable": _detectable(samples, logarithmic=quantity == "product"), "n": n}
    if all(np.ptp(sample) > 0 for sample in samples):
        welch = anova_oneway(samples, use_var="unequal")
        yield {**_tested("welch", welch.statistic, welch.df[0], welch.df[1], welch.pvalue, quantity), "n": n}
    else:
        yield {"test": "welch", "conclusion": "not testable: an architecture's seeds all agree"}
    ranks = kruskal(*samples)
    yield {**_tested("kruskal-wallis", ranks.statistic, k - 1, np.nan, ranks.pvalue, quantity), "n": n}
    yield from _two_way(table, quantity)


def _why_not(samples: list[np.ndarray]) -> str:
    """Why the architectures' samples cannot be compared; empty where they can."""
    if len(samples) < 2:
        return "not testable: fewer than two architectures with two estimates each"
    if all(np.ptp(sample) <= 1e-12 * np.abs(sample).max() for sample in samples):
        return "not testable: every seed chooses the same optima, so that nothing measures the noise"
    return ""


def _two_way(table: pd.DataFrame, quantity: str) -> Iterator[dict[str, Any]]:
    """Effects of arch, data set and their interaction; nothing with one data set or an empty combination."""
    counts = pd.crosstab(table["arch"], table["dataset"])
    if min(counts.shape) < 2 or not (counts > 1).all(axis=None):
        return
    effects = anova_lm(ols(f"{quantity} ~ C(arch) * C(dataset)", table).fit(), typ=2)
    for effect, term in (
        ("arch", "C(arch)"),
        ("dataset", "C(dataset)"),
        ("arch:dataset", "C(arch):C(dataset)"),
    ):
        f, df, p = effects.loc[term, ["F", "df", "PR(>F)"]]
        row = _tested(f"two-way {effect}", f, df, effects.loc["Residual", "df"], p, quantity)
        yield {**row, "n": len(table)}


def _tested(test: str, statistic: float, df1: float, df2: float, p: float, quantity: str) -> dict[str, Any]:
    """A row of a test of difference, with what may be concluded from it."""
    among = {"two-way dataset": "data sets", "two-way arch:dataset": "architectures by data set"}
    differ = f"{QUANTITIES[quantity]} differs between {among.get(test, 'architectures')}"
    none = "no difference found, which does not show that there is none"
    conclusion = differ if p < LEVEL else none
    return {"test": test, "statistic": statistic, "df1": df1, "df2": df2, "p": p, "conclusion": conclusion}


def _equivalence(located: Located, quantity: str, margin: float) -> dict[str, Any]:
    """The row of the equivalence test: all pairs must pass, so that none need be corrected for the others."""
    compared = pairs(located)
    if not compared:
        why = "not testable: fewer than two architectures have optima located between grid points and two seeds"
        return {"test": "tost", "margin": margin, "conclusion": why}
    worst = max(compared, key=lambda pair: pair.tost(np.log(margin))[1])
    statistic, p = worst.tost(np.log(margin))
    smallest = float(np.exp(max(pair.smallest_bound(LEVEL) for pair in compared)))
    symbol, left_out = QUANTITIES[quantity], len({arch for arch, _ in located}) - _archs(compared)
    conclusion = (
        f"{symbol} is equivalent within ×/÷ {margin:g}"
        if p < LEVEL
        else f"equivalence within ×/÷ {margin:g} is not shown: {symbol} may differ by ×/÷ {smallest:.3g}"
    )
    return {
        "test": "tost",
        "statistic": statistic,
        "df2": worst.difference.df,
        "p": p,
        "margin": margin,
        "conclusion": conclusion + (f"; {left_out} architecture(s) without an estimate" if left_out else ""),
        "pair": f"{worst.first} – {worst.second}",
        "detectable": smallest,
        "n": len(compared),
    }


def _archs(compared: list[Pair]) -> int:
    return len({arch for pair in compared for arch in (pair.first, pair.second)})


def _detectable(samples: list[np.ndarray], *, logarithmic: bool) -> float:
    """Factor between the two extreme architectures, the others midway, that is found with 80 % power.

    Infinite where the lower extreme would lie at or below 0. Source: Cohen 1988.
    """
    k, n = len(samples), sum(map(len, samples))
    within = np.sqrt(sum(((s - s.mean()) ** 2).sum() for s in samples) / (n - k))

    def excess(effect: float) -> float:
        return float(FTestAnovaPower().power(effect, n, LEVEL, k_groups=k)) - POWER

    # The library's own solver stops at an effect of 1, which two architectures of three seeds exceed.
    largest = 1.0
    while excess(largest) < 0:
        largest *= 2
    effect = brentq(excess, 1e-8, largest)
    span = float(effect * within * np.sqrt(2 * k))
    if logarithmic:
        return float(np.exp(span))
    low, high = float(np.concatenate(samples).mean()) + np.array([-span / 2, span / 2])
    return float(high / low) if low > 0 else float("inf")
