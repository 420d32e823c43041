from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from decay_atlas.statistics.adaptive import COLUMNS, adaptive
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.label_noise import label_noise

RECIPES: dict[str, dict[str, Any]] = {
    "fixed": {"epochs": 2, "optimizer": {"name": "sgd"}},
    "awd": {"epochs": 2, "optimizer": {"name": "awd"}, "dog": {"from": "fixed", "wd": 5e-4}},
    "noisy": {"epochs": 2, "optimizer": {"name": "sgd"}, "label_noise": 0.4},
    "awd-noisy": {"epochs": 2, "optimizer": {"name": "awd"}, "dog": {"from": "noisy", "wd": 5e-4}, "label_noise": 0.4},
    "longer": {"epochs": 9, "optimizer": {"name": "sgd"}, "label_noise": 0.4},
}


def run(recipe: str, wd: float, seed: int, value: float, lr: float = 0.1, **more: Any) -> dict[str, Any]:
    axes = {"dataset": "d", "recipe": recipe, "arch": "a", "lr": lr, "wd": wd, "seed": seed}
    return {**axes, "value": value, "weight_norm": 2.0, "dog": np.nan, "evaluations": "{}", **more}


RUNS = pd.DataFrame(
    [
        *(run("fixed", 5e-4, seed, value, weight_norm=8.0) for seed, value in enumerate([70.0, 72.0, 74.0])),
        *(run("fixed", 0.1, seed, 80.0) for seed in range(3)),
        *(run("awd", 1.0, seed, value, dog=0.01 * seed) for seed, value in enumerate([73.0, 74.0, 75.0])),
        *(run("awd", 2.0, seed, 60.0, dog=0.5) for seed in range(3)),
        run("awd", 1.0, 7, 0.0, dog=9.0),
    ]
)


def test_the_gain_is_paired_over_the_seeds_that_both_have() -> None:
    (row,) = adaptive(RUNS, "max", RECIPES).to_dict("records")
    assert (row["recipe"], row["fixed"], row["n_seeds"]) == ("awd", "fixed", 3)
    assert (row["value"], row["value_fixed"], row["gain"]) == (74.0, 72.0, 2.0)
    lo, hi = stats.t.interval(0.95, 2, 2.0, 1 / np.sqrt(3))
    assert (row["gain_lo"], row["gain_hi"]) == (pytest.approx(lo), pytest.approx(hi))
    assert row["p"] == pytest.approx(stats.ttest_rel([73.0, 74.0, 75.0], [70.0, 72.0, 74.0]).pvalue)
    assert (row["dog"], row["weight_norm"], row["weight_norm_fixed"]) == (pytest.approx(0.01), 2.0, 8.0)
    assert (row["best_fixed"], row["wd_best_fixed"]) == (80.0, 0.1)


def test_the_weights_are_compared_by_the_ratio_of_their_norms() -> None:
    norms = [3.0, 4.0, 5.0]
    rows = [run("fixed", 5e-4, seed, 70.0, weight_norm=8.0) for seed in range(3)]
    rows += [run("awd", 1.0, seed, 70.0, weight_norm=norms[seed]) for seed in range(3)]
    (row,) = adaptive(pd.DataFrame(rows), "max", RECIPES).to_dict("records")
    interval = stats.t.interval(0.95, 2, 0.5, 1 / 8 / np.sqrt(3))
    assert [row[f"norm_ratio{part}"] for part in ("", "_lo", "_hi")] == pytest.approx([0.5, *interval])


def test_of_a_loss_less_is_won() -> None:
    (row,) = adaptive(RUNS[RUNS["seed"] < 3], "min", RECIPES).to_dict("records")
    assert (row["gain"], row["best"], row["wd_best"], row["best_fixed"]) == (-2.0, 60.0, 2.0, 72.0)


def test_without_a_fixed_run_of_the_same_rate_there_is_no_gain() -> None:
    (row,) = adaptive(pd.DataFrame([run("awd", 1.0, 0, 70.0, lr=3.0)]), "max", RECIPES).to_dict("records")
    assert (row["n_seeds"], np.isnan(row["gain"]), row["best"]) == (0, True, 70.0)


def test_a_study_without_such_recipes_has_an_empty_table() -> None:
    assert adaptive(RUNS, "max", {}).empty
    assert list(adaptive(RUNS, "max", {}).columns) == COLUMNS


def test_evaluations_are_averaged_over_seeds_by_their_dotted_names() -> None:
    attacked = {"attack": "autoattack", "robust": 5.0}
    found = [{"pruning": {"0.9": 10.0 + 2 * seed}, "autoattack": attacked} for seed in (0, 1)]
    runs = pd.DataFrame([run("fixed", 0.1, seed, 70.0, evaluations=json.dumps(found[seed])) for seed in (0, 1)])
    table = evaluations(runs).set_index("evaluation")
    assert list(table.index) == ["weight_norm", "pruning.0.9", "autoattack.robust"]
    assert table.loc["pruning.0.9", ["mean", "sd", "n_seeds"]].tolist() == [11.0, pytest.approx(np.sqrt(2)), 2]


@pytest.mark.parametrize(
    ("attack", "rows"), [("autoattack", 1), ("autoattack-without-apgd-t", 1), ("pgd20", 0)], ids=str
)
def test_what_stands_in_for_an_attack_is_not_taken_for_it(attack: str, rows: int) -> None:
    found = {"autoattack": {"attack": attack, "robust": 5.0}}
    table = evaluations(pd.DataFrame([run("fixed", 0.1, 0, 70.0, evaluations=json.dumps(found))]))
    assert (table["evaluation"] == "autoattack.robust").sum() == rows


def test_runs_that_evaluate_nothing_and_imported_ones_have_no_rows() -> None:
    assert evaluations(RUNS).empty
    assert evaluations(RUNS.drop(columns=["evaluations", "weight_norm"])).empty


def test_a_noisy_recipe_is_paired_with_the_one_that_differs_in_nothing_else() -> None:
    rows = [run("noisy", 5e-4, seed, 50.0 + seed) for seed in range(2)]
    rows += [run("awd-noisy", 1.0, 0, 60.0), run("longer", 5e-4, 0, 40.0), run("noisy", 3.0, 0, 1.0)]
    table = label_noise(pd.concat([RUNS, pd.DataFrame(rows)]), RECIPES).set_index("recipe")
    assert list(table.index) == ["noisy", "awd-noisy"], "the longer one has no partner, nor has the cell of wd 3"
    assert table.loc["noisy", ["clean", "value", "value_clean", "n_seeds"]].tolist() == ["fixed", 50.5, 71.0, 2]
    assert table.loc["awd-noisy", ["clean", "value", "value_clean"]].tolist() == ["awd", 60.0, 73.0]
    assert table["label_noise"].tolist() == [0.4, 0.4]
