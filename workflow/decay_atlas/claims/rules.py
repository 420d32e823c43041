"""The rules that judge a claim by the rows of a table: what was measured, the verdict, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from decay_atlas.statistics.methods.comparisons import holm, mean_of, welch_of
from decay_atlas.statistics.methods.estimates import Estimate
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.methods.rivals import HETEROGENEOUS, POOLED

LEVEL = 0.05

Judgement = tuple[str, str, str]
"""What was measured, the verdict, and why."""


@dataclass(frozen=True)
class Claim:
    """One entry of the claims file; its head comment explains the fields."""

    id: str
    statement: str
    reported: str
    rule: str
    table: str = ""
    column: str = ""
    interval: list[str] = field(default_factory=list)
    where: dict[str, Any] = field(default_factory=dict)
    varies: str = ""
    against: dict[str, Any] = field(default_factory=dict)
    against_rows: dict[str, Any] = field(default_factory=dict)
    spread: list[str] = field(default_factory=lambda: ["scored_sd", "n_scored"])
    over: str = "each"
    accept: list[float | None] = field(default_factory=lambda: [None, None])
    expect: str = ""
    interior: int = 0
    partial: str = ""
    percent: bool = False
    accuracy: bool = False
    value: float | None = None
    margin: float | str | None = None
    before: dict[str, Any] = field(default_factory=dict)
    why: str = ""

    @property
    def bounds(self) -> tuple[float, float]:
        """The values that would make the claim true."""
        if self.margin is not None and self.value is not None:
            share = str(self.margin).removesuffix("%")
            margin = float(share) if share == str(self.margin) else abs(self.value) * float(share) / 100
            return self.value - margin, self.value + margin
        low, high = self.accept
        return (-np.inf if low is None else low), (np.inf if high is None else high)


def within(claim: Claim, rows: pd.DataFrame) -> Judgement:
    """Compare estimates with the interval that the claim allows."""
    low, high = claim.bounds
    rows = rows[np.isfinite(rows[claim.column].astype(float))]
    if rows.empty:
        return "", "not-testable", f"This study's table {claim.table} gives no {claim.column} here."
    value = rows[claim.column].to_numpy(float)
    lo, hi = (rows[name].to_numpy(float) for name in claim.interval) if claim.interval else (value, value)
    bounded = rows[claim.partial].to_numpy(float) > 0 if claim.partial else np.zeros(len(rows), dtype=bool)
    kind = "interval" if claim.interval else "value"
    if claim.over == "mean" and len(rows) > 1:
        kind = "interval"
        one = mean_of(value)
        value, lo, hi = (np.array([figure]) for figure in (one.value, *one.interval(1 - LEVEL)))
        bounded = np.array([bounded.any()])
    measured = _estimates(value, lo, hi)
    if not (np.isfinite(lo) & np.isfinite(hi)).all():
        return measured, "inconclusive", "There is no interval to judge by: it takes more seeds."

    m = len(value)
    allowed = span(low, high)
    what = f"The {kind} lies" if m == 1 else f"All {m} {kind}s lie"
    widen = stats.norm.isf(LEVEL / 2 / m) / stats.norm.isf(LEVEL / 2)
    above = value - widen * (value - lo) > high
    outside = (value + widen * (hi - value) < low) | (above & ~bounded)
    if outside.any():
        what = what if m == 1 else f"{outside.sum()} of {m} {kind}s lie"
        return measured, "contradicted", f"{what} outside {allowed}{_example(rows, outside)}."
    if ((lo >= low) & (hi <= high)).all():
        return measured, "supported", f"{what} inside {allowed}."
    if above.any():
        why = "It may be better than measured: at some η its λ lies off the grid."
        return measured, "inconclusive", why
    return measured, "inconclusive", f"The data neither place it inside {allowed} nor exclude that."


def p_values(claim: Claim, rows: pd.DataFrame) -> Judgement:
    """Compare p-values, Holm-corrected, with the claim's expectation: none or all significant.

    That none is can be refuted and not shown.
    """
    p = rows[claim.column].astype(float).dropna()
    if p.empty:
        return "", "not-testable", f"This study's table {claim.table} gives no {claim.column} here."
    adjusted = holm(p.to_numpy())
    below = adjusted < LEVEL
    measured = f"p = {adjusted[0]:.2g}" if len(p) == 1 else f"least p = {adjusted.min():.2g} of {len(p)}"
    why = f"{below.sum()} of {len(p)} p-values lie below {LEVEL:g} (Holm)."
    # That nothing is significant does not show that there is nothing.
    if claim.expect == "none":
        return measured, "contradicted" if below.any() else "inconclusive", why
    return measured, "supported" if below.all() else "inconclusive", why


def verdict(claim: Claim, rows: pd.DataFrame) -> Judgement:
    """Count the data sets (their architectures pooled, where they share a slope) whose law is the expected one."""
    if "p_heterogeneity" in rows:
        rows = rows[~(rows["p_heterogeneity"].astype(float) < HETEROGENEOUS)]
    pooled = rows["arch"] == POOLED
    has_pooled = pooled.groupby([rows["dataset"], rows["recipe"]]).transform("any")
    rows = rows[pooled | ~has_pooled]
    verdicts = rows["verdict"]
    counts = verdicts.value_counts()
    measured = ", ".join(f"{law} {n}" for law, n in counts.items())
    told = verdicts[~verdicts.isin(["not-identifiable", "undetermined"])]
    if told.empty:
        if (verdicts == "not-identifiable").all():
            return measured, "not-testable", "Fewer than three optima can be located between grid points."
        return measured, "inconclusive", "The intervals of the slope hold more than one law."
    agree, against = int((told == claim.expect).sum()), int((told != claim.expect).sum())
    # Each 95 % interval may miss once in twenty, so a few dissenters among many prove nothing.
    by_chance = int(stats.binom.ppf(1 - LEVEL, len(told), LEVEL))
    if against > by_chance:
        why = f"{against} of {len(verdicts)} slopes exclude the {claim.expect} law"
        return (
            measured,
            "contradicted",
            f"{why}{_example(rows, rows['verdict'].isin(told[told != claim.expect]))}.",
        )
    if agree * 2 > len(verdicts):
        return (
            measured,
            "supported",
            f"{agree} of {len(verdicts)} slopes hold the {claim.expect} law alone.",
        )
    return measured, "inconclusive", f"Only {agree} of {len(verdicts)} slopes tell the laws apart."


def equality(claim: Claim, rows: pd.DataFrame) -> Judgement:
    """Tell equality shown from difference shown from neither."""
    equivalence = rows["test"].str.contains("tost", case=False)
    shown = rows.loc[equivalence, "p"].astype(float).dropna()
    # Data sets may differ without the architectures doing so.
    differ = rows.loc[~equivalence & (rows["test"] != "two-way dataset")].dropna(subset=["p"])
    if differ.empty and shown.empty:
        return "", "not-testable", "It takes two architectures with an estimate each."
    measured = "; ".join(f"{test} p = {p:.2g}" for test, p in zip(rows["test"], rows["p"], strict=True))
    if len(shown) and (shown < LEVEL).all():
        return measured, "supported", "The architectures are equivalent within the stated margin."
    if len(differ) and (holm(differ["p"].to_numpy(float)) < LEVEL).any():
        return measured, "contradicted", "The architectures differ."
    return measured, "inconclusive", "No difference was found, which does not show that there is none."


def better(claim: Claim, pairs: list[tuple[pd.Series, pd.Series]]) -> Judgement:
    """Compare the claim's rows with those they are said to beat, by Welch's t over seeds of each pair.

    Rows have the claim's `column`, and in its `spread` their standard deviation and number of seeds. Every difference
    must lie inside what the claim allows, which is above 0 where it says nothing, or any one outside after its
    interval is widened for their number (Bonferroni).
    """
    sd, n = claim.spread
    estimates = [
        _difference(
            first[claim.column] - second[claim.column], *((one[sd] ** 2, int(one[n])) for one in (first, second))
        )
        for first, second in pairs
        if min(first[n], second[n]) > 1 and np.isfinite(first[claim.column] - second[claim.column])
    ]
    if not estimates:
        return "", "inconclusive", "There is no interval to judge by: it takes more seeds."
    low, high = claim.bounds
    if np.isneginf(low) and np.isposinf(high):
        low = 0.0
    value = np.array([one.value for one in estimates])
    lo, hi = np.array([one.interval() for one in estimates]).T
    widened = np.array([one.interval(1 - LEVEL / len(estimates)) for one in estimates]).T
    outside = (widened[1] < low) | (widened[0] > high)
    inside = (lo > low) & (hi < high)
    measured = _estimates(value, lo, hi)
    sign = (low, high) == (0, np.inf)
    if outside.any():
        where = "are negative beyond seed noise" if sign else f"lie outside {span(low, high)}"
        return measured, "contradicted", f"{outside.sum()} of {len(lo)} differences {where}."
    where = "are positive beyond seed noise" if sign else f"lie inside {span(low, high)}"
    if inside.all():
        return measured, "supported", f"All {len(lo)} differences {where}."
    return measured, "inconclusive", f"{inside.sum()} of {len(lo)} differences {where}."


def _difference(value: float, first: tuple[float, int], second: tuple[float, int]) -> Estimate:
    """Welch's; seeds that all agree, as the widths of valleys that reach the ends of the grid do, leave no error."""
    return welch_of(value, first, second) if first[0] + second[0] > 0 else Estimate(value, 0.0, 1.0)


