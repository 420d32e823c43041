"""The landscape of one combination: quality over learning rate × weight decay × seed, as one array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Direction = Literal["max", "min"]

COMBINATION = ["dataset", "recipe", "arch"]
"""The columns that name one landscape."""


@dataclass(frozen=True)
class Landscape:
    """Quality of every run of one (dataset, recipe, arch).

    `quality` has shape (lr, wd, seed), is higher when better whatever the metric's direction, in the
    metric's unit, and is NaN where there is no run. The axes are ascending.
    """

    dataset: str
    recipe: str
    arch: str
    lr: Floats
    wd: Floats
    seeds: NDArray[np.int64]
    quality: Floats
    direction: Direction

    @property
    def key(self) -> dict[str, str]:
        """The columns that name this landscape, to begin a table's row with."""
        return {"dataset": self.dataset, "recipe": self.recipe, "arch": self.arch}

    @property
    def sign(self) -> float:
        """+1 where larger values are better, -1 where smaller are: value = sign · quality."""
        return 1.0 if self.direction == "max" else -1.0

    def mean(self) -> Floats:
        """Mean quality of every cell over the seeds it has, shape (lr, wd), NaN for a missing cell."""
        n = self.n_seeds()
        total = np.nansum(self.quality, axis=2)
        return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)

    def n_seeds(self) -> NDArray[np.int64]:
        """Number of runs of every cell, shape (lr, wd)."""
        return np.isfinite(self.quality).sum(axis=2)


def landscapes(runs: pd.DataFrame, direction: Direction, column: str = "value") -> list[Landscape]:
    """Split a table of runs into one `Landscape` a combination, in the table's order of first appearance.

    `runs` has the columns dataset, recipe, arch, lr, wd, seed and `column`; a missing value there counts
    as a missing run.

    Raises:
        ValueError: a column is missing, or a run appears twice.
    """
    needed = [*COMBINATION, "lr", "wd", "seed", column]
    missing = [name for name in needed if name not in runs.columns]
    if missing:
        raise ValueError(f"the table of runs lacks the column(s) {', '.join(missing)}")
    twice = runs.duplicated([*COMBINATION, "lr", "wd", "seed"])
    if twice.any():
        first = runs.loc[twice.idxmax(), [*COMBINATION, "lr", "wd", "seed"]].to_dict()
        raise ValueError(f"the table of runs holds {int(twice.sum())} run(s) twice, the first: {first}")
    sign = 1.0 if direction == "max" else -1.0
    result = []
    for names, part in runs.groupby(COMBINATION, sort=False, observed=True):
        dataset, recipe, arch = (str(name) for name in names)
        lr, i = np.unique(part["lr"].to_numpy(float), return_inverse=True)
        wd, j = np.unique(part["wd"].to_numpy(float), return_inverse=True)
        seeds, k = np.unique(part["seed"].to_numpy(np.int64), return_inverse=True)
        quality = np.full((len(lr), len(wd), len(seeds)), np.nan)
        quality[i, j, k] = sign * part[column].to_numpy(float)
        result.append(Landscape(dataset, recipe, arch, lr, wd, seeds, quality, direction))
    return result
