"""Learning-rate schedules as unit-base multipliers: 1 at the peak, one number for every optimizer step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

Schedule = dict[str, Any]


class Point(NamedTuple):
    """A step of a run: its number after the warm-up, of how many; epochs since the start; steps an epoch."""

    step: int
    steps: int
    epoch: float
    per_epoch: int


def cosine(at: Point, schedule: Schedule) -> float:
    """Half a cosine from 1 at step 0 towards 0 at step `steps`."""
    return 0.5 * (1 + math.cos(math.pi * at.step / at.steps))


def linear(at: Point, schedule: Schedule) -> float:
    """A straight line from 1 at step 0 to 1 / steps at the last: it never divides a bound by zero."""
    return (at.steps - at.step) / at.steps


def constant(at: Point, schedule: Schedule) -> float:
    """1 throughout."""
    return 1.0


def stepwise(at: Point, schedule: Schedule) -> float:
    """Multiplied by `factor` (default 0.1) at each of `milestones`, in epochs from the start of training."""
    return float(schedule.get("factor", 0.1)) ** sum(at.epoch >= milestone for milestone in schedule["milestones"])


def sqrt(at: Point, schedule: Schedule) -> float:
    """1 / √t, t = 1, 2, … counting steps, or epochs with `per: epoch`, from the end of the warm-up.

    Source: L, Bounds; D, Ridge experiment.
    """
    done = at.step // at.per_epoch if schedule.get("per") == "epoch" else at.step
    return 1 / math.sqrt(done + 1)


def wsd(at: Point, schedule: Schedule) -> float:
    """1, then a decay over the last `decay_fraction` (default 0.2) of the steps that follow the warm-up.

    `decay_shape` is linear, the default, or 1-sqrt: 1 − √(share of the decay done). Where all is decay, the
    linear one is the schedule `linear`. Source: L, Look-ahead schedule.
    """
    decay = max(1, round(float(schedule.get("decay_fraction", 0.2)) * at.steps))
    left = at.steps - at.step
    if left > decay:
        return 1.0
    return 1 - math.sqrt((decay - left) / decay) if schedule.get("decay_shape") == "1-sqrt" else left / decay


def piecewise(at: Point, schedule: Schedule) -> float:
    """1, then the multiplier of the last of `pieces`, [epoch from the start of training, multiplier], begun.

    With `decay_fraction` it ends as `wsd` does, from the multiplier that it had come to.

    Source: L, Look-ahead schedule.
    """
    end = wsd(at, schedule) if "decay_fraction" in schedule else 1.0
    decay = round(float(schedule.get("decay_fraction", 0)) * at.steps)
    epoch = at.epoch - max(0, decay - (at.steps - at.step)) / at.per_epoch
    return end * float(next((value for begun, value in reversed(schedule["pieces"]) if epoch >= begun), 1.0))


def exponential(at: Point, schedule: Schedule) -> float:
    """`factor` to the power of the epochs since the warm-up, at every step or, with `per: epoch`, once an epoch."""
    done = at.step // at.per_epoch if schedule.get("per") == "epoch" else at.step / at.per_epoch
    return float(schedule["factor"]) ** done


def cyclical(at: Point, schedule: Schedule) -> float:
    """Triangles, `cycle_epochs` long, from `lowest` (default 0.1) to 1 half way and back (Smith 2017)."""
    steps = max(1, round(float(schedule["cycle_epochs"]) * at.per_epoch))
    lowest = float(schedule.get("lowest", 0.1))
    return 1 - (1 - lowest) * abs(1 - 2 * (at.step % steps) / steps)


def restarts(at: Point, schedule: Schedule) -> float:
    """Cosines, each from 1 towards 0: `restart_epochs` long the first, `restart_factor` (default 2) times the last.

    Source: S, Experiments (14, ×2: 210 epochs are four cycles).
    """
    epochs, done = float(schedule["restart_epochs"]), at.step
    while done >= (steps := max(1, round(epochs * at.per_epoch))):  # whole steps: no cycle ends on a rounding error
        done -= steps
        epochs *= schedule.get("restart_factor", 2)
    return 0.5 * (1 + math.cos(math.pi * done / steps))


SHAPES: dict[str, Callable[[Point, Schedule], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "step": stepwise,
    "sqrt": sqrt,
    "wsd": wsd,
    "piecewise": piecewise,
    "restarts": restarts,
    "exponential": exponential,
    "cyclical": cyclical,
}
"""Each maps a step after the warm-up and the recipe's entry to a multiplier."""
NEEDED = {
    "step": ("milestones", "the epochs of its drops", "[30, 60, 80]"),
    "piecewise": ("pieces", "epochs and the multipliers from there on", "[[30, 0.3], [60, 0.1]]"),
    "restarts": ("restart_epochs", "the length of its first cycle", "14"),
    "exponential": ("factor", "what an epoch leaves of the learning rate", "0.97"),
    "cyclical": ("cycle_epochs", "the length of a cycle, up and down", "20"),
}


