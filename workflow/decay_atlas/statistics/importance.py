"""How much of the spread in quality the learning rate, the weight decay and their interplay explain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from decay_atlas.statistics.methods.landscape import Direction, Floats, Landscape, landscapes, tabulate

COLUMNS = [
    *("dataset", "recipe", "arch", "region", "source", "share", "variance", "df", "statistic", "p"),
    *("n_runs", "blank"),
]
FACTORS = ("lr", "wd", "seed", "lr×wd", "residual")


def importance(runs: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """Decompose the variance of each combination by ANOVA over lr, wd and seed as factors.

    The main effects' sums of squares are of type II (each after the other two), so that a ragged grid does
    not credit one with what the other explains; lr×wd is what the cells explain beyond lr and wd, and seed
    what runs of one seed share beyond their cells. `share` is ω², the unbiased estimate of the share
    of the total variance (0 for a source that explains no more than noise would), and `variance` is ω² times
    the total variance, in the metric's unit squared. On a ragged grid shares need not sum to one.

    Two regions are decomposed: "all" runs, and "best half", the lr whose best cell is in the upper half of
    the lr's: over all runs the far ends of the axes, which nobody would use, decide.

    Returns one row per dataset × recipe × arch × region × source (lr, wd, lr×wd, seed, residual), columns as
    `COLUMNS`: statistic and p are of the F test against the residual, degrees of freedom in df.

    Raises:
        ValueError: the table of runs lacks a column or holds a run twice.
    """
    rows: list[dict[str, Any]] = []
    for landscape in landscapes(runs, direction):
        for region, quality in _regions(landscape).items():
            rows += [{**landscape.key, "region": region} | row for row in _decompose(quality)]
    return tabulate(rows, COLUMNS)


def _regions(landscape: Landscape) -> dict[str, Floats]:
    best = np.where(np.isfinite(landscape.mean()), landscape.mean(), -np.inf).max(axis=1)
    upper = best >= np.median(best)
    return {"all": landscape.quality, "best half": landscape.quality[upper]}


def _decompose(quality: Floats) -> list[dict[str, Any]]:
    lr, wd, seed = np.nonzero(np.isfinite(quality))
    y = quality[lr, wd, seed]
    n = len(y)
    factors = {"lr": lr, "wd": wd, "seed": seed}
    additive, df_additive = _fit(y, list(factors.values()))
    cell = np.unique(np.stack([lr, wd]), axis=1, return_inverse=True)[1]
    full, df_full = _fit(y, [cell, seed])
    explained = {"lr×wd": (additive - full, df_full - df_additive)}
    for name in factors:
        rest, df_rest = _fit(y, [factor for other, factor in factors.items() if other != name])
        explained[name] = (rest - additive, df_additive - df_rest)
    without_seed, df_cells = _fit(y, [cell])
    explained["seed"] = (without_seed - full, df_full - df_cells)

    df_residual = n - df_full
    total = float(((y - y.mean()) ** 2).sum())
    # Rounding in the fits leaves about this much where the truth is nought.
    nought = 1e-12 * max(total, float((y**2).sum()))
    blank = ""
    if df_residual < 1:
        blank = "no cell has a second seed, so noise cannot be told from the interplay of lr and wd"
    elif total <= nought:
        blank = "every run has the same value"
    if blank:
        return [{"source": source, "n_runs": n, "blank": blank} for source in FACTORS]

    noise = full / df_residual if full > nought else 0.0
    variance_total = total + noise
    rows = []
    for source in FACTORS:
        squares, df = explained.get(source, (full, df_residual))
        row: dict[str, Any] = {"source": source, "df": df, "n_runs": n, "blank": ""}
        if source == "residual":
            share = noise * n / variance_total
        elif df == 0:
            share = 0.0
        else:
            share = max(squares - df * noise, 0.0) / variance_total
            if noise > 0:
                row["statistic"] = squares / df / noise
                row["p"] = float(stats.f.sf(row["statistic"], df, df_residual))
        rows.append(row | {"share": share, "variance": share * variance_total / n})
    return rows


def _fit(y: Floats, factors: list[NDArray[np.int64]]) -> tuple[float, int]:
    """Residual sum of squares and rank of the additive model of the factors.

    The first factor is swept out by its means, so that a design of many thousand cells costs only a system
    of the size of the other factors.
    """
    levels = [np.unique(factor, return_inverse=True)[1] for factor in factors]
    swept, others = levels[0], levels[1:]
    n = np.bincount(swept)
    mean = np.bincount(swept, y) / n
    if not others:
        return float(((y - mean[swept]) ** 2).sum()), len(n)
    sizes = [int(level.max()) + 1 for level in others]
    starts = np.cumsum([0, *sizes[:-1]])
    columns = np.stack([level + start for level, start in zip(others, starts, strict=True)])
    met = np.zeros((len(n), sum(sizes)))
    gram = np.zeros((sum(sizes), sum(sizes)))
    for a in columns:
        np.add.at(met, (swept, a), 1.0)
        for b in columns:
            np.add.at(gram, (a, b), 1.0)
    gram -= met.T @ (met / n[:, None])
    moment = np.bincount(columns.ravel(), np.tile(y - mean[swept], len(columns)), minlength=sum(sizes))
    coefficients, _, rank, _ = np.linalg.lstsq(gram, moment, rcond=1e-10)
    shift = (met / n[:, None]) @ coefficients
    residual = y - mean[swept] - coefficients[columns].sum(axis=0) + shift[swept]
    return float(residual @ residual), len(n) + int(rank)
