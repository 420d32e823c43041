"""The scale on which a study's metric is looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd


def scaled(runs: pd.DataFrame, scale: str) -> pd.DataFrame:
    """A table of runs whose `value` is as it was (`linear`), or its logarithm (`log10`).

    On a landscape where losses go from 0.3 to 1,000 their noise does too, and statistics that pool the noise of all
    cells would see no valley.

    Raises:
        ValueError: a value has no logarithm, or there is no such scale.
    """
    if scale == "linear":
        return runs
    if scale != "log10":
        raise ValueError(f"scale is linear or log10, not {scale!r}")
    bad = runs.loc[runs["value"] <= 0, "value"]
    if len(bad):
        raise ValueError(f"{len(bad)} value(s) have no logarithm, the first {bad.iloc[0]:g}; set metric.scale: linear")
    return runs.assign(value=np.log10(runs["value"]))
