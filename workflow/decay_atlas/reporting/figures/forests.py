"""Forest plots: log–log slopes against the three laws, and ratios against the published one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from decay_atlas.reporting import published
from decay_atlas.reporting.figures import style
from decay_atlas.reporting.fits import METHODS, best_method
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import is_missing, listed, number, place
from decay_atlas.statistics.methods.rivals import LAWS, POOLED

METHOD_WORDS = {
    "censored": "censored regression (carries the verdict)",
    "theil-sen": "Theil–Sen",
    "ols": "least squares, optima inside the grid",
    "published": "least squares, all λ* > 0 (as published)",
}
METHOD_MARKERS = {"censored": "o", "theil-sen": "^", "ols": "s", "published": "D"}
WIDEST = 3.0
"""Slopes and their intervals are drawn between ± this; an arrow says that one goes on."""


def slopes(laws: pd.DataFrame) -> list[Panel]:
    """Slope b of λ* ∝ η^b with its 95 % interval, by architecture and method, one panel a data set and recipe."""
    known = laws[laws["slope"].notna()] if len(laws) else laws
    if known.empty:
        return [style.message("No slopes: no combination has located optima to fit one through.")]
    return [
        _slopes_panel(part, place(names[0], names[1], known["recipe"].unique()))
        for names, part in known.groupby(style.GROUP, sort=False)
    ]


def _slopes_panel(laws: pd.DataFrame, where: str) -> Panel:
    archs = sorted(dict.fromkeys(laws["arch"]), key=lambda arch: arch == POOLED)
    verdicts = best_method(laws)
    title = f"{where}: {_slopes_seen(verdicts)}"
    rows_high = 0.42 * max(2, len(archs))
    figure, axes = style.new(title, height=1.5 + rows_high)
    law_lines(axes)
    methods = [m for m in METHODS if m in set(laws["method"])]
    for step, method in enumerate(methods):
        rows = laws[laws["method"] == method]
        y = np.array([archs.index(arch) for arch in rows["arch"]]) + 0.2 * (step - (len(methods) - 1) / 2)
        strong = step == 0
        alpha = 1.0 if strong else 0.55
        for height, row in zip(y, rows.to_dict("records"), strict=True):
            whisker(axes, row["slope_lo"], row["slope_hi"], height, 1.8 if strong else 1.0, alpha)
        inside = rows["slope"].clip(-WIDEST, WIDEST)
        axes.plot(
            inside, y, METHOD_MARKERS[method], ls="", color=INK, ms=5 if strong else 4, alpha=alpha,
            mfc=INK if strong else "none", label=METHOD_WORDS[method],
        )  # fmt: skip
    reach = np.nanmax(np.abs(laws[["slope", "slope_lo", "slope_hi"]].clip(-WIDEST, WIDEST).to_numpy(float)))
    axes.set_xlim(-max(1.3, reach * 1.05), max(1.3, reach * 1.05))
    label_rows(axes, ["all pooled" if arch == POOLED else arch for arch in archs])
    axes.set_xlabel("slope b of λ* ∝ η^b, with 95 % interval")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.6 / (rows_high + 0.5)), ncols=1)
    words = [f"{row['arch']} {number(row['slope'])}, {row['verdict']}" for row in verdicts.to_dict("records")]
    return Panel(
        figure,
        f"Slopes by architecture and method against the laws at 1, 0 and −1. {title}. {listed(words, 20)}.",
    )


def _slopes_seen(verdicts: pd.DataFrame) -> str:
    counts = verdicts["verdict"].value_counts()
    return "; ".join(f"{verdict} in {n}" for verdict, n in counts.items()) + f" of {len(verdicts)} architectures"


def law_lines(axes: Axes) -> None:
    """A named line at the slope of each law."""
    for law, slope in LAWS.items():
        axes.axvline(slope, color=style.LAW_COLOURS[law], dashes=style.LAW_DASHES[law], lw=1.2)
        axes.annotate(
            law, (slope, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="center", va="bottom", color=INK, fontsize=style.TYPE - 0.5,
        )  # fmt: skip


def whisker(
    axes: Axes,
    lo: float,
    hi: float,
    y: float,
    width: float,
    alpha: float = 1.0,
    within: tuple[float, float] = (-WIDEST, WIDEST),
) -> None:
    """An interval at height `y`; an arrow where it goes on beyond the part that is shown."""
    if is_missing(lo) or is_missing(hi):
        return
    low, high = max(lo, within[0]), min(hi, within[1])
    axes.plot([low, high], [y, y], color=INK, lw=width, alpha=alpha, solid_capstyle="butt")
    for end, beyond, marker in ((low, lo < low, "<"), (high, hi > high, ">")):
        if beyond:
            axes.plot(end, y, marker, color=INK, ms=4, alpha=alpha, clip_on=False)


def label_rows(axes: Axes, names: list[str]) -> None:
    """Rows from top to bottom, one a name."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")


