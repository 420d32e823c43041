"""What weight decay to set at a learning rate, how well it is known, and what it would have lost on the grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.censored import Estimate, combine_df, excess_scatter
from decay_atlas.statistics.comparisons import mean_of
from decay_atlas.statistics.deviation import cross_fitted_loss
from decay_atlas.statistics.landscape import (
    COMBINATION,
    Average,
    Direction,
    Floats,
    Landscape,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.laws import verdict
from decay_atlas.statistics.rivals import LAWS
from decay_atlas.statistics.selection import choose, rivals_of_best, seed_noise
from decay_atlas.statistics.slopes import between_points
from decay_atlas.statistics.smoothing import SmoothOptima, smooth_optima

COLUMNS = [
    *COMBINATION,
    *["lr", "wd", "wd_lo", "wd_hi", "law", "slope", "extrapolated", "loss", "loss_lo", "loss_hi", "note"],
]
REACH = 10.0
"""A law is trusted up to this factor beyond the learning rates that were measured."""

CURVE_COLUMNS = [*COMBINATION, "lr", "wd", "wd_lo", "wd_hi", "law", "extrapolated", "note"]
PER_DECADE = 12
"""Points of a recommendation's curve in a decade of η."""

FOLLOWED = {"measured": "the measured optima", "fitted": "the fitted line"}
"""What a recommendation follows, in words, where it is none of the three laws."""


@dataclass(frozen=True)
class Line:
    """ln λ* = intercept + slope · ln η through the smooth interior optima of one landscape.

    `law` names the law whose slope is imposed, or is "fitted"; `scatter` is the variance of optima about the
    line beyond seed noise. `design` and `covariance` give the standard error anywhere.
    """

    law: str
    slope: float
    coefficients: Floats
    covariance: Floats
    scatter: float
    df: float
    log_lr: Floats

    def at(self, lr: float) -> Estimate:
        """ln λ* at a learning rate; the standard error is that of an optimum there, its scatter included."""
        x = np.log(lr) - self.log_lr.mean()
        row = np.array([1.0, x])[: len(self.coefficients)]
        value = float(row @ self.coefficients) + (self.slope * x if len(self.coefficients) == 1 else 0.0)
        known = float(row @ self.covariance @ row)
        n = len(self.log_lr)
        df = combine_df(known, self.df, self.scatter, n - len(row)) if known > 0 else float("nan")
        return Estimate(value, (known + self.scatter) ** 0.5, df)


def recommendation(
    runs: pd.DataFrame, direction: Direction, *, average: Average = "mean", unit: str = ""
) -> pd.DataFrame:
    """Recommend λ at every measured η, a row each.

    `wd` with its 95 % interval comes from the `law` that the study established (its slope imposed, or the
    fitted slope where it is none of the three), else from the measured optimum at that η (`measured`). Where
    that λ lost significantly, and more than one seed's standard deviation, the grid's own best is given
    instead (`grid`), with the weight decays that seed noise cannot tell from it in place of an interval.
    `loss` is what `wd` loses there against the best λ, chosen on other seeds than those that score it, in
    the metric's `unit` with its 95 % interval over seeds. A row is blank where every run diverged, or where
    there is nothing to go by; `note` says why.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    rows = []
    for landscape in landscapes(runs, direction):
        smooth = smooth_optima(landscape, average)
        line = coupling_line(landscape, smooth)
        rows += [recommend(landscape, smooth, line, float(lr), average, unit) for lr in landscape.lr]
    return tabulate(rows, COLUMNS)


def recommendation_curve(
    runs: pd.DataFrame, direction: Direction, *, average: Average = "mean", unit: str = ""
) -> pd.DataFrame:
    """What `recommend` says between and beyond the measured η, as far as it goes.

    Between two neighbours are `PER_DECADE` points a decade, and at least one.

    Raises:
        ValueError: as `recommendation`.
    """
    rows = []
    for landscape in landscapes(runs, direction):
        smooth = smooth_optima(landscape, average)
        line = coupling_line(landscape, smooth)
        for low, high in pairwise([landscape.lr[0] / REACH, *landscape.lr, landscape.lr[-1] * REACH]):
            steps = max(2, round(np.log10(high / low) * PER_DECADE))
            stretch = [float(lr) for lr in np.geomspace(low, high, steps + 1)[1:-1]]
            doubt = _doubt(landscape, smooth, line, stretch[0], average, unit)  # all have the same neighbours
            rows += [_recommended(landscape, smooth, line, lr, average, unit, doubt) for lr in stretch]
    return tabulate(rows, CURVE_COLUMNS)[CURVE_COLUMNS]


def coupling_line(landscape: Landscape, smooth: SmoothOptima | None) -> Line | None:
    """The line that this landscape's verdict stands for; None where it identifies no slope."""
    if smooth is None:
        return None
    finding = between_points(landscape, smooth)
    found = verdict(finding.slope, finding.n_interior)
    if found not in (*LAWS, "other"):
        return None
    seen = smooth.interior
    x, y = np.log(landscape.lr[seen]), smooth.log_wd[seen]
    noise = smooth.covariance[np.ix_(seen, seen)]
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    if found in LAWS:
        y, design = y - LAWS[found] * (x - x.mean()), design[:, :1]
    gain = np.linalg.pinv(design)
    scatter = excess_scatter(design, y, noise)
    coefficients = gain @ y
    return Line(
        law="fitted" if found == "other" else found,
        slope=LAWS[found] if found in LAWS else float(coefficients[1]),
        coefficients=coefficients,
        covariance=gain @ (noise + scatter * np.eye(len(x))) @ gain.T,
        scatter=scatter,
        df=smooth.df,
        log_lr=x,
    )


