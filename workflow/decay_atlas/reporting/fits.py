"""Straight lines on log–log axes through a combination's interior optima: the fitted law and its rivals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods.landscape import COMBINATION
from decay_atlas.statistics.methods.rivals import LAWS, POOLED

METHODS = ("censored", "theil-sen", "ols", "published")
"""Methods of the table of laws, the one that carries the verdict first."""


def is_told(optima: pd.DataFrame) -> pd.Series:
    """Which optima differ from any other λ by more than seed noise; all of them where the table does not say."""
    if "distinguished" in optima:
        return optima["distinguished"].astype(bool)
    return pd.Series(True, index=optima.index)


def rows_of(table: pd.DataFrame, key: Mapping[str, str]) -> pd.DataFrame:
    """The rows whose columns hold what `key` says of them; an empty table may lack the columns."""
    if table.empty:
        return table
    return table[(table[list(key)] == list(key.values())).all(axis=1)]


@dataclass(frozen=True)
class Line:
    """log10 λ = log10 `wd` + `slope` · log10(η / `lr`)."""

    slope: float
    lr: float
    wd: float

    def at(self, lr: np.ndarray) -> np.ndarray:
        """λ at each η."""
        return self.wd * (lr / self.lr) ** self.slope


def best_method(laws: pd.DataFrame, pooled: bool = False) -> pd.DataFrame:
    """One row a combination of the table of laws (or a pooled group): the most trusted method that has one."""
    if laws.empty:
        return laws
    laws = laws[(laws["arch"] == POOLED) == pooled]
    rank = {method: number for number, method in enumerate(METHODS)}
    ordered = laws.assign(_rank=laws["method"].map(rank).fillna(len(rank))).sort_values("_rank", kind="stable")
    first = ordered.drop_duplicates(COMBINATION)
    return first.drop(columns="_rank").sort_index()


def lines(optima: pd.DataFrame, slope: float | None) -> dict[str, Line]:
    """The fitted line (key "fit", where a slope is known) and the three rivals, through the optima's centre.

    `optima` are the rows of one combination. Each rival is the best line of its slope: it passes the
    geometric mean of the interior optima. Empty with fewer than two of those.
    """
    inside = optima[is_told(optima) & (optima["edge"] == "none") & (optima["wd_opt"] > 0)]
    if len(inside) < 2:
        return {}
    wd = inside["wd_smooth"].where(inside["wd_smooth"] > 0, inside["wd_opt"])
    centre = [float(np.exp(np.log(values.astype(float)).mean())) for values in (inside["lr"], wd)]
    slopes = dict(LAWS) if slope is None or np.isnan(slope) else {"fit": slope, **LAWS}
    return {law: Line(b, *centre) for law, b in slopes.items()}
