"""Studies drawn from measured landscapes: what the verdicts, intervals and advice of smaller sweeps would have been.

A reference is a dense grid trained with many seeds. A study is a part of it: some of the seeds, every second or third
weight decay, fewer learning rates, runs missing; it is judged against the whole. Nothing here knows the estimators'
model of a landscape: the truth is a smoothing spline through the averages of every learning rate by itself.

Source: Ours, How far to trust it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline
from statsmodels.stats.proportion import proportion_confint

from decay_atlas.execution.progress import watched
from decay_atlas.statistics.laws import EQUIVALENT, MIN_INTERIOR, verdict
from decay_atlas.statistics.methods.estimates import Estimate
from decay_atlas.statistics.methods.landscape import Direction, Floats, Landscape, landscapes, tabulate
from decay_atlas.statistics.methods.rivals import LAWS
from decay_atlas.statistics.methods.slopes import between_points
from decay_atlas.statistics.recommendation import advisor, recommend

Positions = NDArray[np.int64]

RESAMPLES = 200
"""Redrawn seeds of a reference, from which the uncertainty of its own optima is taken."""

COLUMNS = [
    *["landscape", "inside", "seeds", "every", "rates", "missing", "repeat"],
    *["slope_true", "slope", "slope_lo", "slope_hi", "verdict", "excluded"],
    *["optima", "optima_held", "width", "bands", "bands_held", "regret", "regret_naive", "worst", "worst_naive"],
]


@dataclass(frozen=True)
class Reference:
    """A dense landscape, and its optima: `log_wd` (lr,), and redrawn, `drawn` (resample, lr)."""

    name: str
    landscape: Landscape
    log_wd: Floats
    drawn: Floats

    @property
    def inside(self) -> bool:
        """Whether the optimum of every lr lies inside the grid, not nearer to its edge than to the next cell."""
        x = np.log(self.landscape.wd[self.landscape.wd > 0])
        return bool(((self.log_wd > x[:2].mean()) & (self.log_wd < x[-2:].mean())).all())


@dataclass(frozen=True)
class Part:
    """Which part of a reference a study is: seeds, every n-th weight decay, `rates` (all | middle | alternate)."""

    seeds: int
    every: int = 1
    rates: str = "all"
    missing: float = 0.0


PARTS = [
    *[Part(seeds, every) for seeds in (3, 5, 10) for every in (1, 2, 3)],
    *[Part(seeds, 2, "middle") for seeds in (3, 5, 10)],
    *[Part(seeds, 1, "alternate") for seeds in (3, 5, 10)],
    *[Part(seeds, 2, "all", 0.1) for seeds in (3, 5, 10)],
]


def reference(name: str, landscape: Landscape, resamples: int = RESAMPLES) -> Reference:
    """Take a dense landscape, of at least three seeds and six positive weight decays, for the truth.

    Raises:
        ValueError: the landscape is too small to be one.
    """
    n_seeds = len(landscape.seeds)
    if n_seeds < 3 or (landscape.wd > 0).sum() < 6 or not np.isfinite(landscape.quality).all():
        raise ValueError(f"{name}: a reference is a whole grid of six weight decays and three seeds at least")
    rng = np.random.default_rng(0)
    redrawn = [dense_optima(landscape, rng.integers(n_seeds, size=n_seeds)) for _ in range(resamples)]
    drawn = np.array(redrawn).reshape(resamples, len(landscape.lr))
    return Reference(name, landscape, dense_optima(landscape, np.arange(n_seeds)), drawn)


def references_of(table: pd.DataFrame) -> list[Reference]:
    """The references of a table of runs with the columns dataset, recipe, arch, lr, wd, seed, accuracy and loss.

    Accuracy, in percent, and loss are a reference each; where there is no accuracy, the loss goes by its logarithm to
    base 10, as losses of a regression span decades.

    Raises:
        ValueError: see `reference`.
    """
    result = []
    for _, part in table.groupby(["dataset", "recipe", "arch"], sort=False, observed=True):
        runs = part.astype(dict.fromkeys(("dataset", "recipe", "arch", "status"), str))
        scores: dict[str, tuple[Direction, pd.Series]] = {"log10 loss": ("min", np.log10(runs["loss"]))}
        if runs["accuracy"].notna().any():
            scores = {"accuracy": ("max", runs["accuracy"]), "loss": ("min", runs["loss"])}
        for name, (direction, values) in scores.items():
            [one] = landscapes(runs.assign(value=values.astype(float)), direction)
            result.append(reference(f"{one.dataset}, {one.recipe}, {one.arch}, {name}", one))
    return result


def dense_optima(landscape: Landscape, seeds: Positions) -> Floats:
    """ln λ* of every lr, shape (lr,): where a smoothing spline through the averages over some seeds is highest.

    The spline, chosen by generalised cross-validation, is through the shortfalls from the best cell, compressed by an
    arsinh so that a cliff does not bend it, with the weights that the seeds' standard errors give.
    """
    quality = landscape.quality[:, landscape.wd > 0]
    x = np.log(landscape.wd[landscape.wd > 0])
    result = []
    for row in quality:
        chosen = row[:, seeds]
        means = chosen.mean(axis=1)
        error = row.std(axis=1, ddof=1) / np.sqrt(len(seeds))
        depth = means.max() - means
        near = np.argsort(depth)
        valley = max(float(np.median(error[near[:6]])), 1e-12)
        scale = max(float(np.median(depth[near[:9]])), 2 * valley)
        weight = np.hypot(scale, depth) / np.maximum(error, valley)
        spline = make_smoothing_spline(x, -np.arcsinh(depth / scale), w=weight**2)
        fine = np.linspace(x[0], x[-1], 301)
        result.append(fine[spline(fine).argmax()])
    return np.array(result)


def judge(
    references: Sequence[Reference],
    parts: Sequence[Part] = tuple(PARTS),
    repeats: int = 20,
    *,
    seed: int = 0,
    processes: int = 1,
) -> pd.DataFrame:
    """Draw `repeats` studies of every part from every reference that has more seeds, and judge each.

    Returns a row a study. `inside` is that of the reference. `slope_true` is that of the reference's optima over the
    learning rates whose optimum the study sees inside its grid, NaN where one of them has its true optimum at the
    study's edge; `excluded` says that the law the verdict names is not the reference's: its slope is more than ±0.25
    off, and outside the reference's own 95 % interval. `optima` counts the optima seen inside, `optima_held` those
    whose 95 % interval holds the reference's, `width` is the median width in ln λ. `bands` counts the bands of the
    recommendation and `bands_held` those that hold a λ within the tolerance of the best, `regret` is what the
    recommended λ lose on the seeds that the study has not, in the metric's unit, as a mean over the learning rates,
    `regret_naive` what the best cells of the study lose, `worst` and `worst_naive` the largest loss of one learning
    rate.

    Raises:
        ValueError: there is nothing to judge.
    """
    tasks = [
        (one, part, repeat, seed)
        for one in references
        for part in parts
        if part.seeds < len(one.landscape.seeds) and (part.rates == "all" or len(one.landscape.lr) > 4)
        for repeat in range(repeats)
    ]
    if not tasks:
        raise ValueError("there is no reference with more seeds than a part has")
    if processes == 1:
        rows = [_judged(task) for task in watched(tasks, len(tasks), "judging studies")]
    else:
        with ProcessPoolExecutor(processes) as pool:
            rows = list(watched(pool.map(_judged, tasks, chunksize=10), len(tasks), "judging studies"))
    return tabulate(rows, COLUMNS)


def summary(outcomes: pd.DataFrame, by: Sequence[str] = ("landscape", "seeds")) -> pd.DataFrame:
    """Shares over the studies of each group.

    Returns the `by` columns, n, slopes (studies with a slope to judge), slope_held with its 95 % Wilson interval
    slope_held_lo and slope_held_hi, slope_width (median), optima_held, optimum_width (median), decided (a law, or that
    it is none), wrong (a law that the reference excludes), contradictory (pairs of studies that name different laws),
    bands_held, regret, regret_naive, worst and worst_naive (means).
    """
    rows = []
    for names, part in outcomes.groupby(list(by), sort=False):
        slopes = part.dropna(subset=["slope_true", "slope_lo"])
        held = int(((slopes["slope_lo"] <= slopes["slope_true"]) & (slopes["slope_true"] <= slopes["slope_hi"])).sum())
        row = dict(zip(by, names, strict=True)) | {"n": len(part), "slopes": len(slopes)}
        if len(slopes):
            low, high = proportion_confint(held, len(slopes), method="wilson")
            width = float((slopes["slope_hi"] - slopes["slope_lo"]).median())
            row |= {"slope_held": held / len(slopes), "slope_held_lo": low, "slope_held_hi": high, "slope_width": width}
        named = part["verdict"][part["verdict"].isin(list(LAWS))].value_counts().to_numpy(float)
        pairs = len(part) * (len(part) - 1) / 2
        different = (named.sum() ** 2 - (named**2).sum()) / 2
        row |= {
            "optima_held": _ratio(part["optima_held"].sum(), part["optima"].sum()),
            "optimum_width": part["width"].median(),
            "decided": float(part["verdict"].isin([*LAWS, "other"]).mean()),
            "wrong": float(part["excluded"].mean()),
            "contradictory": _ratio(different, pairs),
            "bands_held": _ratio(part["bands_held"].sum(), part["bands"].sum()),
            **{name: part[name].mean() for name in ("regret", "regret_naive", "worst", "worst_naive")},
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _ratio(held: float, of: float) -> float:
    return float(held / of) if of else float("nan")


def _judged(task: tuple[Reference, Part, int, int]) -> dict[str, Any]:
    whole, part, repeat, seed = task
    rng = np.random.default_rng([seed, repeat, part.seeds, part.every])
    study, rest, rates = _draw(whole.landscape, part, rng)
    one = advisor(study)
    row: dict[str, Any] = {
        "landscape": whole.name,
        "inside": whole.inside,
        "seeds": part.seeds,
        "every": part.every,
        "rates": part.rates,
    }
    row |= {"missing": part.missing, "repeat": repeat, "optima": 0, "optima_held": 0, "bands": 0, "bands_held": 0}
    smooth = one.smooth
    if smooth is None:
        return row | {"verdict": "not-identifiable", "excluded": False}
    truth, drawn = whole.log_wd[rates], whole.drawn[:, rates]
    finding = between_points(study, smooth)
    low, high = finding.slope.interval() if finding.n_interior >= MIN_INTERIOR else (np.nan, np.nan)
    row |= {"slope": finding.slope.value, "slope_lo": low, "slope_hi": high}
    row["verdict"] = verdict(finding.slope, finding.n_interior)
    seen = smooth.interior
    there = (truth > smooth.lower) & (truth < smooth.upper)
    x = np.log(study.lr)
    known = bool(seen.sum() >= MIN_INTERIOR and there[seen].all())
    row["slope_true"] = _slope(x[seen], truth[seen]) if known else np.nan
    row["excluded"] = row["verdict"] in LAWS and _excludes(x, truth, drawn, LAWS[row["verdict"]])
    if seen.any() and smooth.df:
        ends = np.quantile(smooth.drawn[:, : len(x)][:, seen], [0.025, 0.975], axis=0)
        inside = np.clip(truth[seen], smooth.lower[seen], smooth.upper[seen])
        held = (ends[0] <= inside) & (inside <= ends[1])
        row |= {"optima": len(held), "optima_held": int(held.sum()), "width": float(np.median(ends[1] - ends[0]))}
    return row | _advice(
        whole.landscape, study, rest, rates, one.tolerance, [recommend(one, float(lr)) for lr in study.lr]
    )


def _draw(landscape: Landscape, part: Part, rng: np.random.Generator) -> tuple[Landscape, Positions, Positions]:
    """A study, the seeds that it has not, and the positions of its learning rates."""
    seeds = rng.permutation(len(landscape.seeds))
    n = len(landscape.lr)
    first = {"all": 0, "middle": int(rng.integers(max(n - 3, 1))), "alternate": int(rng.integers(2))}[part.rates]
    rates = {"all": np.arange(n), "middle": np.arange(first, min(first + 4, n)), "alternate": np.arange(first, n, 2)}
    lr, wd = rates[part.rates], np.arange(int(rng.integers(part.every)), len(landscape.wd), part.every)
    chosen = np.sort(seeds[: part.seeds])
    quality = landscape.quality[np.ix_(lr, wd, chosen)].copy()
    quality[rng.random(quality.shape) < part.missing] = np.nan
    study = Landscape(
        *(landscape.dataset, landscape.recipe, landscape.arch, landscape.lr[lr], landscape.wd[wd]),
        *(landscape.seeds[chosen], quality, landscape.diverged[np.ix_(lr, wd, chosen)], landscape.direction),
    )
    return study, np.sort(seeds[part.seeds :]), lr


def _slope(x: Floats, y: Floats) -> float:
    return float((x - x.mean()) @ y / ((x - x.mean()) ** 2).sum())


def _excludes(x: Floats, truth: Floats, drawn: Floats, b: float) -> bool:
    """Whether a reference's slope, over all learning rates of a study, is not b."""
    slope = _slope(x, truth)
    spread = float(np.std([_slope(x, one) for one in drawn]))
    return abs(slope - b) > max(EQUIVALENT, Estimate(slope, spread, np.inf).interval()[1] - slope)


