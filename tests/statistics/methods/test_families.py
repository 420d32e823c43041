"""Recipes that may be compared: they differ in one thing alone."""

import pandas as pd

from decay_atlas.statistics.methods.families import baselines, differences, families

STEP = {"name": "step", "milestones": [80, 160], "factor": 0.1}
BASE = {"epochs": 200, "batch_size": 128, "optimizer": {"name": "sgd"}, "schedule": STEP}
RECIPES = {
    "long": {**BASE, "epochs": 400, "schedule": {**STEP, "milestones": [160, 320]}},
    "base": BASE,
    "short": {**BASE, "epochs": 50, "schedule": {**STEP, "milestones": [20, 40]}},
    "large": {**BASE, "batch_size": 1024},
    "adam": {**BASE, "optimizer": {"name": "adam"}},
    "adam-short": {
        **BASE,
        "optimizer": {"name": "adam"},
        "epochs": 50,
        "schedule": {**STEP, "milestones": [20, 45]},
    },
}


def test_a_schedule_stretched_with_the_epochs_is_no_difference():
    assert differences(RECIPES["base"], RECIPES["short"]) == ["epochs"]
    assert differences(RECIPES["base"], {**BASE, "epochs": 50, "schedule": {**STEP, "milestones": [20, 45]}}) == [
        "epochs",
        "schedule",
    ]


def test_nor_is_one_that_stays_as_it_was():
    """300 epochs for 90, with the same 10 of warm-up."""
    cosine = {"epochs": 90, "schedule": {"name": "cosine", "warmup_epochs": 10}}
    assert differences(cosine, {**cosine, "epochs": 300}) == ["epochs"]


def test_pieces_and_restarts_stretch_too():
    pieces = {"epochs": 10, "schedule": {"name": "piecewise", "pieces": [[3, 0.5], [6, 0.1]]}}
    assert differences(pieces, {"epochs": 20, "schedule": {"name": "piecewise", "pieces": [[6, 0.5], [12, 0.1]]}}) == [
        "epochs"
    ]
    restarts = {"epochs": 210, "schedule": {"name": "restarts", "restart_epochs": 14}}
    assert differences(restarts, {"epochs": 105, "schedule": {"name": "restarts", "restart_epochs": 7}}) == ["epochs"]


def test_families_are_found_by_what_differs_and_rise():
    assert families(RECIPES, RECIPES, "epochs") == [["short", "base", "long"]]
    assert families(RECIPES, RECIPES, "batch_size") == [["base", "large"]]
    assert families(RECIPES, ["adam", "adam-short"], "epochs") == []  # its drops come at other shares of the run
    assert families(RECIPES, ["imported", "base"], "epochs") == []


def test_the_baseline_is_what_the_grid_lists_first():
    runs = pd.DataFrame(
        [("c10", "sgd", "net"), ("c10", "adam", "net"), ("c100", "adam", "net"), ("c100", "sgd", "net")],
        columns=["dataset", "recipe", "arch"],
    )
    assert baselines(runs) == {("c10", "net"): "sgd", ("c100", "net"): "adam"}


def test_a_recipe_of_imported_runs_may_say_nothing_of_its_schedule():
    assert differences({"optimizer": {"name": "sgd"}}, BASE) == ["batch_size", "epochs", "schedule"]
