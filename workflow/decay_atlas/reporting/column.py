"""What a column of a table is to the page, and the columns that name a combination."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """A column: its name in the table, label, help, and form (a key of `tables.FORMS`).

    `bounds` makes it an interval of two columns. `missing` says why a dash stands there, unless the column
    `reason` of the same row says it.
    """

    name: str
    label: str
    help: str
    form: str = "text"
    missing: str = ""
    bounds: tuple[str, str] | None = None
    reason: str = ""


WHERE = (
    Column("dataset", "data set", "Data set the runs were trained on."),
    Column("recipe", "recipe", "Everything about the training that is no axis of the grid; spelled out below."),
)
COMBINATION = (*WHERE, Column("arch", "architecture", "Architecture, as named in the study."))
