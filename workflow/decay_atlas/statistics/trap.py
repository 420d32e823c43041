"""Where alternating one-dimensional searches end, from every cell of the landscape. Source: A, Tuning trap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods import search
from decay_atlas.statistics.methods.landscape import COMBINATION, Average, Direction, Landscape, landscapes, tabulate

COLUMNS = [
    *COMBINATION,
    *("lr_start", "wd_start", "lr_end", "wd_end", "value_start", "value_end"),
    *("lr_best", "wd_best", "value_best", "lost", "tried", "note"),
]


def trap(runs: pd.DataFrame, direction: Direction, *, average: Average = "mean") -> pd.DataFrame:
    """Follow the search from every measured cell of every combination; one row a start.

    It takes the best wd at its lr, then the best lr at that wd, and so on until neither moves, on the averages over
    seeds. `lost` is the quality by which its end is worse than the best cell, `tried` the cells it looked at. A
    combination with a single lr or wd has no second dimension to be trapped in: one row, with a `note`.

    Raises:
        ValueError: a column is missing or a run appears twice.
    """
    return tabulate([row for one in landscapes(runs, direction, average) for row in _rows(one)], COLUMNS)


def _rows(one: Landscape) -> Iterator[dict[str, Any]]:
    means = one.mean()
    if min(means.shape) < 2:
        yield {**one.key, "note": "a single learning rate or weight decay"}
        return
    best = np.unravel_index(np.nanargmax(means), means.shape)
    for start in zip(*np.nonzero(np.isfinite(means)), strict=True):
        end, tried = search.follow(means, (int(start[0]), int(start[1])))
        yield {
            **one.key,
            **_cell(one, means, start, "start"),
            **_cell(one, means, end, "end"),
            **_cell(one, means, best, "best"),
            "lost": means[best] - means[end],
            "tried": tried,
            "note": "",
        }


def _cell(one: Landscape, means: np.ndarray, cell: tuple[Any, ...], which: str) -> dict[str, float]:
    i, j = int(cell[0]), int(cell[1])
    return {
        f"lr_{which}": one.lr[i],
        f"wd_{which}": one.wd[j],
        f"value_{which}": one.sign * means[i, j],
    }
