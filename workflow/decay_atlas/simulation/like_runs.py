"""The recorded runs that are most like those of a study: what its plan takes noise and shape from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import RecordError, read_record
from decay_atlas.simulation.assumed import Assumed, Measured, assume, measure
from decay_atlas.statistics.methods.landscape import AXES, COMBINATION, landscapes
from decay_atlas.tables.files import read_runs
from decay_atlas.tables.scales import scaled

MOST_CELLS, MOST_SEEDS, MOST_FOLDERS = 100, 10, 10
"""Cells of a folder that are read, seeds of a cell, and folders of other settings; a plan must be quick."""


def like_runs(runs: Sequence[Run], metric: dict[str, Any], study: str, root: Path = Path()) -> Assumed:
    """What the recorded runs nearest to a study's tell of noise and shape.

    `runs` holds one run of each of its combinations. Nearest first: records of the same settings, the study's own
    table of runs, another recipe of the same data set and architecture, another architecture of the same data set and
    recipe, the same data set. The first kind that tells the noise of any combination is used, and of another kind as
    many as do tell. A record that cannot be read, or has no such score, tells nothing.
    """
    folder = root / "results/runs"
    own = [(root / run.path).parent for run in runs]
    kinds: list[tuple[str, Iterable[pd.DataFrame]]] = [
        ("the same settings", (_read(one, metric["score"]) for one in own)),
        (f"the table of runs of study {study}", _table(root / "results" / study / "runs.parquet", runs)),
    ]
    for words, pattern in (
        ("other recipes of the same data set and architecture", "{dataset}/*/{arch}/*"),
        ("other architectures of the same data set and recipe", "{dataset}/{recipe}/*/*"),
        ("the same data set", "{dataset}/*/*/*"),
    ):
        names = [pattern.format(dataset=run.dataset, recipe=run.recipe, arch=run.arch) for run in runs]
        others = [path for name in dict.fromkeys(names) for path in sorted(folder.glob(name)) if _trained(path)]
        kinds.append((words, (_read(one, metric["score"]) for one in others[:MOST_FOLDERS])))
    for words, tables in kinds:
        found = [one for table in tables for one in _measured(table, metric)]
        if found:
            return assume(found, words, metric["unit"] == "%")
    return assume([], "", percent=False)


def _measured(table: pd.DataFrame, metric: dict[str, Any]) -> list[Measured]:
    if table.empty:
        return []
    try:
        seen = landscapes(scaled(table, metric["scale"]), metric["direction"])
    except ValueError:  # a value without a logarithm, or a table that is no grid
        return []
    return [one for landscape in seen if (one := measure(landscape)) is not None]


def _read(folder: Path, score: str) -> pd.DataFrame:
    """The runs of a folder of records that have the score, thinned by whole cells."""
    cells: dict[tuple[float, float], list[Run]] = {}
    for path in sorted(folder.glob("lr*_wd*_seed*.json")):
        try:
            run = Run.from_path(f"results/runs/{'/'.join(path.parts[-5:])}")
        except ValueError:
            continue
        cells.setdefault((run.lr, run.wd), []).append(run)
    places = sorted(cells)
    kept = np.unique(np.linspace(0, len(places) - 1, min(len(places), MOST_CELLS)).round().astype(int))
    rows = []
    for run in (run for at in kept for run in cells[places[at]][:MOST_SEEDS]):
        try:
            record = read_record(folder / Path(run.path).name)
        except RecordError:
            continue
        value = record.get(score)
        if isinstance(value, int | float):
            rows.append([*(getattr(run, axis) for axis in AXES), float(value), record.get("status", "ok")])
    return pd.DataFrame(rows, columns=[*AXES, "value", "status"])


def _table(file: Path, runs: Sequence[Run]) -> Iterable[pd.DataFrame]:
    """The runs of the study's combinations in a table of runs that was made before."""
    try:
        table = read_runs(file, [*AXES, "value"])
    except (OSError, ValueError):
        return
    wanted = {(run.dataset, run.recipe, run.arch) for run in runs}
    yield table[[names in wanted for names in table[COMBINATION].itertuples(index=False, name=None)]]


def _trained(folder: Path) -> bool:
    """Whether a folder holds records of training, not of a simulated landscape."""
    try:
        return "simulate" not in json.loads((folder / "settings.json").read_text())
    except (OSError, ValueError):
        return False
