"""Runs trained elsewhere: tables from other tools, renamed, completed and checked into a table of runs."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from decay_atlas.runs.record_schema import SCORES
from decay_atlas.statistics.methods.landscape import AXES, COMBINATION
from decay_atlas.tables.import_axes import numbered_seeds, one_grid
from decay_atlas.tables.import_files import ImportedRunsError, read_file

NEEDED = [*AXES, "value"]
TRAINED = ["n_devices", "weight_norm", "dog", "evaluations", "seed_given"]
"""Columns that only the table of runs of another study has: those of an archive."""
TEXTS = [*COMBINATION, "status", "device", "evaluations", "seed", "seed_given"]
"""Columns that are not numbers alone; `seed` and `seed_given` may hold ids."""
COLUMNS = [*NEEDED, *SCORES, "status", "seconds", "device", *TRAINED]
MISSING = {"", "nan", "<na>", "n/a", "na", "none", "null"}
"""What tools write for a number or a device that they do not have; a recipe may well be called None."""
LOSSES = re.compile(r"^(?!.*neg).*(loss|err|perplexity)", re.IGNORECASE)
SMALLEST, LARGEST = 1e-30, 1e30
"""Of a learning rate or weight decay: beyond them products, powers and inverses of these leave the range of floats."""
LIKE_PERCENT = (0.9, 1.1)
"""A value of 1 or less counts as a fraction among percent where its hundredfold lies between the median of those,
times the first, and the largest of them, times the second. A network at chance, with 100 classes or more, does not.
"""
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
    rounding are made one, and seeds that are ids or that cells do not share are numbered (see `import_axes`).

    Raises:
        ImportedRunsError: a column is missing or holds something else than it should, a name is empty or cannot be
            printed, a value is not finite, a run appears twice, values may be fractions where the study says
            percent, or a loss is to be high.
    """
    _check_direction(columns, metric)
    parts = [_read(Path(file), columns, fill) for file in files]
    for part in parts:
        _check(part)
        _check_percent(part, metric)
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
    if "accuracy" in table.columns and "value" not in {columns.get(theirs, theirs) for theirs in table.columns}:
        columns = {"accuracy": "value", **columns}
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


def _check(part: pd.DataFrame) -> None:
    """Hold every column to what it may hold, and give it its type."""
    for column in [*COMBINATION, *({"device"} & {*part.columns})]:
        part[column] = _names(part, column)
    for column in [name for name in part.columns if name not in {*TEXTS, "_file", "_line"}]:
        numbers = _numbers(part[column])
        bad = ~np.isfinite(numbers) & (column in NEEDED or ~_is_missing(part[column]))
        if bad.any():
            hint = "; give a diverged run the score of chance and status diverged" if column == "value" else ""
            raise ImportedRunsError(
                f"column {column}: {int(bad.sum())} value(s) are no finite numbers: {_lines(part[bad], column)}{hint}"
            )
        part[column] = numbers
    part["seed"] = _seeds(part)
    if "seed_given" in part.columns:
        part["seed_given"] = _seeds_given(part["seed_given"])
    some = pd.Series(True, part.index)
    ordinary = {axis: (part[axis] == 0) | part[axis].between(SMALLEST, LARGEST) for axis in ("lr", "wd")}
    for column, good, rule in [
        ("lr", part["lr"] > 0, "numbers greater than 0"),
        ("wd", part["wd"] >= 0, "numbers of 0 or more"),
        *((axis, good, f"numbers between {SMALLEST:g} and {LARGEST:g}") for axis, good in ordinary.items()),
        ("status", part["status"].isin(["ok", "diverged"]), "ok or diverged"),
        ("seconds", ~(part["seconds"] < 0) if "seconds" in part else some, "numbers of 0 or more"),
        ("n_devices", ~(part["n_devices"] < 1) if "n_devices" in part else some, "numbers of 1 or more"),
    ]:
        if not good.all():
            raise ImportedRunsError(f"column {column} must hold {rule}: {_lines(part[~good], column)}")
    if "evaluations" in part.columns:
        # Another tool's column of that name, a number of evaluations say, is as unknown as any other.
        part["evaluations"] = part["evaluations"].map(lambda text: text if _is_evaluations(text) else None)


