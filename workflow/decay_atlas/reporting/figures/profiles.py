"""Performance profiles: on how many combinations a cheaper search comes how close to the full one."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Metric, listed, number
from decay_atlas.statistics.methods.axes import rounded
from decay_atlas.statistics.performance_profile import BUDGETED

SPAN = 300.0
"""The axis of losses reaches from the largest down to this part of it; what is less stands at the edge."""

FAMILIES = {"ratio": "ratio", "fixed-wd": "decoupled", "product": "product"}
"""The law that each one-dimensional protocol follows."""

LINES: dict[str, tuple[float, ...]] = {"": (), "-fitted": (4, 1.5), "-tied": (1, 1)}


def performance(table: pd.DataFrame, metric: Metric) -> list[Panel]:
    """Share of combinations within each loss of the full search, a panel for strategies of about one budget."""
    known = table[table["gap"].notna()] if len(table) else table
    if known.empty:
        return [style.message("No performance profiles: no strategy could be replayed on this grid.")]
    lines = known["strategy"].str.contains("-1d")
    panels = [_panel(_beside(known, lines), "One weight decay for each η", metric)] if lines.any() else []
    turns = known["strategy"].str.startswith("alternating")
    return [*panels, _panel(_beside(known, turns), "One axis after the other", metric)] if turns.any() else panels


def _beside(known: pd.DataFrame, chosen: pd.Series) -> pd.DataFrame:
    """The chosen strategies, and the budgeted searches at the budget nearest to theirs."""
    searches = known[known["strategy"].isin(BUDGETED)]
    if searches.empty:
        return known[chosen]
    target = known.loc[chosen, "budget"].mean()
    budgets = searches["budget"].unique()
    nearest = budgets[np.argmin(np.abs(np.log(budgets / target)))]
    return pd.concat([known[chosen], searches[searches["budget"] == nearest]])


def _panel(known: pd.DataFrame, name: str, metric: Metric) -> Panel:
    most = max(float(known["gap"].max()), 1e-12)
    least = rounded(most / SPAN)
    parts = {label: part.sort_values("gap") for label, part in known.groupby(known.apply(_label, axis=1), sort=False)}
    profiles = dict(sorted(parts.items(), key=lambda item: _median(item[1])))
    figure, axes = style.new(f"{name}: {_headline(profiles, metric)}", height=3.6 + 0.17 * ((len(profiles) + 1) // 2))
    for number_, (label, part) in enumerate(profiles.items()):
        colour, dashes = _look(str(part["strategy"].iloc[0]))
        x = [least, *np.clip(part["gap"], least, None), most * 1.3]
        y = 100 * np.array([0.0, *part["share"], part["share"].iloc[-1]])
        y[0] = 100 * part.loc[part["gap"] <= least, "share"].max() if (part["gap"] <= least).any() else 0.0
        shift = (number_ - (len(profiles) - 1) / 2) * 0.55  # lines that coincide stay visible
        axes.step(x, y + shift, where="post", color=colour, lw=1.5, dashes=dashes or (1, 0), label=label)
    axes.set_xscale("log")
    axes.set_xlim(least, most * 1.3)
    axes.set_ylim(-3, 103)
    ticks = [m * 10.0**k for k in range(-9, 9) for m in (1, 3) if least * 2.5 < m * 10.0**k <= most * 1.3]
    unit = f" ({metric.loss_unit})" if metric.loss_unit else ""
    style.log_axis(axes, "x", ticks, f"lost against the full grid, at most{unit}")
    axes.set_xticks(
        [least, *axes.get_xticks()], [f"≤ {number(least, 1)}", *(t.get_text() for t in axes.get_xticklabels())]
    )
    axes.set_ylabel("combinations (%)")
    axes.grid(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=2, columnspacing=1.2, handlelength=2.4)
    words = [f"{label} {number(_median(part))}" for label, part in profiles.items()]
    return Panel(
        figure,
        f"Share of combinations within each loss of the full search. {name}. Loss on half of the combinations: "
        f"{listed(words, 20)}.",
    )


def _label(row: pd.Series) -> str:
    strategy = str(row["strategy"])
    if strategy in BUDGETED:
        return f"{strategy}, {row['budget']:.3g} cells"
    return f"{strategy} {number(row['constant'])}" if strategy.endswith("-tied") else strategy


def _look(strategy: str) -> tuple[str, tuple[float, ...]]:
    for family, law in FAMILIES.items():
        if strategy.startswith(f"{family}-1d"):
            return style.LAW_COLOURS[law], LINES[strategy.removeprefix(f"{family}-1d")]
    others = {"random": style.SERIES[-1], "quasi-random": INK, "alternating-start": "#cc79a7"}
    return others.get(strategy, "#56b4e9"), ()


def _median(part: pd.DataFrame) -> float:
    """The loss that a strategy keeps within on half of the combinations; infinite where it does not."""
    enough = part[part["share"] >= 0.5]
    return float(enough["gap"].min()) if len(enough) else math.inf


def _headline(profiles: dict[str, pd.DataFrame], metric: Metric) -> str:
    best = min(profiles, key=lambda label: _median(profiles[label]))
    within = _median(profiles[best])
    if math.isinf(within):
        return "none can be replayed on half of the combinations"
    return f"{best} loses at most {metric.loss(max(within, 0.0))} on half of the combinations"
