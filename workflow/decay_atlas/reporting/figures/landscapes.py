"""Landscapes: quality over learning rate × weight decay, one heat map a combination, with optima and laws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.fits import best_method, lines, rows_of
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Labels, Metric, axis_value, number
from decay_atlas.statistics.methods.landscape import Average, Landscape
from decay_atlas.statistics.methods.landscape import landscapes as split

COMMON_SHARE = 0.5
"""A weight decay trained with at least this share of the lr is expected with all, and hatched where missing."""

SCALE_FROM = 0.25
"""Colours begin at this quantile of the cell means: the worst cells would use up the scale."""

MOST_CELLS = 1500
CASING = "#ffffff"
MARK = "#111111"
SMOOTH = "#c2185b"
FAILED = "#e8a33d"


@dataclass(frozen=True)
class Cell:
    """A rectangle of the map in decades, and the indices of its lr and wd."""

    lr: int
    wd: int
    left: float
    bottom: float
    width: float
    height: float


def landscapes(
    runs: pd.DataFrame,
    optima: pd.DataFrame,
    laws: pd.DataFrame,
    metric: Metric,
    average: Average = "mean",
) -> list[Panel]:
    """A panel for every combination after one that explains the marks; tables may be empty.

    Cell colours are averages over seeds in the metric's unit.
    """
    maps = split(runs, metric.direction, average)  # type: ignore[arg-type]
    if not maps:
        return [style.message("No landscape: the table of runs is empty.")]
    label, chosen = Labels(runs), best_method(laws)
    panels = [_key()]
    for landscape in maps:
        own, law = rows_of(optima, landscape.key), rows_of(chosen, landscape.key)
        slope = float(law["slope"].iloc[0]) if len(law) else None
        panels.append(_map(landscape, own, slope, label(landscape.key), metric))
    return panels


def cells(landscape: Landscape) -> tuple[list[Cell], float | None]:
    """The cells of a landscape, trained or only expected, and the height of λ = 0's row where there is one.

    A cell reaches half way to its neighbours in log λ, among those of its own lr; the row of λ = 0 lies
    apart below the rest.
    """
    present = landscape.n_seeds() > 0
    expected = present | (present.mean(axis=0) >= COMMON_SHARE)
    x_low, x_high = _bounds(np.log10(landscape.lr))
    positive = landscape.wd > 0
    y = np.log10(np.where(positive, landscape.wd, 1.0))
    step = _step(y[positive & (present.mean(axis=0) >= COMMON_SHARE)])
    zero = None if positive.all() else float(y[positive].min() if positive.any() else 0.0) - 1.45 * step
    result = []
    for i in range(len(landscape.lr)):
        left, width = x_low[i], x_high[i] - x_low[i]
        own = np.flatnonzero(expected[i] & positive)
        for j, low, high in zip(own, *_bounds(y[own], step), strict=True):
            result.append(Cell(i, int(j), left, low, width, high - low))
        if zero is not None and expected[i, ~positive].any():
            result.append(Cell(i, 0, left, zero - 0.4 * step, width, 0.8 * step))
    return result, zero


def _step(values: NDArray[np.float64]) -> float:
    """The typical distance of neighbours, half a decade where there is none."""
    return float(np.median(np.diff(values))) if len(values) > 1 else 0.5


def _bounds(centres: NDArray[np.float64], most: float | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each of ascending centres begins and ends: half way to its neighbours, at most `most`/2 outside."""
    half = np.diff(centres) / 2
    outer = _step(centres) / 2 if most is None else most / 2
    low = centres - np.concatenate([[min(outer, *half[:1]) if len(half) else outer], half])
    high = centres + np.concatenate([half, [min(outer, *half[-1:]) if len(half) else outer]])
    return low, high


def _map(
    landscape: Landscape,
    optima: pd.DataFrame,
    slope: float | None,
    label: str,
    metric: Metric,
) -> Panel:
    places, zero = cells(landscape)
    if len(places) > MOST_CELLS:
        return style.message(
            f"{label}: {len(landscape.lr)} learning rates × {len(landscape.wd)} weight decays are no grid that a "
            "map could show; the runs are in runs.parquet."
        )
    mean, count = landscape.sign * landscape.mean(), landscape.n_seeds()
    title = f"{label}: {_headline(mean, landscape, metric)}"
    figure, axes = style.new(title, height=3.7)
    tips = draw_cells(axes, figure, landscape, places, mean, count, metric)
    name_axes(axes, landscape, places, zero)
    above_zero = [c.bottom for c in places if landscape.wd[c.wd] > 0 or zero is None]
    _draw_laws(axes, optima, slope, min(above_zero, default=places[0].bottom))
    _draw_optima(axes, landscape, optima, zero)
    key = "/".join(landscape.key.values())
    return Panel(figure, _words(label, landscape, mean, optima, metric), tips, key)


