"""The power by which the best weight decay falls as training grows longer. Source: S, Epochs law.

A run that shrinks its weights by ηλ a step forgets in 1/(ηλ) steps, so that λ* would go as 1/epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.laws import MIN_INTERIOR
from decay_atlas.statistics.methods.estimates import UNKNOWN
from decay_atlas.statistics.methods.families import Recipes, families
from decay_atlas.statistics.methods.landscape import Average, Direction, landscapes, tabulate
from decay_atlas.statistics.methods.slopes import Finding, findings

COLUMNS = [
    *["dataset", "recipe", "arch", "lr", "recipes", "epochs", "method"],
    *["power", "power_lo", "power_hi", "p_inverse", "p_constant", "product"],
    *["n_interior", "n_censored", "verdict"],
]
INVERSE = -1.0


def epochs_law(
    runs: pd.DataFrame, direction: Direction, *, recipes: Recipes, seed: int = 0, average: Average = "mean"
) -> pd.DataFrame:
    """Fit λ* ∝ epochs^power; a row a data set, architecture, family of recipes, learning rate and method.

    A family are recipes that differ in epochs alone (see `families`; `recipe` is the shortest); they enter at every
    learning rate that two or more of them were trained at. The methods are those of the table of laws, with epochs
    in the place of the learning rate, so that optima at an edge of the weight decays count as censored.
    `product` is the geometric mean of epochs · λ*. `verdict` is inverse (power −1) or constant (power 0) where
    the 95 % interval holds that one alone, undetermined where it holds both, other where neither,
    not-identifiable with fewer than three interior optima.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    rows: list[dict[str, Any]] = []
    for group in families(recipes, runs["recipe"], "epochs"):
        length = {name: recipes[name]["epochs"] for name in group}
        part = runs[runs["recipe"].isin(group)]
        part = part.assign(rate=part["lr"], lr=part["recipe"].map(length).astype(float), recipe=group[0])
        for rate, at in part.groupby("rate", sort=True):
            if at["lr"].nunique() < 2:
                continue
            for one in landscapes(at, direction, average):
                used = [name for name in group if length[name] in one.lr]
                row = {
                    **one.key,
                    "lr": rate,
                    "recipes": ", ".join(used),
                    "epochs": ", ".join(f"{epochs:g}" for epochs in one.lr),
                }
                rows += [row | _row(finding) for finding in findings(one, seed)]
    return tabulate(rows, COLUMNS)


def verdict(low: float, high: float, n_interior: int) -> str:
    """Which of the two powers alone lies in the interval, or why there is none."""
    if n_interior < MIN_INTERIOR or not np.isfinite(low + high):
        return "not-identifiable"
    inside = [name for name, power in (("inverse", INVERSE), ("constant", 0.0)) if low <= power <= high]
    return inside[0] if len(inside) == 1 else "undetermined" if inside else "other"


def _row(finding: Finding) -> dict[str, Any]:
    power = finding.slope if finding.n_interior >= MIN_INTERIOR else UNKNOWN
    low, high = power.interval()
    return {
        "method": finding.method,
        "power": power.value,
        "power_lo": low,
        "power_hi": high,
        "p_inverse": power.p(INVERSE),
        "p_constant": power.p(0.0),
        "product": np.exp(finding.log_product.value),
        "n_interior": finding.n_interior,
        "n_censored": finding.n_censored,
        "verdict": verdict(low, high, finding.n_interior),
    }
