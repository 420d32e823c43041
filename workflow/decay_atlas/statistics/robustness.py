"""Ratio and slope of every variant of a recipe in one table, beside what was published.

Source: C, Robustness checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods.families import Recipe, Recipes, differences
from decay_atlas.statistics.methods.landscape import COMBINATION, tabulate

COLUMNS = [
    *[*COMBINATION, "baseline", "varies", "setting"],
    *["rho", "rho_lo", "rho_hi", "rho_published_lo", "rho_published_hi"],
    *["slope", "slope_lo", "slope_hi", "product", "verdict", "n_interior", "n_censored"],
]
METHOD = "censored"
OPTIMIZER = "adamw"
"""That of the recipe whose variants were published: ratios of another one's are no figures to compare with."""


def robustness(
    ratio: pd.DataFrame, laws: pd.DataFrame, *, recipes: Recipes, published: Sequence[Mapping[str, Any]] = ()
) -> pd.DataFrame:
    """Set the ratio and the slope of each variant beside its baseline's: a row a combination whose data set
    and architecture has two recipes or more.

    `ratio` and `laws` are what those stages return. The baseline is the recipe that the table lists first for
    the data set and architecture. `varies` is what a recipe changes of it (optimizer, schedule, batch_size, epochs
    or another key; several, joined by +) and `setting` to what; the baseline has "" and its schedule. `rho` is
    the ratio of the smooth interior optima with its calibrated interval, `slope` that of the censored method.
    `published` gives intervals of ρ: entries {varies, setting (optional), rho: [lo, hi]}, of which the first that
    fits a row stands beside it where the baseline is trained by AdamW, as the published one.

    Raises:
        KeyError: a table lacks a column.
    """
    ratio = ratio[ratio.groupby(["dataset", "arch"])["recipe"].transform("nunique") > 1]
    slopes = laws[laws["method"] == METHOD].set_index(COMBINATION)
    first = ratio.drop_duplicates(["dataset", "arch"]).set_index(["dataset", "arch"])["recipe"]
    rows = []
    for one in ratio.to_dict("records"):
        key = {name: one[name] for name in COMBINATION}
        baseline = first[one["dataset"], one["arch"]]
        varies, setting = _variant(recipes.get(one["recipe"], {}), recipes.get(baseline, {}))
        alike = _text(recipes.get(baseline, {}).get("optimizer", "")) == OPTIMIZER
        low, high = _published(published if alike else (), varies, setting)
        slope = slopes.loc[tuple(key.values())]
        rows.append(
            {
                **key,
                "baseline": baseline,
                "varies": varies,
                "setting": setting,
                "rho": one["rho_smooth"],
                "rho_lo": one["rho_lo_cal"],
                "rho_hi": one["rho_hi_cal"],
                "rho_published_lo": low,
                "rho_published_hi": high,
                **{name: slope[name] for name in COLUMNS[-7:]},
            }
        )
    return tabulate(rows, COLUMNS)


def _variant(recipe: Recipe, baseline: Recipe) -> tuple[str, str]:
    """What a recipe changes of its baseline, and to what."""
    keys = differences(recipe, baseline)
    if not keys:
        return "", _text(recipe.get("schedule", ""))
    return " + ".join(keys), ", ".join(_text(recipe.get(key, "none")) for key in keys)


def _text(value: Any) -> str:
    return str(value["name"]) if isinstance(value, Mapping) and "name" in value else str(value)


def _published(published: Sequence[Mapping[str, Any]], varies: str, setting: str) -> tuple[float, float]:
    for entry in published:
        if entry["varies"] == varies and entry.get("setting", setting) == setting:
            return float(entry["rho"][0]), float(entry["rho"][1])
    return np.nan, np.nan
