"""Before anything is trained: the runs and jobs of a study, what they cost, and which laws its grids could tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from decay_atlas.config import Config, ConfigError, grid_of
from decay_atlas.grid import Run
from decay_atlas.statistics.cost import cost
from decay_atlas.statistics.power import REPEATS, Advice, Place, Shape, advice, places, power, spans


@dataclass(frozen=True)
class GridPlan:
    """One grid and the combinations (dataset, recipe, arch) that are trained on it.

    `shares` is what `power` returns for `asked` and for every law at every location; `advice` is the grid that
    would do where this one does not tell what is asked.
    """

    shape: Shape
    combinations: list[tuple[str, str, str]]
    asked: list[Place]
    shares: pd.DataFrame
    advice: Advice | None


@dataclass(frozen=True)
class Plan:
    """All that is known of a study before it is trained. `cost` is what `cost` returns.

    `command` times one cell of every combination whose time is unknown; empty where all are known.
    """

    study: str
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
        runs=len(grid.runs),
        done=int(costs["done"].sum()),
        jobs=len(packs),
        jobs_left=sum(any(not (root / run.path).exists() for run in pack.runs) for pack in packs),
        cost=costs,
        command=_timing(config_files, unknown) if unknown else "",
        grids=[_grid_plan(shape, names, rho, repeats, processes) for shape, names in shapes(grid.runs).items()],
    )


def shapes(runs: Sequence[Run]) -> dict[Shape, list[tuple[str, str, str]]]:
    """The distinct grids that a study's combinations are trained on, each with its combinations."""
    found: dict[Shape, list[tuple[str, str, str]]] = {}
    for key, members in groupby(sorted(runs, key=Run.group), Run.group):
        shape = Shape(tuple(sorted((run.lr, run.wd, run.seed) for run in members)))
        found.setdefault(shape, []).append(key[:3])
    return found


def _grid_plan(
    shape: Shape, names: list[tuple[str, str, str]], rho: float, repeats: int, processes: int | None
) -> GridPlan:
    asked = places(shape, rho)
    shares = power(shape, [*asked, *spans()], repeats=repeats, processes=processes)
    enough = shares.loc[shares["kind"] != "span", "told"].all()
    return GridPlan(shape, names, asked, shares, None if enough else advice(shape, asked, repeats, processes))


def _timing(config_files: Sequence[str], records: Sequence[str]) -> str:
    return " \\\n  ".join([" ".join(["snakemake --cores 1", *_options(config_files), "--"]), *records])


def _options(config_files: Sequence[str]) -> list[str]:
    return ["--configfile", *config_files] if config_files else []
