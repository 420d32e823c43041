"""Before anything is trained: the runs and jobs of a study, what they cost, and which laws its grids could tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from decay_atlas.runs.grid import Run
from decay_atlas.simulation.assumed import Assumed
from decay_atlas.simulation.cost import cost
from decay_atlas.simulation.like_runs import like_runs
from decay_atlas.simulation.power import REPEATS, Advice, Place, Shape, advice, places, power, spans
from decay_atlas.study.config import Config, ConfigError, grid_of


@dataclass(frozen=True)
class GridPlan:
    """One grid and the combinations (dataset, recipe, arch) that are trained on it.

    `assumed` is the landscape that was simulated, of recorded runs where there are any; `shares` is what `power`
    returns for `asked` and for every law at every location; `advice` is the grid that would do where this one does not
    tell what is asked.
    """

    shape: Shape
    combinations: list[tuple[str, str, str]]
    asked: list[Place]
    assumed: Assumed
    shares: pd.DataFrame
    advice: Advice | None


@dataclass(frozen=True)
class Plan:
    """All that is known of a study before it is trained. `cost` is what `cost` returns.

    `command` times one cell of every combination whose time is unknown; empty where all are known.
    """

    study: str
    metric: dict[str, Any]
    runs: int
    done: int
    jobs: int
    jobs_left: int
    cost: pd.DataFrame
    command: str
    grids: list[GridPlan]

    @property
    def hours(self) -> float:
        """Device-hours of the runs that are left, as far as their times are known."""
        return float(self.cost["hours"].sum())


def plan(
    study: Config,
    config_files: Sequence[str] = (),
    root: Path = Path(),
    repeats: int = REPEATS,
    processes: int | None = 1,
) -> Plan:
    """Plan a study, given its resolved configuration and the files that `snakemake` would merge over config.yaml.

    Raises:
        ConfigError: the study imports its runs, so there is no grid to plan.
    """
    if "imports" in study:
        raise ConfigError(
            f"study {study['study']} imports its runs: it has no grid and trains nothing, so there is nothing to "
            f"plan. What its runs can tell stands in results/{study['study']}/report.html; make that instead with\n\n"
            f"    {' '.join(['snakemake --cores 1', *_options(config_files)])}"
        )
    grid, rho = grid_of(study), float(study["statistics"]["rho_reference"])
    costs = cost(grid, root)
    packs = grid.packs(study["execution"]["pack"])
    unknown = [path for path in costs["first"] if path]
    return Plan(
        study=study["study"],
        metric=dict(study["metric"]),
        runs=len(grid.runs),
        done=int(costs["done"].sum()),
        jobs=len(packs),
        jobs_left=sum(any(not (root / run.path).exists() for run in pack.runs) for pack in packs),
        cost=costs,
        command=_timing(config_files, unknown) if unknown else "",
        grids=[
            _grid_plan(shape, members, study, rho, root, repeats, processes)
            for shape, members in shapes(grid.runs).items()
        ],
    )


def shapes(runs: Sequence[Run]) -> dict[Shape, list[Run]]:
    """The distinct grids that a study's combinations are trained on, each with one run of its every combination."""
    found: dict[Shape, list[Run]] = {}
    for _, members in groupby(sorted(runs, key=Run.group), Run.group):
        group = list(members)
        shape = Shape(tuple(sorted((run.lr, run.wd, run.seed) for run in group)))
        found.setdefault(shape, []).append(group[0])
    return found


def _grid_plan(
    shape: Shape, runs: list[Run], study: Config, rho: float, root: Path, repeats: int, processes: int | None
) -> GridPlan:
    asked = places(shape, rho)
    assumed = like_runs(runs, study["metric"], study["study"], root)
    shares = power(shape, [*asked, *spans()], assumed=assumed, repeats=repeats, processes=processes)
    enough = shares.loc[shares["kind"] != "span", "told"].all()
    advised = None if enough else advice(shape, asked, assumed=assumed, repeats=repeats, processes=processes)
    return GridPlan(shape, [run.group()[:3] for run in runs], asked, assumed, shares, advised)


def _timing(config_files: Sequence[str], records: Sequence[str]) -> str:
    return " \\\n  ".join([" ".join(["snakemake --cores 1", *_options(config_files), "--"]), *records])


def _options(config_files: Sequence[str]) -> list[str]:
    return ["--configfile", *config_files] if config_files else []
