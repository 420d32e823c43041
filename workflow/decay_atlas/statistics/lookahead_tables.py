"""The look-ahead study's tables: three schedules' bounds at every horizon, and the laws of their growth. Source: L."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from decay_atlas.statistics.landscape import Floats
from decay_atlas.statistics.lookahead import (
    Horizons,
    bound,
    compare,
    fit_log,
    fit_power,
    linear_schedule,
    piecewise_schedule,
    sqrt_schedule,
)

COLUMNS = ["stride", "horizon", "schedule", "rate", "bound", "gamma", "ratio", "improvement"]
FITS = ["stride", "schedule", "law", "a", "b", "c", "deviation"]
LAWS = {"power": fit_power, "log": fit_log}


def lookahead(strides: Sequence[int], last: int = 10_001) -> pd.DataFrame:
    """The schedules sqrt, linear and piecewise at T = 1 + k·stride up to `last`, D = G = 1; a row each.

    `rate` is η_T; `bound` is that of the last iterate, with the base rate γ* of the first horizon for sqrt and
    piecewise and with its own for linear, which is another schedule for every T; `gamma` is the schedule's own γ* at
    T; `ratio` is the bound over linear decay's; `improvement` is percent below sqrt's bound, for piecewise.

    Raises:
        ValueError: there are no such horizons.
    """
    parts = []
    for stride in strides:
        both = compare(stride, last)
        ends = both.ends
        rates = {
            "sqrt": sqrt_schedule(int(ends[-1])),
            "piecewise": piecewise_schedule(ends, both.factors),
        }
        columns = {
            "sqrt": (rates["sqrt"][ends - 1], both.sqrt, _gammas(rates["sqrt"], ends)),
            "linear": (1 / ends, both.linear, np.array([bound(linear_schedule(int(end))).gamma for end in ends])),
            "piecewise": (both.factors, both.piecewise, _gammas(rates["piecewise"], ends)),
        }
        for schedule, (rate, bounds, gammas) in columns.items():
            found = {"rate": rate, "bound": bounds, "gamma": gammas, "ratio": bounds / both.linear}
            gain = both.improvement if schedule == "piecewise" else np.nan
            parts.append(
                pd.DataFrame({"stride": stride, "horizon": ends, "schedule": schedule, **found, "improvement": gain})
            )
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def lookahead_fits(table: pd.DataFrame) -> pd.DataFrame:
    """y = a + b·T^c (`power`) and y = a + b·log(T)^c (`log`) fitted to `ratio`; `deviation` is the mean absolute one.

    Raises:
        ValueError: a stride has fewer than four horizons.
    """
    rows = []
    for (stride, schedule), part in table.groupby(["stride", "schedule"], sort=False):
        if schedule == "linear":
            continue
        for law, fit in LAWS.items():
            growth = fit(part["horizon"].to_numpy(), part["ratio"].to_numpy())
            rows.append((stride, schedule, law, growth.a, growth.b, growth.c, growth.deviation))
    return pd.DataFrame(rows, columns=FITS)


def _gammas(eta: Floats, ends: Horizons) -> Floats:
    return np.array([bound(eta[:end]).gamma for end in ends])
