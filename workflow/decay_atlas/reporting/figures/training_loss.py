"""Training loss against the score, epoch by epoch, of every recipe at its best.

Source: S, Experiments (figures 5 and 13).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.reporting.figures import style
from decay_atlas.reporting.svg import INK, Panel
from decay_atlas.reporting.words import Metric, listed, number

PLACE = ["dataset", "arch"]
COLOURED = 7
"""Recipes with a colour of their own; there are no more that can be told apart."""


def training_loss(curves: pd.DataFrame, best: pd.DataFrame, metric: Metric, score: str) -> list[Panel]:
    """A panel a data set and architecture with two recipes or more: at each one's best cell, a line over its epochs.

    `curves` are those of the table of that name, `best` the table of best cells; `score` is the metric's, whose test
    accuracy or test loss of the epoch is drawn. The recipe that the grid lists first and those with the best scores
    have colours, the others are grey.
    """
    column = "test_loss" if "loss" in score else "test_accuracy"
    panels = []
    for names, part in best.groupby(PLACE, sort=False) if len(best) and len(curves) else ():
        lines = {row["recipe"]: line for row in part.to_dict("records") if len(line := _line(curves, row, column))}
        if len(lines) > 1:
            panels.append(_panel(lines, part, " / ".join(names), metric, column))
    return panels or [style.message("No training losses to compare: no two recipes have learning curves.")]


def _line(curves: pd.DataFrame, row: dict, column: str) -> pd.DataFrame:
    """The learning curve of a recipe's best cell, where both quantities are known and the loss is greater than 0."""
    if not {"train_loss", column} <= set(curves.columns):
        return curves.iloc[:0]
    same = (curves[["dataset", "recipe", "arch"]] == [row["dataset"], row["recipe"], row["arch"]]).all(axis=1)
    found = curves[
        same & np.isclose(curves["lr"], row["lr"], rtol=1e-9) & np.isclose(curves["wd"], row["wd"], rtol=1e-9)
    ]
    return found[found[column].notna() & (found["train_loss"] > 0)].sort_values("epoch")


def _panel(lines: dict[str, pd.DataFrame], best: pd.DataFrame, where: str, metric: Metric, column: str) -> Panel:
    ends = {name: (float(line["train_loss"].iloc[-1]), float(line[column].iloc[-1])) for name, line in lines.items()}
    larger = column == "test_accuracy"
    order = sorted(ends, key=lambda name: ends[name][1], reverse=larger)
    baseline = str(best["baseline"].iloc[0])
    shown = list(dict.fromkeys([name for name in (baseline, *order) if name in ends]))[:COLOURED]
    least = min(ends, key=lambda name: ends[name][0])
    title = f"{where}: at the last epoch {least} has the least training loss and {order[0]} the best test score"
    if least == order[0]:
        title = f"{where}: {least} has the least training loss at the last epoch, and the best test score"
    figure, axes = style.new(title)
    for name, line in lines.items():
        colour = style.SERIES[shown.index(name)] if name in shown else INK
        strong: dict[str, Any] = {"color": colour, "alpha": 1.0 if name in shown else 0.25}
        axes.plot(line["train_loss"], line[column], lw=1.1, label=name if name in shown else None, **strong)
        axes.plot(*ends[name], "o", ms=4.5, **strong)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [step * 10.0**power for power in range(-9, 9) for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    style.log_axis(axes, "x", ticks, "training loss, falling to the right; dot: last epoch")
    axes.invert_xaxis()
    axes.set_ylabel("test accuracy (%)" if larger else "test loss")
    axes.grid(True)
    axes.legend()
    words = [f"{name} {number(ends[name][0])} and {number(ends[name][1], 3)}" for name in order]
    return Panel(figure, f"Training loss and test score over the epochs. {title}. At the end: {listed(words, 30)}.")
