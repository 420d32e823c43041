"""The valley that a sweep of the learning rate sees: points on the heat map, the curve below.

Source: D, Valleys (figure 3).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.figures.landscapes import CASING, MOST_CELLS, cells, draw_cells, name_axes
from decay_atlas.reporting.fits import rows_of
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Labels, Metric, axis_value, fixed, listed
from decay_atlas.statistics.methods.landscape import Average, Landscape, landscapes
from decay_atlas.statistics.valley import along

SWEEPS = {"wd": ("λ fixed (S1)", "o", style.SERIES[1]), "product": ("ηλ fixed (S2)", "s", style.SERIES[3])}
"""Name, mark and colour of a sweep."""


def valleys(runs: pd.DataFrame, table: pd.DataFrame, metric: Metric, average: Average = "mean") -> list[Panel]:
    """A panel for every combination that has two learning rates and weight decays and a row in the table of valleys."""
    maps = landscapes(runs, metric.direction, average) if len(table) else []  # type: ignore[arg-type]
    label = Labels(runs)
    panels = []
    for landscape in maps:
        own = rows_of(table, landscape.key)
        own = own[own["lr_start"].notna()]
        if len(own) and len(landscape.lr) > 1 and (landscape.wd > 0).sum() > 1:
            panels.append(_panel(landscape, own, label(landscape.key), metric))
    return panels or [style.message("No valley to draw: no combination has two learning rates and two weight decays.")]


def _panel(landscape: Landscape, table: pd.DataFrame, label: str, metric: Metric) -> Panel:
    places, zero = cells(landscape)
    if len(places) > MOST_CELLS:
        return style.message(f"{label}: too many cells for a map; table `valley` has the widths.")
    start = (float(table["lr_start"].iloc[0]), float(table["wd_start"].iloc[0]))
    at = f"η = {axis_value(start[0])}, λ = {axis_value(start[1])}"
    widths = [
        f"{SWEEPS[row['sweep']][0]} {fixed(row['decades'], 2)}"
        for row in table.to_dict("records")
        if np.isfinite(row["decades"])
    ]
    title = f"{label}: decades of η in the valley through {at}: {listed(widths) if widths else 'none'}"
    figure, above = style.new(title, height=5.6)
    above.remove()
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    tips = draw_cells(above, figure, landscape, places, landscape.sign * landscape.mean(), landscape.n_seeds(), metric)
    name_axes(above, landscape, places, zero)
    _curves(above, below, landscape, table, start, metric)
    _finish(figure, below, landscape, metric)
    return Panel(
        figure,
        f"Heat map with the points of two sweeps of the learning rate, and {metric.name} along them. {title}.",
        tips,
    )


def _curves(
    above: Axes,
    below: Axes,
    landscape: Landscape,
    table: pd.DataFrame,
    start: tuple[float, float],
    metric: Metric,
) -> None:
    for row in table.to_dict("records"):
        name, mark, colour = SWEEPS[row["sweep"]]
        wd, value = along(landscape, row["sweep"], start)
        there = np.isfinite(value)
        x, y = np.log10(landscape.lr[there]), np.log10(wd[there])
        above.plot(
            x, y, mark, ms=5.5, mfc=colour, mec=CASING, mew=1, ls="-", color=colour, lw=1, clip_on=False, zorder=3
        )
        below.plot(landscape.lr[there], value[there], mark, ls="-", ms=4, color=colour, lw=1.3, label=name)
    best = np.nanmax(landscape.mean())
    excess = float(table["excess"].iloc[0])
    below.axhline(landscape.sign * (best - excess), color=INK, lw=0.8, dashes=(5, 2), alpha=0.6)


def _finish(figure: Figure, below: Axes, landscape: Landscape, metric: Metric) -> None:
    style.log_axis(below, "x", landscape.lr, "learning rate η")
    below.set_ylabel(metric.axis)
    below.grid(True)
    below.legend(title="dashed: the valley's rim", title_fontsize=style.TYPE - 0.5)
