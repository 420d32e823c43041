"""The published bootstrap against ours, and the whole statistics stage on 2,400 and on 100,000 runs.

    python benchmarks/tables.py            about 80 seconds on two cores
    python benchmarks/tables.py --resamples 10000    the published loop in full: about 10 minutes

Prints one JSON object. The published loop runs fewer resamples by default and its time is scaled to the
published 10,000; `published_resamples_run` says how many were run.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.claims.claims import claims
from decay_atlas.simulation.designs import PUBLISHED_LR, PUBLISHED_WD
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.deviation import deviation
from decay_atlas.statistics.importance import importance
from decay_atlas.statistics.law_costs import law_costs
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.methods.landscape import COMBINATION, Floats, landscapes
from decay_atlas.statistics.methods.resampling import weighted_quantile
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.ratio import bootstrap_rho, ratio
from decay_atlas.statistics.tuning import tuning
from decay_atlas.statistics.universality import universality

PUBLISHED_RESAMPLES = 10_000
TAILS = np.array([0.025, 0.975])


def study(n_datasets: int, n_archs: int = 5, n_lr: int = 6, n_wd: int = 8, n_seeds: int = 5) -> pd.DataFrame:
    """A simulated study over the range of the published grid, by default of its very size."""
    lr, wd = PUBLISHED_LR, PUBLISHED_WD
    if (n_lr, n_wd) != (len(lr), len(wd)):
        lr = np.geomspace(lr[0], lr[-1], n_lr).tolist()
        wd = [0.0, *np.geomspace(wd[1], wd[-1], n_wd - 1)]
    archs = [f"net{i}" for i in range(n_archs)]
    settings: dict[str, Any] = {"wd_best": 0.02, "seed_sd": 0.4}
    parts = [simulate(lr, wd, n_seeds, archs=archs, dataset=f"data{i}", seed=i, **settings) for i in range(n_datasets)]
    return pd.concat(parts, ignore_index=True)


def published_bootstrap(runs: pd.DataFrame, resamples: int) -> list[Floats]:
    """The loop as published, in pandas: resample seeds, average, reselect every optimum, refit.

    Returns ρ of every resample, one array a combination.
    """
    rng = np.random.default_rng(0)
    found = []
    for _, combination in runs.groupby(COMBINATION, sort=False):
        seeds = combination["seed"].unique()
        slopes = []
        for _ in range(resamples):
            drawn = rng.choice(seeds, size=len(seeds), replace=True)
            sample = pd.concat([combination[combination["seed"] == seed] for seed in drawn])
            means = sample.groupby(["lr", "wd"])["value"].mean().reset_index()
            best = means.loc[means.groupby("lr")["value"].idxmax()]
            slopes.append((best["lr"] * best["wd"]).sum() / (best["lr"] ** 2).sum())
        np.quantile(slopes, TAILS)
        found.append(np.array(slopes))
    return found


def our_bootstrap(runs: pd.DataFrame) -> list[tuple[Floats, Floats]]:
    """ρ of every multiset of the seeds and its probability, and the percentiles they give."""
    found = []
    for landscape in landscapes(runs, "max"):
        values, probability = bootstrap_rho(landscape)
        weighted_quantile(values, probability, TAILS)
        found.append((values, probability))
    return found


def disagreement(drawn: list[Floats], exact: list[tuple[Floats, Floats]]) -> float:
    """Largest distance of a drawn mean from the exact one in its standard errors: about 2 to 3 of 10."""
    distances = []
    for sample, (values, probability) in zip(drawn, exact, strict=True):
        mean = probability @ values
        error = math.sqrt(probability @ (values - mean) ** 2 / len(sample))
        distances.append(abs(sample.mean() - mean) / error)
    return float(max(distances))


def whole_stage(*size: int) -> dict[str, Any]:
    """Every table of a study, with the seconds of each and the peak memory of this process."""
    runs = study(*size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tables: dict[str, pd.DataFrame] = {}
    seconds: dict[str, float] = {}
    stages: dict[str, Callable[..., Any]] = {
        "optima": optima,
        "ratio": ratio,
        "laws": laws,
        "law_costs": law_costs,
        "universality": universality,
        "deviation": deviation,
        "tuning": tuning,
        "importance": importance,
    }
    for name, stage in stages.items():
        start = time.perf_counter()
        made = stage(runs, "max")
        tables[name] = made[0] if isinstance(made, tuple) else made
        seconds[name] = round(time.perf_counter() - start, 3)
    start = time.perf_counter()
    claims(tables)
    seconds["claims"] = round(time.perf_counter() - start, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "runs": len(runs),
        "combinations": len(tables["ratio"]),
        "seconds": round(sum(seconds.values()), 2),
        "seconds_by_table": seconds,
        "peak_mb": round(peak / 1024),
        "peak_mb_before": round(before / 1024),
    }


def apart(*size: int) -> dict[str, Any]:
    """The whole stage in a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(whole_stage, *size).result()


def growth(small: dict[str, Any], large: dict[str, Any]) -> float:
    """Exponent of time in the number of runs: 1 is linear."""
    return round(math.log(large["seconds"] / small["seconds"]) / math.log(large["runs"] / small["runs"]), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=100, help="of the published loop (default %(default)s)")
    resamples = parser.parse_args().resamples

    runs = study(2)
    start = time.perf_counter()
    theirs = published_bootstrap(runs, resamples)
    published = time.perf_counter() - start
    scaled = published * PUBLISHED_RESAMPLES / resamples
    our_bootstrap(runs)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        ours = our_bootstrap(runs)
        times.append(time.perf_counter() - start)

    small, wider, finer = apart(2), apart(42, 10), apart(2, 5, 20, 25, 20)
    print(
        json.dumps(
            {
                "bootstrap": {
                    "combinations": len(ours),
                    "published_resamples_run": resamples,
                    "published_seconds_run": round(published, 2),
                    "published_seconds_scaled_to_10000": round(scaled, 1),
                    "our_seconds": round(float(np.median(times)), 5),
                    "ratio": round(scaled / float(np.median(times))),
                    "largest_disagreement_in_standard_errors": round(disagreement(theirs, ours), 2),
                },
                "published_grid": small,
                "more_combinations": wider | {"growth": growth(small, wider)},
                "finer_grids": finer | {"growth": growth(small, finer)},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
