"""Tables of other tools as their files hold them, before anything is known of their columns."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd


class ImportedRunsError(ValueError):
    """A table cannot be used as it is; the message names the file, the lines and the correction."""


def read_file(file: Path) -> pd.DataFrame:
    """The rows of a CSV or parquet file; the index is the line as an editor counts it (for parquet the row, from 1).

    All fields of a CSV file are text: a name such as None, NA or 007 must stay what it is, and which columns hold
    names only the study knows. Empty lines are passed over.

    Raises:
        ImportedRunsError: the file is no such table, or has no rows.
    """
    try:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else _read_csv(file)
    except ImportedRunsError:
        raise
    except UnicodeDecodeError as error:
        raise ImportedRunsError(f"{file}: is not UTF-8; save it as UTF-8 ({error})") from None
    except (ValueError, OSError, RuntimeError, csv.Error) as error:
        raise ImportedRunsError(f"{file}: cannot be read as {file.suffix[1:]} ({error})") from None
    if table.empty:
        raise ImportedRunsError(f"{file}: has a header but no runs; remove it from the key imports")
    if file.suffix == ".parquet":
        table.index = pd.RangeIndex(1, len(table) + 1)
    return table


def _read_csv(file: Path) -> pd.DataFrame:
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.reader(text)
        numbered = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    if not numbered:
        raise ImportedRunsError(f"{file}: is empty; remove it from the key imports")
    (_, header), *rows = numbered
    separator = next((mark for mark in ";\t" if len(header) == 1 and mark in header[0]), None)
    if separator:
        shown = "tabs" if separator == "\t" else f'"{separator}"'
        raise ImportedRunsError(f"{file}: columns are separated by {shown}; save it with commas")
    for line, row in rows:
        if len(row) != len(header):
            raise ImportedRunsError(f"{file}:{line}: has {len(row)} fields, the header {len(header)}; correct the line")
    lines = [line for line, _ in rows]
    return pd.DataFrame([row for _, row in rows], index=lines, columns=header, dtype="str")
