"""What the recipes' evaluations found, cell by cell: pruning, attacks, and the size of the weights.

Source: A, Global ℓ1 pruning; A, Adversarial.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from decay_atlas.statistics.methods.landscape import COMBINATION, tabulate

COLUMNS = [*COMBINATION, "lr", "wd", "evaluation", "mean", "sd", "n_seeds"]
SIZE = "weight_norm"
"""The evaluation that every run has: ‖w‖ after its last epoch."""


def evaluations(runs: pd.DataFrame) -> pd.DataFrame:
    """Tabulate every evaluation of every cell; one row a cell and evaluation, `COLUMNS`.

    `runs` has the columns `weight_norm` and `evaluations` (JSON) where the runs were trained here; without them the
    table is empty. Nested evaluations are named with dots: pruning.0.9, pgd.pgd20. Numbers alone are averaged; a
    diverged run has none, and what another attack stood in for is left out. Cells follow the order of the table of
    runs, evaluations that of the record.
    """
    long = singles(runs)
    if long.empty:
        return tabulate([], COLUMNS)
    grouped = long.groupby([*COMBINATION, "lr", "wd", "evaluation"], sort=False, observed=True)["value"]
    table = grouped.agg(mean="mean", sd="std", n_seeds="count").reset_index()
    return table[COLUMNS]


def singles(runs: pd.DataFrame) -> pd.DataFrame:
    """The same run by run: columns dataset, recipe, arch, lr, wd, seed, evaluation, value.

    Only recipes that evaluate something have rows.
    """
    names = [*COMBINATION, "lr", "wd", "seed", "evaluation", "value"]
    if not {SIZE, "evaluations"} <= set(runs.columns):
        return pd.DataFrame(columns=names)
    rows = []
    for run in runs.to_dict("records"):
        found = json.loads(run["evaluations"]) if isinstance(run["evaluations"], str) else {}
        if found:
            axes = {name: run[name] for name in names[:6]}
            size = [(SIZE, run[SIZE])] if run[SIZE] == run[SIZE] else []
            own = {name: value for name, value in found.items() if not _stood_in_for(name, value)}
            rows += [{**axes, "evaluation": name, "value": value} for name, value in [*size, *_numbers(own)]]
    return pd.DataFrame(rows, columns=names)


def _stood_in_for(name: str, value: Any) -> bool:
    """Whether an evaluation says that it was not its own attack that was run: PGD-20 for AutoAttack, say."""
    return isinstance(value, dict) and not str(value.get("attack", name)).startswith(name)


def _numbers(found: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