def ratios(ratio: pd.DataFrame, reference: float = published.RATIO) -> list[Panel]:
    """ρ with its calibrated (thick) and published-style (thin) interval beside the published study's figures."""
    known = ratio[ratio["rho"].notna()] if len(ratio) else ratio
    if known.empty:
        return [style.message("No ratios: no combination has optima to fit one through.")]
    return [
        _ratio_panel(part, place(names[0], names[1], known["recipe"].unique()), reference)
        for names, part in known.groupby(style.GROUP, sort=False)
    ]


def _ratio_panel(ratio: pd.DataFrame, where: str, reference: float) -> Panel:
    archs = list(dict.fromkeys(ratio["arch"]))
    compared = ratio.merge(published.table_1(), on=["dataset", "arch"], how="left", suffixes=("", "_published"))
    with_published = compared["rho_published"].notna().any()
    title = f"{where}: {_ratios_seen(ratio, reference)}"
    figure, axes = style.new(title, height=1.75 + 0.36 * len(archs))
    known = compared.filter(regex="^rho").to_numpy(float)
    positive = known[np.isfinite(known) & (known > 0)]
    logarithmic = len(positive) > 0 and max(positive.max(), reference) / min(positive.min(), reference) > 8
    least = min(positive.min(), reference) / 2 if logarithmic else -np.inf
    for y, row in enumerate(compared.to_dict("records")):
        estimates = (
            (row["rho_smooth"], row["rho_lo_cal"], row["rho_hi_cal"], y - 0.13, {"lw": 2.6, "ms": 6, "mfc": INK}),
            (row["rho"], row["rho_lo"], row["rho_hi"], y + 0.08, {"lw": 1.0, "ms": 4.5, "mfc": "none"}),
        )
        for value, lo, hi, height, look in estimates:
            ends = [max(end, least) for end in (lo, hi) if not is_missing(end)]
            axes.plot(ends, [height] * len(ends), color=INK, lw=look["lw"], solid_capstyle="butt")
            if not is_missing(value):
                axes.plot(max(value, least), height, "o", color=INK, ms=look["ms"], mfc=look["mfc"])
        if not is_missing(row["rho_published"]):
            span = [row["rho_lo_published"], row["rho_hi_published"]]
            axes.plot(span, [y + 0.3] * 2, color=style.LAW_COLOURS["ratio"], lw=1.4)
            axes.plot(row["rho_published"], y + 0.3, "D", ms=4, color=style.LAW_COLOURS["ratio"])
    axes.axvline(reference, color=style.LAW_COLOURS["ratio"], dashes=style.LAW_DASHES["ratio"], lw=1.2)
    label_rows(axes, archs)
    if logarithmic:
        axes.set_xlim(least, max(positive.max(), reference) * 2)
        decades = [m * 10.0**k for k in range(-9, 5) for m in (1, 3)]
        style.log_axis(axes, "x", [v for v in decades if least <= v <= axes.get_xlim()[1]], "ratio ρ = λ*/η")
    else:
        axes.set_xlabel("ratio ρ = λ*/η")
    note = "dot: smooth interior optima, calibrated 95 % interval;\nring: all grid optima and interval, as published"
    note += "; diamond: published figure" if with_published else f"; dashed: published ρ = {number(reference)}"
    axes.annotate(
        note, (0, 0), (0, -30), xycoords="axes fraction", textcoords="offset points", va="top",
        fontsize=style.TYPE - 1, alpha=0.85, color=INK,
    )  # fmt: skip
    words = [f"{row['arch']} {number(row[_quoted(ratio)])}" for row in ratio.to_dict("records")]
    return Panel(figure, f"Ratio of best weight decay to learning rate by architecture. {title}. {listed(words, 20)}.")


def _quoted(ratio: pd.DataFrame) -> str:
    """The estimate that is put in words: the one of the calibrated intervals, unless no architecture has it."""
    return "rho_smooth" if ratio["rho_smooth"].notna().any() else "rho"


def _ratios_seen(ratio: pd.DataFrame, reference: float) -> str:
    lo, hi = ratio["rho_lo_cal"], ratio["rho_hi_cal"]
    holds = int(((lo <= reference) & (hi >= reference)).sum())
    known = int((lo.notna() & hi.notna()).sum())
    rho = ratio[_quoted(ratio)].dropna()
    spread = f"ρ from {number(rho.min())} to {number(rho.max())}" if len(rho) > 1 else f"ρ is {number(rho.iloc[0])}"
    if known == 0:
        return f"{spread}, with no interval that could be calibrated"
    return f"{spread}; {holds} of {known} intervals hold {number(reference)}"
