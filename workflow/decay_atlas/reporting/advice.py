"""What an engineer takes home, in sentences: the λ to set, how wide the safe zone is, what a cheaper sweep loses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from decay_atlas.reporting.fits import best_method, rows_of
from decay_atlas.reporting.words import Labels, Metric, axis_about, listed, number
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.performance_profile import BUDGETED

WORDS = {
    "random": "random search",
    "quasi-random": "quasi-random search",
    "alternating-start": "one axis after the other, from the usual defaults,",
    "alternating-corners": "one axis after the other, from a corner of the grid,",
}
WHERE = ["dataset", "recipe"]
NO_ZONE = 1.05
"""A factor up to this is no zone."""

MOST_ZONES = 4
"""Safe zones told one by one; more are told by their range."""

RULES = {
    "ratio": "multiply λ by what η was multiplied by",
    "decoupled": "leave λ as it is when η changes",
    "product": "divide λ by what η was multiplied by",
}


def advice(tables: Mapping[str, pd.DataFrame], metric: Metric) -> list[str]:
    """Sentences for the page's head; none where no table allows any."""
    empty = pd.DataFrame()
    return [
        *_rules(tables.get("laws", empty), tables.get("law_costs", empty)),
        *_zone(tables.get("deviation_fit", empty), tables.get("deviation", empty)),
        *_cheaper(tables.get("tuning", empty), metric),
    ]


def _rules(laws: pd.DataFrame, costs: pd.DataFrame) -> list[str]:
    """What to do with λ when η changes, for the architectures whose law is established or can be followed."""
    chosen = best_method(laws)
    if chosen.empty:
        return []
    name = Labels(chosen)
    sentences = []
    for law, rule in RULES.items():
        rows = chosen[chosen["verdict"] == law]
        if len(rows):
            sentences.append(f"{listed(name(row) for row in rows.to_dict('records'))}: {rule}.")
    bent = chosen[(chosen["verdict"] == "other") & chosen["slope"].notna()]
    for row in bent.to_dict("records"):
        factor = 2 ** row["slope"]
        sentences.append(f"{name(row)}: when η doubles, multiply λ by {number(factor)} (slope {number(row['slope'])}).")
    silent: dict[str, list[str]] = {}
    for row in chosen[chosen["verdict"].isin(["undetermined", "not-identifiable"])].to_dict("records"):
        can = rows_of(costs, {column: row[column] for column in COMBINATION})
        can = set(can.loc[can["follow"] == "can", "law"]) if len(can) else set()
        rules = " or ".join(rule for law, rule in RULES.items() if law in can)
        silent.setdefault(rules, []).append(name(row))
    for rules, names in silent.items():
        otherwise = (
            f"but within the tolerance you may {rules}" if rules else "so beyond the measured η λ is to be tuned anew"
        )
        sentences.append(f"{listed(names)}: no law is established, {otherwise}.")
    return sentences


def _zone(fits: pd.DataFrame, drops: pd.DataFrame) -> list[str]:
    """How far λ may be off before it costs anything, about the measured optimum; nothing where no loss can be told."""
    if fits.empty:
        return []
    known = fits[(fits["centre"] == "optimum") & fits["delta"].notna()]
    if len(drops):
        seen = drops[(drops["centre"] == "optimum") & (drops["lo"] > 0)]
        sides = seen.assign(side=np.where(seen["kappa"] < 1, "below", "above"))
        told = {(row.dataset, row.recipe, row.side) for row in sides.itertuples()}
        kept = [
            any((row.dataset, row.recipe, side) in told for side in ("below", "above") if row.side in ("both", side))
            for row in known.itertuples()
        ]
        known = known[np.array(kept, bool)]
    zones = [(part.iloc[0].to_dict(), *_factors(part)) for _, part in known.groupby(WHERE, sort=False)]
    if len(zones) > MOST_ZONES:
        factors = [factor for _, *ends in zones for factor in ends if np.isfinite(factor)]
        low, high = number(min(factors)), number(max(factors))
        return [f"Safe zone: λ may be {low} to {high} times too large or too small, depending on recipe and data set."]
    name = Labels(known)
    sentences = []
    for row, below, above in zones:
        where = name({**row, "arch": row["dataset"]}).replace(f"{row['dataset']}, ", "", 1)
        if below == above:
            said = f"{number(below)} times too large or too small" if below > NO_ZONE else ""
        else:
            ends = ((below, "small"), (above, "large"))
            said = " and ".join(f"{number(factor)} times too {what}" for factor, what in ends if factor > NO_ZONE)
        if said:
            sentences.append(f"Safe zone on {where}: λ may be {said}.")
        elif np.isfinite([below, above]).all():
            sentences.append(f"Safe zone on {where}: none to speak of; every step away from λ* costs a little.")
    return sentences


def _factors(fits: pd.DataFrame) -> tuple[float, float]:
    """How many times too small and too large λ may be: by the fit of both sides, else by that of each, NaN for none."""
    factors = np.exp(fits.set_index("side")["delta"].astype(float))
    if "both" in factors:
        return float(factors["both"]), float(factors["both"])
    return float(factors.get("below", np.nan)), float(factors.get("above", np.nan))


def _cheaper(tuning: pd.DataFrame, metric: Metric) -> list[str]:
    """The best search that trains at most half of the cells and that every combination allows."""
    if tuning.empty:
        return []
    full = tuning[(tuning["strategy"] == "full-2d") & tuning["budget"].notna()]
    if full.empty:
        return []
    known = tuning[tuning["gap"].notna() & (tuning["strategy"] != "full-2d")]
    # One strategy is one row a combination, but for the searches that come with several budgets.
    step = known["budget"].where(known["strategy"].isin(BUDGETED), 0)
    rows = known.groupby(["strategy", step]).agg(
        gap=("gap", "mean"), worst=("gap", "max"), n=("gap", "size"), cells=("budget", "mean")
    )
    rows = rows[(rows["n"] == len(full)) & (rows["cells"] <= full["budget"].mean() / 2)].reset_index(level=0)
    if rows.empty:
        return []
    best = rows.sort_values(["gap", "cells"]).iloc[0]
    lost = metric.loss(max(best["gap"], 0.0))
    if best["n"] > 1:
        lost += f" on average, and {metric.loss(max(best['worst'], 0.0))} at worst"
    cells = axis_about(best["cells"])
    return [
        f"A cheaper sweep: {WORDS.get(best['strategy'], best['strategy'])} with {cells} cell{'s' * (cells != '1')} in "
        f"place of {axis_about(full['budget'].mean())} would have lost {lost}."
    ]
