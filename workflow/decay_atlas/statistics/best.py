"""The best each recipe can do, and how far that is from the recipe it is compared with.

Source: S, Experiments (the table of optimizers, and the basins' optima).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from decay_atlas.statistics.methods import search
from decay_atlas.statistics.methods.comparisons import holm, mean_of, welch
from decay_atlas.statistics.methods.families import Recipes, baselines
from decay_atlas.statistics.methods.landscape import COMBINATION, Direction, Floats, landscapes, tabulate
from decay_atlas.statistics.tuning import SAME, Case, cases

COLUMNS = [
    *COMBINATION,
    *["lr", "wd", "value", "sd", "n_seeds", "n_cells", "edge_lr", "edge_wd"],
    *["scored", "scored_sd", "n_scored", "selected_on", "crossfitted"],
    *["baseline", "difference", "difference_lo", "difference_hi", "p", "p_holm"],
    *["lr_set", "wd_set", "value_set", "sd_set", "n_set", "note"],
]
CELL_COLUMNS = [*COMBINATION, "lr", "wd", "value", "sd", "n_seeds", "lo", "hi"]


def best(
    runs: pd.DataFrame,
    direction: Direction,
    *,
    recipes: Recipes | None = None,
    published: Mapping[str, Sequence[float]] | None = None,
) -> pd.DataFrame:
    """Tabulate every recipe's best cell: a row a combination whose data set and architecture has two recipes or more.

    `value` and `sd` are the mean and standard deviation over seeds of the cell of best mean, as sources
    report them; `edge_lr` and `edge_wd` say where on its axis it lies (none | lower | upper | single, an axis
    of one value). A best is chosen for its luck too, so recipes are compared by `scored`, where every seed is
    scored at the cell that the other seeds choose (on validation scores where there are any, see
    `tuning.cases`). `difference` is the gain in quality, positive when better, over the `baseline`, the recipe
    that the grid lists first for the data set and architecture, with a 95 % interval by Welch's t over seeds;
    `p_holm` is corrected over the recipes of a data set and architecture. Columns in `_set` are the cell that
    `published` gives, (lr, wd), for the optimizer of the recipe as `recipes` has it.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    n_recipes = runs.groupby(["dataset", "arch"])["recipe"].transform("nunique")
    runs = runs[n_recipes > 1]
    first = baselines(runs)
    rows: list[dict[str, Any]] = []
    scores = {}
    known = {tuple(row[name] for name in [*COMBINATION, "lr", "wd"]): row for row in _cells(runs, direction)}
    for case in cases(runs, direction):
        row, scored = _row(case)
        row["baseline"] = first[row["dataset"], row["arch"]]
        aim = (published or {}).get((recipes or {}).get(row["recipe"], {}).get("optimizer", {}).get("name", ""))
        rows.append(row | (_at(known, row, aim) if aim else {}))
        scores[tuple(case.test.key.values())] = scored if case.crossfit else scored[:0]
    for row in rows:
        if row["recipe"] != row["baseline"]:
            mine, theirs = (scores[row["dataset"], name, row["arch"]] for name in (row["recipe"], row["baseline"]))
            row |= _difference(mine, theirs)
    table = tabulate(rows, COLUMNS)
    for _, part in table.groupby(["dataset", "arch"]):
        table.loc[part.index, "p_holm"] = holm(part["p"].to_numpy(float))
    return table


def cells(runs: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """Mean, sd and 95 % t interval over seeds of every cell: dataset, recipe, arch, lr, wd, value, sd, n_seeds, lo, hi.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    return tabulate(_cells(runs, direction), CELL_COLUMNS)


def _row(case: Case) -> tuple[dict[str, Any], Floats]:
    """A combination's row, and the quality of each seed at the cell that the others choose."""
    test = case.test
    means = np.nanmean(np.where(test.n_seeds()[..., None] > 0, case.select, -np.inf), axis=2)
    i, j = (int(index) for index in np.unravel_index(np.argmax(means), means.shape))
    quality = test.quality[i, j][np.isfinite(test.quality[i, j])]
    flat = test.quality.reshape(-1, test.quality.shape[2])
    found = search.exhaustive(search.fold_means(case.select.reshape(flat.shape), case.crossfit), flat)
    found = found[np.isfinite(found)]
    measured = test.n_seeds() > 0
    return {
        **test.key,
        "lr": test.lr[i],
        "wd": test.wd[j],
        "value": test.sign * quality.mean(),
        "sd": _sd(quality),
        "n_seeds": len(quality),
        "n_cells": int(measured.sum()),
        "edge_lr": _edge(measured[:, j], i, 0),
        "edge_wd": _edge(measured[i], j, int(np.argmax(test.wd > 0)) if (test.wd > 0).any() else 0),
        "scored": test.sign * found.mean() if len(found) else np.nan,
        "scored_sd": _sd(found),
        "n_scored": len(found),
        "selected_on": case.selected_on,
        "crossfitted": case.crossfit,
    }, found


def _edge(there: NDArray[np.bool_], at: int, lowest: int) -> str:
    """Where on an axis a position lies among those measured; up to `lowest`, the least positive, is the lower end."""
    known = np.flatnonzero(there)
    if len(known) == 1:
        return "single"
    return "lower" if at <= max(lowest, known[0]) else "upper" if at == known[-1] else "none"


def _difference(mine: Floats, theirs: Floats) -> dict[str, Any]:
    one = welch(mine, theirs)
    if np.isnan(one.value):
        return {"note": "needs two seeds, of it and of the baseline: one chooses the cell and another scores it"}
    low, high = one.interval()
    note = "" if one.se > 0 else "no interval: too few seeds, or seeds that all agree"
    return {"difference": one.value, "difference_lo": low, "difference_hi": high, "p": one.p(0), "note": note}


def _at(known: Mapping[tuple, dict[str, Any]], row: Mapping[str, Any], aim: Sequence[float]) -> dict[str, Any]:
    """The trained cell of a combination at (lr, wd)."""
    for (*place, lr, wd), cell in known.items():
        if place == [row[name] for name in COMBINATION] and np.allclose((lr, wd), aim, rtol=SAME, atol=0):
            names = {"lr": "lr_set", "wd": "wd_set", "value": "value_set", "sd": "sd_set", "n_seeds": "n_set"}
            return {column: cell[name] for name, column in names.items()}
    return {}


def _cells(runs: pd.DataFrame, direction: Direction) -> list[dict[str, Any]]:
    rows = []
    for one in landscapes(runs, direction):
        for i, j in zip(*np.nonzero(one.n_seeds()), strict=True):
            value = one.sign * one.quality[i, j][np.isfinite(one.quality[i, j])]
            low, high = mean_of(value).interval()
            row = {"lr": one.lr[i], "wd": one.wd[j], "value": value.mean(), "sd": _sd(value), "n_seeds": len(value)}
            rows.append({**one.key, **row, "lo": low, "hi": high})
    return rows


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
