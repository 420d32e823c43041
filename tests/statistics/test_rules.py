"""Rules for a larger batch, on landscapes where one of them holds by construction."""

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.rules import rules

RECIPES = {
    "small": {"batch_size": 16, "optimizer": {"name": "sgd"}},
    "large": {"batch_size": 64, "optimizer": {"name": "sgd"}},
}
LR, WD = [0.01 * 2**k for k in range(7)], [0.001 * 2**k for k in range(7)]


def runs_of(lr=1.0, wd=1.0, seed_sd=0.1, direction="max", drop=()):
    """Best at (0.04, 0.004) with the small batch, at `lr` and `wd` times that with the large one."""
    law = {"law": "decoupled", "seed_sd": seed_sd, "curvature": 8.0, "lr_curvature": 8.0, "direction": direction}
    law |= {"best": 1.0, "chance": 100.0} if direction == "min" else {}
    small = simulate(LR, WD, 3, recipe="small", lr_best=0.04, wd_best=0.004, **law)
    large = simulate(LR, WD, 3, recipe="large", lr_best=0.04 * lr, wd_best=0.004 * wd, seed=1, **law)
    return pd.concat([small, large[~large["lr"].isin(drop)]], ignore_index=True)


def losses(runs, direction="max"):
    return rules(runs, direction, recipes=RECIPES).set_index("rule")


@pytest.mark.parametrize(("shift", "holds"), [({"lr": 4}, "rule 1"), ({"wd": 4}, "rule 2"), ({}, "unchanged")])
def test_the_rule_that_holds_loses_nothing_and_the_others_what_the_parabola_says(shift, holds):
    table = losses(runs_of(**shift))
    assert set(table.index) == {"unchanged", "rule 1", "rule 2"}
    step = 8 * np.log10(4) ** 2  # four times beside the optimum on one axis
    for rule, row in table.iterrows():
        if rule == holds:
            assert row["loss_lo"] < 0.3
            assert abs(row["loss"]) < 0.3
        else:
            assert row["loss"] == pytest.approx(step * (1 if "unchanged" in (rule, holds) else 2), abs=0.6)


def test_the_cells_are_those_the_rules_name():
    table = losses(runs_of(lr=4, seed_sd=0.01))
    assert table.loc["rule 1", ["lr", "wd"]].tolist() == [0.16, 0.004]
    assert table.loc["rule 2", ["lr", "wd"]].tolist() == [0.04, 0.016]
    assert table.loc["unchanged", ["lr_retuned", "wd_retuned"]].tolist() == [0.16, 0.004]
    assert (table.loc["rule 1", "batch_size"], table.loc["rule 1", "batch_size_large"]) == (16, 64)


def test_of_a_loss_more_is_worse():
    table = losses(runs_of(lr=4, direction="min"), "min")
    assert table.loc["unchanged", "loss"] > 2
    assert table.loc["unchanged", "value"] > table.loc["unchanged", "value_retuned"]


def test_a_cell_that_was_not_trained_is_named_and_not_interpolated():
    table = losses(runs_of(lr=4, seed_sd=0.01, drop=[0.16]))
    assert table.loc["rule 1", "blank"] == "not trained at the large batch: lr 0.16, wd 0.004"
    assert np.isnan(table.loc["rule 1", "loss"])
    assert np.isfinite(table.loc["rule 2", "loss"])


def test_one_seed_has_no_interval():
    runs = runs_of(lr=4)
    row = losses(runs[runs["seed"] == 0]).loc["rule 1"]
    assert not row["crossfitted"]
    assert np.isfinite(row["loss"])
    assert np.isnan(row["loss_lo"])


def test_other_differences_make_no_pair():
    other = {**RECIPES, "large": {"batch_size": 64, "optimizer": {"name": "adam"}}}
    assert rules(runs_of(), "max", recipes=other).empty
