"""Noise and shape of recorded landscapes, held against simulated ones whose noise and shape are known."""

import math

import numpy as np
import pytest

from decay_atlas.simulation.assumed import USUAL, Measured, assume, measure
from decay_atlas.simulation.simulator import simulate
from decay_atlas.simulation.truth import Truth
from decay_atlas.statistics.methods.landscape import landscapes

LR, WD = np.geomspace(2e-3, 6.4e-2, 6), np.geomspace(0.03, 20, 12)
EDGE = {"wd": 2.0, "slope": -0.5, "fall": 100.0, "rise": 5.0, "width": 0.5}
TRUE = {
    **{"law": -0.5, "lr_best": 1.1e-2, "wd_best": 1.0, "best": 90.0, "chance": 10.0, "lr_curvature": 0.0},
    **{"seed_sd": 0.8, "cliff": EDGE, "noise": {"growth": 8.0}},
}


def measured(wd=WD, seeds=10, direction="max", **settings):
    (landscape,) = landscapes(simulate(LR, wd, seeds, direction=direction, **{**TRUE, **settings}), direction)
    return measure(landscape)


def test_noise_and_shape_of_a_recorded_landscape_are_found():
    found = measured()
    assert found is not None
    assert found.seed_sd == pytest.approx(0.8, rel=0.5)
    assert found.growth == pytest.approx(8.0, rel=0.5)
    assert found.rise == pytest.approx(5.0, rel=0.3)
    assert found.fall == pytest.approx(100.0, rel=0.4)
    assert found.span == pytest.approx(80.0, rel=0.1)
    assert found.runs == len(LR) * len(WD) * 10


def test_a_loss_in_nats_is_measured_in_nats():
    shrunk = {"cliff": {**EDGE, "rise": 0.05, "fall": 1.0}, "seed_sd": 0.008, "best": 0.2, "chance": 1.0}
    found = measured(direction="min", **shrunk)
    assert found is not None
    assert (found.seed_sd, found.rise) == (pytest.approx(0.008, rel=0.5), pytest.approx(0.05, rel=0.3))


def test_a_flat_landscape_has_no_rise_though_its_best_cells_look_better():
    flat = {"cliff": {**EDGE, "rise": 0.0, "fall": 0.0}, "noise": {}}
    rises = [measured(seeds=4, seed=seed, **flat).rise for seed in range(10)]
    assert np.mean(rises) < 0.2


@pytest.mark.parametrize(
    ("wd", "seeds", "settings"),
    [(WD, 1, {}), (WD, 5, {"seed_sd": 0.0})],
    ids=["one seed", "seeds that all agree"],
)
def test_nothing_is_told_where_nobody_measured_chance(wd, seeds, settings):
    assert measured(wd, seeds, **settings) is None


def test_one_weight_decay_tells_the_noise_and_no_shape():
    found = measured(wd=[0.3])
    assert found is not None
    assert math.isnan(found.rise)
    assert math.isnan(found.fall)
    assert found.seed_sd > 0.5


def test_what_recorded_runs_do_not_tell_is_as_usual_in_percent_and_as_large_beside_the_noise_elsewhere():
    bare = Measured(seed_sd=0.5, growth=math.nan, rise=math.nan, fall=math.nan, span=20.0, runs=7)
    percent, nats = assume([bare], "x", percent=True), assume([bare], "x", percent=False)
    assert (percent.rise, percent.fall, percent.growth, percent.span) == (USUAL.rise, USUAL.fall, USUAL.growth, 80.0)
    assert (nats.rise, nats.fall, nats.span) == (USUAL.rise / 2, USUAL.fall / 2, 20.0)
    assert (nats.runs, nats.basis, nats.shaped) == (7, "x", False)
    assert assume([], "x", percent=True) is USUAL


def test_several_landscapes_count_by_their_medians():
    ones = [Measured(sd, 5.0, rise, 50.0, 80.0, 10) for sd, rise in ((0.5, math.nan), (1.0, 2.0), (9.0, 4.0))]
    found = assume(ones, "x", percent=True)
    assert (found.seed_sd, found.rise, found.runs, found.shaped) == (1.0, 3.0, 30, True)


def test_what_is_assumed_is_a_landscape_of_the_law_asked_for():
    truth = Truth.parse(USUAL.settings("ratio", 1e-3, 0.1))
    assert truth.wd_optimal([1e-4, 1e-3, 1e-2]) == pytest.approx([0.01, 0.1, 1.0])
    assert truth.slope_over([1e-4, 1e-3, 1e-2], [1e-3, 10.0]) == pytest.approx(1.0)
