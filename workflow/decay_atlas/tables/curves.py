"""Learning curves: what every run recorded epoch by epoch, averaged over the seeds of each cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import read_record
from decay_atlas.statistics.methods.landscape import COMBINATION, Floats

CELL = [*COMBINATION, "lr", "wd"]
MOST_EPOCHS = 50
"""Epochs kept of a cell; longer training is thinned to as many, first and last among them."""


def curves(paths: Iterable[str], root: Path = Path()) -> pd.DataFrame:
    """One row a cell and epoch, with the mean over the cell's seeds of every quantity in its runs' histories.

    Columns: dataset, recipe, arch, lr, wd, `epoch` (from 1), then the quantities, in their own units (the
    schedule's rate in force, which `lr` as an axis would hide, is `rate`). A run that ended early counts in the
    epochs it has; records without a history (simulated ones) give no rows.

    Raises:
        RecordError: a record is missing or damaged.
    """
    cells: dict[tuple[Any, ...], list[Mapping[str, Sequence[float | None]]]] = defaultdict(list)
    for path in paths:
        run = Run.from_path(path)
        history = read_record(root / path)["history"]
        if history.get("epoch"):
            cells[run.dataset, run.recipe, run.arch, run.lr, run.wd].append(history)
    parts = [_cell(key, histories) for key, histories in cells.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*CELL, "epoch"])


def thinned(n: int, most: int) -> np.ndarray:
    """At most `most` (two or more) of the indices 0 … n − 1, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _cell(key: tuple[Any, ...], histories: Sequence[Mapping[str, Sequence[float | None]]]) -> pd.DataFrame:
    length = max(len(history["epoch"]) for history in histories)
    kept = thinned(length, MOST_EPOCHS)
    names = dict.fromkeys(name for history in histories for name in history if name != "epoch")
    table: dict[str, Any] = dict(zip(CELL, key, strict=True)) | {"epoch": kept + 1}
    for name in names:
        values = np.full((len(histories), length), np.nan)
        for row, history in zip(values, histories, strict=True):
            own = history.get(name, [])
            row[: len(own)] = np.array(own, dtype=float)
        table["rate" if name == "lr" else name] = _mean(values[:, kept])
    return pd.DataFrame(table)


def _mean(values: Floats) -> Floats:
    """The mean over the first axis of the finite values; NaN where there is none."""
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    total = np.where(finite, values, 0.0).sum(axis=0)
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
