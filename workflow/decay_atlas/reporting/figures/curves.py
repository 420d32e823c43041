"""Curves: what a deviation from the law costs, what a cheaper search loses, what the variance comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.reporting import published
from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Metric, axis_value, counted, listed, number, place

CENTRES = {
    "ratio": "the published ratio law, λ = κ·ρη",
    "optimum": "the measured optimum, λ = κ·λ*(η)",
    "product": "the product law, ηλ = κ·constant",
}
STRATEGIES = {"random": "random search", "quasi-random": "quasi-random search"}
"""Strategies with a budget are curves; the others are points."""

SOURCES = ("lr", "wd", "lr×wd", "seed", "residual")


def deviation(table: pd.DataFrame, fits: pd.DataFrame, metric: Metric) -> list[Panel]:
    """Drop of quality against κ with its interval, a panel for each data set, recipe and centre.

    Centres without any figure are left out, and named where nothing at all is left.
    """
    known = table[table["drop"].notna()] if len(table) else table
    if known.empty:
        reasons = sorted(set(table["blank"].dropna().astype(str))) if len(table) else []
        why = f": {'; '.join(reasons)}" if reasons else ""
        return [style.message(f"No deviation curve{why or ', for want of a table of deviations'}.")]
    panels = []
    for names, part in known.groupby([*style.GROUP, "centre"], sort=False):
        dataset, recipe, centre = (str(name) for name in names)
        all_rows = table[(table[[*style.GROUP, "centre"]] == list(names)).all(axis=1)]
        own = fits[(fits[[*style.GROUP, "centre"]] == list(names)).all(axis=1)] if len(fits) else fits
        where = place(dataset, recipe, list(table["recipe"].unique()))
        panels.append(_deviation_panel(part, all_rows, own, where, dataset, centre, metric))
    return panels


def _zones(fits: pd.DataFrame, kappa: pd.Series) -> list[tuple[float, float, float, float]]:
    """The fits to draw, as κ from … to, δ and γ: that of both sides, or else of each that has one."""
    # A law that explains less than a level line does says nothing of the drops.
    known = fits[fits["delta"].notna() & (fits["r2"] > 0)].set_index("side") if len(fits) else fits
    low, high = float(kappa.min()), float(kappa.max())
    ends = {"both": (low, high)} if "both" in known.index else {"below": (low, 1.0), "above": (1.0, high)}
    return [
        (*span, float(known.loc[side, "delta"]), float(known.loc[side, "gamma"]))
        for side, span in ends.items()
        if side in known.index
    ]


def _deviation_panel(
    known: pd.DataFrame,
    rows: pd.DataFrame,
    fits: pd.DataFrame,
    where: str,
    dataset: str,
    centre: str,
    metric: Metric,
) -> Panel:
    known = known.sort_values("kappa")
    title = f"{where}, about {CENTRES.get(centre, centre)}: {_deviation_seen(known, centre, metric)}"
    figure, axes = style.new(title)
    for low, high, delta, gamma in _zones(fits, rows["kappa"]):
        reach = (float(np.exp(-delta)), float(np.exp(delta)))
        inside = (max(reach[0], low), min(reach[1], high))
        label = f"tolerance zone, κ {number(inside[0])} to {number(inside[1])}"
        axes.axvspan(*inside, color=style.ACCENT, alpha=0.13, lw=0, label=label)
        kappa = np.geomspace(low, high, 200)
        law = gamma * np.maximum(0, np.abs(np.log(kappa)) - delta) ** 2
        axes.plot(kappa, law, color=style.ACCENT, lw=1.2, label="fitted tolerance law")
    errors = np.clip([known["drop"] - known["lo"], known["hi"] - known["drop"]], 0, None)
    axes.errorbar(
        known["kappa"],
        known["drop"],
        np.nan_to_num(errors),
        fmt="o",
        ms=5,
        color=INK,
        lw=1.3,
        label="this study, 95 % CI",
    )
    floor = known["noise_floor"].dropna() if "noise_floor" in known else known["drop"].iloc[:0]
    if len(floor):
        axes.axhspan(
            0,
            floor.mean(),
            facecolor=INK,
            alpha=0.1,
            lw=0,
            label="noise floor",
        )
    theirs = published.table_2()
    theirs = theirs[theirs["dataset"] == dataset] if centre == "ratio" and metric.unit == "%" else theirs[:0]
    if len(theirs):
        spread = [theirs["drop"] - theirs["lo"], theirs["hi"] - theirs["drop"]]
        colour = style.LAW_COLOURS["ratio"]
        axes.errorbar(
            theirs["kappa"] * 1.06,
            theirs["drop"],
            spread,
            fmt="D",
            ms=4,
            color=colour,
            lw=1,
            label="published",
        )
    blank = rows[rows["drop"].isna()]
    axes.axhline(0, color=INK, lw=0.6)
    if len(blank):
        bottom = [0.02] * len(blank)
        axes.plot(
            blank["kappa"],
            bottom,
            "x",
            ms=5,
            color=INK,
            alpha=0.6,
            transform=axes.get_xaxis_transform(),
            label="not on the grid",
        )
    axes.set_xlim(rows["kappa"].min() / 1.25, rows["kappa"].max() * 1.25)
    style.log_axis(axes, "x", rows["kappa"], "deviation factor κ", most=12)
    axes.set_ylabel(metric.drop_axis)
    axes.grid(True)
    axes.legend(loc="best")
    words = [f"{number(row['drop'])} at κ {axis_value(row['kappa'])}" for row in known.to_dict("records")]
    return Panel(figure, f"{metric.drop_axis.capitalize()} against the deviation factor. {title}. {listed(words, 20)}.")


def _deviation_seen(known: pd.DataFrame, centre: str, metric: Metric) -> str:
    """The largest drop; κ = 1 is a drop of its own about a law, and none about the measured optimum."""
    off = known[known["kappa"] != 1] if centre == "optimum" else known
    if off.empty:
        return "only κ = 1 is on the grid"
    worst = off.loc[off["drop"].idxmax()]
    return f"up to {metric.loss(worst['drop'])} lost, at κ = {axis_value(worst['kappa'])}"


def tuning(table: pd.DataFrame, metric: Metric) -> list[Panel]:
    """Loss against the full grid by the number of cells trained, averaged over architectures."""
    known = table[table["gap"].notna() & table["budget"].notna()] if len(table) else table
    if known.empty:
        return [style.message("No tuning curve: no strategy could be replayed on this grid.")]
    return [
        _tuning_panel(part, place(names[0], names[1], known["recipe"].unique()), metric)
        for names, part in known.groupby(style.GROUP, sort=False)
    ]


def _tuning_panel(known: pd.DataFrame, where: str, metric: Metric) -> Panel:
    searches = known[~known["strategy"].isin(STRATEGIES)]
    means = searches.groupby("strategy", sort=False)[["budget", "gap"]].mean()
    means = means[means.index != "full-2d"]
    n = known["arch"].nunique()
    title = f"{where}: {_tuning_seen(means, metric)}"
    figure, axes = style.new(title, height=3.6 + 0.17 * ((len(means) + 3) // 2))
    axes.axhline(0, color=INK, lw=0.6)
    for number_, (strategy, label) in enumerate(STRATEGIES.items()):
        rows = known[known["strategy"] == strategy].groupby("budget")["gap"].agg(["mean", "min", "max"])
        if len(rows):
            colour = style.SERIES[-1 - number_ * 6]
            axes.fill_between(rows.index, rows["min"], rows["max"], color=colour, alpha=0.15, lw=0)
            axes.plot(rows.index, rows["mean"], color=colour, lw=1.4, label=label)
    for number_, (strategy, row) in enumerate(means.iterrows()):
        mark = style.MARKERS[number_ % len(style.MARKERS)]
        axes.plot(row["budget"], row["gap"], mark, ms=6, color=style.SERIES[(number_ + 1) % 7], label=strategy)
    axes.set_xscale("log")
    budgets = known["budget"]
    axes.set_xlim(budgets.min() / 1.2, budgets.max() * 1.2)
    style.log_axis(axes, "x", [2.0**k for k in range(1, 13) if 2**k <= budgets.max() * 1.2], "cells (η, λ) trained")
    axes.set_ylabel(
        f"lost against the full grid ({metric.loss_unit})" if metric.loss_unit else "lost against the full grid"
    )
    axes.grid(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=2, columnspacing=1.2)
    words = [f"{strategy} {metric.loss(row['gap'])}" for strategy, row in means.iterrows()]
    shown = f"Loss against the full grid by search budget, mean over {counted(n, 'architecture')}"
    return Panel(figure, f"{shown}. {title}. {listed(words, 20)}.")


def _tuning_seen(means: pd.DataFrame, metric: Metric) -> str:
    if means.empty:
        return "what random search loses at each budget"
    best = means["gap"].idxmin()
    return f"{best} loses {metric.loss(means['gap'][best])} with {means['budget'][best]:.3g} cells"


def importance(table: pd.DataFrame) -> list[Panel]:
    """Shares of the variance that lr, wd, their interplay and the seed explain, a bar an architecture."""
    known = table[table["share"].notna()] if len(table) else table
    if known.empty:
        return [style.message("No variance shares: no combination has enough runs to decompose.")]
    return [
        _importance_panel(part, place(str(names[0]), str(names[1]), list(known["recipe"].unique())), str(names[2]))
        for names, part in known.groupby([*style.GROUP, "region"], sort=False)
    ]


def _importance_panel(known: pd.DataFrame, where: str, region: str) -> Panel:
    archs = list(dict.fromkeys(known["arch"]))
    shares = known.pivot_table(index="arch", columns="source", values="share", sort=False).reindex(archs)
    shares = 100 * shares.reindex(columns=list(SOURCES)).fillna(0.0)
    top = shares.mean().drop("residual").idxmax()
    runs = "all runs" if region == "all" else f"the {region} of the η"
    title = f"{where}, {runs}: {top} explains most, {number(shares.mean()[top])} % on average"
    figure, axes = style.new(title, height=1.55 + 0.3 * len(archs))
    left = np.zeros(len(archs))
    for number_, source in enumerate(SOURCES):
        colour = style.SERIES[number_] if source != "residual" else style.SERIES[-1]
        axes.barh(archs, shares[source], left=left, color=colour, label=source, height=0.66, lw=0)
        left += shares[source].to_numpy()
    axes.invert_yaxis()
    axes.set_xlabel("share of the variance (%)")
    axes.tick_params(axis="y", length=0)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.45, -0.5 / (0.3 * len(archs) + 0.5)),
        ncols=5,
        columnspacing=1.0,
        handlelength=1.0,
    )
    words = [f"{arch}: " + ", ".join(f"{s} {number(row[s])} %" for s in SOURCES) for arch, row in shares.iterrows()]
    return Panel(figure, f"Shares of the variance by source. {title}. {'; '.join(words[:20])}.")
