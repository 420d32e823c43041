import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.optima import COLUMNS, optima

LR = np.geomspace(1e-4, 1e-2, 5)
WD = [0, *np.geomspace(1e-3, 10, 9)]


def runs(**settings) -> pd.DataFrame:
    return simulate(LR, WD, settings.pop("seeds", 5), **settings)


def test_the_table_begins_with_the_columns_of_the_contract():
    table = optima(runs(), "max")
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
    assert len(table) == len(LR)


def test_the_optimum_is_the_best_mean_that_pandas_finds():
    data = runs(seed_sd=1.0)
    means = data.groupby(["lr", "wd"])["value"].agg(["mean", "std", "size"])
    table = optima(data, "max").set_index("lr")
    for lr in table.index:
        best = means.loc[lr]["mean"].idxmax()
        assert table.loc[lr, "wd_opt"] == best
        found = table.loc[lr, ["value", "sd", "n_seeds"]].astype(float).tolist()
        assert found == pytest.approx(means.loc[(lr, best)].tolist())


def test_a_loss_has_the_optima_of_the_quality_it_mirrors():
    data = runs(seed_sd=1.0)
    mirrored = optima(data.assign(value=-data["value"]), "min")
    expected = optima(data, "max").assign(value=lambda table: -table["value"])
    pd.testing.assert_frame_equal(mirrored, expected)


def test_optima_of_the_published_grid_under_the_published_law_lie_at_its_lower_edge():
    table = optima(simulate([5e-5, 1e-3, 1e-2], [0, 1e-3, 0.01, 0.1], law="ratio", wd_best=1e-4), "max")
    assert (table["edge"] == "lower").all()
    assert table["wd_smooth"].isna().all()


def test_an_lr_with_two_weight_decays_has_no_optimum_and_the_table_says_so():
    data = runs()
    few = data[(data["lr"] > LR[0]) | data["wd"].isin([0.001, 10])]
    first = optima(few, "max").iloc[0]
    assert np.isnan(first["wd_opt"])
    assert first["note"] == "no optimum: 2 weight decay(s), fewer than 3"


def test_a_flat_landscape_distinguishes_no_optimum_and_a_valley_does():
    flat = optima(simulate(np.geomspace(1e-4, 1e-2, 200), WD, curvature=0.0, no_decay=0.0), "max")
    assert flat["distinguished"].mean() < 0.1
    blurred = flat[~flat["distinguished"]]
    assert (blurred["n_rivals"] == len(WD)).all()
    assert blurred["note"].str.startswith("no optimum is distinguished").all()
    valley = optima(runs(), "max")
    assert valley["distinguished"].all()
    truth = 0.1 * 1e-3 / LR
    assert ((valley["rival_low"] < 2 * truth) & (valley["rival_high"] > truth / 2)).all()


def test_one_seed_says_that_nothing_is_known_of_noise():
    table = optima(runs(seeds=1), "max")
    assert table["sd"].isna().all()
    assert table["note"].str.startswith("one seed").all()
    assert not table["distinguished"].any()


def test_the_interquartile_mean_is_not_moved_by_one_failed_seed():
    data = runs(seed_sd=0.05)
    at_best = (data["lr"] == LR[2]) & np.isclose(data["wd"], 0.1) & (data["seed"] == 0)
    data.loc[at_best, "value"] = 10.0
    assert optima(data, "max").loc[2, "wd_opt"] != pytest.approx(0.1)
    assert optima(data, "max", average="iqm").loc[2, "wd_opt"] == pytest.approx(0.1)


def test_where_every_run_diverged_there_is_no_optimum():
    table = optima(runs(diverge={"lr": 5e-3}), "max")
    assert table["wd_opt"].isna().tolist() == [False] * 4 + [True]
    assert "every run diverged" in table["note"].iloc[-1]
    assert (table["n_wd"] == len(WD)).all()


@pytest.mark.parametrize(("direction", "trained", "chance"), [("min", 3.1, 2.3), ("max", 10.0, 10.0)])
def test_a_diverged_run_at_chance_is_no_optimum_beside_the_worst_trained_one(direction, trained, chance):
    """Of ties the smallest λ would win, be its run diverged or not."""
    lost = [(0.1, wd, chance, "diverged") for wd in (0.01, 0.03)] + [(0.1, 0.1, trained, "ok")]
    good = [(0.2, wd, 0.5 if direction == "min" else 70, "ok") for wd in (0.01, 0.03, 0.1)]
    data = pd.DataFrame([*lost, *good], columns=["lr", "wd", "value", "status"])
    table = optima(data.assign(dataset="d", recipe="r", arch="a", seed=0), direction)
    assert table.loc[0, ["wd_opt", "tied"]].tolist() == [0.1, False]
