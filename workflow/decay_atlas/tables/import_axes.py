"""Axes of imported runs made a grid: numbers that differ by rounding alone, and seeds that no two cells share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype

from decay_atlas.statistics.methods.landscape import COMBINATION, Floats

SAME = 1e-6
"""Relative distance within which two numbers are one, written by tools that keep six digits or float32."""
FLOAT32 = 1e-7
"""Relative error of a number that was kept as float32."""


def one_grid(values: pd.Series) -> pd.Series:
    """Numbers of 0 or more that agree to `SAME` made equal: all of them the one with the fewest digits.

    What float32 made of a number of six digits or fewer becomes that number; all else stays as it is.
    """
    known = np.unique(values.to_numpy(float))
    groups = np.split(known, np.flatnonzero(np.diff(known) > SAME * known[1:]) + 1)
    return values.astype(float).map({value: _shortest(group) for group in groups for value in group.tolist()})


def _shortest(alike: Floats) -> float:
    """Of numbers that agree, or of those that they are as float32, the one with the fewest digits."""
    short = [float(f"{value:.6g}") for value in alike]
    within = [one for one, value in zip(short, alike, strict=True) if abs(one - value) <= FLOAT32 * value]
    return min([*alike.tolist(), *within], key=lambda value: (len(repr(value)), value))


def numbered_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Replace the seeds of every combination whose cells do not share them by 0, 1, … within a cell, in their order.

    Statistics pair runs of one seed. Where seeds are ids of runs, or others at every learning rate, there are no
    pairs, and most of the grid of lr × wd × seed would be missing. A column `seed_given` keeps what such runs came
    with; it is missing where seeds stay. Seeds that are texts become numbers in their order, the same in every cell,
    before that. `runs` holds no run twice.
    """
    runs = runs.copy()
    given = runs["seed"].astype(float if is_integer_dtype(runs["seed"]) else "str")
    if given.dtype != float:
        runs["seed"] = pd.factorize(given, sort=True)[0].astype(np.int64)
    if "seed_given" not in runs:
        runs["seed_given"] = np.nan
    if given.dtype != runs["seed_given"].dtype:  # a column of parquet has one type
        runs["seed_given"] = runs["seed_given"].astype("str").where(runs["seed_given"].notna())
        given = given.astype("str")
    for _, part in runs.groupby(COMBINATION, sort=False):
        if _apart(part, "lr") or _apart(part, "wd"):
            runs.loc[part.index, "seed_given"] = given[part.index]
            order = part.groupby(["lr", "wd"])["seed"].rank()
            runs.loc[part.index, "seed"] = order.astype(np.int64) - 1
    return runs


def _apart(part: pd.DataFrame, axis: str) -> bool:
    """Whether most values of an axis, of two or more, have seeds that hardly any other value has."""
    pairs = part[[axis, "seed"]].drop_duplicates()
    alone = pairs.groupby("seed")[axis].transform("size") == 1
    mostly = alone.groupby(pairs[axis]).mean() > 0.5
    return len(mostly) > 1 and bool(mostly.mean() > 0.5)
