"""What each law costs: from the study's best setting to every other learning rate, λ changed as the law says.

Where quality is level about its best, any λ does and any law may be followed, whatever slope the optima have.
Source: Ours, What a law costs; C, Deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from decay_atlas.statistics.deviation import ON_GRID, cross_fitted_loss, interpolate
from decay_atlas.statistics.methods.landscape import (
    COMBINATION,
    Average,
    Direction,
    Floats,
    Landscape,
    average_over_seeds,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.rivals import LAWS

COLUMNS = [
    *COMBINATION,
    *["law", "eta_from", "eta_to", "factor", "loss", "loss_lo", "loss_hi", "n"],
    *["wd_from", "wd_to", "tolerance", "within", "follow", "factor_lo", "factor_hi", "blank"],
]
CAN, CANNOT, OPEN = "can", "cannot", "open"
"""Whether a law can be followed within the tolerance; open where the interval of its loss holds the tolerance."""


def law_costs(
    runs: pd.DataFrame, direction: Direction, *, average: Average = "mean", tolerance: float | None = None
) -> pd.DataFrame:
    """Tabulate what following each law from the best setting loses: a row a combination, law and other η.

    `eta_from` and `wd_from` are the cell of best average with λ > 0 (from λ = 0 no law leads anywhere), and `wd_to`
    is `wd_from` · `factor`^b with `factor` = `eta_to`/`eta_from`. `loss` is what that λ loses at `eta_to`, interpolated
    in ln λ and never extrapolated, against the best λ there, in the metric's unit and positive when worse. Each of the
    `n` seeds is scored at the best λ that the other seeds chose, so that noise does not pass for a loss, and a loss may
    be negative; `wd_from` was chosen on other runs, those at `eta_from`. (That the best setting is at `eta_from` is
    known from all seeds; where all η are equally good, that makes losses too small, by a fifth of a run's sd or less.)
    `loss_lo` and `loss_hi` are explained in `_interval`. With one seed there is no loss.

    `within` says whether the loss is within the `tolerance` (in the metric's unit; by default `seed_tolerance`): `can`
    where the interval's upper end is, `cannot` where its lower end is beyond, else `open`. `follow` is the same of the
    law over all η that have a best λ: `can` at all of them, `cannot` at one or more, else `open`. `factor_lo` and
    `factor_hi` are how far η may go down and up from `eta_from`, as factors of it, with `can` at every η on the way.
    `blank` says why there is no loss.

    Raises:
        ValueError: the tolerance is not positive, a column is missing, a run appears twice, or a setting is unknown.
    """
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"statistics.tolerance must be greater than 0, not {tolerance}")
    return tabulate([row for one in landscapes(runs, direction, average) for row in _rows(one, tolerance)], COLUMNS)


def seed_tolerance(landscape: Landscape) -> float:
    """Standard deviation over seeds of the best cell of a learning rate, the median over them.

    In the metric's unit. Losses below it drown in what the choice of a seed does. NaN where no best cell has two seeds.
    """
    means, sd = landscape.mean(), landscape.sd()
    rows = np.flatnonzero(landscape.searchable())
    spreads = np.array([sd[i, np.nanargmax(means[i])] for i in rows])
    return float(np.median(spreads[np.isfinite(spreads)])) if np.isfinite(spreads).any() else float("nan")


def best_setting(landscape: Landscape) -> tuple[int, int] | None:
    """Position (lr, wd) of the best average, of the cells with λ > 0 at an η that has an optimum; None without any."""
    means = np.where(landscape.searchable()[:, None] & (landscape.wd > 0), landscape.mean(), np.nan)
    if not np.isfinite(means).any():
        return None
    i, j = np.unravel_index(int(np.nanargmax(means)), means.shape)
    return int(i), int(j)


def _rows(landscape: Landscape, tolerance: float | None) -> list[dict[str, Any]]:
    start = best_setting(landscape)
    if start is None:
        why = "no learning rate has three weight decays, so there is no best one to start from"
        return [{**landscape.key, "law": law, "n": 0, "follow": OPEN, "blank": why} for law in LAWS]
    noise = seed_tolerance(landscape)
    tolerance = noise if tolerance is None else tolerance
    at, wd_from = start[0], float(landscape.wd[start[1]])
    factor = landscape.lr / landscape.lr[at]
    wd_to = wd_from * factor[:, None] ** np.array(list(LAWS.values()))
    each = np.broadcast_to(wd_to, (len(landscape.seeds), *wd_to.shape))
    losses, there = cross_fitted_loss(landscape, each), interpolate(landscape, each)
    rows = []
    for number, law in enumerate(LAWS):
        mine = []
        for i in (i for i in range(len(landscape.lr)) if i != at):
            place = {"eta_from": landscape.lr[at], "eta_to": landscape.lr[i], "factor": factor[i]}
            of_seeds = losses[:, i, number], there[:, i, number]
            found = _scored(landscape, i, wd_to[i, number], *of_seeds, noise, tolerance)
            more = {"wd_from": wd_from, "wd_to": wd_to[i, number], "tolerance": tolerance}
            mine.append({**landscape.key, "law": law, **place, **found, **more})
        follow = _follow(
            [row for row, judged in zip(mine, np.delete(landscape.searchable(), at), strict=True) if judged]
        )
        rows += [row | follow for row in mine]
    return rows


def _scored(
    landscape: Landscape, lr: int, wd: float, losses: Floats, there: Floats, noise: float, tolerance: float
) -> dict[str, Any]:
    """The loss at one η and λ from that of every seed and its quality there (NaN for none), or why there is none."""
    known = np.isfinite(losses)
    if not known.any() or not landscape.searchable()[lr]:
        return {"n": 0, "blank": _why_blank(landscape, lr, wd)}
    naive = float(np.nanmax(average_over_seeds(landscape.quality[lr][:, known])) - there[known].mean())
    low, high = _interval(losses[known], naive, noise, int(landscape.searchable().sum()))
    return {
        **{"loss": float(losses[known].mean()), "loss_lo": low, "loss_hi": high, "n": int(known.sum())},
        **{"within": CAN if high <= tolerance else CANNOT if low > tolerance else OPEN, "blank": ""},
    }


def _interval(losses: Floats, naive: float, noise: float, n_lr: int) -> tuple[float, float]:
    """95 % interval of the loss against the truly best λ, from the losses of the seeds; NaN where nothing measures it.

    By t over the seeds' differences, each between two λ of one seed, so that the noise of these cells counts and no
    other. Where all seeds choose the λ that the law leads to, their losses are 0 and vary less than runs do; so the
    standard error is at least that of a difference between best cells, whose `noise` (the sd of a run) is measured by
    `n_lr` cells. The λ that others choose falls short of the truly best one, while that which the seeds choose for
    themselves, from which they lose `naive`, seems better than any is: the upper end is about the middle of the two.
    """
    n, loss = len(losses), float(losses.mean())
    known, least = float(losses.var(ddof=1)) if n > 1 else np.nan, 2 * noise**2
    if not max(known, np.nan_to_num(least)) > 0:
        return np.nan, np.nan
    floored = least > known
    half = t.ppf(0.975, (n - 1) * (n_lr if floored else 1)) * ((least if floored else known) / n) ** 0.5
    return loss - half, (loss + max(loss, naive)) / 2 + half


def _why_blank(landscape: Landscape, lr: int, wd: float) -> str:
    if landscape.all_diverged()[lr]:
        return "every run diverged at this η"
    if not landscape.searchable()[lr]:
        return "fewer than three weight decays at this η"
    there = landscape.wd[(landscape.n_seeds()[lr] > 0) & (landscape.wd > 0)]
    if len(there) == 0 or not there[0] * (1 - ON_GRID) <= wd <= there[-1] * (1 + ON_GRID):
        return "beyond the grid's weight decays at this η"
    if len(landscape.seeds) < 2:
        return "one seed: none is left to choose the best λ by"
    return "no seed has runs about this λ and fellows that choose the best one"


def _follow(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is said of a law as a whole by its rows at the η that have a best λ, in ascending order."""
    within = [row.get("within", OPEN) for row in rows]
    follow = CANNOT if CANNOT in within else CAN if set(within) == {CAN} else OPEN
    ends = {"factor_lo": 1.0, "factor_hi": 1.0}
    for end, onwards in (
        ("factor_lo", [row for row in rows[::-1] if row["factor"] < 1]),
        ("factor_hi", [row for row in rows if row["factor"] > 1]),
    ):
        for row in takewhile(lambda row: row.get("within") == CAN, onwards):
            ends[end] = row["factor"]
    return {"follow": follow, **ends}
