"""The best weight decay at every learning rate, and what rivals it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods.landscape import (
    COMBINATION,
    MIN_WEIGHT_DECAYS,
    Average,
    Direction,
    Landscape,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.selection import argmax_wd, seed_noise, within_noise_of_best
from decay_atlas.statistics.methods.smoothing import smooth_optima

COLUMNS = [*COMBINATION, "lr", "wd_opt", "value", "sd", "n_seeds", "wd_smooth", "edge", "tied"]


def optima(runs: pd.DataFrame, direction: Direction, *, average: Average = "mean") -> pd.DataFrame:
    """Tabulate λ*(η), one row a combination and lr. Source: C, Optimum.

    `value` and `sd` are the average and the standard deviation over seeds at the optimum, in the metric's
    unit; `wd_smooth` the optimum between grid points (see `smoothing`), blank where it lies at an edge.
    `distinguished` says whether any λ can be told from the best; `rival_low` and `rival_high` bound the λ
    that cannot, and `n_rivals` counts them, the best included. Where every run of an lr diverged there is no
    optimum. `note` says what is missing and why.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    rows = [row for one in landscapes(runs, direction, average) for row in _rows(one)]
    extra = ["distinguished", "rival_low", "rival_high", "n_rivals", "n_wd", "note"]
    return tabulate(rows, [*COLUMNS, *extra])


def _rows(landscape: Landscape) -> list[dict]:
    means = landscape.mean()
    diverged = landscape.all_diverged()
    choice = argmax_wd(means, landscape.wd, landscape.searchable())
    smooth = smooth_optima(landscape)
    noise, df = seed_noise(landscape, landscape.none_diverged()) if smooth is None else (smooth.usual_noise, smooth.df)
    rivals = within_noise_of_best(landscape, means, noise, df)
    n_seeds, n_wd = landscape.n_seeds(), np.isfinite(means).sum(axis=1)
    rows = []
    for i, lr in enumerate(landscape.lr):
        row = {**landscape.key, "lr": lr, "n_wd": n_wd[i]}
        if not choice.found[i]:
            few = f"{n_wd[i]} weight decay(s), fewer than {MIN_WEIGHT_DECAYS}"
            note = f"no optimum: {'every run diverged' if diverged[i] else few}"
            rows.append({**row, "n_seeds": 0, "tied": False, "distinguished": False, "note": note})
            continue
        j = choice.index[i]
        scores = landscape.quality[i, j][np.isfinite(landscape.quality[i, j])]
        among = landscape.wd[rivals[i]]
        told = len(among) < n_wd[i]
        rows.append(
            {
                **row,
                "wd_opt": landscape.wd[j],
                "value": landscape.sign * means[i, j],
                "sd": scores.std(ddof=1) if len(scores) > 1 else np.nan,
                "n_seeds": n_seeds[i, j],
                "wd_smooth": np.exp(smooth.log_wd[i]) if smooth and smooth.interior[i] else np.nan,
                "edge": "lower" if choice.lower[i] else "upper" if choice.upper[i] else "none",
                "tied": bool(choice.tied[i]),
                "distinguished": told,
                "rival_low": among.min(),
                "rival_high": among.max(),
                "n_rivals": len(among),
                "note": _note(told, df),
            }
        )
    return rows


def _note(told: bool, df: int) -> str:
    if df == 0:
        return "one seed, or seeds that all agree: nothing says how far noise moves the optimum"
    return "" if told else "no optimum is distinguished: all weight decays are within seed noise of the best"
