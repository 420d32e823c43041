"""Quality with noisy labels against quality without, for every setting of the weight decay. Source: A, Noisy labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from decay_atlas.statistics.methods.landscape import tabulate

COLUMNS = ["dataset", "recipe", "clean", "arch", "label_noise", "lr", "wd", "value", "value_clean", "n_seeds"]


def label_noise(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Pair every recipe with `label_noise` with the one that differs from it in nothing else; one row a cell.

    `recipes` are the study's, resolved; of two whose DoG is estimated, the fixed recipes may differ by the noise too.
    Averages over the seeds that both have. Columns as `COLUMNS`.
    """
    known = {name for name in runs["recipe"].unique() if name in recipes}
    clean = {
        _signature(recipes[name], recipes): name for name in recipes if name in known and not _noise(recipes[name])
    }
    rows = []
    for name in (name for name in recipes if name in known and _noise(recipes[name])):
        partner = clean.get(_signature(recipes[name], recipes))
        if partner is None:
            continue
        axes = ["dataset", "arch", "lr", "wd"]
        both = runs[runs["recipe"] == name].merge(
            runs[runs["recipe"] == partner], on=[*axes, "seed"], suffixes=("", "_clean")
        )
        for place, cell in both.groupby(axes, sort=False):
            rows.append(
                {
                    **dict(zip(axes, place, strict=True)),
                    **{"recipe": name, "clean": partner, "label_noise": _noise(recipes[name])},
                    **{"value": cell["value"].mean(), "value_clean": cell["value_clean"].mean()},
                    "n_seeds": len(cell),
                }
            )
    return tabulate(rows, COLUMNS)


def _noise(recipe: Mapping[str, Any]) -> float:
    return float(recipe.get("label_noise", 0))


def _signature(recipe: Mapping[str, Any], recipes: Mapping[str, Mapping[str, Any]]) -> str:
    """A recipe's text without its noise, the fixed recipe of its DoG spelled out likewise."""
    rest = {key: value for key, value in recipe.items() if key != "label_noise"}
    if "dog" in rest:
        rest["dog"] = {**rest["dog"], "from": _signature(recipes[rest["dog"]["from"]], recipes)}
    return json.dumps(rest, sort_keys=True)