def check(schedule: Schedule, epochs: int) -> None:
    """Refuse an entry that makes no schedule for a recipe of so many epochs.

    Raises:
        ValueError: it is unknown, incomplete, all warm-up, or has drops that never come.
    """
    name = schedule["name"]
    if name not in SHAPES:
        raise ValueError(f"schedule: unknown name {name!r}; there are {', '.join(SHAPES)}")
    if "stages" in schedule and (name != "piecewise" or "pieces" in schedule):
        raise ValueError("schedule: stages are for piecewise, in place of pieces; leave one of the two out")
    key, what, example = NEEDED.get(name, (None, "", ""))
    if key and not schedule.get("stages" if "stages" in schedule else key):
        raise ValueError(f"schedule: {name} needs {what}; for example\n\n    {key}: {example}")
    for option, allowed in (
        ("warmup_per", ("epoch", "step")),
        ("per", ("step", "epoch")),
        ("decay_shape", ("linear", "1-sqrt")),
    ):
        if schedule.get(option, allowed[0]) not in allowed:
            raise ValueError(f"schedule: {option} is {' or '.join(allowed)}, not {schedule[option]!r}")
    if not 0 <= schedule.get("warmup_epochs", 0) < epochs:
        raise ValueError(f"schedule: warmup_epochs must be less than the recipe's epochs, {epochs}")
    if name in ("wsd", "piecewise") and not 0 < schedule.get("decay_fraction", 0.2) <= 1:
        raise ValueError(f"schedule: decay_fraction is greater than 0 and at most 1, not {schedule['decay_fraction']}")
    if name == "restarts" and not (schedule["restart_epochs"] > 0 and schedule.get("restart_factor", 2) >= 1):
        raise ValueError("schedule: restart_epochs must be greater than 0, and restart_factor at least 1")
    if name == "cyclical" and not (schedule["cycle_epochs"] > 0 and 0 < schedule.get("lowest", 0.1) <= 1):
        raise ValueError("schedule: cycle_epochs must be greater than 0, and lowest greater than 0 and at most 1")
    if name in ("step", "piecewise"):
        _check_drops(schedule, name, epochs)


def _check_drops(schedule: Schedule, name: str, epochs: int) -> None:
    key = "stages" if "stages" in schedule else NEEDED[name][0]
    at = [epoch for epoch, _ in schedule[key]] if key == "pieces" else schedule[key]
    if list(at) != sorted(set(at)):
        raise ValueError(f"schedule: the epochs of {key} must rise, and {at} do not")
    if at[-1] >= epochs:
        raise ValueError(f"schedule: {key} has epoch {at[-1]}, which never comes: the recipe has {epochs} epochs")
    if key == "stages" and at[0] <= 0:
        raise ValueError("schedule: the first of stages begins with training; give the epochs at which later ones do")
    if key == "pieces" and not all(0 < value <= 1 for _, value in schedule["pieces"]):
        raise ValueError("schedule: the multipliers of pieces must be greater than 0 and at most 1, the peak")


def look_ahead(stages: list[float], epochs: int, steps_per_epoch: int) -> list[tuple[float, float]]:
    """The `pieces` of the look-ahead schedule whose later stages begin at the epochs `stages`.

    Its first stage has the multiplier 1, and the horizons are the stages' last steps (see `bounds.piecewise_factors`).

    Raises:
        ValueError: a stage is too short for a factor between 0 and 1.

    Source: L, Look-ahead schedule.
    """
    from decay_atlas.schedules.bounds import piecewise_factors  # numpy and scipy, which a plan has no use for

    ends = [*(math.ceil(epoch * steps_per_epoch) for epoch in stages), epochs * steps_per_epoch]
    try:
        factors = [float(factor) for factor in piecewise_factors(ends)]
    except ValueError as error:
        raise ValueError(f"schedule: stages of {stages} at {steps_per_epoch} steps an epoch: {error}") from None
    if max(factors) > 1:
        raise ValueError(
            f"schedule: stages {stages} at {steps_per_epoch} steps an epoch: one is too short to lower its rate"
        )
    return list(zip(stages, factors[1:], strict=True))


def multipliers(schedule: Schedule, epochs: int, steps_per_epoch: int) -> list[float]:
    """The multiplier of every optimizer step of a run, `epochs * steps_per_epoch` numbers.

    `schedule` is a recipe's entry: `name`, `warmup_epochs` (default 0), `warmup_per` and what the shape
    takes. During warm-up the multiplier is (e + 1) / warmup_epochs in epoch e with `warmup_per: epoch` (the
    default) and rises at every step, reaching 1 at the last, with `warmup_per: step`. The shape fills the
    steps that remain. Source: C, Protocol.

    Raises:
        ValueError: see `check`.
    """
    check(schedule, epochs)
    if "stages" in schedule:
        schedule = {**schedule, "pieces": look_ahead(schedule["stages"], epochs, steps_per_epoch)}
    per = schedule.get("warmup_per", "epoch")
    warmup_epochs = schedule.get("warmup_epochs", 0)
    total = epochs * steps_per_epoch
    warmup = min(round(warmup_epochs * steps_per_epoch), total - 1)
    shape = SHAPES[schedule["name"]]
    result = []
    for step in range(total):
        epoch = step // steps_per_epoch
        if step < warmup:
            result.append((step + 1) / warmup if per == "step" else min(1.0, (epoch + 1) / warmup_epochs))
        else:
            at = Point(step - warmup, total - warmup, step / steps_per_epoch, steps_per_epoch)
            result.append(shape(at, schedule))
    return result