def _names(part: pd.DataFrame, column: str) -> pd.Series:
    """A column of names, or ids, without the space around them, in one of the ways in which Unicode writes an accent.

    Devices may be missing; then they are empty.
    """
    known = part[column].astype(object)
    text = known.map(lambda name: isinstance(name, str) or (types.is_scalar(name) and not isinstance(name, bytes)))
    if not text.all():
        raise ImportedRunsError(f"column {column} must hold text: {_lines(part[~text], column)}")
    names = known.where(known.notna(), "").map(lambda name: unicodedata.normalize("NFC", str(name)).strip())
    if column == "device":
        names = names.mask(_is_missing(names), "")
    elif (names == "").any():
        empty = names == ""
        raise ImportedRunsError(
            f"column {column}: {int(empty.sum())} name(s) are empty: {_lines(part[empty])}; fill them in"
        )
    unprintable = ~names.map(str.isprintable)
    if unprintable.any():
        raise ImportedRunsError(
            f"column {column}: {int(unprintable.sum())} name(s) hold characters that cannot be printed, such as line "
            f"breaks or what only steers a terminal: {_lines(part[unprintable], column)}; take these out"
        )
    return names.astype("str")


def _numbers(values: pd.Series) -> pd.Series:
    """Numbers as floats; NaN where a field holds none, and nor are truth values and dates any."""
    if types.is_bool_dtype(values) or types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        return pd.Series(np.nan, values.index)
    return pd.to_numeric(values, errors="coerce").astype("float64")  # nullable columns keep their NA until here


def _seeds(part: pd.DataFrame) -> pd.Series:
    """Whole numbers, or the texts of a column in which some are none, such as the ids that other tools give runs."""
    seeds = part["seed"]
    missing = _is_missing(seeds)
    if missing.any():
        raise ImportedRunsError(
            f"column seed: {int(missing.sum())} value(s) are missing: {_lines(part[missing], 'seed')}; give every run "
            "one that no other run of its cell has"
        )
    numbers = _numbers(seeds)
    if numbers.isna().any():
        return _names(part, "seed")
    for bad, rule in ((numbers % 1 != 0, "ids or whole numbers"), (numbers.abs() >= 2**63, "numbers below 2^63")):
        if bad.any():
            raise ImportedRunsError(f"column seed must hold {rule}: {_lines(part[bad], 'seed')}")
    # not by way of floats, where two large ones may become the same
    return pd.to_numeric(seeds).astype(np.int64)


def _seeds_given(values: pd.Series) -> pd.Series:
    """What an archive says that seeds were before they were numbered: numbers, or the texts of ids."""
    missing = _is_missing(values)
    numbers = _numbers(values)
    return numbers if (numbers.notna() | missing).all() else values.astype("str").mask(missing, None)


def _is_missing(values: pd.Series) -> pd.Series:
    return values.isna() | values.map(lambda value: str(value).strip().lower() in MISSING).astype(bool)


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
    for name, runs in part[part["status"] == "ok"].groupby("dataset", sort=False):
        small = runs[runs["value"] < 1]
        percent = runs.loc[runs["value"] > 1, "value"]
        low, high = (
            (0.0, 1e2) if percent.empty else (percent.median() * LIKE_PERCENT[0], percent.max() * LIKE_PERCENT[1])
        )
        mixed = small[(small["value"] * 100).between(low, high)]
        if len(mixed):
            raise ImportedRunsError(
                f"metric.unit is %, but {len(mixed)} value(s) of {name} look like fractions among percent: "
                f"{_lines(mixed, 'value')}; multiply them by 100, or, where these networks are at chance, give them "
                "the status diverged"
            )


def _lines(rows: pd.DataFrame, column: str | None = None) -> str:
    shown = [
        f"{row['_file']}:{row['_line']}" + (f" ({_shown(row[column])})" if column else "")
        for _, row in rows.head(SHOWN).iterrows()
    ]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(shown) + more


def _shown(value: object) -> str:
    """A field as it is written, and where that could not be seen, as Python would write it."""
    text = (str(value).strip() or "empty").removesuffix(".0")
    return text if text.isprintable() else ascii(value)