def _advice(
    whole: Landscape, study: Landscape, rest: Positions, rates: Positions, tolerance: float, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Regret of the recommended λ and of the study's best cells on the seeds that it has not."""
    x = np.log(np.where(whole.wd > 0, whole.wd, whole.wd[whole.wd > 0].min() / 10))
    losses, naive, bands, held = [], [], 0, 0
    means = study.mean()
    for i, row in zip(rates, rows, strict=True):
        at = int(np.flatnonzero(study.lr == row["lr"])[0])
        if row.get("wd") is None or not np.isfinite(means[at]).any():
            continue
        quality = whole.quality[i][:, rest].mean(axis=1)
        loss = quality.max() - quality
        losses.append(float(np.interp(np.log(max(row["wd"], 1e-300)), x, loss)))
        naive.append(float(np.interp(np.log(max(study.wd[np.nanargmax(means[at])], 1e-300)), x, loss)))
        if "band_lo" in row:
            ends = np.log([row["band_lo"], row["band_hi"]])
            inside = np.concatenate([x[(x >= ends[0]) & (x <= ends[1])], ends])
            bands += 1
            held += bool(np.interp(inside, x, loss).min() <= tolerance)
    if not losses:
        return {}
    return {
        **{"regret": float(np.mean(losses)), "regret_naive": float(np.mean(naive)), "bands": bands},
        **{"worst": max(losses), "worst_naive": max(naive), "bands_held": held},
    }
