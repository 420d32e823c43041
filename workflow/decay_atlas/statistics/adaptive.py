"""Adaptive against fixed weight decay, by learning rate: quality and size of the weights. Source: A, Clean accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from decay_atlas.statistics.methods.comparisons import mean_of
from decay_atlas.statistics.methods.landscape import Direction, Floats, tabulate

COLUMNS = [
    *("dataset", "recipe", "fixed", "arch", "lr", "wd_fixed", "dog"),
    *("value", "value_fixed", "gain", "gain_lo", "gain_hi", "p"),
    *("weight_norm", "weight_norm_fixed", "norm_ratio", "norm_ratio_lo", "norm_ratio_hi"),
    *("best", "wd_best", "best_fixed", "wd_best_fixed", "n_seeds"),
]


def adaptive(runs: pd.DataFrame, direction: Direction, recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Hold every recipe whose DoG is estimated against the fixed runs it was estimated from; one row an lr.

    `recipes` are the study's, by name; those with `dog` are compared, their runs of wd 1 (DoG as it was estimated)
    with the fixed recipe's at `dog`'s wd and the same lr and seed. `gain` is the mean over seeds of quality won, with
    its 95 % t interval and the test of none, `norm_ratio` that of the weights' norms, adaptive over fixed, with its
    own. `best` and `best_fixed` are the best averages over all weight decays of either, which flatter whoever has more
    of them. Columns as `COLUMNS`.
    """
    rows = []
    for recipe, entry in recipes.items():
        if "dog" in entry:
            rows += list(_rows(runs, direction, recipe, entry["dog"]["from"], float(entry["dog"]["wd"])))
    return tabulate(rows, COLUMNS)


def _rows(
    runs: pd.DataFrame, direction: Direction, recipe: str, fixed: str, wd_fixed: float
) -> Iterator[dict[str, Any]]:
    sign = 1.0 if direction == "max" else -1.0
    for (dataset, arch, lr), own in runs[runs["recipe"] == recipe].groupby(["dataset", "arch", "lr"], sort=False):
        theirs = runs[(runs["recipe"] == fixed) & (runs["dataset"] == dataset) & (runs["arch"] == arch)]
        theirs = theirs[theirs["lr"] == lr]
        pair = [own[own["wd"] == 1.0], theirs[theirs["wd"] == wd_fixed]]
        both = pair[0].merge(pair[1], on="seed", suffixes=("", "_fixed"))
        row: dict[str, Any] = {
            **{"dataset": dataset, "recipe": recipe, "fixed": fixed, "arch": arch, "lr": lr, "wd_fixed": wd_fixed},
            **_best(own, sign, ""),
            **_best(theirs, sign, "_fixed"),
            "n_seeds": len(both),
        }
        if len(both):
            gain = sign * (both["value"] - both["value_fixed"]).to_numpy()
            row |= {name: both[name].mean() for name in ("value", "value_fixed")} | {"gain": gain.mean()}
            row |= {name: both[name].mean() for name in ("dog", "weight_norm", "weight_norm_fixed") if name in both}
            row |= _interval("gain", gain) | _p(gain)
            if "weight_norm" in both:
                ratio = (both["weight_norm"] / both["weight_norm_fixed"]).to_numpy()
                row |= {"norm_ratio": ratio.mean()} | _interval("norm_ratio", ratio)
        yield row


def _best(runs: pd.DataFrame, sign: float, suffix: str) -> dict[str, float]:
    means = (sign * runs.groupby("wd")["value"].mean()).dropna()
    if means.empty:
        return {}
    return {f"best{suffix}": sign * means.max(), f"wd_best{suffix}": float(means.idxmax())}


def _interval(name: str, values: Floats) -> dict[str, float]:
    """Where values differ, the ends of the 95 % t interval of their mean."""
    one = mean_of(values)
    low, high = one.interval()
    return {f"{name}_lo": low, f"{name}_hi": high} if one.se > 0 else {}


def _p(gain: Floats) -> dict[str, float]:
    """Where gains differ, the test that their mean is 0."""
    one = mean_of(gain)
    return {"p": one.p(0)} if one.se > 0 else {}
