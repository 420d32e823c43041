"""What all figures share: size, type, colours that everybody can tell apart, axes in powers of ten."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import axis_value

WIDTH = 4.8
"""Inches; at 72 points an inch a panel is about as wide as a phone, so its type keeps its size there."""

HEIGHT = 3.5
TYPE = 8.5
TITLE_CHARACTERS = 58

# Okabe and Ito's colours: told apart with any colour vision, on light and on dark pages.
LAW_COLOURS = {"ratio": "#d55e00", "decoupled": "#0072b2", "product": "#009e73"}
LAW_DASHES: dict[str, tuple[float, ...]] = {
    "ratio": (5, 2),
    "decoupled": (1, 1.4),
    "product": (6, 1.5, 1, 1.5),
}
SERIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*"]
ACCENT = "#0f7c8a"

GROUP = ["dataset", "recipe"]
"""What one panel of several architectures shows."""

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "decay-atlas",
    "font.family": "DejaVu Sans",
    "font.size": TYPE,
    "axes.titlesize": TYPE + 1,
    "axes.labelsize": TYPE,
    "xtick.labelsize": TYPE - 0.5,
    "ytick.labelsize": TYPE - 0.5,
    "legend.fontsize": TYPE - 0.5,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.18,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
            "patch.edgecolor",
            "hatch.color",
        ),
        INK,
    ),
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw everything inside in the report's style."""
    with sns.axes_style("ticks"), mpl.rc_context(_SETTINGS):
        yield


def new(title: str, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """An empty panel whose title, wrapped, says what is seen."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(textwrap.fill(title, TITLE_CHARACTERS), x=0.01, ha="left", fontsize=TYPE + 0.5, fontweight="bold")
    sns.despine(ax=axes)
    return figure, axes


def message(text: str) -> Panel:
    """A panel that says in words why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 1.0), layout="constrained")
    lines = textwrap.fill(text, 64)
    figure.text(0.5, 0.5, lines, ha="center", va="center", fontsize=TYPE, style="italic", color=INK)
    return Panel(figure, text)


def log_ticks(values: Iterable[float], place: Callable[[float], float], apart: float) -> list[tuple[float, str]]:
    """Positions and labels of tick values, leaving out those closer than `apart` to a kept neighbour.

    Powers of ten stay before the others.
    """
    kept: list[float] = []
    for value in sorted(values, key=lambda v: (abs(math.log10(v) % 1) > 1e-9, v)):
        if all(abs(place(value) - place(other)) >= apart for other in kept):
            kept.append(value)
    return [(place(value), axis_value(value)) for value in sorted(kept)]


def log_axis(axes: Axes, which: str, values: Iterable[float], label: str, most: int = 8) -> None:
    """Name a logarithmic axis and tick it at the values of the data, as many as can be read."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    lo, hi = axes.get_xlim() if which == "x" else axes.get_ylim()
    ticks = log_ticks(sorted(set(values)), math.log10, math.log10(hi / lo) / most)
    axis.set_ticks([10**position for position, _ in ticks], [text for _, text in ticks])
    axis.set_minor_locator(mpl.ticker.NullLocator())
    axis.set_label_text(label)


def spread(values: Sequence[float], apart: float) -> list[float]:
    """The places nearest to `values` (in least squares) that keep their order and are `apart` from each other."""
    order = np.argsort(values, kind="stable")
    steps = apart * np.arange(len(order))
    places = np.empty(len(order))
    places[order] = isotonic_regression(np.asarray(values, float)[order] - steps).x + steps
    return places.tolist()


def end_labels(axes: Axes, ends: Sequence[tuple[float, float, str, str]], apart: float = 0.075) -> None:
    """Name lines at the right of the axes: (x, y, text, colour) of each line's end, once the limits are final."""
    to_fraction = axes.transScale + axes.transLimits
    heights = [float(to_fraction.transform((x, y))[1]) for x, y, _, _ in ends]
    for (x, y, text, colour), height in zip(ends, spread(heights, apart), strict=True):
        axes.annotate(
            text, (x, y), (1.03, height), xycoords="data", textcoords="axes fraction", va="center",
            color=INK, fontsize=TYPE - 0.5, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.8, "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)},
        )  # fmt: skip