def recommend(
    landscape: Landscape,
    smooth: SmoothOptima | None,
    line: Line | None,
    lr: float,
    average: Average = "mean",
    unit: str = "",
) -> dict[str, Any]:
    """One row of `recommendation`, at any learning rate.

    Away from the measured η it is blank where at a neighbouring one every run diverged, or what it would follow
    lost so much that the grid's own best was given.

    Raises:
        ValueError: the learning rate is not positive.
    """
    if not lr > 0:
        raise ValueError(f"a learning rate is positive, not {lr}")
    doubt = _doubt(landscape, smooth, line, lr, average, unit)
    return _recommended(landscape, smooth, line, lr, average, unit, doubt)


def _recommended(
    landscape: Landscape,
    smooth: SmoothOptima | None,
    line: Line | None,
    lr: float,
    average: Average,
    unit: str,
    doubt: str,
) -> dict[str, Any]:
    """The row at a learning rate, given what its neighbours say against it."""
    row: dict[str, Any] = {**landscape.key, "lr": lr, "note": ""}
    low, high = float(landscape.lr.min()), float(landscape.lr.max())
    row["extrapolated"] = not low <= lr <= high
    if not low / REACH <= lr <= high * REACH:
        return {**row, "note": f"η is more than {REACH:g}× beyond the measured {low:g} … {high:g}"}
    if np.isclose(landscape.lr[landscape.all_diverged()], lr).any():
        return {**row, "note": "every run diverged at this learning rate"}
    followed = _followed(landscape, smooth, line, lr, average)
    if doubt and "wd" in followed:
        return {**row, "note": doubt}
    row |= followed
    return _or_from_grid(landscape, smooth, row, average, unit) if "loss" in row else row


def _followed(
    landscape: Landscape, smooth: SmoothOptima | None, line: Line | None, lr: float, average: Average
) -> dict[str, Any]:
    """λ and its loss by the law, or else by the measured optima; only a note where there are none."""
    row: dict[str, Any] = {"lr": lr}
    if line is not None:
        estimate, row["law"], row["slope"] = line.at(lr), line.law, line.slope
    else:
        measured = _measured(landscape, smooth, lr)
        if isinstance(measured, str):
            return {"note": measured}
        estimate, row["law"] = measured, "measured"
    low_wd, high_wd = np.exp(estimate.interval())
    row |= {"wd": float(np.exp(estimate.value)), "wd_lo": low_wd, "wd_hi": high_wd}
    return row | _loss(landscape, lr, row["wd"], average)


def _doubt(
    landscape: Landscape, smooth: SmoothOptima | None, line: Line | None, lr: float, average: Average, unit: str
) -> str:
    """What the measured learning rates on either side say against any λ at an η that was not measured; else empty."""
    if np.isclose(landscape.lr, lr).any():
        return ""
    after = int(np.searchsorted(landscape.lr, lr))
    beside = landscape.lr[max(after - 1, 0) : after + 1]
    diverged = beside[landscape.all_diverged()[max(after - 1, 0) : after + 1]]
    if len(diverged):
        return f"every run diverged at {_neighbours(diverged)}"
    rows = [_followed(landscape, smooth, line, float(one), average) for one in beside]
    rows = [row for row in rows if "loss" in row]
    lost = [row for row in rows if _or_from_grid(landscape, smooth, row, average, unit)["law"] == "grid"]
    if not lost:
        return ""
    what = FOLLOWED.get(lost[0]["law"], f"the {lost[0]['law']} law")
    amounts = _amounts([row["loss"] for row in lost], unit)
    return f"at {_neighbours([row['lr'] for row in lost])} the λ of {what} lost {amounts}"


