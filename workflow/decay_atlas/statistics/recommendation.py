"""What weight decay to set at a learning rate: a decision under what is known, with what a mistake would cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.statistics.deviation import cross_fitted_loss
from decay_atlas.statistics.law_costs import seed_tolerance
from decay_atlas.statistics.laws import verdict
from decay_atlas.statistics.methods.comparisons import mean_of
from decay_atlas.statistics.methods.estimates import Estimate, between_variance, combine_df
from decay_atlas.statistics.methods.landscape import (
    COMBINATION,
    Average,
    Direction,
    Floats,
    Landscape,
    landscapes,
    tabulate,
)
from decay_atlas.statistics.methods.rivals import LAWS
from decay_atlas.statistics.methods.selection import argmax_wd
from decay_atlas.statistics.methods.slopes import between_points
from decay_atlas.statistics.methods.smoothing import SmoothOptima, smooth_optima

COLUMNS = [
    *COMBINATION,
    *["lr", "wd", "wd_lo", "wd_hi", "law", "slope", "extrapolated", "loss", "loss_lo", "loss_hi", "note"],
    *["band_lo", "band_hi", "band_lo_loss", "band_hi_loss", "err", "tolerance"],
]
REACH = 10.0
"""A law is trusted up to this factor beyond the learning rates that were measured."""

CURVE_COLUMNS = [*COMBINATION, "lr", "wd", "wd_lo", "wd_hi", "law", "extrapolated", "note", "band_lo", "band_hi", "err"]
PER_DECADE = 12
"""Points of a recommendation's curve in a decade of η."""

UNTRAINED = "this η was not trained, so its loss is not measured"

ASIDE = np.log(2.0)
"""How far, in ln λ, to either side a mistake is looked at."""

STEEPER = 3.0
"""A side on which the mistake costs this many times that on the other is the one not to err to."""


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


@dataclass(frozen=True)
class Advisor:
    """All that a recommendation for one landscape rests on; see `advisor`.

    `smooth` has rows for the measured η and for those in `between`; `line` is the established law's, for η beyond
    the measured ones. `tolerance` is the loss, in the metric's unit, that does not matter; NaN where unknown.
    """

    landscape: Landscape
    smooth: SmoothOptima | None
    between: Sequence[float]
    line: Line | None
    tolerance: float


def advisor(landscape: Landscape, tolerance: float | None = None, between: Sequence[float] = ()) -> Advisor:
    """Prepare recommendations at the measured learning rates, those `between` them, and beyond.

    Raises:
        ValueError: the tolerance is not positive.
    """
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"statistics.tolerance must be greater than 0, not {tolerance}")
    smooth = smooth_optima(landscape, between)
    known = seed_tolerance(landscape) if tolerance is None else tolerance
    return Advisor(landscape, smooth, between, coupling_line(landscape, smooth), known)


def recommendation(
    runs: pd.DataFrame, direction: Direction, *, average: Average = "mean", tolerance: float | None = None
) -> pd.DataFrame:
    """Recommend λ at every measured η, a row each.

    `wd` is the λ of least expected loss over the functions that the data allow (see `smoothing`), `law` then being
    `measured`; where it promises no more over the best cell there than a run's noise, or no curve shows, the cell
    stands (`grid`). `wd_lo` and `wd_hi` hold the best λ with 95 %. `band_lo` and `band_hi` bound the λ about `wd` whose
    expected loss is within the `tolerance` (of the metric's unit; by default the seeds' standard deviation at the best
    cells), and `band_lo_loss` and `band_hi_loss` are the losses measured there, as `loss` is at `wd`: against the best
    λ, chosen on other seeds than those that score it, with its 95 % interval over seeds. `err` says to which side a
    mistake costs less (`low` | `high`), where one by a factor of 2 costs three times as much on the other, and more
    than the tolerance. `law` is an established law's name only beyond the measured η, `fitted` where its slope is no
    law's.
    A row is blank where every run diverged; `note` says why, and whether the best λ may lie beyond the grid.

    Raises:
        ValueError: a column is missing, a run appears twice, or a setting is unknown.
    """
    rows = []
    for landscape in landscapes(runs, direction, average):
        one = advisor(landscape, tolerance)
        rows += [recommend(one, float(lr)) for lr in landscape.lr]
    return tabulate(rows, COLUMNS)


