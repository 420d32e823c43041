"""The claims of the adaptive study, judged in worlds where they are true and where they are not.

A world gives every run of studies/adaptive-weight-decay.yaml its figures, and the stages make their tables of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decay_atlas.config import grid_of, load
from decay_atlas.statistics.adaptive import adaptive
from decay_atlas.statistics.best import best, cells
from decay_atlas.statistics.claims import claims, published
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.trap import trap

SOURCE = "adaptive-weight-decay"
ROOT = Path(__file__).parents[2]
STUDY = load(SOURCE, ROOT)
ATTACKED_ASAM = {
    f"attacked-{name}": {**STUDY["recipes"]["attacked"], "optimizer": STUDY["recipes"][name]["optimizer"]}
    for name in ("asam", "asam-dog")
}
RECIPES: dict[str, dict[str, Any]] = {**STUDY["recipes"], **ATTACKED_ASAM}
PEAKS = {"cifar100": {"sgd": 80.53, "awd": 80.75}, "cifar10": {"sgd": 96.31, "awd": 96.00}}
NORMS = {"cifar100": {"sgd": 24.3, "awd": 18.3}, "cifar10": {"sgd": 17.2, "awd": 8.4}}
DOG = {"cifar100": 0.016, "cifar10": 0.018}
ROBUST = {
    "cifar100": {"sgd": 22.53, "awd": 27.15, "asam": 26.38, "asam-awd": 29.54},
    "cifar10": {"sgd": 45.19, "awd": 50.03, "asam": 51.0, "asam-awd": 52.0},
}
MUTE = {"asam-underfits"}
"""Not testable in any world."""


def points() -> pd.DataFrame:
    """The study's runs, the attacked ones with as many seeds as the others, and ASAM under attack."""
    axes = ["dataset", "recipe", "arch", "lr", "wd"]
    table = pd.DataFrame([{name: getattr(run, name) for name in axes} for run in grid_of(STUDY).runs])
    attacked = table.query("recipe == 'attacked' and wd == 5e-4")
    added = [attacked.assign(recipe=name) for name in ATTACKED_ASAM]
    return pd.concat([table, *added]).drop_duplicates().merge(pd.DataFrame({"seed": [0, 1, 2]}), how="cross")


def figures(run: Any, true: bool) -> dict[str, Any]:
    """What a world in which the claims are true, or one in which none is, makes of a run."""
    recipe = RECIPES[run.recipe]
    entry = recipe["optimizer"]
    asam, kind = entry["name"] == "asam", (entry.get("base") or entry)["name"]
    adaptive_one = kind == "awd"
    awd = "awd" if adaptive_one else "sgd"
    jitter = [0.0, 0.03, -0.03][(run.seed + adaptive_one) % 3]  # seeds, and another order of them, so that gains vary
    centre = 1 if "dog" in recipe else 0.0283 if run.recipe == "attacked-dog" else 5e-4
    lr, off = np.log10(run.lr) + 1, np.log10(run.wd / centre)
    valley = 4 * (lr + off) ** 2 + lr**2 if true else 4 * lr**2 + 4 * off**2  # on the diagonal a search is trapped
    peak = PEAKS[run.dataset][awd] - (0.0 if true else 5.0 + 3 * adaptive_one)
    value = peak - valley
    if asam:
        value = {0.022: 83.21, 0.005: 83.23}.get(run.wd, 80.0) - (0 if true else 5)
    elif run.lr == 1 and run.dataset == "cifar100":
        value = ({"awd": 77.6, "sgd": 7.9} if true else {"awd": 30.0, "sgd": 60.0})[awd] - off**2
    elif run.lr == 1:
        value = 70.0 if adaptive_one == true else 40.0
    if recipe.get("label_noise"):
        value += (10 if true else -10) * adaptive_one
    robust = ROBUST[run.dataset][("asam-awd" if adaptive_one else "asam") if asam else awd] - valley
    robust += 0 if true else 10 - 15 * adaptive_one
    found = {
        "pruning": {
            f"0.{share}": 50.0 + jitter + (5 if true else -5) * adaptive_one - valley for share in range(4, 10)
        },
        "pgd": {"pgd20": robust + 3 + jitter},
        **({"autoattack": {"attack": "autoattack", "robust": robust + jitter}} if "adversarial" in recipe else {}),
    }
    norm = NORMS[run.dataset][awd] * (1 + jitter / 10) * (1.0 if true else 1.2 + 2 * adaptive_one)
    return {
        "value": value + jitter,
        "weight_norm": norm,
        "dog": DOG[run.dataset] * (1.0 if true else 1.3) if "dog" in recipe else np.nan,
        "evaluations": json.dumps(found),
        "status": "ok",
    }


