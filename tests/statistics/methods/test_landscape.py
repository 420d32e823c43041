import numpy as np
import pandas as pd
import pytest
from scipy.stats import trim_mean

from decay_atlas.statistics.methods.landscape import average_over_seeds, landscapes, tabulate


def table(rows: list[tuple], **columns) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["lr", "wd", "seed", "value"])
    return frame.assign(dataset="digits", recipe="adamw", arch="net", **columns)


def test_runs_become_an_array_with_gaps_where_there_is_no_run():
    (one,) = landscapes(table([(0.1, 0, 0, 70), (0.1, 1, 0, 72), (0.2, 1, 1, 74)]), "max")
    assert one.quality.shape == (2, 2, 2)
    assert one.quality[0, 1, 0] == 72
    assert np.isnan(one.quality[1, 0]).all()
    assert one.n_seeds().tolist() == [[1, 1], [0, 1]]


def test_a_loss_is_turned_so_that_higher_quality_is_better():
    (one,) = landscapes(table([(0.1, 0, 0, 0.7), (0.1, 1, 0, 0.2)]), "min")
    assert one.quality[0, :, 0].tolist() == [-0.7, -0.2]
    assert one.sign * one.quality[0, 0, 0] == 0.7


def test_a_diverged_run_without_a_value_takes_the_worst_one():
    runs = table([(0.1, 0, 0, 0.7), (0.1, 1, 0, 2.5), (0.1, 10, 0, np.nan)], status=["ok", "ok", "diverged"])
    (one,) = landscapes(runs, "min")
    assert one.quality[0, 2, 0] == pytest.approx(-2.5)
    assert one.none_diverged().tolist() == [[True, True, False]]


@pytest.mark.parametrize("n", [1, 3, 4, 5, 10])
def test_the_interquartile_mean_is_scipys_trimmed_mean(n):
    values = np.random.default_rng(n).normal(size=(3, n))
    padded = np.concatenate([values, np.full((3, 2), np.nan)], axis=1)
    expected = trim_mean(values, 0.25, axis=1)
    assert average_over_seeds(padded, "iqm") == pytest.approx(expected)


def test_a_run_that_appears_twice_is_refused_by_name():
    with pytest.raises(ValueError, match=r"1 run\(s\) twice, the first: .*'lr': 0.1"):
        landscapes(table([(0.1, 0, 0, 70), (0.1, 0, 0, 71)]), "max")


def test_a_missing_column_and_an_unknown_setting_are_refused():
    runs = table([(0.1, 0, 0, 70)])
    with pytest.raises(ValueError, match="lacks the column"):
        landscapes(runs.drop(columns="seed"), "max")
    with pytest.raises(ValueError, match="direction"):
        landscapes(runs, "up")
    with pytest.raises(ValueError, match="average"):
        average_over_seeds(np.ones(3), "median")


def test_a_table_without_rows_has_its_header():
    assert tabulate([], ["a", "b"]).columns.tolist() == ["a", "b"]


@pytest.mark.parametrize(("direction", "chance", "worst"), [("min", 2.3, 3.1), ("max", 10.0, 9.0)])
def test_every_diverged_run_is_worse_than_the_worst_trained_one(direction, chance, worst):
    """A net that learnt wrong labels by heart has a test loss of 3.1, where a guess among ten classes has 2.3."""
    values = [(0.1, 0, 0, 0.7), (0.1, 1, 0, 3.1), (0.1, 10, 0, chance)]
    if direction == "max":
        values = [(0.1, 0, 0, 70.0), (0.1, 1, 0, 9.0), (0.1, 10, 0, chance)]
    (one,) = landscapes(table(values, status=["ok", "ok", "diverged"]), direction)
    assert one.sign * one.quality[0, 2, 0] == pytest.approx(worst)
    assert one.quality[0, 2, 0] < one.quality[0, 1, 0]
    assert one.diverged[0].ravel().tolist() == [False, False, True]


def test_a_diverged_run_that_is_worse_than_all_stays_so():
    runs = table([(0.1, 0, 0, 0.7), (0.1, 1, 0, 1.1), (0.1, 10, 0, 2.3)], status=["ok", "ok", "diverged"])
    assert landscapes(runs, "min")[0].quality[0, 2, 0] == -2.3


def test_where_all_diverged_each_keeps_its_value():
    runs = table([(0.1, 0, 0, 2.3), (0.1, 1, 0, np.nan)], status=["diverged"] * 2)
    assert landscapes(runs, "min")[0].quality.ravel().tolist() == [-2.3, -2.3]


def test_a_search_at_random_is_no_grid():
    n = 5_000
    with pytest.raises(ValueError, match="5000 learning rates and 5000 weight decays: that is no grid"):
        landscapes(table([(k, k + 0.5, 0, 70) for k in range(n)]), "max")


def test_a_rate_has_all_diverged_where_no_run_of_it_is_left():
    rows = [(0.1, 0, 0, 70), (0.1, 1, 0, 1), (0.2, 0, 0, 1), (0.2, 1, 0, np.nan), (0.3, 0, 0, 70), (0.3, 1, 0, np.nan)]
    status = ["ok", "diverged", "diverged", "diverged", "ok", "ok"]
    (one,) = landscapes(table(rows, status=status), "max")
    assert one.all_diverged().tolist() == [False, True, False]


def test_an_optimum_needs_three_weight_decays_and_a_run_that_did_not_diverge():
    rows = [(lr, wd, seed, 70) for lr in (0.1, 0.2, 0.3) for wd in range(3 if lr < 0.3 else 2) for seed in (0, 1)]
    status = ["ok" if lr != 0.2 else "diverged" for lr, *_ in rows]
    (one,) = landscapes(table(rows, status=status), "max")
    assert one.searchable().tolist() == [True, False, False]
    assert one.trained().tolist() == [[True, True], [False, False], [True, True]]
