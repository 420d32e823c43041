"""Two rules for a larger batch, each against tuning anew at that batch. Source: S, Rules 1 and 2.

Rule 1: batch × k, lr × k. Rule 2: batch × k, wd × k, and the learning rate stays.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from decay_atlas.statistics.methods import search
from decay_atlas.statistics.methods.comparisons import mean_of
from decay_atlas.statistics.methods.families import Recipes, families
from decay_atlas.statistics.methods.landscape import Direction, Floats, tabulate
from decay_atlas.statistics.tuning import SAME, Case, cases

COLUMNS = [
    *["dataset", "recipe", "arch", "recipe_large", "batch_size", "batch_size_large", "rule"],
    *["lr", "wd", "value", "lr_retuned", "wd_retuned", "value_retuned"],
    *["loss", "loss_lo", "loss_hi", "loss_sd", "n", "crossfitted", "blank"],
]
POWERS = {"unchanged": (0, 0), "rule 1": (1, 0), "rule 2": (0, 1)}
"""The powers of k that lr and wd are multiplied by."""


def rules(runs: pd.DataFrame, direction: Direction, *, recipes: Recipes) -> pd.DataFrame:
    """Carry the best cell of a small batch over to a large one by each rule, and by none (`unchanged`).

    Returns a row a data set, architecture, pair of recipes that differ in batch_size alone (the smaller is
    `recipe`), and rule: (lr, wd) is what the rule makes of the small batch's best cell, `value` what that
    scores at the large batch, where it must have been trained, and `loss` what it falls short, in quality, of the
    cell chosen anew at the large batch, `value_retuned`. Both cells are chosen, seed by seed, by the other
    seeds and scored on this one (on validation scores where there are any, see `tuning.cases`), so that a loss
    may be negative by chance; the interval is Student's t over seeds, `loss_sd` their standard deviation. The cells
    named are those that all seeds together choose. `blank` says why there is no figure.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    found = {tuple(case.test.key.values()): case for case in cases(runs, direction)}
    places = dict.fromkeys((dataset, arch) for dataset, _, arch in found)
    rows = []
    for group in families(recipes, runs["recipe"], "batch_size"):
        for small, large in combinations(group, 2):
            sizes = recipes[small]["batch_size"], recipes[large]["batch_size"]
            for dataset, arch in places:
                if (dataset, small, arch) in found and (dataset, large, arch) in found:
                    row = {"recipe_large": large, "batch_size": sizes[0], "batch_size_large": sizes[1]}
                    pair = found[dataset, small, arch], found[dataset, large, arch]
                    rows += [row | one for one in _rows(*pair, sizes[1] / sizes[0])]
    return tabulate(rows, COLUMNS)


def _rows(small: Case, large: Case, k: float) -> list[dict[str, Any]]:
    crossfit = small.crossfit and large.crossfit
    seeds: NDArray[np.int64] = np.intersect1d(small.test.seeds, large.test.seeds)
    scores = large.test.quality[:, :, np.isin(large.test.seeds, seeds)]
    flat = scores.reshape(-1, len(seeds))
    anew = _means(large, seeds, crossfit).reshape(flat.shape)
    retuned = search.exhaustive(anew, flat)
    i, j = _chosen(_means(large, seeds, False))
    rows = []
    for rule, (of_lr, of_wd) in POWERS.items():
        carried, lacking = np.full(len(seeds), np.nan), set()
        for fold in range(len(seeds)):
            lr, wd = _carried(small, _means(small, seeds, crossfit)[:, :, [fold]], k**of_lr, k**of_wd)
            carried[fold] = _score(large, scores[:, :, fold], lr, wd)
            if not np.isfinite(carried[fold]):
                lacking.add(f"lr {lr:.3g}, wd {wd:.3g}")
        lr, wd = _carried(small, _means(small, seeds, False), k**of_lr, k**of_wd)
        row = {
            **small.test.key,
            "rule": rule,
            "lr": lr,
            "wd": wd,
            "lr_retuned": large.test.lr[i],
            "wd_retuned": large.test.wd[j],
            "value_retuned": large.test.sign * retuned.mean(),
            "crossfitted": crossfit,
        }
        if lacking:
            rows.append({**row, "n": 0, "blank": f"not trained at the large batch: {'; '.join(sorted(lacking))}"})
        else:
            rows.append(
                {**row, "value": large.test.sign * carried.mean(), "blank": "", **_loss(retuned - carried, crossfit)}
            )
    return rows


def _means(case: Case, seeds: NDArray[np.int64], crossfit: bool) -> Floats:
    """What each seed may see of every cell, shape (lr, wd, seed)."""
    return search.fold_means(case.select[:, :, np.isin(case.test.seeds, seeds)], crossfit)


def _chosen(means: Floats) -> tuple[int, int]:
    seen = np.where(np.isfinite(means), means, -np.inf).max(axis=2)
    i, j = np.unravel_index(np.argmax(seen), seen.shape)
    return int(i), int(j)


def _carried(small: Case, means: Floats, of_lr: float, of_wd: float) -> tuple[float, float]:
    i, j = _chosen(means)
    return float(small.test.lr[i] * of_lr), float(small.test.wd[j] * of_wd)


def _score(case: Case, quality: Floats, lr: float, wd: float) -> float:
    """Quality (lr, wd) at a cell that was trained; NaN at any other."""
    i = np.flatnonzero(np.isclose(case.test.lr, lr, rtol=SAME, atol=0))
    j = np.flatnonzero(np.isclose(case.test.wd, wd, rtol=SAME, atol=0))
    return float(quality[i[0], j[0]]) if len(i) and len(j) else float("nan")


def _loss(loss: Floats, crossfit: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"loss": loss.mean(), "n": len(loss)}
    if crossfit and len(loss) > 1:
        row["loss_lo"], row["loss_hi"] = mean_of(loss).interval()
        row["loss_sd"] = loss.std(ddof=1)
    return row
