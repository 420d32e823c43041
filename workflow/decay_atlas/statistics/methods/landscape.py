"""The landscape of one combination: quality over learning rate × weight decay × seed, as one array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Direction = Literal["max", "min"]
Average = Literal["mean", "iqm"]

COMBINATION = ["dataset", "recipe", "arch"]
"""The columns that name one landscape."""

AXES = [*COMBINATION, "lr", "wd", "seed"]
"""The columns that name one run."""

MIN_WEIGHT_DECAYS = 3
"""An lr with fewer weight decays has no optimum: there is no inside to find one in."""

WORSE = 1e-8
"""Relative: a diverged run is worse by this much than the worst trained one, which is no tie (see `selection`)."""

MAX_CELLS = 20_000_000
"""A landscape larger than this is no grid but a search at random, and would not fit in memory."""


@dataclass(frozen=True)
class Landscape:
    """Quality of every run of one (dataset, recipe, arch).

    `quality` has shape (lr, wd, seed), is higher when better whatever the metric's direction, in the
    metric's unit, and is NaN where there is no run. `diverged` has the same shape. The axes are ascending. `average` is
    how a cell's seeds make one number.
    """

    dataset: str
    recipe: str
    arch: str
    lr: Floats
    wd: Floats
    seeds: NDArray[np.int64]
    quality: Floats
    diverged: NDArray[np.bool_]
    direction: Direction
    average: Average = "mean"

    @property
    def key(self) -> dict[str, str]:
        """The columns that name this landscape, to begin a table's row with."""
        return {"dataset": self.dataset, "recipe": self.recipe, "arch": self.arch}

    @property
    def sign(self) -> float:
        """+1 where larger values are better, -1 where smaller are: value = sign · quality."""
        return 1.0 if self.direction == "max" else -1.0

    def mean(self) -> Floats:
        """Average quality of every cell over the seeds it has, shape (lr, wd), NaN for a missing cell.

        Where runs are missing nothing is adjusted for the seeds that a cell has. In studies drawn from the nine
        landscapes of benchmarks/landscapes, 3 or 5 seeds, a fifth of the runs missing, least squares with an effect of
        each seed at an lr chose worse λ than this in 11 of 18 cases, with up to five times the loss: a seed that falls
        off a cliff moves all cells. The optima between grid points know which cells share seeds (`seed_covariance`).
        """
        return average_over_seeds(self.quality, self.average)

    def sd(self) -> Floats:
        """Standard deviation of every cell over its seeds, shape (lr, wd), NaN with fewer than two."""
        many = self.n_seeds() > 1
        spread = np.full(many.shape, np.nan)
        spread[many] = np.nanstd(self.quality[many], axis=-1, ddof=1)
        return spread

    def n_seeds(self) -> NDArray[np.int64]:
        """Number of runs of every cell, shape (lr, wd)."""
        return np.isfinite(self.quality).sum(axis=2)

    def none_diverged(self) -> NDArray[np.bool_]:
        """Cells that have runs, none of them diverged, shape (lr, wd)."""
        return (self.n_seeds() > 0) & ~self.diverged.any(axis=2)

    def trained(self) -> NDArray[np.bool_]:
        """At which lr a seed has runs that did not diverge, shape (lr, seed)."""
        return (np.isfinite(self.quality) & ~self.diverged).sum(axis=1) > 0

    def all_diverged(self) -> NDArray[np.bool_]:
        """At which lr there are runs and every one of them diverged, shape (lr,)."""
        return (self.diverged.sum(axis=(1, 2)) > 0) & (self.trained().sum(axis=1) == 0)

    def searchable(self) -> NDArray[np.bool_]:
        """Which lr have an optimum, shape (lr,): enough weight decays, and not every run diverged."""
        return ((self.n_seeds() > 0).sum(axis=1) >= MIN_WEIGHT_DECAYS) & ~self.all_diverged()


