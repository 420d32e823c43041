"""Runs trained elsewhere: tables from other tools, renamed, completed and checked into a table of runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.records import SCORES
from decay_atlas.statistics.import_axes import numbered_seeds, one_grid
from decay_atlas.statistics.import_files import ImportedRunsError, read_file
from decay_atlas.statistics.landscape import AXES, COMBINATION

NEEDED = [*AXES, "value"]
TRAINED = ["n_devices", "weight_norm", "dog", "evaluations", "seed_given"]
"""Columns that only the table of runs of another study has: those of an archive."""
TEXTS = [*COMBINATION, "status", "device", "evaluations"]
COLUMNS = [*NEEDED, *SCORES, "status", "seconds", "device", *TRAINED]
MISSING = {"", "nan", "<na>", "n/a", "na", "none", "null"}
"""What tools write for a number or a device that they do not have; a recipe may well be called None."""
LOSSES = re.compile(r"^(?!.*neg).*(loss|err|perplexity)", re.IGNORECASE)
SHOWN = 10


def import_runs(
    files: Iterable[str | Path],
    columns: Mapping[str, str],
    fill: Mapping[str, Any],
    metric: Mapping[str, str],
) -> pd.DataFrame:
    """Read CSV and parquet files into one table of runs.

    `columns` renames (theirs to ours; `accuracy` counts as value), `fill` sets columns that a file lacks,
    `metric` is the study's. Columns beyond `COLUMNS` are dropped. Learning rates and weight decays that differ by
    rounding are made one, and seeds that cells do not share are numbered anew (see `import_axes`).

    Raises:
        ImportedRunsError: a column is missing or holds something else than it should, a name is empty, a value is
            not finite, a run appears twice, values may be fractions where the study says percent, or a loss is to
            be high.
    """
    _check_direction(columns, metric)
    parts = [_read(Path(file), columns, fill) for file in files]
    for part in parts:
        _check(part, metric)
    runs = pd.concat(parts, ignore_index=True)
    for axis in ("lr", "wd"):
        runs[axis] = one_grid(runs[axis])
    twice = runs.duplicated(AXES, keep=False)
    if twice.any():
        raise ImportedRunsError(
            f"{int(twice.sum())} lines give the same run (equal {', '.join(AXES)}) more than once: "
            f"{_lines(runs[twice])}; keep one of each, or tell them apart by seed"
        )
    return numbered_seeds(runs).drop(columns=["_file", "_line"]).reindex(columns=COLUMNS)


def _check_direction(columns: Mapping[str, str], metric: Mapping[str, str]) -> None:
    for theirs, ours in columns.items():
        if ours == "value" and metric["direction"] == "max" and LOSSES.match(theirs):
            raise ImportedRunsError(
                f"key columns: {theirs!r} becomes value, but metric.direction is max; where lower is better write\n\n"
                '    metric: {name: loss, unit: "", direction: min}'
            )


def _read(file: Path, columns: Mapping[str, str], fill: Mapping[str, Any]) -> pd.DataFrame:
    table = read_file(file)
    unknown = [theirs for theirs in columns if theirs not in table.columns]
    if unknown:
        raise ImportedRunsError(
            f"{file}: no column {', '.join(map(repr, unknown))} to rename (key columns); "
            f"it has: {', '.join(map(str, table.columns))}"
        )
    for ours in COLUMNS:
        sources = [theirs for theirs in table.columns if columns.get(theirs, theirs) == ours]
        if len(sources) > 1:
            raise ImportedRunsError(
                f"{file}: {' and '.join(map(repr, sources))} would both be {ours!r} (key columns); "
                "take one of them out of the file, or rename it there"
            )
    table = table.rename(columns=dict(columns))
    if "value" not in table.columns and "accuracy" in table.columns:
        table = table.rename(columns={"accuracy": "value"})
    for column, value in fill.items():
        if column in table.columns:
            raise ImportedRunsError(f"{file}: has a column {column!r} already; remove it from the key fill")
        table[column] = value
    missing = [column for column in NEEDED if column not in table.columns]
    if missing:
        lines = "".join(f"\n      {column}: …" for column in missing)
        raise ImportedRunsError(
            f"{file}: no column {', '.join(map(repr, missing))}; "
            f"it has: {', '.join(map(str, table.columns))}. "
            "Rename one of them,\n\n    columns: {their_name: "
            f"{missing[0]}}}\n\nor, where all runs share it, say so:\n\n    fill:{lines}"
        )
    if "status" not in table.columns:
        table["status"] = "ok"
    kept = table[[column for column in COLUMNS if column in table.columns]].copy()
    kept["_file"] = str(file)
    kept["_line"] = kept.index
    return kept.reset_index(drop=True)


def _check(part: pd.DataFrame, metric: Mapping[str, str]) -> None:
    for column in COMBINATION:
        names = part[column].astype("str")
        empty = names.isna() | (names.str.strip() == "")
        if empty.any():
            raise ImportedRunsError(
                f"column {column}: {int(empty.sum())} name(s) are empty: {_lines(part[empty])}; fill them in"
            )
        part[column] = names
    for column in [name for name in part.columns if name not in {*TEXTS, "_file", "_line"}]:
        numbers = pd.to_numeric(part[column], errors="coerce")
        bad = ~np.isfinite(numbers) if column in NEEDED else numbers.isna() & ~_is_missing(part[column])
        if bad.any():
            hint = "; give a diverged run the score of chance and status diverged" if column == "value" else ""
            raise ImportedRunsError(
                f"column {column}: {int(bad.sum())} value(s) are no finite numbers: {_lines(part[bad], column)}{hint}"
            )
        part[column] = numbers
    for column, bad, rule in [
        ("lr", ~(part["lr"] > 0), "numbers greater than 0"),
        ("wd", ~(part["wd"] >= 0), "numbers of 0 or more"),
        ("seed", part["seed"] % 1 != 0, "whole numbers"),
        ("seed", part["seed"].abs() >= 2**63, "numbers below 2^63"),
        ("status", ~part["status"].isin(["ok", "diverged"]), "ok or diverged"),
    ]:
        if bad.any():
            raise ImportedRunsError(f"column {column} must hold {rule}: {_lines(part[bad], column)}")
    part["seed"] = part["seed"].astype(np.int64)
    if "device" in part.columns:
        part["device"] = part["device"].astype("str").mask(_is_missing(part["device"]), "")
    if "evaluations" in part.columns:
        # Another tool's column of that name, a number of evaluations say, is as unknown as any other.
        part["evaluations"] = part["evaluations"].map(lambda text: text if _is_evaluations(text) else None)
    _check_percent(part, metric)


def _is_missing(values: pd.Series) -> pd.Series:
    return values.isna() | values.astype("str").str.strip().str.lower().isin(MISSING)


def _is_evaluations(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except json.JSONDecodeError:
        return False


def _check_percent(part: pd.DataFrame, metric: Mapping[str, str]) -> None:
    if metric["unit"] != "%":
        return
    outside = ~part["value"].between(0, 100)
    if outside.any():
        raise ImportedRunsError(
            f"metric.unit is %, but {int(outside.sum())} value(s) lie outside 0 … 100: "
            f"{_lines(part[outside], 'value')}; for a loss write\n\n"
            '    metric: {name: loss, unit: "", direction: min}'
        )
    if part["value"].max() <= 1:
        raise ImportedRunsError(
            f"{part['_file'].iloc[0]}: metric.unit is %, but no value is above 1, so they may be fractions; "
            'multiply them by 100, or keep fractions and write\n\n    metric: {unit: "fraction"}'
        )


def _lines(rows: pd.DataFrame, column: str | None = None) -> str:
    shown = [
        f"{row['_file']}:{row['_line']}" + (f" ({str(row[column]).strip() or 'empty'})" if column else "")
        for _, row in rows.head(SHOWN).iterrows()
    ]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(shown) + more
