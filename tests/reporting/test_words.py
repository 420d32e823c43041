"""How losses of quality are printed, in and without percent."""

from __future__ import annotations

import pytest

from decay_atlas.reporting.words import NONE, Metric


@pytest.mark.parametrize(
    ("unit", "value", "text", "span"),
    [
        ("%", 0.004, "0.00", "(0.00, 0.01)"),
        ("%", 1.234, "1.23", "(1.23, 2.47)"),
        ("fraction", 0.00123, "0.0012", "(0.0012, 0.0025)"),
        ("", -0.0456, "−0.046", "(−0.046, −0.091)"),
    ],
)
def test_losses_have_two_decimals_of_a_percentage_and_else_two_digits(
    unit: str, value: float, text: str, span: str
) -> None:
    metric = Metric({"unit": unit})
    assert metric.difference(value) == text
    assert metric.span(value, 2 * value) == span
    assert metric.span(value, float("nan")) == NONE
