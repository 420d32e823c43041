"""The designs of simulated studies: what they span, and that their truths are what they say."""

import numpy as np
import pytest

from decay_atlas.simulation.designs import (
    NETWORKS,
    PUBLISHED_LR,
    Design,
    network_designs,
    published_design,
    standard_designs,
    stress_designs,
)
from decay_atlas.statistics.methods.rivals import LAWS

LR, WD = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()


def test_the_standard_designs_span_what_the_verdicts_promise():
    designs = standard_designs()
    assert len(designs) == 3 * 3 * 3 * 3
    assert {design.seeds for design in designs} == {3, 5, 10}
    assert {(len(d.lr), len(d.wd)) for d in designs} == {(7, 16)}
    published = published_design()
    truth = published.truth([0])
    assert truth.wd_optimal(published.lr) == pytest.approx(0.1 * np.array(PUBLISHED_LR))


def test_a_ragged_grid_has_just_the_runs_it_names():
    points = [(1e-3, 0.1, 0), (1e-3, 0.1, 1), (1e-2, 1.0, 0)]
    ragged = Design("ragged", LR, WD, 5, {"law": "product"}, points=points)
    runs = ragged.runs(ragged.truth([0]))
    assert list(runs[["lr", "wd", "seed"]].itertuples(index=False, name=None)) == points


def test_stress_designs_are_every_trait_of_real_landscapes_under_every_law():
    designs = stress_designs()
    groups = {design.group for design in designs}
    assert {"a cliff beside λ*", "heavy tails", "a bent law", "all of these"} <= groups
    assert len(designs) == len(groups) * (len(LAWS) + 1) == len({design.name for design in designs})
    for design in designs:
        truth = design.truth([0])
        assert truth.cliff is not None
        assert truth.inside(design.lr, design.wd, "repeat0").sum() >= 3, design.name


@pytest.mark.parametrize("name", NETWORKS)
def test_landscapes_like_real_networks_look_like_what_was_measured(name):
    """SCIENCE.md, part R: sd of 0.7 to 2 pp in the valley and 4 to 24 at the cliff, which loses 27 pp and more."""
    (design,) = [one for one in network_designs((20,)) if one.group == f"like {name}"]
    truth = design.truth([0])
    fine = np.geomspace(0.01, 50, 400)
    for lr in design.lr:
        best = float(truth.wd_optimal(lr, "repeat0"))
        assert 0.7 <= truth.deviation(lr, best, "repeat0") <= 4.5
        assert 4.0 <= truth.deviation(lr, fine, "repeat0").max() <= 24.0
        assert np.ptp(truth.expected(lr, fine, "repeat0")) >= 27.0
    deviations = design.runs(truth).groupby(["lr", "wd"])["value"].std().groupby("lr")
    assert (deviations.max() / deviations.min()).median() > 3
