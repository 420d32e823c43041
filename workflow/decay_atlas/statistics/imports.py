"""Runs trained elsewhere: tables from other tools, renamed, completed and checked into a table of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.records import SCORES
from decay_atlas.statistics.landscape import AXES, COMBINATION

NEEDED = [*AXES, "value"]
TRAINED = ["n_devices", "weight_norm", "dog", "evaluations"]
"""Columns that only the table of a study that was trained has: those of an archive."""
TEXTS = [*COMBINATION, "status", "device", "evaluations"]
COLUMNS = [*NEEDED, *SCORES, "status", "seconds", "device", *TRAINED]
SHOWN = 10


class ImportedRunsError(ValueError):
    """A table cannot be used as it is; the message names the file, the lines and the correction."""


def import_runs(
    files: Iterable[str | Path],
    columns: Mapping[str, str],
    fill: Mapping[str, Any],
    metric: Mapping[str, str],
) -> pd.DataFrame:
    """Read CSV and parquet files into one table of runs.

    `columns` renames (theirs to ours; `accuracy` counts as value), `fill` sets columns that a file lacks,
    `metric` is the study's. Columns beyond `COLUMNS` are dropped.

    Raises:
        ImportedRunsError: a column is missing or holds something else than it should, a value is not finite,
            a run appears twice, or values may be fractions where the study says percent.
    """
    parts = [_read(Path(file), columns, fill) for file in files]
    for part in parts:
        _check(part, metric)
    runs = pd.concat(parts, ignore_index=True)
    twice = runs.duplicated(AXES, keep=False)
    if twice.any():
        raise ImportedRunsError(
            f"{int(twice.sum())} lines give the same run (equal {', '.join(AXES)}) more than once: "
            f"{_lines(runs[twice])}; keep one of each, or tell them apart by seed"
        )
    return runs.drop(columns=["_file", "_line"]).reindex(columns=COLUMNS)


def _read(file: Path, columns: Mapping[str, str], fill: Mapping[str, Any]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    except (ValueError, OSError) as error:
        raise ImportedRunsError(f"{file}: cannot be read as {file.suffix[1:]} ({error})") from None
    unknown = [theirs for theirs in columns if theirs not in table.columns]
    if unknown:
        raise ImportedRunsError(
            f"{file}: no column {', '.join(map(repr, unknown))} to rename (key columns); "
            f"it has: {', '.join(map(str, table.columns))}"
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
    # The line in the file as an editor counts it, the header being line 1; for parquet the row, from 1.
    kept["_line"] = np.arange(len(kept)) + (2 if file.suffix == ".csv" else 1)
    return kept


def _check(part: pd.DataFrame, metric: Mapping[str, str]) -> None:
    for column in [name for name in part.columns if name not in {*TEXTS, "_file", "_line"}]:
        numbers = pd.to_numeric(part[column], errors="coerce")
        needed = column in NEEDED
        bad = ~np.isfinite(numbers) if needed else numbers.isna() & part[column].notna()
        if bad.any():
            raise ImportedRunsError(
                f"column {column}: {int(bad.sum())} value(s) are no finite numbers: "
                f"{_lines(part[bad], column)}; give a diverged run the score of chance and status diverged"
            )
        part[column] = numbers
    for column, bad, rule in [
        ("lr", ~(part["lr"] > 0), "numbers greater than 0"),
        ("wd", ~(part["wd"] >= 0), "numbers of 0 or more"),
        ("seed", part["seed"] % 1 != 0, "whole numbers"),
        ("status", ~part["status"].isin(["ok", "diverged"]), "ok or diverged"),
    ]:
        if bad.any():
            raise ImportedRunsError(f"column {column} must hold {rule}: {_lines(part[bad], column)}")
    part["seed"] = part["seed"].astype(np.int64)
    for column in TEXTS:
        if column in part.columns:
            part[column] = part[column].astype(str)
    _check_percent(part, metric)


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
        f"{row['_file']}:{row['_line']}" + (f" ({row[column]})" if column else "")
        for _, row in rows.head(SHOWN).iterrows()
    ]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(shown) + more
