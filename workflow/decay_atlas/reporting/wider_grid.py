"""The grid that would show what this one could not, as YAML to paste; of imported runs those that it still lacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.reporting.fits import is_told
from decay_atlas.statistics.methods.axes import rounded
from decay_atlas.statistics.methods.landscape import COMBINATION

DECADES = 1.0
"""How far an axis is widened beyond an edge that holds optima."""

Axes = tuple[list[float], list[float]]
"""The η and the λ of a grid."""


def wider_grid(runs: pd.DataFrame, optima: pd.DataFrame, direction: str) -> str | None:
    """YAML of a grid that reaches beyond every edge that holds an optimum, to paste over `grid:`; None if none does.

    Each combination keeps the values it has, so that its finished runs are kept too, and gains λ (or η, where
    the best cell lies at the end of that axis) for one decade beyond, in the axis's own steps.
    """
    blocks = _blocks((names, [(lr, wd)], own["seed"]) for names, own, lr, wd in _wider(runs, optima, direction))
    return yaml_grid(blocks) if blocks else None


def missing_cells(runs: pd.DataFrame, optima: pd.DataFrame, direction: str) -> str | None:
    """The cells of the grid of `widening` that have no run, as blocks of YAML; None where no axis is widened.

    Their seeds are those of the cell that has most.
    """
    found = []
    for names, own, lr, wd in _wider(runs, optima, direction):
        there = set(zip(own["lr"], own["wd"], strict=True))
        rates: dict[tuple[float, ...], list[float]] = {}
        for rate in lr:
            rates.setdefault(tuple(decay for decay in wd if (rate, decay) not in there), []).append(rate)
        fullest = own.groupby(["lr", "wd"])["seed"].transform("size")
        first = own[fullest == fullest.max()].iloc[0]
        seeds = own.loc[(own[["lr", "wd"]] == first[["lr", "wd"]]).all(axis=1), "seed"]
        found.append((names, [(rates[decays], list(decays)) for decays in rates if decays], seeds))
    return "\n".join(_blocks(found)) + "\n" if found else None


def _wider(
    runs: pd.DataFrame, optima: pd.DataFrame, direction: str
) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame, list[float], list[float]]]:
    """Every combination whose grid should be wider: its names, its runs, and the η and λ of the wider grid."""
    for names, part in optima.groupby(COMBINATION, sort=False) if len(optima) else []:
        dataset, recipe, arch = (str(name) for name in names)
        own = runs[(runs[COMBINATION] == list(names)).all(axis=1)]
        told = part[part["wd_opt"].notna() & is_told(part)]
        wd = _extended(_grid_wd(own), {edge for edge in ("lower", "upper") if (told["edge"] == edge).any()})
        lr = _extended(sorted(own["lr"].unique()), _lr_edges(part, direction))
        if len(wd) > len(_grid_wd(own)) or len(lr) > own["lr"].nunique():
            yield (dataset, recipe, arch), own, lr, wd


def _blocks(found: Iterable[tuple[tuple[str, str, str], list[Axes], pd.Series]]) -> list[str]:
    """YAML blocks of the grids of every combination, architectures that share theirs in one block."""
    blocks: dict[tuple[Any, ...], list[str]] = {}
    for (dataset, recipe, arch), grids, own_seeds in found:
        seeds = tuple(sorted(int(seed) for seed in own_seeds.unique()))
        for lr, wd in grids:
            blocks.setdefault((dataset, recipe, tuple(lr), tuple(wd), seeds), []).append(arch)
    return [yaml_block(dataset, recipe, archs, *axes) for (dataset, recipe, *axes), archs in blocks.items()]


def _grid_wd(runs: pd.DataFrame) -> list[float]:
    """The weight decays that at least half of the learning rates have."""
    cells = runs.drop_duplicates(["lr", "wd"])
    share = cells["wd"].value_counts() / cells["lr"].nunique()
    return sorted(float(value) for value in share[share >= 0.5].index)


def _lr_edges(optima: pd.DataFrame, direction: str) -> set[str]:
    """At which ends of the η axis the best cell of all lies."""
    known = optima[optima["value"].notna()]
    if len(known) < 2:
        return set()
    best = known.loc[known["value"].idxmax() if direction == "max" else known["value"].idxmin(), "lr"]
    return {side for side, end in (("lower", known["lr"].min()), ("upper", known["lr"].max())) if best == end}


def _extended(values: list[float], edges: set[str]) -> list[float]:
    positive = [value for value in values if value > 0]
    if not edges or not positive:
        return values
    step = float(np.median(np.diff(np.log10(positive)))) if len(positive) > 1 else 0.5
    n = max(1, math.ceil(DECADES / step - 1e-9))
    new = []
    if "lower" in edges:
        new += [rounded(positive[0] * 10 ** (-step * k)) for k in range(1, n + 1)]
    if "upper" in edges:
        new += [rounded(positive[-1] * 10 ** (step * k)) for k in range(1, n + 1)]
    return sorted({*values, *new})


def yaml_number(value: float) -> str:
    """A number as YAML 1.1 reads it: 1.0e-05, never 1e-05, which would be text."""
    text = f"{value:.12g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}" if e else text


def yaml_grid(blocks: Iterable[str]) -> str:
    """A study's `grid:` of blocks."""
    return "grid:\n" + "\n".join(blocks) + "\n"


def yaml_block(
    dataset: str, recipe: str, archs: Sequence[str], lr: Sequence[float], wd: Sequence[float], seeds: Sequence[int]
) -> str:
    """One block of a study's `grid:`."""
    return "\n".join(
        [
            f"  - dataset: [{dataset}]",
            f"    recipe: [{recipe}]",
            f"    arch: [{', '.join(archs)}]",
            f"    lr: [{', '.join(map(yaml_number, lr))}]",
            f"    wd: [{', '.join(map(yaml_number, wd))}]",
            f"    seed: [{', '.join(map(str, seeds))}]",
        ]
    )
