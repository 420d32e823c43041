"""The verdict in words: which law the optima follow, how sure that is, and what becomes of the published one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decay_atlas.reporting.fits import best_method, is_told
from decay_atlas.reporting.words import (
    LAW_WORDS,
    Labels,
    fixed,
    interval,
    listed,
    number,
    p_phrase,
    place,
    share,
)
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.methods.rivals import HETEROGENEOUS

DECIDED = ("product", "ratio", "decoupled", "other")
OPEN = {
    "undetermined": "the interval of the slope reaches beyond halfway to another law, or there is none",
    "not-identifiable": "fewer than three optima can be located between grid points",
}


@dataclass(frozen=True)
class Verdict:
    """A heading, two sentences, and the law for the badge (or undetermined, not-identifiable, mixed, none)."""

    headline: str
    sentences: tuple[str, str]
    law: str


def verdict(laws: pd.DataFrame, optima: pd.DataFrame, ratio: pd.DataFrame, reference: float = 0.1) -> Verdict:
    """The study's verdict from its tables, any of which may be empty."""
    chosen = best_method(laws)
    if chosen.empty:
        return Verdict(
            "No verdict",
            ("This study has no table of laws, so nothing can be said about the coupling.", _inside(optima)),
            "none",
        )
    name = Labels(chosen)
    groups = {law: [name(row) for row in rows.to_dict("records")] for law, rows in chosen.groupby("verdict")}
    decided = [law for law in DECIDED if law in groups]
    second = f"{_published(chosen, name, ratio, reference)} {_inside(optima)}"
    if not decided:
        law = max(groups, key=lambda key: len(groups[key]))
        return Verdict(_open_headline(groups), (_open(groups, len(chosen)), second), law)
    if len(decided) == 1:
        law = decided[0]
        return Verdict(_headline(law, groups, chosen), (_one(law, groups, chosen), second), law)
    parts = [f"{LAW_WORDS[law]} in {listed(groups[law])}" for law in decided]
    first = f"No single law: {'; '.join(parts)}{_rest(groups)}."
    return Verdict("No one law for all", (first, second), "mixed")


def _headline(law: str, groups: dict[str, list[str]], chosen: pd.DataFrame) -> str:
    headline = {
        "product": "The best weight decay falls as the learning rate grows: their product stays constant",
        "ratio": "The best weight decay grows with the learning rate: their ratio stays constant",
        "decoupled": "The best weight decay does not depend on the learning rate",
        "other": "The best weight decay depends on the learning rate, by none of the three laws",
    }[law]
    k, n = len(groups[law]), len(chosen)
    return headline if k == n else f"{headline}, in {k} of {n} combinations"


def _one(law: str, groups: dict[str, list[str]], chosen: pd.DataFrame) -> str:
    rows = chosen[chosen["verdict"] == law]
    who = f"{share(len(rows), len(chosen))} combinations" if len(chosen) > 1 else groups[law][0]
    show = "show" if len(chosen) > 1 else "shows"
    text = f"{LAW_WORDS[law][0].upper()}{LAW_WORDS[law][1:]} is what {who} {show}: {_slopes(rows)}"
    if law == "other":
        nearest = rows["nearest"].dropna()
        text = f"None of the three laws fits {who}: {_slopes(rows)}"
        text += f", nearest to {LAW_WORDS[nearest.mode().iloc[0]]}" if len(nearest) else ""
    return f"{text}{_rest(groups)}."


def _slopes(rows: pd.DataFrame) -> str:
    if len(rows) == 1:
        row = rows.iloc[0]
        return f"log–log slope {fixed(row['slope'])}, 95 % interval {interval(row['slope_lo'], row['slope_hi'])}"
    return (
        f"log–log slopes {fixed(rows['slope'].min())} to {fixed(rows['slope'].max())}, "
        f"95 % intervals within {interval(rows['slope_lo'].min(), rows['slope_hi'].max())}"
    )


def _rest(groups: dict[str, list[str]]) -> str:
    """What could not be decided, as the end of a sentence."""
    parts = [f"{listed(groups[kind])} cannot be decided ({reason})" for kind, reason in OPEN.items() if kind in groups]
    return f"; {' and '.join(parts)}" if parts else ""


def _open_headline(groups: dict[str, list[str]]) -> str:
    if set(groups) == {"not-identifiable"}:
        return "This grid cannot show which law holds"
    return "These runs do not decide between the laws"


def _open(groups: dict[str, list[str]], n: int) -> str:
    def who(kind: str) -> str:
        if n == 1:
            return groups[kind][0]
        return listed(groups[kind]) if len(groups) > 1 else "every combination"

    parts = [f"in {who(kind)} {reason}" for kind, reason in OPEN.items() if kind in groups]
    return f"No law can be named: {'; '.join(parts)}."


