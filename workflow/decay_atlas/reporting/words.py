"""Numbers, units and names as a reader sees them; everything the page, its tables and figures print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

NONE = "–"
"""What stands for a number that is not there."""

LAW_WORDS = {
    "ratio": "the ratio law (λ* ∝ η)",
    "decoupled": "the decoupled law (λ* does not depend on η)",
    "product": "the product law (ηλ* constant)",
    "other": "none of the three laws",
}


def is_missing(value: Any) -> bool:
    """Whether a table's value stands for nothing: None, NaN or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value)) or value is pd.NA


def number(value: Any, digits: int = 2) -> str:
    """`value` to significant digits, with a true minus sign; powers of ten beyond 10⁻⁴ … 10⁵ as 2.5e-5."""
    if is_missing(value):
        return NONE
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e5:
        rounded = float(f"{value:.{digits}g}")
        text = f"{rounded:.{max(0, digits - 1 - math.floor(math.log10(abs(rounded))))}f}"
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def axis_value(value: float) -> str:
    """A learning rate or weight decay as short as it can be written: 0, 0.03, 3e-5."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", "−")


def axis_about(value: float) -> str:
    """A place on an axis to two digits: 0.017, 1e-4."""
    return axis_value(float(f"{value:.2g}"))


def fixed(value: Any, decimals: int = 2) -> str:
    """`value` with a fixed number of decimals and a true minus sign."""
    if is_missing(value):
        return NONE
    text = f"{float(value):.{decimals}f}"
    return (text[1:] if float(text) == 0 and text.startswith("-") else text).replace("-", "−")


def p_value(value: Any) -> str:
    """A probability: two decimals from 0.1 up, three below, and < 0.001."""
    if is_missing(value):
        return NONE
    if value < 0.001:
        return "< 0.001"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def p_phrase(value: float) -> str:
    """A probability as it stands in a sentence: p = 0.03, p < 0.001."""
    text = p_value(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def interval(lo: Any, hi: Any, decimals: int = 2) -> str:
    """An interval in parentheses, or the dash when an end is missing."""
    if is_missing(lo) or is_missing(hi):
        return NONE
    return f"({fixed(lo, decimals)}, {fixed(hi, decimals)})"


def listed(items: Iterable[str], most: int = 6) -> str:
    """Names in a sentence, "a, b and c"; beyond `most` the rest is counted."""
    names = list(items)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: 1 run, 2,400 runs."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def share(k: int, n: int) -> str:
    """How many of how many: "all 5", "none of 5", "3 of 5"."""
    if n == 1:
        return "the only one" if k else "none"
    return f"all {n}" if k == n else f"none of {n}" if k == 0 else f"{k} of {n}"


def hours(seconds: float) -> str:
    """A duration in device-hours, or minutes when short."""
    if math.isnan(seconds):
        return NONE
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


class Labels:
    """Short names of combinations: the architecture, with data set and recipe only where they differ.

    `frame` has the columns dataset and recipe, and arch where rows are combinations.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._columns = [column for column in ("dataset", "recipe") if column in frame and frame[column].nunique() > 1]

    def __call__(self, row: Mapping[str, Any] | pd.Series) -> str:
        """The label of a row with an arch."""
        rest = [str(row[column]) for column in self._columns]
        return f"{row['arch']} ({', '.join(rest)})" if rest else str(row["arch"])


def place(dataset: str, recipe: str, recipes: Sequence[str]) -> str:
    """The name of a panel that shows one data set and recipe; the recipe only where there are several."""
    return f"{dataset}, {recipe}" if len(set(recipes)) > 1 else dataset


class Metric:
    """How the study's metric is printed: its name, unit, direction and decimals.

    `settings` is the study's `metric` mapping; losses of quality are positive in either direction, in
    percentage points where the unit is a percentage.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.score = str(settings.get("score", "value"))
        self.name = str(settings.get("name", "value"))
        self.unit = str(settings.get("unit", ""))
        self.direction = "min" if settings.get("direction") == "min" else "max"

    @property
    def axis(self) -> str:
        """An axis label: accuracy (%)."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def loss_unit(self) -> str:
        """The unit of a difference: pp for percentages."""
        return "pp" if self.unit == "%" else self.unit

    @property
    def drop_axis(self) -> str:
        """The axis label of a loss of quality, ≥ 0 when worse."""
        word = "drop in" if self.direction == "max" else "rise in"
        return f"{word} {self.name} ({self.loss_unit})" if self.loss_unit else f"{word} {self.name}"

    @property
    def better(self) -> str:
        """The word for the direction of improvement."""
        return "higher" if self.direction == "max" else "lower"

    def value(self, value: Any, digits: int = 3) -> str:
        """A value with its unit."""
        return self._with(number(value, digits), self.unit)

    def loss(self, value: Any, digits: int = 2) -> str:
        """A loss of quality with its unit."""
        return self._with(number(value, digits), self.loss_unit)

    def difference(self, value: Any) -> str:
        """A loss of quality as a table has it, without its unit: two decimals of a percentage, else two digits."""
        return fixed(value) if self.unit == "%" else number(value)

    def span(self, lo: Any, hi: Any) -> str:
        """An interval of losses in parentheses, or the dash when an end is missing."""
        if is_missing(lo) or is_missing(hi):
            return NONE
        return f"({self.difference(lo)}, {self.difference(hi)})"

    @staticmethod
    def _with(text: str, unit: str) -> str:
        return text if text == NONE or not unit else f"{text} {unit}"
