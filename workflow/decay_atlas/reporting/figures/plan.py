"""What a grid can see before it is trained: its cells under the optima that each law would put there."""

from __future__ import annotations

import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import axis_about, listed, number, share
from decay_atlas.simulation.power import POWER, Place, Shape
from decay_atlas.statistics.methods.rivals import LAWS


def reach(shape: Shape, asked: list[Place], name: str) -> Panel:
    """The cells of a grid, and λ*(η) of every law asked for: filled inside the grid, rings at its edges or beyond."""
    inside = {place: shape.inside(place) for place in asked}
    published = next(place for place in asked if place.kind == "published")
    n = int(inside[published].sum())
    title = f"{name}: of the published law's {len(shape.lr)} optima {n} would lie inside"
    figure, axes = style.new(title, height=4.2)
    optima = {place: [shape.optimum(place, lr) for lr in shape.lr] for place in asked}
    positive = [wd for wd in shape.wd if wd > 0]
    every = [*positive, *(value for line in optima.values() for value in line)]
    low, high = min(every) / 2, max(every) * 2
    zero = low / 2
    if shape.wd_ends:
        axes.axhspan(*shape.wd_ends, color=style.ACCENT, alpha=0.12, lw=0, label="λ of the grid")
    cells = sorted({(lr, wd) for lr, wd, _ in shape.points})
    axes.plot([lr for lr, _ in cells], [wd or zero for _, wd in cells], ".", ms=3.2, color=INK, alpha=0.5, label="cell")
    ends = []
    for place in asked:
        colour, strong = style.LAW_COLOURS[place.law], place.kind == "published"
        dashes = style.LAW_DASHES[place.law]
        axes.plot(shape.lr, optima[place], color=colour, lw=1.8 if strong else 1.0, dashes=dashes)
        for kept, face in ((inside[place], colour), (~inside[place], "none")):
            points = [(lr, wd) for lr, wd, keep in zip(shape.lr, optima[place], kept, strict=True) if keep]
            axes.plot(*zip(*points, strict=True) if points else ([], []), "o", ms=5, color=colour, mfc=face)
        words = f"published: {number(place.wd_middle / shape.lr_middle)}·η" if strong else place.law
        ends.append((shape.lr[-1], optima[place][-1], words, colour))
    axes.plot([], [], "o", ms=5, color=INK, mfc=INK, label="λ* inside the grid")
    axes.plot([], [], "o", ms=5, color=INK, mfc="none", label="λ* at an edge or beyond")
    axes.set_xlim(shape.lr[0] / 1.4, shape.lr[-1] * 1.4)
    axes.set_yscale("log")
    axes.set_ylim(zero / 1.6 if 0 in shape.wd else low, high)
    style.log_axis(axes, "x", shape.lr, "learning rate η")
    ticks = [10.0**k for k in range(-12, 8) if low <= 10.0**k <= high]
    style.log_axis(axes, "y", ticks, "weight decay λ", most=12)
    if 0 in shape.wd:
        axes.set_yticks([zero, *axes.get_yticks()], ["0", *(tick.get_text() for tick in axes.get_yticklabels())])
    style.end_labels(axes, ends)
    axes.legend(loc="upper center", bbox_to_anchor=(0.55, -0.15), ncols=2, columnspacing=1.2)
    counts = [
        f"{place.law} law{', published' if place.kind == 'published' else ''}: {share(int(found.sum()), len(found))}"
        for place, found in inside.items()
    ]
    return Panel(figure, f"Cells of the grid and the best weight decay by each law. {title}. {listed(counts)} inside.")


def found(shape: Shape, shares: pd.DataFrame) -> Panel:
    """The share of simulated studies that find each law, by where λ* lies at the middle learning rate."""
    spans = shares[shares["kind"] != "published"].sort_values("wd_middle")
    told = spans[spans["told"]]
    seen = f"Laws are found {_span(told)}" if len(told) else "No law is found often enough, wherever λ* lies"
    figure, axes = style.new(seen, height=4.2)
    if shape.wd_ends:
        axes.axvspan(*shape.wd_ends, color=style.ACCENT, alpha=0.12, lw=0, label="λ of the grid")
    axes.axhline(100 * POWER, color=INK, lw=0.8, dashes=(2, 2))
    axes.annotate(
        f"{100 * POWER:.0f} %, enough", (1, 100 * POWER), (-2, 2), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", va="bottom", color=INK, fontsize=style.TYPE - 1,
    )  # fmt: skip
    for number_, law in enumerate(LAWS):
        rows = spans[spans["law"] == law]
        shift = 1.09 ** (number_ - 1)
        axes.plot(
            rows["wd_middle"] * shift, 100 * rows["right"], style.MARKERS[number_], ls="-", ms=5, lw=1.2,
            color=style.LAW_COLOURS[law], dashes=style.LAW_DASHES[law], label=f"{law} law",
        )  # fmt: skip
    one = shares[shares["kind"] == "published"].iloc[0]
    axes.plot(
        one["wd_middle"], 100 * one["right"], "D", ms=6, color=style.LAW_COLOURS["ratio"], mec=INK,
        label="the published law", clip_on=False, zorder=5,
    )  # fmt: skip
    every = [*spans["wd_middle"], one["wd_middle"]]
    axes.set_xlim(min(every) / 2, max(every) * 2)
    axes.set_ylim(-4, 104)
    decades = [10.0**k for k in range(-12, 8) if min(every) / 2 <= 10.0**k <= max(every) * 2]
    style.log_axis(axes, "x", decades, "λ* at the middle learning rate")
    axes.set_ylabel("studies that find the law (%)")
    axes.grid(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, columnspacing=1.2)
    words = [f"{row['law']} at {number(row['wd_middle'])}: {row['right']:.0%}" for row in spans.to_dict("records")]
    return Panel(figure, f"Share of simulated studies that find each law. {seen}. {listed(words, 20)}.")


def _span(told: pd.DataFrame) -> str:
    low, high = axis_about(told["wd_middle"].min()), axis_about(told["wd_middle"].max())
    return f"with λ* at {low}" if low == high else f"with λ* from {low} to {high}"