def _headline(mean: NDArray[np.float64], landscape: Landscape, metric: Metric) -> str:
    if not np.isfinite(mean).any():
        return "no run has a finite value"
    i, j = np.unravel_index(np.nanargmax(landscape.sign * mean), mean.shape)
    at = f"η = {axis_value(landscape.lr[i])}, λ = {axis_value(landscape.wd[j])}"
    return f"best {metric.value(mean[i, j])} at {at}"


def draw_cells(
    axes: Axes,
    figure: Figure,
    landscape: Landscape,
    places: list[Cell],
    mean: NDArray[np.float64],
    count: NDArray[np.int64],
    metric: Metric,
) -> dict[str, str]:
    """Fill the cells by their mean, with a colour bar; hover texts by the cells' gid."""
    good = landscape.sign * mean
    finite = good[np.isfinite(good)]
    low, high = (np.quantile(finite, SCALE_FROM), finite.max()) if len(finite) else (0.0, 1.0)
    low = low if high > low else high - 1.0
    ends = sorted((landscape.sign * low, landscape.sign * high))
    norm = colors.Normalize(ends[0], ends[1])
    shades = sns.color_palette("mako", as_cmap=True)(np.linspace(0.14, 1.0, 256))
    palette = colors.ListedColormap(shades[:: int(landscape.sign)])
    spread = landscape.sd()
    tips = {}
    for cell in places:
        at = cell.lr, cell.wd
        trained = count[at] > 0
        patch = Rectangle(
            (cell.left, cell.bottom),
            cell.width,
            cell.height,
            facecolor=palette(norm(mean[at])) if trained else "none",
            edgecolor="none" if trained else (*colors.to_rgb(INK), 0.5),
            hatch=None if trained else "////",
            linewidth=0.0,
            clip_on=False,
        )
        patch.set_gid(f"cell-{cell.lr}-{cell.wd}")
        axes.add_patch(patch)
        failed = int(landscape.diverged[at].sum())
        if failed:
            axes.plot(cell.left + cell.width / 2, cell.bottom + cell.height / 2, "x", color=FAILED, ms=4, mew=1.2)
        where = f"η = {axis_value(landscape.lr[cell.lr])}, λ = {axis_value(landscape.wd[cell.wd])}"
        value = metric.value(mean[at], 4) if trained else "not trained"
        sd = f" ± {number(spread[at])}" if np.isfinite(spread[at]) else ""
        seeds = f", {count[at]} seed{'s' if count[at] > 1 else ''}" if trained else ""
        tips[f"cell-{cell.lr}-{cell.wd}"] = f"{where}: {value}{sd}{seeds}{f', {failed} diverged' if failed else ''}"
    below = "min" if landscape.sign > 0 else "max"
    clipped = len(finite) > 0 and finite.min() < low
    bar = figure.colorbar(
        ScalarMappable(norm, palette), ax=axes, extend=below if clipped else "neither", pad=0.02, aspect=28
    )
    bar.set_label(metric.axis)
    bar.outline.set_visible(False)
    if landscape.sign < 0:
        bar.ax.invert_yaxis()
    return tips


def name_axes(axes: Axes, landscape: Landscape, places: list[Cell], zero: float | None) -> None:
    """Limits, ticks at the grid's values and names of both axes, which are in decades."""
    axes.set_xlim(min(c.left for c in places), max(c.left + c.width for c in places))
    axes.set_ylim(min(c.bottom for c in places), max(c.bottom + c.height for c in places))
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x = style.log_ticks(landscape.lr, np.log10, (right - left) / 9)
    positive = landscape.wd[landscape.wd > 0]
    y = style.log_ticks(positive, np.log10, (top - bottom) / 14)
    axes.set_xticks([at for at, _ in x], [text for _, text in x])
    y = y if zero is None else [(zero, "0"), *y]
    axes.set_yticks([at for at, _ in y], [text for _, text in y])
    axes.set_xlabel("learning rate η")
    axes.set_ylabel("weight decay λ")


def _draw_laws(axes: Axes, optima: pd.DataFrame, slope: float | None, floor: float) -> None:
    x = np.linspace(*axes.get_xlim(), 200)
    fitted = lines(optima, slope) if len(optima) else {}
    for law, line in fitted.items():
        y = np.log10(line.at(10**x))
        y[y < floor] = np.nan
        axes.plot(x, y, color=CASING, lw=2.6 if law == "fit" else 1.9, alpha=0.75, scalex=False, scaley=False)
        axes.plot(x, y, **_law_style(law), scalex=False, scaley=False)


def _law_style(law: str) -> dict[str, Any]:
    if law == "fit":
        return {"color": MARK, "lw": 1.5}
    return {"color": style.LAW_COLOURS[law], "lw": 1.2, "dashes": style.LAW_DASHES[law]}


