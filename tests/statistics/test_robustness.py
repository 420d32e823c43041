"""Variants of a recipe: what each changes, and its ratio and slope beside the published figure."""

import numpy as np
import pandas as pd
import pytest

from decay_atlas.claims.claims import published
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.robustness import robustness

BASE = {"epochs": 20, "batch_size": 16, "optimizer": {"name": "adamw"}, "schedule": {"name": "cosine"}}
RECIPES = {
    "base": BASE,
    "step": {**BASE, "schedule": {"name": "step", "milestones": [8, 16]}},
    "long": {**BASE, "epochs": 60},
    "batch": {**BASE, "batch_size": 64},
    "sgd": {**BASE, "optimizer": {"name": "sgd"}},
    "both": {**BASE, "optimizer": {"name": "sgd"}, "epochs": 60},
}
LR, WD = [1e-3, 2e-3, 4e-3, 8e-3], [1e-5 * 2**k for k in range(12)]


@pytest.fixture(scope="module")
def table():
    """The ratio law throughout, λ* = 0.1·η; half of that under the step schedule."""
    runs = pd.concat(
        simulate(
            LR, WD, 3, recipe=name, law="ratio", lr_best=2e-3, wd_best=1e-4 if name == "step" else 2e-4, seed_sd=0.1
        )
        for name in RECIPES
    )
    figures = published("coupling")[1]["robustness"]
    found = robustness(ratio(runs, "max"), laws(runs, "max"), recipes=RECIPES, published=figures)
    return found.set_index("recipe")


def test_what_each_recipe_changes_follows_from_its_settings(table):
    assert table["varies"].to_dict() == {
        "base": "",
        "step": "schedule",
        "long": "epochs",
        "batch": "batch_size",
        "sgd": "optimizer",
        "both": "epochs + optimizer",
    }
    assert table["setting"].to_dict() == {
        "base": "cosine",
        "step": "step",
        "long": "60",
        "batch": "64",
        "sgd": "sgd",
        "both": "60, sgd",
    }
    assert set(table["baseline"]) == {"base"}


def test_the_published_ratio_of_the_like_variant_stands_beside_it(table):
    theirs = table[["rho_published_lo", "rho_published_hi"]]
    assert theirs.loc["base"].tolist() == [0.10, 0.10]
    assert theirs.loc["step"].tolist() == [0.11, 0.11]
    assert theirs.loc["batch"].tolist() == [0.09, 0.11]
    assert theirs.loc["long"].tolist() == [0.09, 0.09]
    assert theirs.loc["sgd"].tolist() == [0.003, 0.007]
    assert theirs.loc["both"].isna().all()


def test_variants_of_another_optimizers_recipe_have_no_published_ratio():
    runs = pd.concat(simulate(LR, WD, 2, recipe=name, law="ratio") for name in ("sgd", "both"))
    figures = published("coupling")[1]["robustness"]
    found = robustness(ratio(runs, "max"), laws(runs, "max"), recipes=RECIPES, published=figures)
    assert found["varies"].tolist() == ["", "epochs"]
    assert found[["rho_published_lo", "rho_published_hi"]].isna().all(axis=None)


def test_ratio_and_slope_are_those_of_the_landscape(table):
    assert table.loc["base", "rho"] == pytest.approx(0.1, rel=0.1)
    assert table.loc["step", "rho"] == pytest.approx(0.05, rel=0.1)
    assert table["slope"].to_numpy() == pytest.approx(np.ones(6), abs=0.15)
    assert set(table["verdict"]) == {"ratio"}


def test_a_single_recipe_has_no_variants():
    runs = simulate(LR, WD, 2, recipe="base", law="ratio")
    assert robustness(ratio(runs, "max"), laws(runs, "max"), recipes=RECIPES).empty
