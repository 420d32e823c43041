"""How often the verdicts are right and the intervals hold the truth, on simulated grids of known law.

Source: C, Bootstrap (calibrated intervals) and What is wrong with the claim, 3.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from decay_atlas.progress import watched
from decay_atlas.statistics.landscape import AXES, tabulate
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.rivals import LAWS, POOLED
from decay_atlas.statistics.simulator import simulate_runs
from decay_atlas.statistics.truth import Truth

PUBLISHED_LR = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
PUBLISHED_WD = [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3]

COLUMNS = [
    *("group", "design", "law", "seeds", "seed_sd", "curvature", "repeat", "quantity", "method"),
    *("truth", "estimate", "lo", "hi", "verdict"),
]
STANDARD, PUBLISHED = "standard", "published grid"
"""Groups of designs; the others are the shapes of `stress_designs`."""

CHUNK = 25
"""Simulated studies that one task of a worker process judges."""


@dataclass(frozen=True)
class Design:
    """A grid and the truth on it, whose λ* every repeat moves within a span of `jitter` decades.

    `points` names every (lr, wd, seed) of a grid that is not the whole product of its axes. `group` is what
    tables put together.
    """

    name: str
    lr: Sequence[float]
    wd: Sequence[float]
    seeds: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    jitter: float = 1.0
    group: str = STANDARD
    points: Sequence[tuple[float, float, int]] = ()

    def truth(self, repeats: Iterable[int], seed: int = 0) -> Truth:
        """The truth of some repeats, each an arch of its own, the same whatever others are asked for."""
        # Where the optimum lies between two weight decays must not be the same in all repeats.
        offsets = {
            f"repeat{repeat}": {"wd": self.jitter * (np.random.default_rng([seed, repeat]).random() - 0.5)}
            for repeat in repeats
        }
        return Truth.parse({**self.settings, "offsets": offsets, "seed": seed})

    def runs(self, truth: Truth) -> pd.DataFrame:
        """The simulated runs of every repeat in a truth."""
        points = self.points or list(product(self.lr, self.wd, range(self.seeds)))
        axes = [(self.name, "simulated", arch, *point) for arch in truth.offsets for point in points]
        return simulate_runs(pd.DataFrame(axes, columns=AXES), truth)


def standard_designs(
    seeds: Sequence[int] = (3, 5, 10),
    noise: Sequence[float] = (0.2, 0.4, 0.6),
    curvature: Sequence[float] = (1.0, 2.0, 3.0),
) -> list[Design]:
    """Every law on 7 lr × 16 wd, by seeds, seed noise (pp) and curvature (pp per decade²)."""
    lr, wd = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()
    common = {"wd_best": 10**-1.5, "no_decay": 20.0}
    return [
        Design(
            f"{law}, {n} seeds, sd {sd:g}, curvature {bend:g}",
            lr,
            wd,
            n,
            {**common, "law": law, "seed_sd": sd, "curvature": bend},
        )
        for law, n, sd, bend in product(LAWS, seeds, noise, curvature)
    ]


def published_design() -> Design:
    """The published grid under the published law, ρ = 0.1."""
    ratio_law = {"law": "ratio", "wd_best": 1e-4, "seed_sd": 0.4, "curvature": 2.0}
    return Design("published grid, ratio 0.1", PUBLISHED_LR, PUBLISHED_WD, 5, ratio_law, 0.0, PUBLISHED)


def stress_designs(seeds: int = 5) -> list[Design]:
    """Every law on landscapes that are no parabola, or whose grid is partly out of reach."""
    lr, wd = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()
    common = {"wd_best": 10**-1.5, "no_decay": 20.0, "seed_sd": 0.4}
    shapes: dict[str, dict[str, Any]] = {
        "asymmetric, above 3 times below": {"curvature": {"below": 1.0, "above": 3.0}},
        "asymmetric, below 3 times above": {"curvature": {"below": 3.0, "above": 1.0}},
        "flat for 0.5 decades": {"tolerance": 0.25},
        "flat for 1 decade": {"tolerance": 0.5},
        "no decay costs 2 pp": {"no_decay": 2.0},
        "divergence beyond ηλ = 1e-4": {"diverge": {"product": 1e-4}},
        "optima at the edge": {"wd_best": 1.0},
    }
    return [
        Design(f"{law}, {name}", lr, wd, seeds, {**common, "law": law, **settings}, group=name)
        for law, (name, settings) in product(LAWS, shapes.items())
    ]


def coverage(
    designs: Sequence[Design], repeats: int = 200, *, seed: int = 0, processes: int | None = None
) -> pd.DataFrame:
    """Judge `repeats` simulated studies of every design.

    Returns a row per design × repeat × quantity × method: group, design, law, seeds, seed_sd, curvature, repeat,
    quantity (slope | product | rho), method, truth, estimate, lo, hi, and for slopes the verdict. `product`
    and `rho` are there for designs of their own law alone. rho has the methods published (percentiles) and
    calibrated. `processes` is the number of worker processes, by default one a core; the result does not
    depend on it.

    Raises:
        ValueError: there is nothing to repeat, or a design's settings are refused by the simulator.
    """
    if repeats < 1 or not designs:
        raise ValueError(f"give at least one design and one repeat, not {len(designs)} and {repeats}")
    chunks = [range(first, min(first + CHUNK, repeats)) for first in range(0, repeats, CHUNK)]
    tasks = [(design, chunk, seed) for design in designs for chunk in chunks]
    workers = processes or _cores()
    if workers == 1:
        parts = list(watched((_judge(*task) for task in tasks), len(tasks), "simulating studies"))
    else:
        with ProcessPoolExecutor(workers) as pool:
            judged = pool.map(_judge, *zip(*tasks, strict=True))
            parts = list(watched(judged, len(tasks), "simulating studies"))
    return pd.concat(parts, ignore_index=True)


def verdict_matrix(
    outcomes: pd.DataFrame, by: Sequence[str] = ("law", "seeds"), method: str = "censored"
) -> pd.DataFrame:
    """Confusion matrix of the truth against the verdict, a row a cell that occurs.

    Returns the `by` columns, verdict, share, share_lo, share_hi (its 95 % Wilson interval) and n (studies of that
    row). A study is right when its verdict is its law, and finds the wrong law when it is another one.
    """
    slopes = outcomes[(outcomes["quantity"] == "slope") & (outcomes["method"] == method)]
    rows = []
    for names, part in slopes.groupby(list(by), sort=False):
        for verdict, count in part["verdict"].value_counts().items():
            low, high = proportion_confint(count, len(part), method="wilson")
            row = {"verdict": verdict, "share": count / len(part), "share_lo": low, "share_hi": high, "n": len(part)}
            rows.append(dict(zip(by, names, strict=True)) | row)
    return tabulate(rows, [*by, "verdict", "share", "share_lo", "share_hi", "n"])


def interval_coverage(outcomes: pd.DataFrame, by: Sequence[str] = ("seeds",)) -> pd.DataFrame:
    """Share of intervals that hold the truth, per quantity and method and by columns of the outcomes.

    Returns quantity, method, the `by` columns, covered, covered_lo, covered_hi (95 % Wilson interval of the
    share itself), width (median), n (intervals), missing (studies without one).
    """
    keys = ["quantity", "method", *by]
    rows = []
    for names, part in outcomes.groupby(keys, sort=False):
        given = part.dropna(subset=["lo", "hi"])
        row = dict(zip(keys, names, strict=True)) | {"n": len(given), "missing": len(part) - len(given)}
        if len(given):
            held = int(((given["lo"] <= given["truth"]) & (given["truth"] <= given["hi"])).sum())
            low, high = proportion_confint(held, len(given), method="wilson")
            width = float((given["hi"] - given["lo"]).median())
            row |= {"covered": held / len(given), "covered_lo": low, "covered_hi": high, "width": width}
        rows.append(row)
    return tabulate(rows, [*keys, "covered", "covered_lo", "covered_hi", "width", "n", "missing"])


def _cores() -> int:
    """Processors that this process may use; all of the machine's where the system does not say (macOS)."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _judge(design: Design, repeats: Sequence[int], seed: int) -> pd.DataFrame:
    truth = design.truth(repeats, seed)
    runs = design.runs(truth)
    found = laws(runs, "max")
    found = found[found["arch"] != POOLED]
    best = found["arch"].map(lambda arch: float(truth.wd_optimal(truth.lr_best, arch)))
    parts = [
        found[["arch", "method", "verdict"]].assign(
            quantity="slope",
            truth=truth.slope,
            estimate=found["slope"],
            lo=found["slope_lo"],
            hi=found["slope_hi"],
        )
    ]
    if truth.law == "product":
        parts.append(
            found[["arch", "method"]].assign(
                quantity="product",
                truth=best * truth.lr_best,
                estimate=found["product"],
                lo=found["product_lo"],
                hi=found["product_hi"],
            )
        )
    if truth.law == "ratio":
        ratios = ratio(runs, "max").set_index("arch")
        rho = ratios.index.to_series().map(lambda arch: float(truth.wd_optimal(1.0, arch)))
        for method, estimate, end in (("published", "rho", ""), ("calibrated", "rho_smooth", "_cal")):
            parts.append(
                pd.DataFrame(
                    {
                        "arch": ratios.index,
                        "method": method,
                        "quantity": "rho",
                        "truth": rho,
                        "estimate": ratios[estimate],
                        "lo": ratios[f"rho_lo{end}"],
                        "hi": ratios[f"rho_hi{end}"],
                    }
                )
            )
    outcomes = pd.concat(parts, ignore_index=True)
    outcomes["repeat"] = outcomes.pop("arch").str.removeprefix("repeat").astype(int)
    return outcomes.assign(
        group=design.group,
        design=design.name,
        law=truth.law,
        seeds=design.seeds,
        seed_sd=truth.seed_sd,
        curvature=truth.curvature if isinstance(truth.curvature, int | float) else np.nan,
    ).reindex(columns=COLUMNS)
