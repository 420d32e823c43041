"""Recipes at their best: chosen on some seeds, scored on others, and compared by Welch's t."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.best import best, cells

LR, WD = [1e-4, 1e-3, 1e-2], [0.01, 0.1, 1.0]


def table(cells_of, recipe="a"):
    """Runs of {(lr, wd): values over seeds}."""
    rows = [(lr, wd, seed, value) for (lr, wd), values in cells_of.items() for seed, value in enumerate(values)]
    runs = pd.DataFrame(rows, columns=["lr", "wd", "seed", "value"])
    return runs.assign(dataset="d", recipe=recipe, arch="net")


def two(first, second):
    return pd.concat([table(first), table(second, "b")], ignore_index=True)


def test_the_best_cell_is_reported_as_sources_do_and_scored_apart():
    """Each seed is scored at the cell that the other two choose: (0.1, 1) for seed 0, else (0.1, 0)."""
    runs = two({(0.1, 0.0): [90, 80, 81], (0.1, 1.0): [70, 82, 83]}, {(0.1, 0.0): [60, 61, 62]})
    row = best(runs, "max").iloc[0]
    assert (row["lr"], row["wd"], row["value"], row["n_cells"]) == (0.1, 0.0, pytest.approx(83.667, abs=1e-3), 2)
    assert row["sd"] == pytest.approx(np.std([90, 80, 81], ddof=1))
    assert row["scored"] == pytest.approx(np.mean([70, 80, 81]))
    assert row["crossfitted"]


def test_the_gain_over_the_first_recipe_is_welchs():
    first, second = [80.0, 81, 83, 82], [84.0, 86, 85, 88]
    row = best(two({(0.1, 0.1): first}, {(0.1, 0.1): second}), "max").iloc[1]
    test = stats.ttest_ind(second, first, equal_var=False)
    interval = test.confidence_interval(0.95)
    assert row["baseline"] == "a"
    assert row["difference"] == pytest.approx(np.mean(second) - np.mean(first))
    assert row["p"] == pytest.approx(test.pvalue)
    assert (row["difference_lo"], row["difference_hi"]) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert row["p_holm"] == row["p"]  # one comparison


def test_of_a_loss_less_is_a_gain():
    row = best(two({(0.1, 0.1): [2.0, 2.2]}, {(0.1, 0.1): [1.0, 1.1]}), "min").iloc[1]
    assert row["value"] == pytest.approx(1.05)
    assert row["difference"] == pytest.approx(1.05)


def test_noise_alone_is_no_gain():
    """A recipe searched over 40 cells of a flat landscape looks better than one of a single cell, and is not."""
    rng = np.random.default_rng(0)
    gains, naive = [], []
    for _ in range(40):
        one = {(0.1, 0.1): rng.normal(80, 1, 3)}
        many = {(0.1, 0.01 * k): rng.normal(80, 1, 3) for k in range(1, 41)}
        rows = best(two(one, many), "max")
        gains.append(rows["difference"].iloc[1])
        naive.append(rows["value"].iloc[1] - rows["value"].iloc[0])
    assert np.mean(naive) > 0.8
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(len(gains))


@pytest.mark.parametrize(
    ("where", "lr", "wd"),
    [((1e-3, 0.1), "none", "none"), ((1e-4, 1.0), "lower", "upper"), ((1e-2, 0.01), "upper", "lower")],
)
def test_a_best_cell_at_an_end_of_its_axes_says_so(where, lr, wd):
    runs = table({(a, b): [90.0 if (a, b) == where else 70.0] * 2 for a in LR for b in WD})
    row = best(pd.concat([runs, table({(1e-3, 0.1): [1, 2]}, "b")]), "max").iloc[0]
    assert (row["edge_lr"], row["edge_wd"]) == (lr, wd)


def test_zero_and_the_least_positive_weight_decay_are_the_lower_end():
    runs = two({(0.1, wd): [80.0 + (wd == 0.01)] * 2 for wd in (0.0, 0.01, 0.1)}, {(0.1, 0.1): [70, 71]})
    assert best(runs, "max")["edge_wd"].tolist() == ["lower", "single"]


def test_one_seed_gives_no_gain_and_the_reason():
    row = best(two({(0.1, 0.1): [80.0]}, {(0.1, 0.1): [84.0]}), "max").iloc[1]
    assert np.isnan(row["difference"])
    assert "two seeds" in row["note"]


def test_a_data_set_with_one_recipe_has_nothing_to_compare():
    assert best(simulate(LR, WD, 2), "max").empty


def test_the_sources_own_settings_stand_beside_the_best():
    runs = two({(lr, wd): [80, 81] for lr in LR for wd in WD}, {(0.1, 0.1): [70, 71]})
    recipes = {"a": {"optimizer": {"name": "adamw"}}, "b": {"optimizer": {"name": "sgd"}}}
    rows = best(runs, "max", recipes=recipes, published={"adamw": (1e-3, 0.1), "sgd": (0.1, 5e-4)})
    assert rows.loc[0, ["lr_set", "wd_set", "value_set", "n_set"]].tolist() == [1e-3, 0.1, 80.5, 2]
    assert np.isnan(rows.loc[1, "value_set"])  # not trained there


def test_cells_have_students_interval():
    row = cells(table({(0.1, 0.1): [80.0, 81, 83]}), "max").iloc[0]
    low, high = stats.t.interval(0.95, 2, np.mean([80, 81, 83]), stats.sem([80, 81, 83]))
    assert (row["lo"], row["hi"]) == (pytest.approx(low), pytest.approx(high))
