"""Learning-rate schedules as unit-base multipliers: 1 at the peak, one number for every optimizer step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def cosine(step: int, steps: int, schedule: dict[str, Any], epoch: float) -> float:
    """Half a cosine from 1 at step 0 towards 0 at step `steps`."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def linear(step: int, steps: int, schedule: dict[str, Any], epoch: float) -> float:
    """A straight line from 1 at step 0 to 1 / steps at the last: it never divides a bound by zero."""
    return (steps - step) / steps


def constant(step: int, steps: int, schedule: dict[str, Any], epoch: float) -> float:
    """1 throughout."""
    return 1.0


def stepwise(step: int, steps: int, schedule: dict[str, Any], epoch: float) -> float:
    """Multiplied by `factor` (default 0.1) at each of `milestones`, in epochs from the start of training."""
    return float(schedule.get("factor", 0.1)) ** sum(epoch >= at for at in schedule["milestones"])


SHAPES: dict[str, Callable[[int, int, dict[str, Any], float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "step": stepwise,
}
"""Each maps (step after warm-up, their number, recipe entry, epoch from the start) to a multiplier."""


def multipliers(schedule: dict[str, Any], epochs: int, steps_per_epoch: int) -> list[float]:
    """The multiplier of every optimizer step of a run, `epochs * steps_per_epoch` numbers.

    `schedule` is a recipe's entry: `name`, `warmup_epochs` (default 0), `warmup_per` and what the shape
    takes. During warm-up the multiplier is (e + 1) / warmup_epochs in epoch e with `warmup_per: epoch` (the
    default) and rises at every step, reaching 1 at the last, with `warmup_per: step`. The shape fills the
    steps that remain. Source: C, Protocol.

    Raises:
        ValueError: the schedule is unknown, incomplete, or all warm-up.
    """
    name = schedule["name"]
    if name not in SHAPES:
        raise ValueError(f"schedule: unknown name {name!r}; there are {', '.join(SHAPES)}")
    if name == "step" and not schedule.get("milestones"):
        raise ValueError("schedule: step needs the epochs of its drops; for example\n\n    milestones: [30, 60, 80]")
    per = schedule.get("warmup_per", "epoch")
    if per not in ("epoch", "step"):
        raise ValueError(f"schedule: warmup_per is epoch or step, not {per!r}")
    warmup_epochs = schedule.get("warmup_epochs", 0)
    warmup = round(warmup_epochs * steps_per_epoch)
    total = epochs * steps_per_epoch
    if not 0 <= warmup < total:
        raise ValueError(f"schedule: warmup_epochs must be less than the recipe's epochs, {epochs}")
    result = []
    for step in range(total):
        epoch = step // steps_per_epoch
        if step < warmup:
            result.append((step + 1) / warmup if per == "step" else min(1.0, (epoch + 1) / warmup_epochs))
        else:
            shape = SHAPES[name]
            result.append(shape(step - warmup, total - warmup, schedule, step / steps_per_epoch))
    return result
