"""What the statistics say of runs whose truth is known, held against that truth.

The truth may be that of a simulated landscape or of a densely trained one: whoever judges needs a slope, λ* at each
learning rate, and what any λ loses. Source: C, Rival laws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from decay_atlas.simulation.truth import Truth
from decay_atlas.statistics.laws import EQUIVALENT, laws
from decay_atlas.statistics.methods.landscape import Direction, Floats, landscapes
from decay_atlas.statistics.methods.rivals import LAWS, POOLED
from decay_atlas.statistics.methods.selection import argmax_wd
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.recommendation import recommendation

COLUMNS = ["arch", "lr", "quantity", "method", "truth", "estimate", "lo", "hi", "verdict", "judged"]

RECOMMENDED, BEST_CELL = "recommendation", "best cell"
"""The two choices of λ whose regret is told: what is recommended, and the cell of the best mean of the same runs."""

EXACT = 1e-6
"""A true slope nearer than this to a law's is that law's."""


@dataclass(frozen=True)
class Known:
    """What is true of one combination.

    `slope` is that of ln λ* on ln η over the learning rates of `optima`, those at which λ* lies inside the grid;
    NaN where there are fewer than two. `loss(lr, wd)` is the expected loss of quality, in the metric's unit and
    ≥ 0, of each weight decay of an array against the best one at that learning rate. `product` is the constant ηλ*
    and `rho` the constant λ*/η, where the landscape has one.
    """

    slope: float
    optima: Mapping[float, float]
    loss: Callable[[float, Floats], Floats]
    product: float = math.nan
    rho: float = math.nan


def known_of(
    truth: Truth, lr: ArrayLike, wd: ArrayLike, arch: str | None = None, direction: Direction = "max"
) -> Known:
    """What is true of a simulated architecture on a grid of these learning rates and weight decays."""
    rates = np.unique(np.asarray(lr, float))
    optima, inside = truth.wd_optimal(rates, arch), truth.inside(rates, wd, arch)

    def loss(at: float, of: Floats) -> Floats:
        difference = truth.expected(at, truth.wd_optimal(at, arch), arch, direction) - truth.expected(
            at, of, arch, direction
        )
        return np.abs(difference)

    at_one = float(truth.wd_optimal(1.0, arch))
    return Known(
        slope=truth.slope_over(rates, wd, arch),
        optima=dict(zip(rates[inside].tolist(), optima[inside].tolist(), strict=True)),
        loss=loss,
        product=at_one if truth.straight and truth.slope == LAWS["product"] else math.nan,
        rho=at_one if truth.straight and truth.slope == LAWS["ratio"] else math.nan,
    )


def judged(verdict: str, slope: float) -> str:
    """Whether a verdict is right, wrong (it names a law that the truth excludes) or silent, given the true slope.

    Of a straight law only its own name is right. Where the truth is no law, "other" is right, and so is a law whose
    slope is within ±0.25 of the true one, the margin in which two slopes are called equivalent. A verdict "other" of a
    true law names nothing: it counts as silent, and its interval as one that misses the truth.
    """
    exact = any(abs(slope - b) < EXACT for b in LAWS.values())
    if verdict in LAWS:
        return "right" if abs(slope - LAWS[verdict]) < (EXACT if exact else EQUIVALENT) else "wrong"
    return "right" if verdict == "other" and not exact else "silent"


def judge(
    runs: pd.DataFrame, known: Mapping[str, Known], direction: Direction = "max", *, advice: bool = True
) -> pd.DataFrame:
    """Judge the statistics of runs of one data set and recipe, given what is known of each of their architectures.

    Returns a row per arch × quantity × method (arch, quantity, method, truth, estimate, lo, hi), with verdict and
    judged (right | wrong | silent, see `judged`) where the quantity is `slope`. `product` and `rho` are there where
    they are constants. With `advice`, `wd` is λ* of a learning rate (lr) with its recommended value and interval, and
    `regret` what the recommendation, and the best cell of the same runs, truly lose, in the metric's unit, averaged
    over the learning rates at which both are there.

    Raises:
        ValueError: the runs make no table of a study.
    """
    found = laws(runs, direction)
    found = found[found["arch"] != POOLED]
    slopes = found.assign(
        quantity="slope",
        truth=found["arch"].map({arch: one.slope for arch, one in known.items()}),
        estimate=found["slope"],
        lo=found["slope_lo"],
        hi=found["slope_hi"],
    )
    slopes["judged"] = [judged(said, true) for said, true in zip(slopes["verdict"], slopes["truth"], strict=True)]
    parts = [slopes, _products(found, known), *_ratios(runs, known, direction)]
    if advice:
        parts.append(_choices(runs, known, direction))
    return pd.concat([part.reindex(columns=COLUMNS) for part in parts if len(part)], ignore_index=True)


def _products(found: pd.DataFrame, known: Mapping[str, Known]) -> pd.DataFrame:
    truth = found["arch"].map({arch: one.product for arch, one in known.items()})
    table = found.assign(quantity="product", truth=truth, estimate=found["product"], verdict=None)
    return table.assign(lo=found["product_lo"], hi=found["product_hi"])[truth.notna()]


def _ratios(runs: pd.DataFrame, known: Mapping[str, Known], direction: Direction) -> list[pd.DataFrame]:
    """ρ of the architectures that have one, by the published percentiles and by calibrated intervals."""
    rho = {arch: one.rho for arch, one in known.items() if not math.isnan(one.rho)}
    if not rho:
        return []
    table = ratio(runs[runs["arch"].isin(list(rho))], direction)
    common = pd.DataFrame({"arch": table["arch"], "quantity": "rho", "truth": table["arch"].map(rho)})
    return [
        common.assign(method=method, estimate=table[estimate], lo=table[f"rho_lo{end}"], hi=table[f"rho_hi{end}"])
        for method, estimate, end in (("published", "rho", ""), ("calibrated", "rho_smooth", "_cal"))
    ]


def _choices(runs: pd.DataFrame, known: Mapping[str, Known], direction: Direction) -> pd.DataFrame:
    """The recommended λ at each η, and what it and the best cell of the same runs truly lose."""
    table = recommendation(runs, direction).set_index(["arch", "lr"])
    rows = []
    for landscape in landscapes(runs, direction):
        one = known[landscape.arch]
        choice = argmax_wd(landscape.mean(), landscape.wd, landscape.searchable())
        regrets = []
        for lr, index, there in zip(landscape.lr.tolist(), choice.index, choice.found, strict=True):
            advice = table.loc[(landscape.arch, lr)]
            if lr in one.optima:
                row = {"lr": lr, "quantity": "wd", "method": RECOMMENDED, "truth": one.optima[lr]}
                rows.append({"arch": landscape.arch, **row, **advice[["wd_lo", "wd_hi"]].set_axis(["lo", "hi"])})
                rows[-1]["estimate"] = advice["wd"]
            if there and np.isfinite(advice["wd"]):
                regrets.append(one.loss(lr, np.array([advice["wd"], landscape.wd[index]])))
        if regrets:
            means = np.mean(regrets, axis=0).tolist()
            for method, estimate in zip((RECOMMENDED, BEST_CELL), means, strict=True):
                rows.append({"arch": landscape.arch, "quantity": "regret", "method": method, "estimate": estimate})
    return pd.DataFrame(rows)