def with_seeds(rows: pd.DataFrame, n: str) -> pd.DataFrame:
    """Of every combination the rows of several seeds (column `n`), where it has any: one seed cannot be judged."""
    several = rows[n] > 1
    return rows[several | ~several.groupby([rows[name] for name in COMBINATION]).transform("any")]


def largest(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Of every combination the row with the largest number in a column, where it has any."""
    known = rows[np.isfinite(rows[column].astype(float))]
    return known.loc[known.groupby(COMBINATION, sort=False)[column].idxmax()]


def _example(rows: pd.DataFrame, marked: Any) -> str:
    """Name the first of the marked rows where there is more than one."""
    if len(marked) < 2 or len(marked) != len(rows):
        return ""
    first = rows[np.asarray(marked, dtype=bool)].iloc[0]
    return f", such as {' / '.join(str(first[name]) for name in COMBINATION if name in rows)}"


def _estimates(value: Any, lo: Any, hi: Any) -> str:
    if len(value) > 1:
        return f"{number(value.min())} to {number(value.max())} ({len(value)} estimates)"
    if lo[0] == hi[0]:
        return number(value[0])
    return f"{number(value[0])} ({number(lo[0])}, {number(hi[0])})"


def number(value: float) -> str:
    """A figure as a report prints it."""
    return f"{value:.3g}"


def span(low: float, high: float) -> str:
    """A range as a report prints it, either end of which may be infinite."""
    if np.isinf(low):
        return f"the range up to {number(high)}"
    if np.isinf(high):
        return f"the range from {number(low)}"
    return f"{number(low)} to {number(high)}"


RULES: dict[str, Callable[[Claim, pd.DataFrame], Judgement]] = {
    "within": within,
    "p-values": p_values,
    "verdict": verdict,
    "equality": equality,
}