def recommendation_curve(
    runs: pd.DataFrame, direction: Direction, *, average: Average = "mean", tolerance: float | None = None
) -> pd.DataFrame:
    """What `recommend` says between and beyond the measured η, as far as it goes.

    Between two neighbours are `PER_DECADE` points a decade, and at least one.

    Raises:
        ValueError: as `recommendation`.
    """
    rows = []
    for landscape in landscapes(runs, direction, average):
        inner = [lr for low, high in pairwise(landscape.lr) for lr in _stretch(low, high)]
        outer = _stretch(landscape.lr[0] / REACH, landscape.lr[0]), _stretch(landscape.lr[-1], landscape.lr[-1] * REACH)
        one = advisor(landscape, tolerance, inner)
        rows += [recommend(one, lr) for lr in [*outer[0], *inner, *outer[1]]]
    return tabulate(rows, CURVE_COLUMNS)[CURVE_COLUMNS]


def _stretch(low: float, high: float) -> list[float]:
    steps = max(2, round(np.log10(high / low) * PER_DECADE))
    return [float(lr) for lr in np.geomspace(low, high, steps + 1)[1:-1]]


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
    scatter = between_variance(design, y, noise)
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


def recommend(one: Advisor, lr: float) -> dict[str, Any]:
    """One row of `recommendation`, at a learning rate that was measured, that the advisor was asked about, or beyond.

    Raises:
        ValueError: the learning rate is not positive, or lies between the measured ones and was not asked about.
    """
    if not lr > 0:
        raise ValueError(f"a learning rate is positive, not {lr}")
    axis = one.landscape.lr
    low, high = float(axis.min()), float(axis.max())
    at = np.flatnonzero(np.isclose(axis, lr))
    outside = len(at) == 0 and not low <= lr <= high
    row: dict[str, Any] = {**one.landscape.key, "lr": lr, "note": "", "extrapolated": outside}
    if not low / REACH <= lr <= high * REACH:
        return {**row, "note": f"η is more than {REACH:g}× beyond the measured {low:g} … {high:g}"}
    diverged = _diverged(one.landscape, lr)
    if diverged:
        return {**row, "note": diverged}
    if outside:
        return row | _by_law(one, lr)
    if len(at):
        return row | _measured(one, int(at[0]))
    if one.smooth is None:
        return {**row, "note": "no learning rate has three positive weight decays with runs, so no curve shows"}
    asked = np.flatnonzero(np.isclose(one.between, lr))
    if len(asked) == 0:
        raise ValueError(f"this advisor was not asked about the learning rate {lr:g}")
    return row | {"note": UNTRAINED} | _decided(one, len(axis) + int(asked[0]))


def _diverged(landscape: Landscape, lr: float) -> str:
    """Why nothing is said where every run diverged, or next to there; else empty."""
    dead = landscape.all_diverged()
    if np.isclose(landscape.lr[dead], lr).any():
        return "every run diverged at this learning rate"
    if np.isclose(landscape.lr, lr).any():
        return ""
    after = int(np.searchsorted(landscape.lr, lr))
    beside = landscape.lr[max(after - 1, 0) : after + 1][dead[max(after - 1, 0) : after + 1]]
    return f"every run diverged at {_neighbours(beside)}" if len(beside) else ""


def _by_law(one: Advisor, lr: float) -> dict[str, Any]:
    """Beyond the measured learning rates an established law is all there is to go by."""
    if one.line is None:
        return {"note": "no law is established, so nothing is known beyond the measured learning rates"}
    estimate = one.line.at(lr)
    low, high = np.exp(estimate.interval())
    known = {"wd": float(np.exp(estimate.value)), "wd_lo": low, "wd_hi": high}
    return {**known, "law": one.line.law, "slope": one.line.slope, "note": UNTRAINED}


