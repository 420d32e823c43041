"""How large and how small a study's numbers may be: what training can tell apart, and Snakemake can plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

from decay_atlas.runs.grid import as_list, combinations, dataset_folder, number_text, settings_of, wd_values
from decay_atlas.study import messages
from decay_atlas.study.files import Config, ConfigError
from decay_atlas.training.data import parts

SMALLEST, GREATEST = 1e-30, 1e30
"""Learning rates and positive weight decays: their products with weights and gradients are still numbers in single
precision, as those of 1e-320 are not."""
MANY, TOO_MANY = 50_000, 1_000_000
"""Runs whose plan takes its time (docs/scale.md), and those whose plan would take hours and tens of gigabytes."""


def check(config: Config, files: Sequence[str | Path]) -> None:
    """Refuse a grid of rates that cannot be trained with, or of more runs than can be planned.

    Raises:
        ConfigError: naming the block.
    """
    runs = count(config)
    if runs >= TOO_MANY:
        raise ConfigError(
            f"{messages.where('grid', files)}: {runs:,} runs, and Snakemake would plan for hours, in tens of gigabytes"
            "; give the grid fewer values, or make several studies of it: what they have in common is trained once"
        )
    for number, block in enumerate(config["grid"]):
        for axis, value, place in _rates(block):
            if not SMALLEST <= value <= GREATEST and not (axis == "wd" and value == 0 and not place):
                text = "beyond every number" if value == float("inf") else f"{float(value):g}"
                raise ConfigError(
                    f"{messages.where(f'grid.{number}.{axis}', files)}: {text}{place}; to train with, a "
                    f"{'learning rate' if axis == 'lr' else 'weight decay'} must lie from {SMALLEST:g} to {GREATEST:g}"
                )


def _rates(block: dict[str, Any]) -> Iterator[tuple[str, float, str]]:
    """The learning rates and weight decays of a block: the axis, the value, and, of one that is tied, where."""
    for lr in as_list(block["lr"]):
        yield "lr", lr, ""
    if not isinstance(block["wd"], dict):
        yield from (("wd", wd, "") for wd in as_list(block["wd"]))
        return
    for lr in as_list(block["lr"]):
        try:
            (wd,) = wd_values(block["wd"], lr)
        except OverflowError:
            wd = float("inf")
        yield "wd", wd, f" at lr {number_text(lr)}"


def check_parts(config: Config, files: Sequence[str | Path]) -> None:
    """Refuse recipes that ask for more images than a data set has, as far as that is known before it is prepared.

    Raises:
        ConfigError: naming the recipe and the data set.
    """
    pairs = {(dataset, recipe) for block in config["grid"] for dataset, recipe, _ in combinations(block)}
    for dataset, recipe in sorted(pairs):
        entry = settings_of(config["datasets"][dataset], {}, {})["dataset"]
        counts = parts.known(entry, dataset_folder(dataset, entry))
        if counts is not None:
            try:
                parts.sizes(*counts, config["recipes"][recipe])
            except ValueError as error:
                place = messages.where(f"recipes.{recipe}", files)
                raise ConfigError(f"{place}, used with data set {dataset}: {error}") from None


def count(config: Config) -> int:
    """The runs of the grid's blocks, those twice that two blocks hold."""
    return sum(prod(len(as_list(values)) for values in block.values()) for block in config["grid"])


def planning(config: Config) -> str | None:
    """What to say of a plan that takes its time, or None."""
    runs = count(config)
    if runs < MANY:
        return None
    return (
        f"To plan {runs:,} runs, Snakemake takes one to three minutes and one to two gigabytes of memory for every "
        "100,000; `execution: {pack: [lr, wd]}` is quickest (docs/scale.md)."
    )
