"""Numbers of an axis as people write them."""

from __future__ import annotations

import math

MANTISSAS = (1, 2, 3, 5, 7, 10)


def rounded(value: float) -> float:
    """A positive number to the nearest of 1, 2, 3, 5, 7 times a power of ten."""
    exponent = math.floor(math.log10(value))
    mantissa = value / 10.0**exponent
    nearest = min(MANTISSAS, key=lambda candidate: abs(math.log(candidate / mantissa)))
    return float(f"{nearest}e{exponent}")


def decades(first: float, last: float, per_decade: int = 2) -> list[float]:
    """Rounded values, `per_decade` to a decade, from at or below `first` to at or above `last`."""
    low = math.floor(math.log10(first) * per_decade + 1e-9)
    high = math.ceil(math.log10(last) * per_decade - 1e-9)
    return [rounded(10 ** (k / per_decade)) for k in range(low, high + 1)]