def _decided(one: Advisor, row: int) -> dict[str, Any]:
    """The λ of least expected loss at a row of the smooth optima, its interval, and the band about it."""
    smooth = one.smooth
    expected = np.empty(0) if smooth is None else smooth.losses[:, row].mean(axis=0)
    inside = np.flatnonzero(np.isfinite(expected))
    if smooth is None or len(inside) == 0:
        return {"note": "fewer than three positive weight decays have runs at this learning rate, so no curve shows"}
    best = int(inside[expected[inside].argmin()])
    low, high = np.exp(np.quantile(smooth.drawn[:, row], [0.025, 0.975])) if smooth.df else (np.nan, np.nan)
    return {"wd": float(np.exp(smooth.places[best])), "wd_lo": low, "wd_hi": high, "law": "measured"} | _about(
        one, expected, best
    )


def _about(one: Advisor, expected: Floats, at: int) -> dict[str, Any]:
    """The band of λ about a place whose expected loss is tolerable, and the side to err to."""
    assert one.smooth is not None
    places, tolerance = one.smooth.places, one.tolerance
    if not (one.smooth.df and tolerance > 0):
        return {}
    fine = np.nan_to_num(expected, nan=np.inf) <= max(tolerance, expected[at])
    breaks = np.flatnonzero(~fine)
    first = breaks[breaks < at].max(initial=-1) + 1
    last = breaks[breaks > at].min(initial=len(places)) - 1
    known = np.isfinite(expected)
    dearer = expected[known] - expected[at]
    lower, upper = (float(np.interp(places[at] + side, places[known], dearer)) for side in (-ASIDE, ASIDE))
    worse, better = max(lower, upper), min(lower, upper)
    uneven = worse > tolerance and worse > STEEPER * better
    band = {"band_lo": float(np.exp(places[first])), "band_hi": float(np.exp(places[last])), "tolerance": tolerance}
    return band | {"err": ("low" if upper > lower else "high") if uneven else ""}


def _measured(one: Advisor, i: int) -> dict[str, Any]:
    """The recommendation at a measured learning rate: the decision, or the best cell where that promises no more."""
    landscape, smooth = one.landscape, one.smooth
    means = landscape.mean()
    choice = argmax_wd(means, landscape.wd, landscape.searchable())
    row = _decided(one, i)
    if not choice.found[i]:
        return row
    cell = float(choice.wd(landscape.wd)[i])
    if smooth is None or "wd" not in row:
        row |= {"wd": cell, "law": "grid"}
    elif cell == 0.0:
        # λ = 0 has no place on the logarithmic axis of the functions, so nothing is said about its neighbourhood.
        row = {"wd": 0.0, "law": "grid"}
    else:
        expected = smooth.losses[:, i].mean(axis=0)
        at = int(np.abs(smooth.places - np.log(cell)).argmin())
        if not expected[at] - np.nanmin(expected) > smooth.noise[i]:  # where the noise is unknown too
            row |= {"wd": cell, "law": "grid"} | _about(one, expected, at)
    measured = _loss(landscape, i, row["wd"])
    notes = [row.pop("note", ""), measured.pop("note", "")]
    row |= measured
    for end in ("band_lo", "band_hi"):
        if end in row:
            row[f"{end}_loss"] = _loss(landscape, i, row[end]).get("loss", np.nan)
    if choice.lower[i] or choice.upper[i]:
        edge = f"the best weight decay of the grid lies at its {'lower' if choice.lower[i] else 'upper'} edge"
        notes.append(f"{edge}, a better one may lie beyond")
    return row | {"note": "; ".join(filter(None, notes))}


def _neighbours(lr: Iterable[float]) -> str:
    texts = [f"{one:g}" for one in lr]
    return f"the neighbouring learning rate{'s' * (len(texts) > 1)} {' and '.join(texts)}"


def _loss(landscape: Landscape, i: int, wd: float) -> dict[str, Any]:
    """What `wd` loses at a measured learning rate, by cross-fitting over seeds."""
    if len(landscape.seeds) < 2:
        return {"note": "one seed: the loss cannot be told from noise"}
    wds = np.full((len(landscape.seeds), len(landscape.lr), 1), np.nan)
    wds[:, i] = wd
    losses = cross_fitted_loss(landscape, wds)[:, i, 0]
    losses = losses[np.isfinite(losses)]
    if len(losses) == 0:
        return {"note": "the grid does not reach this λ at this η, so its loss is not measured"}
    one = mean_of(losses)
    low, high = one.interval()
    return {"loss": one.value} | ({"loss_lo": low, "loss_hi": high} if len(losses) > 1 else {})