def average_over_seeds(quality: Floats, average: Average = "mean") -> Floats:
    """Mean or interquartile mean over the last axis, of the values that are there; NaN where none is.

    The interquartile mean drops the ⌊n/4⌋ smallest and largest of n values, so up to three seeds it is
    the mean.

    Raises:
        ValueError: `average` is neither "mean" nor "iqm".
    """
    n = np.isfinite(quality).sum(axis=-1)
    if average == "mean":
        total = np.nansum(quality, axis=-1)
        kept = n
    elif average == "iqm":
        rank = np.arange(quality.shape[-1])
        cut = n // 4
        inside = (rank >= cut[..., None]) & (rank < (n - cut)[..., None])
        total = np.where(inside, np.sort(quality, axis=-1), 0.0).sum(axis=-1)
        kept = n - 2 * cut
    else:
        raise ValueError(f"average must be 'mean' or 'iqm', not {average!r}")
    return np.divide(total, kept, out=np.full(n.shape, np.nan), where=n > 0)


def landscapes(
    runs: pd.DataFrame, direction: Direction, average: Average = "mean", *, column: str = "value"
) -> list[Landscape]:
    """Split a table of runs into one `Landscape` a combination, in the table's order of first appearance.

    `runs` has the columns dataset, recipe, arch, lr, wd, seed and `column`, and status where it is known;
    a missing value in `column` counts as a missing run. A diverged run is scored at chance, or not at all,
    and a network that learnt its images by heart can have a loss worse than chance: every diverged run counts as
    worse than the worst trained run of its combination, so that it stays what it is, a bad result.

    Raises:
        ValueError: a column is missing, a run appears twice, direction is unknown, or the runs are no grid.
    """
    if direction not in ("max", "min"):
        raise ValueError(f"direction must be 'max' or 'min', not {direction!r}")
    needed = [*AXES, column]
    missing = [name for name in needed if name not in runs.columns]
    if missing:
        raise ValueError(f"the table of runs lacks the column(s) {', '.join(missing)}")
    twice = runs.duplicated(AXES)
    if twice.any():
        first = runs.loc[twice, AXES].iloc[0].to_dict()
        raise ValueError(f"the table of runs holds {int(twice.sum())} run(s) twice, the first: {first}")
    sign = 1.0 if direction == "max" else -1.0
    result = []
    for names, part in runs.groupby(COMBINATION, sort=False, observed=True):
        dataset, recipe, arch = (str(name) for name in names)
        lr, i = np.unique(part["lr"].to_numpy(float), return_inverse=True)
        wd, j = np.unique(part["wd"].to_numpy(float), return_inverse=True)
        seeds, k = np.unique(part["seed"].to_numpy(np.int64), return_inverse=True)
        if len(lr) * len(wd) * len(seeds) > MAX_CELLS + len(part):
            raise ValueError(
                f"the {len(part)} runs of {dataset} / {recipe} / {arch} have {len(lr)} learning rates and "
                f"{len(wd)} weight decays: that is no grid. Round lr and wd so that runs share them."
            )
        value = sign * part[column].to_numpy(float)
        failed = (part["status"] == "diverged").to_numpy() if "status" in part else np.zeros(len(part), bool)
        finite = np.isfinite(value)
        trained = value[finite & ~failed]
        if len(trained):
            worst = trained.min() - WORSE * max(1.0, abs(trained.min()))
        else:
            worst = value[finite].min() if finite.any() else np.nan
        quality = np.full((len(lr), len(wd), len(seeds)), np.nan)
        quality[i, j, k] = np.where(failed, np.fmin(value, worst), np.where(finite, value, np.nan))
        diverged = np.zeros(quality.shape, dtype=bool)
        diverged[i, j, k] = failed
        result.append(Landscape(dataset, recipe, arch, lr, wd, seeds, quality, diverged, direction, average))
    return result


def tabulate(rows: list[dict], columns: list[str]) -> pd.DataFrame:
    """A table with the contract's columns first, then whatever else the rows hold; headed even when empty."""
    table = pd.DataFrame(rows)
    return table.reindex(columns=[*columns, *(name for name in table.columns if name not in columns)])