def _published(chosen: pd.DataFrame, name: Labels, ratio: pd.DataFrame, reference: float) -> str:
    """What becomes of the published law, from the intervals of the slope and of ρ."""
    known = chosen[chosen["verdict"] != "not-identifiable"]
    known = known[np.isfinite(known["slope_lo"]) & np.isfinite(known["slope_hi"])]
    law = f"The published law, λ* = {number(reference)}·η,"
    if known.empty:
        return f"{law} can be neither confirmed nor refuted here."
    out = known[(known["slope_lo"] > 1) | (known["slope_hi"] < 1)]
    if len(out) == 0:
        return f"{law} {_ratio_at(ratio, known, reference)}"
    worst = out["p_ratio"].max()
    p = f" (largest {p_phrase(worst)})" if np.isfinite(worst) else ""
    if len(known) == 1:
        return f"{law} is excluded: its slope, 1, lies outside the interval{p}."
    who = listed(name(row) for row in out.to_dict("records")) if len(out) < len(known) else ""
    where = f"{share(len(out), len(known))}{f', {who}' if who else ''}"
    return f"{law} is excluded in {where}: its slope, 1, lies outside the interval{p}."


def _ratio_at(ratio: pd.DataFrame, known: pd.DataFrame, reference: float) -> str:
    rows = ratio.merge(known[COMBINATION], on=COMBINATION) if len(ratio) else ratio
    rows = rows.dropna(subset=["rho_lo_cal", "rho_hi_cal"]) if len(rows) else rows
    if len(rows) == 0:
        return "has a slope that cannot be excluded; its factor is not known."
    holds = int(((rows["rho_lo_cal"] <= reference) & (rows["rho_hi_cal"] >= reference)).sum())
    if len(rows) == 1:
        if not holds:
            return "is excluded by its factor, which lies outside the interval of ρ; its slope, 1, is not excluded."
        return "is not excluded: the interval of the slope holds 1, and that of ρ its factor."
    return f"has a slope, 1, that no interval excludes; that of ρ holds its factor in {share(holds, len(rows))}."


def _inside(optima: pd.DataFrame) -> str:
    found = optima[optima["wd_opt"].notna()] if len(optima) else optima
    if len(found) == 0:
        return "No optimum could be located."
    # One seed tells nothing from anything; that is said elsewhere, and where the optima lie is worth saying.
    told = found[is_told(found) | (found["n_seeds"] == 1)] if "n_seeds" in found else found
    inside, untold = int((told["edge"] == "none").sum()), len(found) - len(told)
    if untold == 0:
        return f"{_lie(inside, len(told), 'The only optimum', f'All {len(told)} optima', f'{len(told)} optima')}."
    if len(told) == 0:
        who = f"None of the {untold} optima can" if untold > 1 else "The only optimum cannot"
        return f"{who} be told from any other weight decay."
    rest = _lie(inside, len(told), "the other one", f"the other {len(told)} all", f"the other {len(told)}")
    return f"{untold} of {len(found)} optima cannot be told from any other weight decay; {rest}."


def _lie(inside: int, n: int, only: str, every: str, several: str) -> str:
    """Where `n` optima lie, given what to call one alone, all, and those that some are of."""
    if 0 < inside < n:
        return f"{inside} of {several} {'lie' if inside > 1 else 'lies'} inside the grid, the rest at its edge"
    return f"{only + ' lies' if n == 1 else every + ' lie'} {'inside' if inside else 'at the edge of'} the grid"


def pooled(laws: pd.DataFrame) -> Sequence[str]:
    """A sentence for every data set and recipe whose architectures were pooled."""
    rows = best_method(laws, pooled=True)
    recipes = laws["recipe"].tolist() if len(rows) else []
    texts = []
    for row in rows.to_dict("records"):
        if not np.isfinite(row["slope"]):
            continue
        where = f"over architectures on {place(row['dataset'], row['recipe'], recipes)}"
        p = row.get("p_heterogeneity", np.nan)
        if p < HETEROGENEOUS:
            texts.append(f"Not pooled {where}: their slopes differ ({p_phrase(p)}).")
            continue
        text = f"Pooled {where}: slope {fixed(row['slope'])} "
        text += f"{interval(row['slope_lo'], row['slope_hi'])}, verdict {row['verdict']}"
        if np.isfinite(p):
            text += f"; the architectures are compatible with one slope ({p_phrase(p)})"
        texts.append(f"{text}.")
    return texts