def _neighbours(lr: Iterable[float]) -> str:
    texts = [f"{one:g}" for one in lr]
    return f"the neighbouring learning rate{'s' * (len(texts) > 1)} {' and '.join(texts)}"


def _amounts(losses: Iterable[float], unit: str) -> str:
    """Losses with the unit of a difference, which of percentages is the point."""
    amounts = " and ".join(f"{loss:.2g}" for loss in losses)
    return f"{amounts} {'pp' if unit == '%' else unit}".strip()


def _measured(landscape: Landscape, smooth: SmoothOptima | None, lr: float) -> Estimate | str:
    """ln λ* from the measured optima on either side of an η, or why there is none."""
    if smooth is None:
        return "no valley is seen over the weight decays, and no law is established"
    seen = np.flatnonzero(smooth.interior)
    x = np.log(landscape.lr[seen])
    at = np.log(lr)
    if len(seen) == 0 or not x[0] - 1e-9 <= at <= x[-1] + 1e-9:
        return "no law is established, and the optimum at this η cannot be located between grid points"
    share = np.array([float(np.interp(at, x, np.eye(len(x))[i])) for i in range(len(x))])
    variance = share @ smooth.covariance[np.ix_(seen, seen)] @ share
    known = smooth.df > 0
    return Estimate(
        float(share @ smooth.log_wd[seen]),
        float(variance**0.5) if known else float("nan"),
        float(smooth.df) if known else float("nan"),
    )


def _or_from_grid(
    landscape: Landscape, smooth: SmoothOptima | None, row: dict[str, Any], average: Average, unit: str
) -> dict[str, Any]:
    """The row, or the best weight decay of the grid where the row's has lost significantly."""
    noise, df = seed_noise(landscape, landscape.calm()) if smooth is None else (smooth.noise, smooth.df)
    # without an interval (one seed could be scored) a loss is not told from noise
    if not (row["loss"] > noise and row.get("loss_lo", 0.0) > 0):
        return row
    i = int(np.flatnonzero(np.isclose(landscape.lr, row["lr"]))[0])
    means = landscape.mean(average)
    best = float(choose(means, landscape.wd, landscape.searchable()).wd(landscape.wd)[i])
    among = landscape.wd[rivals_of_best(landscape, means, noise, df)[i]]
    instead = _loss(landscape, row["lr"], best, average)
    if instead.get("loss", np.inf) >= row["loss"]:
        return row
    what = FOLLOWED.get(row["law"], f"the {row['law']} law")
    note = f"by {what} λ would be {row['wd']:.2g}, which lost {_amounts([row['loss']], unit)} here"
    bounds = {"wd": best, "wd_lo": float(among.min()), "wd_hi": float(among.max())}
    rest = {key: value for key, value in row.items() if not key.startswith("loss")}
    return {**rest, **bounds, **instead, "law": "grid", "slope": np.nan, "note": note}


def _loss(landscape: Landscape, lr: float, wd: float, average: Average) -> dict[str, Any]:
    """What `wd` loses at a measured learning rate, by cross-fitting over seeds."""
    where = np.flatnonzero(np.isclose(landscape.lr, lr))
    if len(where) == 0:
        return {"note": "this η was not trained, so its loss is not measured"}
    if len(landscape.seeds) < 2:
        return {"note": "one seed: the loss cannot be told from noise"}
    wds = np.full((len(landscape.seeds), len(landscape.lr), 1), np.nan)
    wds[:, where[0]] = wd
    losses = cross_fitted_loss(landscape, wds, average)[:, where[0], 0]
    losses = losses[np.isfinite(losses)]
    if len(losses) == 0:
        return {"note": "the grid does not reach this λ at this η, so its loss is not measured"}
    one = mean_of(losses)
    low, high = one.interval()
    return {"loss": one.value} | ({"loss_lo": low, "loss_hi": high} if len(losses) > 1 else {})