def _draw_optima(axes: Axes, landscape: Landscape, optima: pd.DataFrame, zero: float | None) -> None:
    reach = np.diff(axes.get_ylim())[0] * 0.07
    for row in optima[optima["wd_opt"].notna()].to_dict("records"):
        i = int(np.argmin(np.abs(landscape.lr - row["lr"])))
        trained = landscape.n_seeds()[i] > 0
        if landscape.diverged[i, trained].all():
            continue
        x, y = np.log10(row["lr"]), _height(row["wd_opt"], zero)
        low, high = (_height(wd, zero) for wd in _bracket(row, landscape.wd[trained]))
        told = bool(row.get("distinguished", True))
        for colour, width in ((CASING, 2.8), (MARK, 1.1)):
            axes.plot([x, x], [low, high], color=colour, lw=width, ls="-" if told else ":")
        shape = {"lower": "v", "upper": "^"}.get(row["edge"], "o") if told else "o"
        size, fill = 5.5 if shape == "o" else 7, CASING if told else "none"
        axes.plot(x, y, shape, ms=size, mfc="none", mec=CASING, mew=2.8, clip_on=False)
        axes.plot(x, y, shape, ms=size, mfc=fill, mec=MARK, mew=1.1, clip_on=False)
        if shape != "o":
            beyond = y - reach if shape == "v" else y + reach
            arrow = {"arrowstyle": "->", "color": INK, "lw": 1.1}
            axes.annotate("", (x, beyond), (x, y), arrowprops=arrow, annotation_clip=False)
        elif told and row["wd_smooth"] > 0:
            axes.plot(x, np.log10(row["wd_smooth"]), "_", ms=8, mew=1.8, color=SMOOTH)


def _height(wd: float, zero: float | None) -> float:
    return float(np.log10(wd)) if wd > 0 or zero is None else zero


def _bracket(row: dict[str, Any], trained: NDArray[np.float64]) -> tuple[float, float]:
    """The λ that cannot be told from the best where the table says so, else the best one's neighbours."""
    if "rival_low" in row and np.isfinite(row["rival_low"]):
        return row["rival_low"], row["rival_high"]
    below, above = trained[trained < row["wd_opt"]], trained[trained > row["wd_opt"]]
    return max(below, default=row["wd_opt"]), min(above, default=row["wd_opt"])


def _words(label: str, landscape: Landscape, mean: NDArray[np.float64], optima: pd.DataFrame, metric: Metric) -> str:
    """The panel's alternative text."""
    rows = optima[optima["wd_opt"].notna()] if len(optima) else optima
    marks = {"lower": ", at the lower edge", "upper": ", at the upper edge"}
    found = "; ".join(
        f"{axis_value(row.wd_opt)} at η {axis_value(row.lr)}{marks.get(row.edge, '')}" for row in rows.itertuples()
    )
    return (
        f"Heat map of {metric.name} for {label}: {len(landscape.lr)} learning rates by {len(landscape.wd)} weight "
        f"decays, {_headline(mean, landscape, metric)}. Optimal weight decays: {found or 'none could be found'}."
    )


def _key() -> Panel:
    figure = Figure(figsize=(style.WIDTH, 1.55), layout="constrained")
    ring: dict[str, Any] = {"mfc": CASING, "mec": MARK, "mew": 1.1, "ls": ""}
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], marker="o", ms=5.5, **ring), "best λ of an η; bar: λ as good"),
        (
            Line2D([], [], marker="o", ms=5.5, **{**ring, "mfc": "none", "mec": INK}),
            "best λ, not told from any other",
        ),
        (Line2D([], [], marker="v", ms=7, **ring), "best λ at the grid's edge: it may lie beyond"),
        (Line2D([], [], marker="_", ms=8, mew=1.8, ls="", color=SMOOTH), "smooth optimum"),
        (Line2D([], [], color=INK, lw=1.5), "fitted law"),
        (Line2D([], [], **_law_style("ratio")), "ratio: λ* ∝ η"),
        (Line2D([], [], **_law_style("decoupled")), "decoupled: λ* constant"),
        (Line2D([], [], **_law_style("product")), "product: λ* ∝ 1/η"),
        (Line2D([], [], marker="x", ls="", color=FAILED, ms=5, mew=1.2), "a run diverged"),
        (Patch(facecolor="none", edgecolor=INK, hatch="////", lw=0), "not trained"),
    ]
    figure.legend(
        [handle for handle, _ in entries],
        [text for _, text in entries],
        loc="center left",
        ncols=2,
        columnspacing=1.2,
        handlelength=2.4,
    )
    alt = "Key to the landscapes: " + "; ".join(text for _, text in entries) + "."
    return Panel(figure, alt)
