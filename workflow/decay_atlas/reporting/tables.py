"""How each table is shown: its columns in words, with help, rounding and why a number may be missing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from decay_atlas.reporting import words
from decay_atlas.reporting.columns import COLUMNS, Column
from decay_atlas.reporting.words import Metric
from decay_atlas.tables.files import table_text

MOST_ROWS = 400
"""Rows shown on the page; the CSV always has them all."""


MOST_NOTES = 8
"""Reasons of dashes listed below a table; pointing at a dash always gives its own."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and why there is no number where there is none; `kind` is number, text or badge.

    `sort` is the number that a number's text stands for, empty where there is none.
    """

    text: str
    kind: str
    why: str = ""
    sort: str = ""


@dataclass(frozen=True)
class View:
    """A table ready for the template. `notes` explain the dashes, `csv` is a data: address of all rows."""

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Cell]]
    notes: list[str]
    csv: str
    hidden: int


def view(name: str, title: str, table: pd.DataFrame, metric: Metric) -> View | None:
    """A table as it is shown, or None where it has no rows.

    A column of data sets or recipes is left out where all rows have the same one.
    """
    if len(table) == 0:
        return None
    columns = [column for column in COLUMNS[name] if column.name in table.columns]
    columns = [c for c in columns if not (c.name in ("dataset", "recipe") and table[c.name].nunique() == 1)]
    records = table.head(MOST_ROWS).to_dict("records")
    rows = [[_cell(column, row, metric) for column in columns] for row in records]
    labelled = [Column(c.name, _fill(c.label, metric), _fill(c.help, metric), c.form) for c in columns]
    blanks: dict[str, dict[str, None]] = {}
    for row in rows:
        for column, cell in zip(labelled, row, strict=True):
            if cell.why:
                blanks.setdefault(cell.why, {})[column.label] = None
    notes = [f"{', '.join(labels)}: {why}" for why, labels in blanks.items()]
    return View(name, title, labelled, rows, notes[:MOST_NOTES], csv_address(table), max(0, len(table) - MOST_ROWS))


def csv_address(table: pd.DataFrame) -> str:
    """All rows and columns as a data: address that a link can download."""
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(table_text(table).encode()).decode()}"


def _fill(text: str, metric: Metric) -> str:
    """A heading with the metric's name and units; without the parentheses where it has none."""
    filled = text.replace("{metric}", metric.name).replace("{unit}", metric.unit).replace("{pp}", metric.loss_unit)
    return filled.replace(" ()", "")


def _cell(column: Column, row: dict[str, Any], metric: Metric) -> Cell:
    value = row[column.name]
    form = FORMS[column.form]
    if isinstance(column.bounds, tuple):
        lo, hi = (row.get(bound) for bound in column.bounds)
        missing = words.is_missing(lo) or words.is_missing(hi)
        text = words.NONE if missing else f"{form(lo, metric)} … {form(hi, metric)}"
        return Cell(text, "number", _why(column, row) if missing else "", "" if missing else _sort(lo))
    if words.is_missing(value):
        return Cell(words.NONE, KINDS.get(column.form, "number"), _why(column, row))
    kind = KINDS.get(column.form, "number")
    return Cell(form(value, metric), kind, sort=_sort(value) if kind == "number" else "")


def _sort(value: Any) -> str:
    return f"{float(value):.6g}"


def _why(column: Column, row: dict[str, Any]) -> str:
    given = row.get(column.reason) if column.reason else None
    return str(given) if not words.is_missing(given) else column.missing


FORMS: dict[str, Callable[[Any, Metric], str]] = {
    "text": lambda value, metric: str(value),
    "badge": lambda value, metric: str(value),
    "axis": lambda value, metric: words.axis_value(float(f"{float(value):.3g}")),
    "significant": lambda value, metric: words.number(value, 2),
    "fixed": lambda value, metric: words.fixed(value, 2),
    "value": lambda value, metric: words.number(value, 4),
    "loss": lambda value, metric: metric.difference(value),
    "p": lambda value, metric: words.p_value(value),
    "count": lambda value, metric: f"{float(value):,.0f}",
    "percent": lambda value, metric: f"{100 * float(value):.0f} %",
    "yes": lambda value, metric: "yes" if value in (True, "True") else "no",
}
KINDS = {"text": "text", "badge": "badge", "yes": "text"}
