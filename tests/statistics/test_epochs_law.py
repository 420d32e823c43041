"""The power of λ* in epochs, recovered from landscapes of a known one."""

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.epochs_law import epochs_law, verdict

EPOCHS = [10, 20, 40, 80]
RECIPES = {
    f"sgd-{n}": {
        "epochs": n,
        "optimizer": {"name": "sgd"},
        "schedule": {"name": "step", "milestones": [0.4 * n, 0.8 * n]},
    }
    for n in EPOCHS
}
WD = [10 ** (k / 4) for k in range(-12, 1)]


def runs_of(power, wd=WD, lr=(0.1,), seeds=3, seed_sd=0.2, recipes=RECIPES):
    """λ* = 0.03 at 20 epochs and as epochs^power; a landscape for each recipe."""
    parts = [
        simulate(
            lr, wd, seeds, recipe=name, law="decoupled", lr_best=0.1, seed_sd=seed_sd, seed=recipe["epochs"],
            wd_best=0.03 * (recipe["epochs"] / 20) ** power,
        )
        for name, recipe in recipes.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def row_of(table, method="censored"):
    (row,) = table[table["method"] == method].to_dict("records")
    return row


@pytest.mark.parametrize(("power", "expected"), [(-1.0, "inverse"), (0.0, "constant"), (0.5, "other")])
def test_the_power_is_found(power, expected):
    row = row_of(epochs_law(runs_of(power), "max", recipes=RECIPES))
    assert row["power_lo"] < power < row["power_hi"]
    assert row["power"] == pytest.approx(power, abs=0.2)
    assert (row["verdict"], row["n_interior"], row["n_censored"]) == (expected, 4, 0)
    assert (row["recipe"], row["epochs"]) == ("sgd-10", "10, 20, 40, 80")


def test_without_noise_the_power_and_the_product_are_found():
    row = row_of(epochs_law(runs_of(-1, seed_sd=1e-6), "max", recipes=RECIPES))
    assert row["power"] == pytest.approx(-1, abs=0.05)
    assert row["product"] == pytest.approx(0.6, rel=0.05)  # 0.03 · 20


def test_optima_at_an_edge_are_not_taken_for_measured():
    """The axis ends above λ* of 80 epochs: a line through the grid's points would be too flat."""
    row = row_of(epochs_law(runs_of(-1, wd=[wd for wd in WD if wd > 0.009]), "max", recipes=RECIPES))
    assert row["n_interior"] < 4
    assert row["verdict"] in ("inverse", "undetermined", "not-identifiable")


def test_every_learning_rate_that_two_lengths_share_has_its_own_power():
    runs = runs_of(-1, lr=(0.03, 0.1))
    alone = simulate([0.3], WD, 3, recipe="sgd-20", law="decoupled")
    table = epochs_law(pd.concat([runs, alone]), "max", recipes=RECIPES)
    assert sorted(set(table["lr"])) == [0.03, 0.1]


def test_two_lengths_identify_no_power():
    table = epochs_law(
        runs_of(-1, recipes={name: RECIPES[name] for name in ("sgd-10", "sgd-80")}), "max", recipes=RECIPES
    )
    assert set(table["verdict"]) == {"not-identifiable"}
    assert table["power"].isna().all()


def test_recipes_that_differ_otherwise_too_are_no_family():
    recipes = {**RECIPES, "sgd-80": {**RECIPES["sgd-80"], "optimizer": {"name": "adam"}}}
    assert row_of(epochs_law(runs_of(-1), "max", recipes=recipes))["epochs"] == "10, 20, 40"
    assert epochs_law(runs_of(-1), "max", recipes={}).empty


@pytest.mark.parametrize(
    ("interval", "n", "expected"),
    [
        ((-1.2, -0.8), 4, "inverse"),
        ((-0.2, 0.1), 4, "constant"),
        ((-1.5, 0.5), 4, "undetermined"),
        ((0.2, 0.5), 4, "other"),
        ((-1.2, -0.8), 2, "not-identifiable"),
        ((np.nan, np.nan), 4, "not-identifiable"),
    ],
)
def test_the_verdict_is_the_power_that_alone_lies_in_the_interval(interval, n, expected):
    assert verdict(*interval, n) == expected
