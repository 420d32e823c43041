"""Before anything is trained: what a grid costs, which laws it could tell apart, and the axes that would.

Source: C, "What is wrong with the claim", 1 (a grid that cannot express the law it is meant to show).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.grid import Grid, Run
from decay_atlas.records import RecordError, read_record
from decay_atlas.statistics.coverage import Design, coverage, verdict_matrix
from decay_atlas.statistics.rivals import LAWS

LOCATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Where λ* may lie at the middle learning rate; nobody knows before the study."""

REPEATS = 40
POWER = 0.8
"""A law is called tellable where at least this share of simulated studies finds it."""

SAMPLE = 20
"""Records read to time the runs of one combination."""

STEPS_PER_DECADE = 2


def power(
    lr: Sequence[float],
    wd: Sequence[float],
    seeds: int,
    *,
    rho_reference: float = 0.1,
    seed_sd: float = 0.4,
    curvature: float = 2.0,
    repeats: int = REPEATS,
    processes: int | None = 1,
) -> pd.DataFrame:
    """How often a grid would find each law, by where the optimum lies; simulated, a row a law and location.

    `wd_middle` is λ* at the geometric mean of the learning rates; the row with `published` set has the
    published ratio λ* = `rho_reference`·η. Seed noise and curvature are in pp and pp per decade². Returns
    law, wd_middle, published, right, wrong (another law) and silent (no law named) shares, and n.
    """
    middle = float(np.exp(np.log(lr).mean()))
    cases = [(law, wd_middle, False) for law in LAWS for wd_middle in LOCATIONS]
    cases.append(("ratio", rho_reference * middle, True))
    designs = [
        Design(
            f"{law} {wd_middle:g} {published}",
            lr,
            wd,
            seeds,
            {
                "law": law,
                "lr_best": middle,
                "wd_best": wd_middle,
                "seed_sd": seed_sd,
                "curvature": curvature,
                "no_decay": 20.0,
            },
            jitter=0.0 if published else 0.5,
        )
        for law, wd_middle, published in cases
    ]
    matrix = verdict_matrix(coverage(designs, repeats, processes=processes), by=["design"])
    rows = []
    for (law, wd_middle, published), design in zip(cases, designs, strict=True):
        found = matrix[matrix["design"] == design.name].set_index("verdict")["share"]
        right = float(found.get(law, 0.0))
        wrong = float(sum(found.get(other, 0.0) for other in LAWS if other != law))
        rows.append(
            {
                "law": law,
                "wd_middle": wd_middle,
                "published": published,
                "right": right,
                "wrong": wrong,
                "silent": 1 - right - wrong,
                "n": repeats,
            }
        )
    return pd.DataFrame(rows)


def untold(table: pd.DataFrame) -> str:
    """The laws and places of a table of `power` that too few studies would find, in words; empty if none."""
    missed = table[table["right"] < POWER]
    return "; ".join(
        f"the {law} law with λ* at {', '.join(f'{wd:.2g}' for wd in part['wd_middle'])} (at the middle η)"
        for law, part in missed.groupby("law", sort=False)
    )


def grids(grid: Grid) -> list[tuple[list[float], list[float], int]]:
    """The distinct rectangular grids (lr, wd, number of seeds) that a study's combinations are trained on."""
    shapes: dict[tuple[tuple[float, ...], tuple[float, ...], int], None] = {}
    for _, members in groupby(sorted(grid.runs, key=_combination), _combination):
        runs = list(members)
        axes = (sorted({run.lr for run in runs}), sorted({run.wd for run in runs}))
        shapes[tuple(axes[0]), tuple(axes[1]), len({run.seed for run in runs})] = None
    return [(list(lr), list(wd), seeds) for lr, wd, seeds in shapes]


def _combination(run: Run) -> tuple[str, str, str, str]:
    return run.dataset, run.recipe, run.arch, run.digest


def advised_wd(lr: Sequence[float], rho_reference: float = 0.1, wd_middle: float = 0.05) -> list[float]:
    """Weight decays that bracket λ*(η) by a decade under all three laws, two a decade.

    The ratio law is taken at `rho_reference`, the two others with λ* = `wd_middle` at the middle η.
    """
    middle = float(np.exp(np.log(lr).mean()))
    places = [
        (rho_reference * middle if law == "ratio" else wd_middle) * (np.array([min(lr), max(lr)]) / middle) ** b
        for law, b in LAWS.items()
    ]
    first = np.floor(np.log10(np.min(places) / 10) * STEPS_PER_DECADE)
    last = np.ceil(np.log10(np.max(places) * 10) * STEPS_PER_DECADE)
    exponents = np.arange(first, last + 1) / STEPS_PER_DECADE
    return [float(f"{10**exponent:.0e}") for exponent in exponents]


def cost(grid: Grid, root: Path = Path(), command: str = "snakemake --cores 1") -> pd.DataFrame:
    """Runs of every combination, those done, and the device time of the rest, a row a combination.

    Seconds a run come from records of the same settings, else from another recipe of the same data set and
    architecture, scaled by epochs. Returns dataset, recipe, arch, runs, done, seconds (NaN where unknown),
    hours (of what is missing) and basis; where they are unknown, that is the `command` that times a run.
    """
    rows = []
    for (dataset, recipe, arch, digest), members in groupby(sorted(grid.runs, key=_combination), _combination):
        runs = list(members)
        done = sum((root / run.path).exists() for run in runs)
        seconds, basis = _seconds(runs[0], grid.settings[digest], root, command)
        rows.append(
            {
                "dataset": dataset,
                "recipe": recipe,
                "arch": arch,
                "runs": len(runs),
                "done": done,
                "seconds": seconds,
                "hours": (len(runs) - done) * seconds / 3600,
                "basis": basis,
            }
        )
    return pd.DataFrame(rows)


def _seconds(run: Run, settings: dict[str, Any], root: Path, command: str) -> tuple[float, str]:
    """Median seconds of like runs and how they are alike."""
    own = (root / run.path).parent
    if (seconds := _recorded(own)) is not None:
        return seconds, "records of these settings"
    epochs = settings.get("recipe", {}).get("epochs")
    for folder in sorted((root / "results/runs" / run.dataset).glob(f"*/{run.arch}/*")):
        try:
            other = json.loads((folder / "settings.json").read_text())["recipe"]["epochs"]
        except (OSError, ValueError, KeyError):
            continue
        if epochs and (seconds := _recorded(folder)) is not None:
            return seconds * epochs / other, f"recipe {folder.parts[-3]}, scaled by epochs"
    return float("nan"), f"unknown; time one cell first: {command} {run.path}"


def _recorded(folder: Path) -> float | None:
    seconds = []
    for path in sorted(folder.glob("lr*.json"))[:SAMPLE]:
        try:
            seconds.append(float(read_record(path)["seconds"]))
        except (RecordError, KeyError, TypeError):
            continue
    return float(np.median(seconds)) if seconds else None
