"""Recipes against each other: gains over the first one, λ* by epochs, and the rules for a larger batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Metric, counted, interval, is_missing, listed, number
from decay_atlas.statistics.methods.families import Recipes

PLACE = ["dataset", "arch"]
RULES = ("rule 1", "rule 2", "unchanged")
METHOD = "censored"
LEVEL = 0.05


def gains(best: pd.DataFrame, metric: Metric) -> list[Panel]:
    """What every recipe gains at its best over the first one; one panel a data set and architecture."""
    known = best[best["difference"].notna()] if len(best) else best
    if known.empty:
        return [style.message("Nothing to compare: no data set and architecture has two recipes with two seeds each.")]
    return [_gains_panel(part, " / ".join(names), metric) for names, part in known.groupby(PLACE, sort=False)]


def _gains_panel(best: pd.DataFrame, where: str, metric: Metric) -> Panel:
    best = best.sort_values("difference", ascending=False, kind="stable")
    told = best[best["p_holm"] < LEVEL]
    baseline = str(best["baseline"].iloc[0])
    title = f"{where}: {len(told)} of {counted(len(best), 'recipe')} can be told from {baseline} at its best"
    figure, axes = style.new(title, height=1.4 + 0.24 * len(best))
    _forest(axes, best, ("difference", "difference_lo", "difference_hi"), best["recipe"].tolist())
    axes.set_xlabel(f"gain in {metric.name} over {baseline}" + (f" ({metric.loss_unit})" if metric.loss_unit else ""))
    words = [
        f"{row['recipe']} {metric.difference(row['difference'])} "
        f"{metric.span(row['difference_lo'], row['difference_hi'])}"
        for row in best.to_dict("records")
    ]
    return Panel(figure, f"Gain of every recipe over {baseline}. {title}. {listed(words, 30)}.")


def rules(table: pd.DataFrame, metric: Metric) -> list[Panel]:
    """What each rule loses against tuning anew at the larger batch, with its interval."""
    known = table[table["loss"].notna()] if len(table) else table
    if known.empty:
        return [style.message("No rules to judge: no two recipes differ in their batch alone with the cells trained.")]
    return [_rules_panel(part, " / ".join(names), metric) for names, part in known.groupby(PLACE, sort=False)]


def _rules_panel(table: pd.DataFrame, where: str, metric: Metric) -> Panel:
    names = [
        f"{row['recipe']} {row['batch_size']} → {row['batch_size_large']}: {row['rule']}"
        for row in table.to_dict("records")
    ]
    means = table.groupby("rule")["loss"].mean()
    seen = [f"{rule} {metric.loss(means[rule])}" for rule in RULES if rule in means]
    title = f"{where}: lost against tuning anew, on average {listed(seen)}"
    figure, axes = style.new(title, height=1.4 + 0.26 * len(table))
    _forest(axes, table, ("loss", "loss_lo", "loss_hi"), names)
    axes.set_xlabel(metric.drop_axis)
    words = [
        f"{name} {metric.difference(row['loss'])} {metric.span(row['loss_lo'], row['loss_hi'])}"
        for name, row in zip(names, table.to_dict("records"), strict=True)
    ]
    return Panel(figure, f"Loss of each rule for a larger batch. {title}. {listed(words, 30)}.")


def _forest(axes: Axes, table: pd.DataFrame, columns: tuple[str, str, str], names: list[str]) -> None:
    for y, row in enumerate(table.to_dict("records")):
        value, low, high = (row[column] for column in columns)
        if not is_missing(low) and not is_missing(high):
            axes.plot([low, high], [y, y], color=INK, lw=1.6, solid_capstyle="butt")
        axes.plot(value, y, "o", color=INK, ms=4.5)
    axes.axvline(0, color=INK, lw=0.8, alpha=0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")


def epochs(laws: pd.DataFrame, optima: pd.DataFrame, recipes: Recipes) -> list[Panel]:
    """λ* against epochs on log–log axes with the fitted power, one panel a family of recipes; a colour an η."""
    if laws.empty:
        return [style.message("No lengths of training to compare: no two recipes differ in their epochs alone.")]
    panels = []
    for names, part in laws[laws["method"] == METHOD].groupby(["dataset", "recipe", "arch"], sort=False):
        panels.append(_epochs_panel(part, optima, recipes, names))
    return panels


def _epochs_panel(laws: pd.DataFrame, optima: pd.DataFrame, recipes: Recipes, where: tuple[Any, ...]) -> Panel:
    dataset, _, arch = where
    words = [
        f"{number(row['power'])} {interval(row['power_lo'], row['power_hi'])} at η {number(row['lr'])}"
        for row in laws.to_dict("records")
        if not is_missing(row["power"])
    ]
    seen = f"power {listed(words, 3)}" if words else "too few optima located for a power"
    title = f"{dataset} / {arch}, {laws['recipe'].iloc[0]} and longer: {seen}"
    figure, axes = style.new(title)
    all_epochs, all_wd = [], []
    for step, row in enumerate(laws.to_dict("records")):
        rows = _points(row, optima, recipes)
        if rows.empty:
            continue
        colour = style.SERIES[step % 7]
        smooth = rows["wd_smooth"].where(rows["wd_smooth"] > 0, rows["wd_opt"])
        inside = rows["edge"] == "none"
        label = f"η {number(row['lr'])}"
        axes.plot(rows["epochs"][inside], smooth[inside], "o", color=colour, ms=5.5, label=label)
        for edge in rows[~inside].to_dict("records"):
            factor = 1 / 2 if edge["edge"] == "lower" else 2
            axes.plot(edge["epochs"], edge["wd_opt"], "o", mfc="none", mec=colour, ms=5.5)
            axes.annotate(
                "", (edge["epochs"], edge["wd_opt"] * factor), (edge["epochs"], edge["wd_opt"]),
                arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.2},
            )  # fmt: skip
        all_epochs += rows["epochs"].tolist()
        all_wd += rows["wd_opt"].tolist()
        if inside.any():
            _lines(axes, rows["epochs"].to_numpy(float), smooth[inside], rows["epochs"][inside], row["power"], colour)
    if not all_epochs:
        return style.message(f"{title}: no optimum above λ = 0.")
    axes.set_xlim(min(all_epochs) / 1.4, max(all_epochs) * 1.4)
    axes.set_yscale("log")
    axes.set_ylim(min(all_wd) / 5, max(all_wd) * 5)
    style.log_axis(axes, "x", all_epochs, "epochs")
    style.log_axis(axes, "y", all_wd, "best weight decay λ*")
    axes.grid(True)
    axes.legend(loc="best")
    axes.annotate(
        "line: fitted power; dashed: power −1, as published; arrow: optimum at an edge", (0, 0), (0, -30),
        xycoords="axes fraction", textcoords="offset points", va="top", fontsize=style.TYPE - 1, color=INK,
    )  # fmt: skip
    return Panel(figure, f"Best weight decay against epochs. {title}.")


def _points(row: Mapping[str, Any], optima: pd.DataFrame, recipes: Recipes) -> pd.DataFrame:
    """The optima of a family at one η, with their epochs."""
    names = row["recipes"].split(", ")
    own = optima[
        (optima["dataset"] == row["dataset"])
        & (optima["arch"] == row["arch"])
        & optima["recipe"].isin(names)
        & np.isclose(optima["lr"], row["lr"])
        & (optima["wd_opt"] > 0)
    ]
    return own.assign(epochs=[recipes[name]["epochs"] for name in own["recipe"]])


def _lines(axes: Axes, x: np.ndarray, wd: pd.Series, at: pd.Series, power: Any, colour: str) -> None:
    ends = np.array([x.min(), x.max()], float)
    centre = [float(np.exp(np.log(values.astype(float)).mean())) for values in (at, wd)]
    axes.plot(ends, centre[1] * (ends / centre[0]) ** -1.0, color=colour, dashes=(5, 2), lw=1, alpha=0.6)
    if not is_missing(power):
        axes.plot(ends, centre[1] * (ends / centre[0]) ** float(power), color=colour, lw=1.4)
