"""Variants of a recipe: slope and ratio of each, side by side, against the laws and the published ratios."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.forests import WIDEST, label_rows, law_lines, whisker
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import counted, fixed, interval, is_missing, listed, number

PLACE = ["dataset", "arch"]
RATIO = "ratio ρ = λ*/η"
COLOUR = style.LAW_COLOURS["ratio"]
REACH = 4.0
"""The axis of ρ goes this many times beyond all ρ; an arrow says that an interval goes on."""
LONGEST = 26
"""Characters of a row's name."""
Row = Mapping[str, Any]


def variants(table: pd.DataFrame) -> list[Panel]:
    """Slope and ρ of every variant of a recipe with 95 % intervals, one panel a data set and architecture."""
    if table.empty:
        return [style.message("No variants: no data set and architecture has two recipes.")]
    return [_panel(part, " / ".join(names)) for names, part in table.groupby(PLACE, sort=False)]


def _panel(table: pd.DataFrame, where: str) -> Panel:
    known = table[table["rho"].notna() | table["slope"].notna()]
    if known.empty:
        return style.message(
            f"{where}: no variant has a ratio or a slope, for no optimum can be located between grid points."
        )
    rows = known.to_dict("records")
    title = f"{where}: {_headline(known)}"
    figure, axes = style.new(title, height=1.85 + 0.34 * len(rows))
    axes.remove()
    left, right = figure.subplots(1, 2, sharey=True)
    _slopes(left, rows)
    _ratios(right, rows)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        label_rows(axes, [_name(row) for row in rows])
    right.tick_params(axis="y", labelleft=False)
    note = "Dots with 95 % intervals: slope by the censored fit, ρ through the optima located between grid points."
    if known["rho_published_lo"].notna().any():
        note += " Diamonds: published ρ."
    if known["slope"].isna().any():
        note += " No slope: too few optima located."
    if len(known) < len(table):
        note += f" Not drawn: {counted(len(table) - len(known), 'variant')} of which no optimum can be located."
    figure.supxlabel(textwrap.fill(note, 84), x=0.01, ha="left", fontsize=style.TYPE - 1, color=INK)
    words = [
        f"{_name(row)}: slope {fixed(row['slope'])} {interval(row['slope_lo'], row['slope_hi'])}, "
        f"ρ {number(row['rho'])}" + (f", published {_span(row)}" if not is_missing(row["rho_published_lo"]) else "")
        for row in rows
    ]
    return Panel(figure, f"Slope and ratio under every variant of a recipe. {title}. {listed(words, 30)}.")


def _headline(known: pd.DataFrame) -> str:
    """How many slopes may be 1, without which no ratio is a constant, and how many ratios the published ones."""
    slopes = known[known["slope_lo"].notna() & known["slope_hi"].notna()]
    parts = ["no slope could be fitted"]
    if len(slopes):
        parts = [f"{_meet(slopes, 'slope', (1, 1))} of {counted(len(slopes), 'slope')} may be 1"]
    both = known[known["rho_lo"].notna() & known["rho_hi"].notna() & known["rho_published_lo"].notna()]
    if len(both):
        found = _meet(both, "rho", (both["rho_published_lo"], both["rho_published_hi"]))
        parts.append(f"{found} of {len(both)} ρ are as published")
    return " and ".join(parts)


def _meet(rows: pd.DataFrame, quantity: str, span: tuple[Any, Any]) -> int:
    """How many intervals of a quantity have a part of `span` in them."""
    return int(((rows[f"{quantity}_lo"] <= span[1]) & (rows[f"{quantity}_hi"] >= span[0])).sum())


def _name(row: Row) -> str:
    """What a variant changes of the first recipe; its own name where that takes too many words."""
    if not row["varies"] or is_missing(row["varies"]):
        return f"first recipe: {row['setting']}" if row["setting"] else str(row["recipe"])
    text = f"{row['varies']} {row['setting']}".replace("_", " ")
    return text if len(text) <= LONGEST else str(row["recipe"])


def _span(row: Row) -> str:
    ends = [number(row[name]) for name in ("rho_published_lo", "rho_published_hi")]
    return ends[0] if ends[0] == ends[1] else " … ".join(ends)


def _slopes(axes: Axes, rows: Sequence[Row]) -> None:
    law_lines(axes)
    reach = 1.3
    for y, row in enumerate(rows):
        if is_missing(row["slope"]):
            axes.annotate(
                "no slope", (0.5, y), ha="center", va="center", fontsize=style.TYPE - 1, style="italic", color=INK
            )
            continue
        whisker(axes, row["slope_lo"], row["slope_hi"], y, 1.8)
        axes.plot(float(np.clip(row["slope"], -WIDEST, WIDEST)), y, "o", color=INK, ms=5)
        ends = [abs(row[name]) for name in ("slope", "slope_lo", "slope_hi") if not is_missing(row[name])]
        reach = max(reach, 1.05 * min(max(ends), WIDEST))
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("slope b of λ* ∝ η^b")


def _ratios(axes: Axes, rows: Sequence[Row]) -> None:
    names = ("rho", "rho_published_lo", "rho_published_hi")
    values = [float(row[name]) for row in rows for name in names if not is_missing(row[name]) and row[name] > 0]
    if not values:
        axes.set_xlabel(RATIO)
        return
    within = min(values) / REACH, max(values) * REACH
    axes.set_xscale("log")
    axes.set_xlim(*within)
    for y, row in enumerate(rows):
        if not is_missing(row["rho"]):
            whisker(axes, row["rho_lo"], row["rho_hi"], y, 1.8, within=within)
            axes.plot(max(row["rho"], within[0]), y, "o", color=INK, ms=5)
        if not is_missing(row["rho_published_lo"]):
            span = [row["rho_published_lo"], row["rho_published_hi"]]
            axes.plot(span, [y + 0.26] * 2, color=COLOUR, lw=1.4)
            axes.plot(float(np.sqrt(np.prod(span))), y + 0.26, "D", ms=4, color=COLOUR)
    style.log_axis(axes, "x", [10.0**k for k in range(-9, 7) if within[0] <= 10.0**k <= within[1]], RATIO, most=5)
