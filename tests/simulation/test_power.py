"""Which laws a grid could tell apart, and the axes that would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decay_atlas.simulation.assumed import USUAL
from decay_atlas.simulation.power import Place, Shape, advice, advised_lr, advised_wd, places, power
from decay_atlas.statistics.methods.rivals import LAWS

LR = [5e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
PUBLISHED = Shape.rectangle(LR, [0, 0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.3], 5)


def test_the_published_grid_cannot_show_the_published_law_and_the_advised_one_can() -> None:
    asked = places(PUBLISHED, 0.1)
    seen = power(PUBLISHED, asked, repeats=5).set_index("kind")
    assert (seen.loc["published", "right"], seen.loc["published", "inside"]) == (0, 0)
    found = advice(PUBLISHED, asked, repeats=5)
    assert found.shape.lr == LR
    shares = found.shares[found.shares["kind"] != "span"]
    assert shares["told"].all()
    assert (shares["wrong"] == 0).all()


def test_more_noise_than_the_landscape_is_high_hides_every_law() -> None:
    shape = Shape.rectangle(LR, list(np.geomspace(1e-3, 1, 7)), 3)
    asked = places(shape, 0.1)[2:]
    quiet, loud = (
        power(shape, asked, assumed=replace(USUAL, seed_sd=sd), repeats=5)["right"].sum() for sd in (0.2, 40.0)
    )
    assert quiet >= 1.6
    assert loud <= 0.4


def test_places_lie_where_they_say() -> None:
    published, *middle = places(PUBLISHED, 0.1)
    assert [PUBLISHED.optimum(published, lr) for lr in LR] == pytest.approx([0.1 * lr for lr in LR])
    assert {place.law for place in middle} == set(LAWS)
    for place in middle:
        assert PUBLISHED.optimum(place, np.sqrt(5e-5 * 1e-2)) == pytest.approx(np.sqrt(0.001 * 0.3))


@pytest.mark.parametrize(
    ("wd_middle", "inside"),
    [
        pytest.param(0.01, True, id="between neighbours"),
        pytest.param(0.0029, False, id="nearer to the smallest than to its neighbour"),
        pytest.param(0.0033, True, id="nearer to the second"),
        pytest.param(1e-5, False, id="below"),
        pytest.param(0.9, False, id="above"),
    ],
)
def test_an_optimum_is_inside_where_the_best_cell_has_neighbours_on_both_sides(wd_middle: float, inside: bool) -> None:
    shape = Shape.rectangle([1e-3], [0, 0.001, 0.01, 0.1], 1)
    assert shape.inside(Place("decoupled", wd_middle, "span")).tolist() == [inside]


def test_at_a_learning_rate_with_two_weight_decays_nothing_is_inside() -> None:
    ragged = Shape((*((1e-3, wd, 0) for wd in (0.01, 0.1, 1.0)), (1e-2, 0.01, 0), (1e-2, 1.0, 0)))
    assert ragged.inside(Place("decoupled", 0.1, "span")).tolist() == [True, False]
    assert not ragged.is_rectangle


def test_the_middle_is_that_of_the_weight_decays_that_most_learning_rates_share() -> None:
    tied = tuple((lr, 0.1 * lr, 0) for lr in LR)
    assert Shape((*PUBLISHED.points, *tied)).wd_middle == pytest.approx(np.sqrt(0.001 * 0.3))
    assert Shape(tied).wd_middle == pytest.approx(0.1 * np.sqrt(5e-5 * 1e-2))


def test_advised_weight_decays_reach_a_decade_beyond_every_place() -> None:
    asked = places(PUBLISHED, 0.1)
    wd = advised_wd(LR, asked)
    optima = [PUBLISHED.optimum(place, lr) for place in asked for lr in LR]
    assert min(wd) <= min(optima) / 10 * 1.1
    assert max(wd) >= max(optima) * 10 / 1.1
    assert np.diff(np.log10(wd)).max() < 0.6


@pytest.mark.parametrize(
    ("lr", "advised"),
    [
        (LR, LR),
        ([1e-3], [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
        ([1e-4, 1e-2], [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
    ],
)
def test_learning_rates_are_advised_over_two_decades(lr: list[float], advised: list[float]) -> None:
    assert advised_lr(lr) == advised


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(Shape.rectangle([1e-3], [0], 1), id="one cell without decay"),
        pytest.param(Shape.rectangle([1e-3], [0.01, 0.1, 1], 2), id="one learning rate"),
        pytest.param(Shape(tuple((lr, 0.1 * lr, 0) for lr in LR)), id="one weight decay at each learning rate"),
    ],
)
def test_grids_that_can_tell_nothing_say_so_and_are_advised(shape: Shape) -> None:
    asked = places(shape, 0.1)
    assert not power(shape, asked, repeats=2)["told"].any()
    assert len(advice(shape, asked, repeats=2).shape.lr) >= 5
