"""The tables of a study, that of its runs among them, written to its files and read back from them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from decay_atlas.runs.records import DamagedFileError
from decay_atlas.statistics.methods.landscape import AXES

NAMES = ("dataset", "recipe", "arch", "baseline", "fixed", "clean", "recipe_large", "recipes", "pair")
"""Columns that hold names which a study chose, whatever the table."""
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")
"""How a cell begins that a spreadsheet would run as a formula, with what marks it as text."""


def table_text(table: pd.DataFrame) -> str:
    """A table as CSV in which no text begins a formula: that of a network called =1+1 is '=1+1.

    Such texts, and those that look so already, get one more apostrophe, which `read_table` takes away. Numbers stay
    as they are.
    """
    texts = [place for place, kind in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
    safe = table.copy()
    for place in texts:
        safe.isetitem(place, table.iloc[:, place].map(_marked, na_action="ignore"))
    return str(safe.to_csv(index=False, lineterminator="\n"))


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write one table, which `read_table` gives back as it is (see `table_text`)."""
    Path(path).write_text(table_text(table), encoding="utf-8", newline="")


def read_table(path: str | Path) -> pd.DataFrame:
    """One table as it was written: names stay text, be they 18 or None; an empty field is a missing value.

    Raises:
        OSError: there is no such file.
        DamagedFileError: it holds no table, or one whose last line was cut off.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("it was cut off" if text else "it is empty")
        table = pd.read_csv(io.StringIO(text), dtype=dict.fromkeys(NAMES, "str"), keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise DamagedFileError(path, error) from None
    for name in table.columns[~table.dtypes.map(pd.api.types.is_numeric_dtype)]:
        table[name] = table[name].map(_unmarked, na_action="ignore")
    return table


def read_runs(path: str | Path, needed: Iterable[str] = (*AXES, "value", "status")) -> pd.DataFrame:
    """A table of runs, or another of a study's parquet files that has the columns `needed`.

    Raises:
        OSError: there is no such file.
        DamagedFileError: it is no such table.
    """
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        raise DamagedFileError(path, error) from None
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise DamagedFileError(path, f"no column {', '.join(missing)}")
    return table


def _marked(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _unmarked(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value) else value
