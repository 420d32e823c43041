"""What to set, in words that the command line and the page share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decay_atlas.reporting.words import Metric, is_missing

BASES = {
    "grid": "the best cell of the grid",
    "measured": "least expected loss over the curves the data allow",
    "fitted": "the fitted line",
    **{law: f"the {law} law" for law in ("ratio", "decoupled", "product")},
}
"""What a recommendation rests on, by the column `law`."""

SIDES = {
    "low": "Err low: too large a λ costs more than too small a one.",
    "high": "Err high: too small a λ costs more than too large a one.",
}
"""To which side a mistake costs less, by the column `err`."""


def setting(row: Mapping[str, Any], metric: Metric) -> str:
    """Lines for the terminal from a row of `recommendation`."""
    place = f"{row['arch']} on {row['dataset']}, lr {row['lr']:g}"
    if is_missing(row.get("wd")):
        return f"{place}: no recommendation, as {row['note']}."
    span = _between(row, "wd", lambda value: f"{value:.2g}", " to ")
    interval = f" (95 % interval {span})" if span else ""
    lines = [f"{place}: weight decay {row['wd']:.2g}{interval}, by {BASES[row['law']]}."]
    band = _between(row, "band", lambda value: f"{value:.2g}", " and ")
    if band:
        ends = [row.get(f"band_{end}_loss") for end in ("lo", "hi")]
        measured = " and ".join(metric.difference(end) for end in ends)
        at_ends = "" if any(is_missing(end) for end in ends) else f" (measured at the ends: {_unit(measured, metric)})"
        lines.append(f"Between {band} the expected loss stays within {metric.loss(row['tolerance'])}{at_ends}.")
    if not is_missing(row.get("err")):
        lines.append(SIDES[row["err"]])
    if not is_missing(row.get("loss")):
        over_seeds = _between(row, "loss", metric.difference, " to ")
        lost = _unit(metric.difference(row["loss"]), metric) + (f" ({over_seeds})" if over_seeds else "")
        lines.append(f"On the grid it lost {lost} against the best weight decay there.")
    if row["extrapolated"]:
        lines.append("This learning rate lies outside the measured ones.")
    if not is_missing(row["note"]):
        lines.append(f"Note: {row['note']}.")
    return "\n".join(lines)


def _between(row: Mapping[str, Any], name: str, text: Any, word: str) -> str:
    """The two ends of an interval of a row in words; empty where one is missing."""
    ends = [row.get(f"{name}_lo"), row.get(f"{name}_hi")]
    return "" if any(is_missing(end) for end in ends) else word.join(text(end) for end in ends)


def _unit(text: str, metric: Metric) -> str:
    return f"{text} {metric.loss_unit}".strip()
