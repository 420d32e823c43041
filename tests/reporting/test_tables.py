"""Tables as the page shows them: headings, digits, and why a number may be missing."""

from __future__ import annotations

import pandas as pd
import pytest

from decay_atlas.reporting.columns import COLUMNS
from decay_atlas.reporting.tables import view
from decay_atlas.reporting.words import Metric

TUNING = pd.DataFrame({"strategy": ["a"], "value": [0.7512], "gap": [0.0012], "gap_lo": [-0.0004], "gap_hi": [0.003]})


def shown(metric: dict) -> tuple[list[str], list[str]]:
    found = view("tuning", "Tuning", TUNING, Metric(metric))
    return [column.label for column in found.columns], [cell.text for cell in found.rows[0]]


@pytest.mark.parametrize(("unit", "lost"), [("", "lost"), ("fraction", "lost (fraction)")])
def test_small_losses_keep_their_digits_and_headings_have_no_empty_parentheses(unit: str, lost: str) -> None:
    labels, texts = shown({"name": "loss", "unit": unit})
    assert labels[2] == lost
    assert texts[2:] == ["0.0012", "−0.00040 … 0.0030"]


def test_percentages_have_two_decimals() -> None:
    labels, texts = shown({"name": "accuracy", "unit": "%"})
    assert labels[1:3] == ["accuracy (%)", "lost (pp)"]
    assert texts[2:] == ["0.00", "0.00 … 0.00"]


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_in_the_metrics_unit_is_printed_by_it(name: str) -> None:
    in_unit = [column for column in COLUMNS[name] if "{pp}" in column.label or "{unit}" in column.label]
    assert {column.form for column in in_unit} <= {"value", "loss", "significant"}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_reason_is_in_words_and_no_name_of_a_column(name: str) -> None:
    names = {"blank", "note", "why", "conclusion", *(column.name for column in COLUMNS[name])}
    assert not [column.name for column in COLUMNS[name] if column.missing in names]
