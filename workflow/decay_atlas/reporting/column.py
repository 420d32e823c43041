"""A column of a table as the page shows it, and what many tables share."""

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
ONE_SEED = "needs two seeds or more"
NO_SLOPE = "too few optima located, or one seed"
NO_RHO = "no optimum located between grid points, or one seed"
