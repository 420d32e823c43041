"""The optima on log–log axes: how λ* moves with η, one panel a data set and recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.fits import best_method, is_told, lines
from decay_atlas.reporting.svg import Panel
from decay_atlas.reporting.words import interval, is_missing, listed, number, place
from decay_atlas.statistics.methods.rivals import LAWS


def optima_plot(optima: pd.DataFrame, laws: pd.DataFrame) -> list[Panel]:
    """λ* against η, a colour an architecture; interior optima as points, edges as arrows to where they may lie.

    The tables may be empty. λ* is the smooth optimum where there is one.
    """
    found = optima[optima["wd_opt"].notna()] if len(optima) else optima
    if found.empty:
        return [style.message("No optima: no learning rate has three weight decays to find one among.")]
    chosen = best_method(laws)
    return [
        _panel(part, chosen, names[0], names[1], found["recipe"].unique())
        for names, part in found.groupby(style.GROUP, sort=False)
    ]


def _panel(optima: pd.DataFrame, laws: pd.DataFrame, dataset: str, recipe: str, recipes: list[str]) -> Panel:
    archs = list(dict.fromkeys(optima["arch"]))
    inside = optima[(optima["edge"] == "none") & is_told(optima) & (optima["wd_opt"] > 0)]
    slopes = _slopes(laws, dataset, recipe)
    title = f"{place(dataset, recipe, recipes)}: {_headline(optima, inside, slopes)}"
    figure, axes = style.new(title, height=3.9 + 0.16 * (len(archs) // 3))
    positive = optima["wd_opt"][optima["wd_opt"] > 0]
    if positive.empty:
        return style.message(f"{place(dataset, recipe, recipes)}: every optimum is λ = 0, which has no logarithm.")
    for number_, arch in enumerate(archs):
        colour, marker = style.SERIES[number_ % 7], style.MARKERS[number_ % len(style.MARKERS)]
        shift = 10 ** (0.018 * (number_ - (len(archs) - 1) / 2))
        _points(axes, optima[optima["arch"] == arch], float(positive.min()), shift, colour, marker, arch, slopes)
    axes.set_xlim(optima["lr"].min() / 1.6, optima["lr"].max() * 1.6)
    axes.set_yscale("log")
    lo, hi = positive.min() / 4, positive.max() * 4
    axes.set_ylim(lo, hi)
    style.log_axis(axes, "x", optima["lr"], "learning rate η")
    style.log_axis(axes, "y", positive, "best weight decay λ*")
    axes.grid(True)
    _rivals(axes, inside)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handlelength=1.6, columnspacing=1.2)
    return Panel(figure, f"Best weight decay against learning rate. {title}. {_points_in_words(slopes)}")


def _points(
    axes: Axes,
    rows: pd.DataFrame,
    least: float,
    shift: float,
    colour: str,
    marker: str,
    arch: str,
    slopes: pd.DataFrame,
) -> None:
    told = is_told(rows)
    smooth = rows["wd_smooth"].where(rows["wd_smooth"] > 0, rows["wd_opt"]).clip(lower=least)
    inside = (rows["edge"] == "none") & told & (rows["wd_opt"] > 0)
    edge = ~inside & told
    axes.plot(rows["lr"][inside] * shift, smooth[inside], marker, ls="", color=colour, ms=5.5, label=arch)
    unclear = (rows["lr"][~told] * shift, smooth[~told])
    axes.plot(*unclear, marker, ls="", mfc="none", mec=colour, ms=5.5, alpha=0.6, label="_nolegend_")
    for row in rows[edge].to_dict("records"):
        at = (row["lr"] * shift, max(row["wd_opt"], least))
        beyond = (at[0], at[1] / 2.2 if row["edge"] == "lower" else at[1] * 2.2)
        axes.plot(*at, marker, mfc="none", mec=colour, ms=5.5, label="_nolegend_")
        axes.annotate("", beyond, at, arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.2})
    slope = slopes["slope"].get(arch)
    fit = lines(rows, slope).get("fit")
    if fit is not None:
        x = np.geomspace(rows["lr"][inside].min(), rows["lr"][inside].max(), 2) * shift
        axes.plot(x, fit.at(x / shift), color=colour, lw=1.2, label="_nolegend_")


def _rivals(axes: Axes, inside: pd.DataFrame) -> None:
    """The three laws' slopes through the middle of the plot, to hold the points' slope against."""
    lr, wd = (inside["lr"], inside["wd_opt"]) if len(inside) else axes.get_xlim(), axes.get_ylim()
    x = np.array(axes.get_xlim())
    centre = [np.exp(np.mean(np.log(np.asarray(values, float)))) for values in (lr, wd)]
    for law, slope in LAWS.items():
        y = centre[1] * (x / centre[0]) ** slope
        axes.plot(x, y, color=style.LAW_COLOURS[law], dashes=style.LAW_DASHES[law], lw=1, alpha=0.7, label=law)


def _slopes(laws: pd.DataFrame, dataset: str, recipe: str) -> pd.DataFrame:
    if laws.empty:
        return pd.DataFrame(columns=["slope", "slope_lo", "slope_hi"], dtype=float)
    own = laws[(laws["dataset"] == dataset) & (laws["recipe"] == recipe)]
    return own.set_index("arch")[["slope", "slope_lo", "slope_hi"]]


def _headline(optima: pd.DataFrame, inside: pd.DataFrame, slopes: pd.DataFrame) -> str:
    known = slopes["slope"].dropna()
    counted = f"{len(inside)} of {len(optima)} optima lie inside the grid"
    if known.empty:
        return counted
    way = "falls" if known.max() < -0.25 else "rises" if known.min() > 0.25 else "and η: no one direction"
    spread = number(known.iloc[0]) if len(known) == 1 else f"{number(known.min())} to {number(known.max())}"
    moves = f"λ* {way} as η grows" if way in ("falls", "rises") else f"λ* {way}"
    return f"{moves} (slope {spread}); {counted}"


def _points_in_words(slopes: pd.DataFrame) -> str:
    parts = [
        f"{arch} {number(row['slope'])} {interval(row['slope_lo'], row['slope_hi'])}"
        for arch, row in slopes.iterrows()
        if not is_missing(row["slope"])
    ]
    return f"Slopes with 95 % intervals: {listed(parts, 12)}." if parts else ""
