"""The simulator is the other tests' ground truth, so it is held to closed forms itself."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from decay_atlas.statistics.landscape import landscapes
from decay_atlas.statistics.simulator import simulate, simulate_runs
from decay_atlas.statistics.truth import Truth

LR = [1e-4, 1e-3, 1e-2]
WD = [0.0, 1e-3, 1e-2, 1e-1, 1.0, 10.0]


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ("ratio", [1e-2, 1e-1, 1.0]),
        ("decoupled", [1e-1, 1e-1, 1e-1]),
        ("product", [1.0, 1e-1, 1e-2]),
        (0.5, [10**-1.5, 1e-1, 10**-0.5]),
    ],
)
def test_the_best_decay_follows_the_law(law, expected):
    assert Truth(law=law).wd_optimal(LR) == pytest.approx(expected)
    if law != 0.5:
        (landscape,) = landscapes(simulate(LR, WD, 1, law=law, seed_sd=0.0), "max")
        best = landscape.wd[np.argmax(landscape.mean(), axis=1)]
        assert best == pytest.approx(expected)


def test_losses_are_parabolas_in_decades():
    truth = Truth(law="decoupled", curvature={"below": 2.0, "above": 3.0}, no_decay=5.0)
    assert truth.loss(1e-3, [0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0]) == pytest.approx([5.0, 5.0, 2.0, 0.0, 3.0, 12.0])


def test_the_tolerance_zone_costs_nothing():
    truth = Truth(law="decoupled", curvature=2.0, tolerance=0.5)
    assert truth.loss(1e-3, [10**-1.4, 10**-0.6, 1.0]) == pytest.approx([0.0, 0.0, 2.0 * 0.5**2])


def test_the_learning_rate_has_its_own_parabola_and_architectures_their_offsets():
    runs = simulate_runs(
        pd.DataFrame(
            {"dataset": "d", "recipe": "r", "arch": ["a", "b"], "lr": 1e-2, "wd": 1.0, "seed": 0},
        ),
        Truth(law="decoupled", seed_sd=0.0, offsets={"b": {"lr": 1.0, "wd": 1.0, "best": -5.0}}),
    )
    assert runs["value"].tolist() == pytest.approx([75.0 - 2.0 - 4.0, 70.0])


def test_seed_and_validation_noise_have_their_deviations_and_are_normal():
    runs = simulate([1e-3], [0.1], 20_000, seed_sd=0.4, validation_sd=0.3)
    test = (runs["test_best"] - 75.0) / 0.4
    own = (runs["val_best"] - runs["test_best"]) / 0.3
    for sample in (test, own):
        assert stats.kstest(sample, "norm").pvalue > 0.001
    assert abs(np.corrcoef(test, own)[0, 1]) < 0.03
    assert (runs["test_final"] <= runs["test_best"]).all()


def test_a_run_depends_on_its_own_axes_and_the_seed_alone():
    small = simulate(LR, WD, 3)
    large = simulate([3e-3, *LR], [0.03, *WD], 7, archs=["other", "net"])
    axes = ["dataset", "recipe", "arch", "lr", "wd", "seed"]
    joined = small.merge(large, on=axes, suffixes=("", "_large"))
    assert len(joined) == len(small)
    assert (joined["value"] == joined["value_large"]).all()
    assert simulate_runs(small.loc[[7], axes], Truth())["value"].item() == small.loc[7, "value"]
    assert not np.isclose(simulate(LR, WD, 3, seed=1)["value"], small["value"]).any()


def test_runs_beyond_the_bounds_diverge_to_chance():
    runs = simulate(LR, WD, 2, diverge={"lr": 5e-3, "product": 1e-3}, chance=10.0)
    beyond = (runs["lr"] > 5e-3) | (runs["lr"] * runs["wd"] > 1e-3)
    assert (runs["status"].eq("diverged") == beyond).all()
    assert (runs.loc[beyond, ["value", "val_final"]] == 10.0).all(axis=None)


def test_a_loss_is_smallest_at_the_optimum():
    runs = simulate(LR, WD, 1, law="product", direction="min", best=2.0, chance=7.0, seed_sd=0.0, curvature=0.5)
    (landscape,) = landscapes(runs, "min")
    assert landscape.wd[np.argmax(landscape.mean(), axis=1)] == pytest.approx([1.0, 0.1, 0.01])
    assert runs["value"].min() == pytest.approx(2.0)
    assert runs["value"].max() <= 7.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"law": "sum"}, "ratio, decoupled, product"),
        ({"laws": "ratio"}, "unknown key.*laws.*known are law"),
        ({"wd_best": 0.0}, "wd_best is 0.0; give a number above 0"),
        ({"wd_best": "1e-4"}, "YAML wants 1.0e-4"),
        ({"seed_sd": -1.0}, "seed_sd.*0 or more"),
        ({"curvature": {"below": 1.0}}, "both below and above"),
        ({"diverge": {"wd": 1.0}}, "diverge.*lr, product"),
        ({"offsets": {"a": {"depth": 1.0}}}, "offsets: a"),
        ({"seed": 1.5}, "whole number"),
        ({"law": float("nan")}, "law is nan"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        simulate(LR, WD, 1, **settings)


def test_bad_grids_are_named():
    with pytest.raises(ValueError, match="column"):
        simulate_runs(pd.DataFrame({"lr": [1.0]}), Truth())
    with pytest.raises(ValueError, match="lr > 0 and wd ≥ 0"):
        simulate([0.0], [1.0], 1)


def test_a_hundred_thousand_runs_take_about_a_second():
    start = time.perf_counter()
    runs = simulate(np.geomspace(1e-5, 1e-1, 40), np.geomspace(1e-4, 10, 100), 25)
    assert len(runs) == 100_000
    assert time.perf_counter() - start < 4.0
