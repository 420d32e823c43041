"""The simulator is the other tests' ground truth, so it is held to closed forms itself."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from decay_atlas.simulation.simulator import simulate, simulate_runs
from decay_atlas.simulation.truth import Bend, Truth
from decay_atlas.statistics.methods.landscape import landscapes

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


EDGE = {"wd": 2.0, "slope": -0.5, "fall": 100.0, "rise": 4.0, "rise_exponent": 0.5, "width": 0.7}
CLIFF = {"law": -0.5, "lr_best": 1e-2, "wd_best": 1.0, "best": 90.0, "chance": 10.0, "lr_curvature": 0.0, "cliff": EDGE}


def test_values_of_a_landscape_without_the_new_shapes_stay_what_they_were():
    """Records keep their digests, so their values must not move; these are from before there were cliffs."""
    asymmetric = {"below": 2.0, "above": 3.0}
    runs = simulate([1e-3, 1e-2], [0.0, 0.1], 1, law="ratio", curvature=asymmetric, offsets={"net": {"wd": 0.3}})
    assert runs["test_best"].tolist() == [69.54387354882374, 74.49594853439166, 65.1027281347091, 67.96347874100194]
    assert runs["val_final"].tolist() == [69.49031942074984, 73.99865714221652, 65.23332059932919, 67.69492187452278]


def test_a_plateau_rises_by_its_height_and_falls_off_beyond_the_edge():
    truth = Truth.parse(CLIFF)
    hill = 4.0 * (1 - np.exp(-1))
    assert truth.loss(1e-2, [0.0, 1e-9, 10**-0.7, 1.0]) == pytest.approx([4.0, 4.0, hill, 0.0])
    beyond = 4.0 * (1 - np.exp(-((np.log10(20) / 0.7) ** 2))) + 100.0
    assert truth.loss(1e-2, 20.0) == pytest.approx(beyond)
    assert truth.expected(1e-2, [1.0, 20.0, 1e9]) == pytest.approx([90.0, 10.0 + 80.0 * np.exp(-beyond / 80.0), 10.0])
    assert truth.loss(1e-4, 0.0) == pytest.approx(4.0 / 10), "a hundredth of η, and the rise grows as its root"


def test_a_cliff_of_losses_never_exceeds_that_of_chance():
    truth = Truth.parse({**CLIFF, "best": 2.0, "chance": 7.0})
    values = truth.expected(1e-2, [1.0, 1e-9, 1e9], direction="min")
    assert values == pytest.approx([2.0, 7.0 - 5.0 * np.exp(-4.0 / 5.0), 7.0])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"bend": {"lr": 1e-2, "slope": 1.0}},
        {"cliff": {**EDGE, "wd": 0.3, "slope": -1.0}},
        {"cliff": {"wd": 1.0, "slope": -1.0, "width": 0.3}, "bend": {"lr": 3e-3, "slope": 0.5}},
    ],
    ids=["straight", "bent", "cut by the edge", "bent and cut"],
)
def test_the_true_optimum_is_where_the_expected_value_is_largest(more):
    truth = Truth.parse({**CLIFF, **more, "offsets": {"net": {"wd": 0.2, "lr": 0.5, "best": -3.0}}})
    fine = np.geomspace(1e-5, 1e4, 90_001)
    for lr in [1e-3, 1e-2, 1e-1]:
        best = fine[np.argmax(truth.expected(lr, fine, "net"))]
        assert truth.wd_optimal(lr, "net") == pytest.approx(best, rel=2e-4)


def test_a_bent_law_has_its_slopes_and_its_best_decay():
    truth = Truth(law=1.0, lr_best=1e-2, wd_best=0.5, bend=Bend(lr=1e-3, slope=-1.0))
    assert truth.wd_optimal([1e-4, 1e-3, 1e-2, 1e-1]) == pytest.approx([0.5, 5.0, 0.5, 0.05])
    assert Truth(law="product", wd_best=0.1).slope_over(LR, WD) == -1.0


def test_the_slope_to_judge_by_is_that_of_the_optima_inside_the_grid():
    truth = Truth(law=1.0, lr_best=1e-2, wd_best=0.5, bend=Bend(lr=1e-3, slope=-1.0))
    lr = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    optima = [0.05, 0.5, 5.0, 0.5, 0.05]
    assert truth.slope_over(lr, [0.0, 0.01, 10.0]) == pytest.approx(0.0)
    inside = [1, 2, 3]
    expected = stats.linregress(np.log(lr)[inside], np.log(optima)[inside]).slope
    assert truth.slope_over(lr, [0.0, 0.1, 10.0]) == pytest.approx(expected, abs=1e-12)
    assert truth.slope_over(lr[:3], [0.1, 10.0]) == pytest.approx(1.0)
    assert np.isnan(truth.slope_over(lr, [0.0]))


def test_noise_grows_with_the_loss_to_where_half_is_lost_and_is_that_of_the_valley_at_chance():
    settings = {**CLIFF, "seed_sd": 0.5, "noise": {"growth": 12.0, "tails": 5}}
    truth = Truth.parse(settings)
    half = 10 ** (np.log10(2.0) + np.sqrt((80 * np.log(2) - 4.0) / 100))  # the hill lies a decade back: 4 pp of it
    wd = [1.0, half, 1e9]
    assert truth.deviation(1e-2, wd) == pytest.approx([0.5, 6.0, 0.5], rel=0.01)
    cells = simulate([1e-2], wd, 40_000, **settings).groupby("wd")["test_best"]
    assert cells.std().to_numpy() == pytest.approx([0.5, 6.0, 0.5], rel=0.03)
    assert cells.mean().to_numpy() == pytest.approx(truth.expected(1e-2, wd), abs=0.12)


def test_tails_are_those_of_students_t():
    noise = simulate([1e-3], [0.1], 20_000, seed_sd=1.0, noise={"tails": 3})["test_best"] - 75.0
    assert stats.kstest(noise, stats.t(3, scale=np.sqrt(1 / 3)).cdf).pvalue > 0.001
    assert stats.kstest(noise, "norm").pvalue < 1e-6


def test_what_seeds_have_in_common_is_the_share_of_variance_that_was_asked_for():
    runs = simulate([1e-4, 1e-3], [0.1, 1.0], 20_000, law="decoupled", noise={"common": 0.4, "common_lr": 0.3})
    found = runs.pivot_table(index="seed", columns=["lr", "wd"], values="test_best").corr().to_numpy()
    within, between = 0.7, 0.4
    expected = [[1, within, between, between], [within, 1, between, between]]
    assert found[:2] == pytest.approx(np.array(expected), abs=0.03)
    assert runs["test_best"].std() > 0.39
    alone = simulate([1e-3], [1.0], [7], law="decoupled", noise={"common": 0.4, "common_lr": 0.3})
    same = runs[(runs["lr"] == 1e-3) & (runs["wd"] == 1.0) & (runs["seed"] == 7)]
    assert alone["value"].item() == same["value"].item(), "a run depends on its own axes alone"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cliff": {"rise": 2.0}}, r"cliff is .*wd, slope, fall.*\(wd must be given\)"),
        ({"cliff": {"wd": 1.0}, "no_decay": 2.0, "curvature": 1.0}, "takes the place of curvature, no_decay"),
        ({"cliff": {"wd": 1.0, "width": 0.0}}, "cliff: width is 0.0; give a number above 0"),
        ({"bend": {"lr": 1.0}}, "lr, slope must be given"),
        ({"bend": 2.0}, "bend is 2.0; give a mapping"),
        ({"noise": {"growth": 0.5}}, "noise: growth is 0.5; give a number 1 or more"),
        ({"noise": {"tails": 2}}, "noise: tails is 2; give a number above 2"),
        ({"noise": {"common": 0.7, "common_lr": 0.7}}, "together at most 1"),
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
