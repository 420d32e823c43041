"""The look-ahead study's tables: three schedules' bounds at every horizon, and the laws of their growth.

Source: L, Look-ahead schedule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from decay_atlas.schedules.bounds import (
    Floats,
    Horizons,
    bound,
    linear_schedule,
    orabona_bound,
    piecewise_schedule,
    shamir_zhang_bound,
    sqrt_schedule,
)
from decay_atlas.schedules.lookahead import compare, fit_log, fit_power

COLUMNS = [
    *["stride", "horizon", "schedule", "rate", "bound", "gamma", "ratio", "improvement"],
    *["orabona", "shamir_zhang"],
]
FITS = ["stride", "schedule", "law", "a", "b", "c", "deviation"]
LAWS = {"power": fit_power, "log": fit_log}


def lookahead(strides: Sequence[int], last: int = 10_001) -> pd.DataFrame:
    """The schedules sqrt, linear and piecewise at T = 1 + k·stride up to `last`, D = G = 1; a row each.

    `rate` is η_T; `bound` is that of the last iterate, with the base rate γ* of the first horizon for sqrt and
    piecewise and with its own for linear, which is another schedule for every T; `gamma` is the schedule's own γ* at
    T; `ratio` is the bound over linear decay's; `improvement` is percent below sqrt's bound, for piecewise. `orabona`
    and, for sqrt, `shamir_zhang` are those authors' bounds with the base rate of `bound`.

    Raises:
        ValueError: there are no such horizons.
    """
    parts = []
    for stride in strides:
        both = compare(stride, last)
        ends = both.ends
        linear = [linear_schedule(int(end)) for end in ends]
        piecewise, sqrt = piecewise_schedule(ends, both.factors), sqrt_schedule(int(ends[-1]))
        schedules: dict[str, tuple[list[Floats], Floats, Floats]] = {
            "sqrt": ([sqrt[:end] for end in ends], both.sqrt, sqrt[ends - 1]),
            "linear": (linear, both.linear, 1 / ends),
            "piecewise": ([piecewise[:end] for end in ends], both.piecewise, both.factors),
        }
        for schedule, (etas, bounds, rate) in schedules.items():
            gammas = np.array([bound(eta).gamma for eta in etas])
            used = gammas if schedule == "linear" else np.full(len(ends), gammas[0])
            found = {
                "rate": rate,
                "bound": bounds,
                "gamma": gammas,
                "ratio": bounds / both.linear,
                "improvement": both.improvement if schedule == "piecewise" else np.nan,
                "orabona": [orabona_bound(eta).at(gamma) for eta, gamma in zip(etas, used, strict=True)],
                "shamir_zhang": _shamir_zhang(ends, used) if schedule == "sqrt" else np.nan,
            }
            parts.append(pd.DataFrame({"stride": stride, "horizon": ends, "schedule": schedule, **found}))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def lookahead_fits(table: pd.DataFrame) -> pd.DataFrame:
    """y = a + b·T^c (`power`) and y = a + b·log(T)^c (`log`) fitted to `ratio`; `deviation` is the mean absolute one.

    The law `rate` is the shape of the piecewise schedule: η_T = b·T^c by least squares of the logarithms over the
    later half of the horizons, its `deviation` a relative one.

    Raises:
        ValueError: a stride has fewer than four horizons.
    """
    rows = []
    for (stride, schedule), part in table.groupby(["stride", "schedule"], sort=False):
        if schedule == "linear":
            continue
        horizon = part["horizon"].to_numpy()
        for law, fit in LAWS.items():
            growth = fit(horizon, part["ratio"].to_numpy())
            rows.append((stride, schedule, law, growth.a, growth.b, growth.c, growth.deviation))
        if schedule == "piecewise":
            later = slice(len(horizon) // 2, None)
            x, y = np.log(horizon[later]), np.log(part["rate"].to_numpy()[later])
            c, log_b = np.polyfit(x, y, 1)
            rows.append((stride, schedule, "rate", 0.0, np.exp(log_b), c, np.abs(y - log_b - c * x).mean()))
    return pd.DataFrame(rows, columns=FITS)


def last_horizons(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of every stride's last horizon."""
    return table[table["horizon"] == table.groupby("stride")["horizon"].transform("max")]


def _shamir_zhang(ends: Horizons, gammas: Floats) -> Floats:
    return np.array([shamir_zhang_bound(int(end)).at(gamma) for end, gamma in zip(ends, gammas, strict=True)])
