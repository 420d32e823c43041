"""Recipes that differ in one thing alone: which of a study's recipes may be compared, and what in them differs.

Nothing in a study says so: it follows from the recipes' settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

Recipe = Mapping[str, Any]
Recipes = Mapping[str, Recipe]

SCHEDULED = ("warmup_epochs", "restart_epochs", "cycle_epochs", "milestones", "pieces", "stages")
"""What a schedule counts in epochs."""


def differences(first: Recipe, second: Recipe) -> list[str]:
    """The keys in which two recipes differ, sorted.

    A schedule that is the other's stretched to its own number of epochs is the same schedule.

    >>> step = {"epochs": 50, "schedule": {"name": "step", "milestones": [20, 40]}}
    >>> differences(step, {"epochs": 100, "schedule": {"name": "step", "milestones": [40, 80]}})
    ['epochs']
    """
    keys = [key for key in sorted({*first, *second}) if first.get(key) != second.get(key)]
    timed = all({"schedule", "epochs"} <= recipe.keys() for recipe in (first, second))  # else the recipe was imported
    if "schedule" in keys and "epochs" in keys and timed and _share(first) == _share(second):
        keys.remove("schedule")
    return keys


def families(recipes: Recipes, names: Iterable[str], key: str) -> list[list[str]]:
    """Groups of recipes that differ from each other in `key` alone, by rising value; each has two or more.

    `names` are those to look among; of those that `recipes` lacks (imported runs) nothing is known.
    """
    left = sorted(
        (name for name in dict.fromkeys(names) if key in recipes.get(name, {})), key=lambda n: recipes[n][key]
    )
    found: list[list[str]] = []
    for name in left:
        for group in found:
            if all(differences(recipes[name], recipes[other]) == [key] for other in group):
                group.append(name)
                break
        else:
            found.append([name])
    return [group for group in found if len(group) > 1]


def baselines(runs: pd.DataFrame) -> dict[tuple[str, str], str]:
    """By (dataset, arch) the recipe that a study's grid lists first: the one that the others are compared with."""
    first = runs.drop_duplicates(["dataset", "arch"])
    return {(row.dataset, row.arch): row.recipe for row in first[["dataset", "arch", "recipe"]].itertuples()}


def _share(recipe: Recipe) -> dict[str, Any]:
    """A schedule with its epochs as shares of all, to nine digits."""
    schedule = dict(recipe["schedule"])
    for key in SCHEDULED:
        if key in schedule:
            schedule[key] = _divided(schedule[key], recipe["epochs"], key == "pieces")
    return schedule


def _divided(value: Any, epochs: int, pieces: bool) -> Any:
    if pieces:
        return [[round(epoch / epochs, 9), factor] for epoch, factor in value]
    return [round(one / epochs, 9) for one in value] if isinstance(value, list) else round(value / epochs, 9)