def judged(runs: pd.DataFrame) -> pd.DataFrame:
    """The claims' table, by id."""
    tables = {
        "best": best(runs, "max", recipes=RECIPES),
        "cells": cells(runs, "max"),
        "adaptive": adaptive(runs, "max", RECIPES),
        "evaluations": evaluations(runs),
        "trap": trap(runs, "max"),
    }
    return claims(tables, RECIPES, "%", [SOURCE], "max").set_index("id")


def world(true: bool) -> pd.DataFrame:
    table = points()
    return pd.concat([table, pd.DataFrame([figures(run, true) for run in table.itertuples()], table.index)], axis=1)


@pytest.mark.parametrize(("true", "expected"), [(True, "supported"), (False, "contradicted")])
def test_every_claim_comes_out_as_the_world_is(true: bool, expected: str) -> None:
    table = judged(world(true))
    others = table[(table["verdict"] != expected) & ~table.index.isin(list(MUTE))]
    assert others.empty, others[["measured", "verdict", "why"]].to_string()
    assert set(table.loc[list(MUTE), "verdict"]) == {"not-testable"}


def test_figures_are_those_of_the_world() -> None:
    table = judged(world(True))
    for claim in published(SOURCE)[0]:
        if claim.id.startswith(("clean-", "norm-", "dog-", "robust-", "rate-", "asam-")) and claim.id not in MUTE:
            reported = float(claim.reported.removeprefix("‖w‖ ").removeprefix("DoG ").split()[0])
            measured = float(table.loc[claim.id, "measured"].split()[0])
            assert measured == pytest.approx(reported, rel=0.006), claim.id


def test_one_seed_tells_no_recipes_apart() -> None:
    table = judged(world(True).query("seed == 0"))
    for name in ("awd-withstands-autoattack", "awd-pruned-0.9", "awd-noise-40", "awd-as-good"):
        assert table.loc[name, "verdict"] == "inconclusive"
        assert "it takes more seeds" in table.loc[name, "why"]


def test_pgd_that_stood_in_for_autoattack_judges_nothing_about_it() -> None:
    runs = world(True)
    runs["evaluations"] = runs["evaluations"].str.replace('"attack": "autoattack"', '"attack": "pgd20"')
    table = judged(runs)
    assert table.loc["awd-withstands-pgd", "verdict"] == "supported"
    lacking = {"awd-withstands-autoattack": "rows of evaluation autoattack.robust", "robust-cifar10-awd": "of wrn28_10"}
    for name, what in lacking.items():
        assert table.loc[name, "verdict"] == "not-testable"
        assert what in table.loc[name, "why"]


def test_what_lacks_is_told_in_words() -> None:
    runs = world(True).query("recipe not in ('attacked-asam', 'adaptive')")
    table = judged(runs)
    assert "optimizer.base.name sgd" in table.loc["robust-cifar100-asam", "why"]
    assert "no adversarial, no label_noise" in table.loc["clean-cifar100-awd", "why"]
    assert table.loc["awd-pruned-0.9", "verdict"] == "not-testable"
