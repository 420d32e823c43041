"""Which laws can be followed within the tolerance, in words: what one may do, whatever slope the optima have."""

from __future__ import annotations

import pandas as pd

from decay_atlas.reporting.words import Labels, Metric, axis_value, listed, number, share
from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.methods.rivals import LAWS

MOST_NAMES = 3
"""Combinations named one by one; more are counted."""


def followed(costs: pd.DataFrame, metric: Metric, given: bool = False) -> str:
    """A sentence or two from the table `law_costs`, empty without one; `given`: the study set the tolerance."""
    if costs.empty:
        return ""
    if costs["loss"].isna().all():
        return f"What following a law would lose is not known: {costs['blank'].mode().iloc[0]}."
    laws = costs.groupby([*COMBINATION, "law"], sort=False, observed=True).agg(
        **{name: (name, "first") for name in ("follow", "eta_from", "factor_lo", "factor_hi", "tolerance")},
        highest=("loss_hi", "max"),
        blank=("loss", lambda losses: bool(losses.isna().any())),
    )
    laws = laws.reset_index()
    clauses = [f"the {law} law {_said(part, metric)}" for law in LAWS if len(part := laws[laws["law"] == law])]
    several = (laws["follow"] == "can").groupby([laws[name] for name in COMBINATION]).sum().max() > 1
    more = " Where more than one can, quality is level about its best and any of them will do." if several else ""
    return f"Within {_tolerance(laws['tolerance'], metric, given)}, {'; '.join(clauses)}.{more}"


def _tolerance(tolerance: pd.Series, metric: Metric, given: bool) -> str:
    known = tolerance.dropna()
    if known.empty:
        return "any tolerance"
    low, high = metric.loss(known.min()), metric.loss(known.max())
    amount = low if low == high else f"{number(known.min())} to {high}"
    return f"the tolerance of {amount}" if given else f"the seed noise of the best cells ({amount})"


def _said(rows: pd.DataFrame, metric: Metric) -> str:
    """What is said of one law, given its row of every combination."""
    name = Labels(rows)
    parts = []
    for follow, words in (("can", "can be followed"), ("cannot", "cannot be followed"), ("open", "is open")):
        mine = rows[rows["follow"] == follow]
        if mine.empty:
            continue
        if len(rows) == 1:
            return _alone(rows.iloc[0], words, metric)
        few = len(mine) <= MOST_NAMES and len(mine) < len(rows)
        who = listed(map(name, mine.to_dict("records"))) if few else share(len(mine), len(rows))
        parts.append(f"{words} in {who}")
    return ", ".join(parts)


def _alone(row: pd.Series, words: str, metric: Metric) -> str:
    """The same of the only combination, with the η it can be followed for, or the loss that is not ruled out."""
    # A grid value that was divided and multiplied again is printed as it was.
    low, high = (axis_value(float(f"{row['eta_from'] * row[end]:.6g}")) for end in ("factor_lo", "factor_hi"))
    if row["follow"] == "can":
        return f"{words} for η from {low} to {high}"
    if low != high:
        return f"can be followed for η from {low} to {high} and {words} beyond"
    if row["follow"] == "open":
        why = "its λ is not measured at every η" if row["blank"] else f"{metric.loss(row['highest'])} is not ruled out"
        return f"{words} ({why})"
    return words
