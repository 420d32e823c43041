"""The valley that a sweep of the learning rate sees: how many decades of it are good, by what is held fixed.

Two one-dimensional sweeps go through the same cell (ᾱ, λ̄): S1 keeps λ, S2 keeps α·λ. The wider the valley, the less
it matters where the sweep began and how fine it is.

Source: D, Valleys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.methods.landscape import (
    COMBINATION,
    Average,
    Direction,
    Floats,
    Landscape,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.selection import seed_noise

SWEEPS = ("wd", "product")
COLUMNS = [
    *COMBINATION,
    "sweep",
    "decades",
    "decades_lo",
    "decades_hi",
    "decades_sd",
    "n_seeds",
    "lr_lo",
    "lr_hi",
    "edge",
    "best",
    "lr_start",
    "wd_start",
    "excess",
    "n_lr",
    "note",
]
PERCENT = 1.0
"""Excess of a metric in %."""
NOISES = 3
"""Excess of any other metric, in standard deviations of a run within its cell."""
ROUNDING = 1e-9
"""Relative: a weight decay this close to an end of the grid is on it."""


def valley(
    runs: pd.DataFrame,
    direction: Direction,
    *,
    unit: str = "%",
    excess: float | None = None,
    starts: Mapping[str, Sequence[float]] | None = None,
    average: Average = "mean",
) -> pd.DataFrame:
    """Tabulate the width of both sweeps' valleys, in decades of lr; one row a combination and sweep.

    In the valley is what is at most `excess` worse, in the metric's `unit`, than the best cell of the landscape. Where
    it is not given it is 1 for a metric in %, and `NOISES` times the combination's seed noise for any other.
    `starts` gives (lr, wd) by recipe; otherwise a sweep goes through the best cell. Values between grid points are
    interpolated, in log wd and along the sweep in log lr. `decades_lo` and `decades_hi` are the extremes over single
    seeds, `n_seeds` of them, and `decades_sd` is their standard deviation.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting makes no sense.
    """
    if excess is not None and not excess > 0:
        raise ValueError(f"excess must be greater than 0, not {excess}")
    if excess is None and unit == "%":
        excess = PERCENT
    rows = [
        row
        for one in landscapes(runs, direction, average)
        for row in _rows(one, excess or _noisy(one), (starts or {}).get(one.recipe))
    ]
    return tabulate(rows, COLUMNS)


def path_of(sweep: str, start: Sequence[float], lr: Floats) -> Floats:
    """The weight decays (lr,) of a sweep through `start`, (lr, wd)."""
    return np.full(len(lr), start[1]) if sweep == "wd" else start[0] * start[1] / lr


def along(landscape: Landscape, sweep: str, start: Sequence[float]) -> tuple[Floats, Floats]:
    """The weight decays of a sweep and what it finds there in the metric's unit, both (lr,); NaN off the grid."""
    decaying = landscape.wd > 0
    path = path_of(sweep, start, landscape.lr)
    found = _along(landscape.mean()[:, decaying], landscape.wd[decaying], path)
    return np.where(np.isfinite(found), path, np.nan), landscape.sign * found


def _noisy(landscape: Landscape) -> float:
    """An excess that seed noise alone seldom makes; NaN where nothing measures the noise."""
    return NOISES * seed_noise(landscape, landscape.none_diverged())[0]


def _rows(landscape: Landscape, excess: float, start: Sequence[float] | None) -> Iterator[dict[str, Any]]:
    decaying = landscape.wd > 0
    wd, lr = landscape.wd[decaying], landscape.lr
    means = landscape.mean()[:, decaying]
    if not np.isfinite(means).any():
        for sweep in SWEEPS:
            yield {**landscape.key, "sweep": sweep, "excess": excess, "note": "no weight decay greater than 0"}
        return
    if np.isnan(excess):
        for sweep in SWEEPS:
            yield {**landscape.key, "sweep": sweep, "note": "no seed noise to go by; set statistics.valley.excess"}
        return
    if start is None:
        best = np.unravel_index(np.nanargmax(means), means.shape)
        start = (float(lr[best[0]]), float(wd[best[1]]))
    for sweep in SWEEPS:
        path = path_of(sweep, start, lr)
        found = _along(means, wd, path)
        row = {
            **landscape.key,
            "sweep": sweep,
            "lr_start": start[0],
            "wd_start": start[1],
            "excess": excess,
            "n_lr": int(np.isfinite(found).sum()),
        }
        if not row["n_lr"]:
            yield {**row, "note": "the sweep does not meet the grid"}
            continue
        width, ends, edge = _span(lr, found, np.nanmax(means) - excess)
        single = [
            _span(lr, _along(quality, wd, path), np.nanmax(quality) - excess)[0]
            for quality in np.moveaxis(landscape.quality[:, decaying], 2, 0)
            if np.isfinite(quality).any()
        ]
        yield {
            **row,
            "decades": width,
            "decades_lo": min(single) if len(single) > 1 else np.nan,
            "decades_hi": max(single) if len(single) > 1 else np.nan,
            "decades_sd": np.std(single, ddof=1) if len(single) > 1 else np.nan,
            "n_seeds": len(single),
            "lr_lo": ends[0],
            "lr_hi": ends[1],
            "edge": edge,
            "best": landscape.sign * np.nanmax(found),
            "note": "" if width or np.isfinite(ends[0]) else "nothing on the sweep is as good",
        }


def _along(quality: Floats, wd: Floats, path: Floats) -> Floats:
    """Quality (lr, wd) at one wd for every lr, shape (lr,); NaN beyond the weight decays that an lr has."""
    found = np.full(len(path), np.nan)
    for i, (row, aim) in enumerate(zip(quality, path, strict=True)):
        known = np.isfinite(row)
        has = wd[known]
        if len(has) and has[0] * (1 - ROUNDING) <= aim <= has[-1] * (1 + ROUNDING):
            found[i] = np.interp(np.log(aim), np.log(has), row[known])
    return found


def _span(lr: Floats, quality: Floats, floor: float) -> tuple[float, tuple[float, float], str]:
    """Decades, ends and open ends of the stretch about the best point where quality is at least `floor`."""
    if not np.isfinite(quality).any() or np.nanmax(quality) < floor:
        return 0.0, (np.nan, np.nan), "none"
    logs, best = np.log10(lr), int(np.nanargmax(quality))
    lower, lower_open = _walk(logs[best::-1], quality[best::-1], floor)
    upper, upper_open = _walk(logs[best:], quality[best:], floor)
    edge = {(False, False): "none", (True, False): "lower", (False, True): "upper", (True, True): "both"}
    return upper - lower, (10**lower, 10**upper), edge[lower_open, upper_open]


def _walk(logs: Floats, quality: Floats, floor: float) -> tuple[float, bool]:
    """Where quality first falls below `floor` on the way from the first point, and whether the points end before."""
    for at in range(1, len(logs)):
        here, there = quality[at - 1], quality[at]
        if not np.isfinite(there):
            return float(logs[at - 1]), True
        if there < floor:
            return float(logs[at - 1] + (logs[at] - logs[at - 1]) * (here - floor) / (here - there)), False
    return float(logs[-1]), True
