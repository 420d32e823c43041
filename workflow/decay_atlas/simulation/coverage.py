"""How often the verdicts are right and the intervals hold the truth, on simulated grids of known law.

Source: Ours, How far to trust it; C, Bootstrap.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from decay_atlas.execution.progress import watched
from decay_atlas.simulation.designs import Design
from decay_atlas.simulation.judging import BEST_CELL, RECOMMENDED, judge, known_of
from decay_atlas.statistics.methods.landscape import tabulate

COLUMNS = [
    *("group", "design", "law", "seeds", "seed_sd", "curvature", "repeat", "lr", "quantity", "method"),
    *("truth", "estimate", "lo", "hi", "verdict", "judged"),
]

CHUNK = 25
"""Simulated studies that one task of a worker process judges."""


def coverage(
    designs: Sequence[Design],
    repeats: int = 200,
    *,
    seed: int = 0,
    processes: int | None = None,
    advice: bool = True,
) -> pd.DataFrame:
    """Judge `repeats` simulated studies of every design.

    Returns a row per design × repeat × quantity × method: group, design, law, seeds, seed_sd, curvature, repeat, and
    what `judging.judge` returns of it, of the recommendation where `advice` is asked for. `law` is that of the design,
    which a bend or a cliff may keep the optima from following; `judged` goes by the slope that is true. `processes`
    is the number of worker processes, by default one a core; the result does not depend on it.

    Raises:
        ValueError: there is nothing to repeat, or a design's settings are refused by the simulator.
    """
    if repeats < 1 or not designs:
        raise ValueError(f"give at least one design and one repeat, not {len(designs)} and {repeats}")
    chunks = [range(first, min(first + CHUNK, repeats)) for first in range(0, repeats, CHUNK)]
    tasks = [(design, chunk, seed, advice) for design in designs for chunk in chunks]
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
    for names, part in outcomes[outcomes["quantity"] != "regret"].groupby(keys, sort=False):
        given = part.dropna(subset=["lo", "hi"])
        row = dict(zip(keys, names, strict=True)) | {"n": len(given), "missing": len(part) - len(given)}
        if len(given):
            held = int(((given["lo"] <= given["truth"]) & (given["truth"] <= given["hi"])).sum())
            low, high = proportion_confint(held, len(given), method="wilson")
            width = float((given["hi"] - given["lo"]).median())
            row |= {"covered": held / len(given), "covered_lo": low, "covered_hi": high, "width": width}
        rows.append(row)
    return tabulate(rows, [*keys, "covered", "covered_lo", "covered_hi", "width", "n", "missing"])


def regrets(outcomes: pd.DataFrame, by: Sequence[str] = ("group", "seeds")) -> pd.DataFrame:
    """What the recommended λ truly loses beside the best cell of the same runs, in the metric's unit.

    Returns the `by` columns, recommended and best_cell (means over studies), recommended_p95 and best_cell_p95 (what
    one study in twenty exceeds), and n (studies).
    """
    rows = []
    for names, part in outcomes[outcomes["quantity"] == "regret"].groupby(list(by), sort=False):
        row = dict(zip(by, names, strict=True))
        for name, method in (("recommended", RECOMMENDED), ("best_cell", BEST_CELL)):
            losses = part.loc[part["method"] == method, "estimate"]
            row |= {name: losses.mean(), f"{name}_p95": losses.quantile(0.95), "n": len(losses)}
        rows.append(row)
    return tabulate(rows, [*by, "recommended", "best_cell", "recommended_p95", "best_cell_p95", "n"])


def _cores() -> int:
    """Processors that this process may use; all of the machine's where the system does not say (macOS)."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _judge(design: Design, repeats: Sequence[int], seed: int, advice: bool) -> pd.DataFrame:
    truth = design.truth(repeats, seed)
    wd = [point[1] for point in design.points] or design.wd
    known = {arch: known_of(truth, design.lr, wd, arch) for arch in truth.offsets}
    outcomes = judge(design.runs(truth), known, advice=advice)
    outcomes["repeat"] = outcomes.pop("arch").str.removeprefix("repeat").astype(int)
    parabola = truth.cliff is None and isinstance(truth.curvature, int | float)
    return outcomes.assign(
        group=design.group,
        design=design.name,
        law=truth.law if isinstance(truth.law, str) else f"{truth.law:g}",
        seeds=design.seeds,
        seed_sd=truth.seed_sd,
        curvature=truth.curvature if parabola else np.nan,
    ).reindex(columns=COLUMNS)
