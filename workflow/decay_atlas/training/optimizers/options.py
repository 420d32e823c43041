"""Checks of what an optimizer is given; each refusal names the option and says what would be right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

Rate = float | Tensor
"""A number; or a tensor [M] with one for each member of an ensemble."""


def within(name: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse an option outside [low, high), or (low, high) with `above`.

    Raises:
        ValueError: it is no number, or outside.
    """
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    if not whole or not (low < value if above else low <= value) or not value < high:
        least = f"greater than {low:g}" if above else f"at least {low:g}"
        most = "" if high == math.inf else f" and less than {high:g}"
        raise ValueError(f"{name} must be a number {least}{most}, not {value!r}")


def pair(name: str, values: Sequence[float], low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """Two numbers of [low, high), such as Adam's betas.

    Raises:
        ValueError: they are not two such numbers.
    """
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        raise ValueError(f"{name} must be two numbers, as in {name}: [0.9, 0.999], not {values!r}")
    for position, value in enumerate(values):
        within(f"{name}[{position}]", value, low, high)
    return float(values[0]), float(values[1])


def flag(name: str, value: bool) -> None:
    """Refuse what is neither true nor false.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r}")


def rates(lr: Rate, weight_decay: Rate) -> None:
    """Refuse learning rates that are not greater than 0 and decays that are negative.

    Raises:
        ValueError: one is, or is not finite, or their lengths differ.
    """
    lengths = {len(rate) for rate in (lr, weight_decay) if isinstance(rate, Tensor) and rate.ndim}
    if len(lengths) > 1:
        raise ValueError(f"lr and weight_decay must have one number for each member, not {sorted(lengths)}")
    for value in _numbers(lr):
        within("lr", value, 0, above=True)
    for value in _numbers(weight_decay):
        within("weight_decay", value, 0)


def is_ensemble(lr: Rate, weight_decay: Rate) -> bool:
    """Whether these are the rates of an ensemble."""
    return any(isinstance(rate, Tensor) and rate.ndim > 0 for rate in (lr, weight_decay))


def _numbers(rate: Rate) -> list[float]:
    return rate.reshape(-1).tolist() if isinstance(rate, Tensor) else [rate]
