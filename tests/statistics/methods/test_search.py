"""Searches are held to brute force over every subset, and to landscapes whose trap is known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.statistics.methods import search

NAN = np.nan


def test_a_fold_sees_the_other_seeds_alone():
    quality = np.array([[1.0, 2.0, 6.0], [4.0, NAN, 8.0], [3.0, NAN, NAN]])
    expected = [[4.0, 3.5, 1.5], [8.0, NAN, 4.0], [NAN, NAN, NAN]]
    assert search.fold_means(quality) == pytest.approx(np.array(expected), nan_ok=True)
    assert search.fold_means(quality, crossfit=False)[1] == pytest.approx([6.0, NAN, 6.0], nan_ok=True)


def test_selection_on_one_score_reports_the_other():
    means = np.array([[1.0, NAN], [2.0, NAN]])
    scores = np.array([[10.0, NAN], [20.0, NAN]])
    assert search.exhaustive(means, scores) == pytest.approx([20.0, NAN], nan_ok=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_random_search_is_the_mean_over_every_subset(seed, n):
    rng = np.random.default_rng(seed)
    means, scores = rng.normal(size=(2, 7, 2))
    means[rng.random((7, 2)) < 0.2] = NAN
    got = search.random(means, scores, [n])[0]
    for fold in range(2):
        there = np.flatnonzero(np.isfinite(means[:, fold]))
        chosen = [scores[max(subset, key=lambda cell: means[cell, fold]), fold] for subset in combinations(there, n)]
        assert got[fold] == pytest.approx(np.mean(chosen) if chosen else NAN, nan_ok=True)


def test_every_halton_order_visits_each_cell_once_and_spreads():
    orders = search.halton_orders(8, 8)
    assert (np.sort(orders, axis=1) == np.arange(64)).all()
    # Of the first eight cells, a random draw leaves a row in three unvisited; a spread one far fewer.
    rows = [len(np.unique(order[:8] // 8)) for order in orders]
    assert np.mean(rows) > 6.5


def test_quasi_random_search_replays_its_orders():
    rng = np.random.default_rng(0)
    means, scores = rng.normal(size=(2, 12, 3))
    means[4] = NAN
    got = search.quasi_random(means, scores, (3, 4), [2, 11])
    kept = [[cell for cell in order if cell != 4] for order in search.halton_orders(3, 4)]
    for fold in range(3):
        chosen = [scores[max(order[:2], key=lambda cell: means[cell, fold]), fold] for order in kept]
        assert got[0, fold] == pytest.approx(np.mean(chosen))
    assert got[1] == pytest.approx(search.exhaustive(means, scores))


def test_alternating_searches_are_trapped_on_a_diagonal_ridge():
    # The best cell is the corner (2, 2), but every step along an axis from (0, 0) leads downhill.
    surface = np.array([[5.0, 1.0, 0.0], [1.0, 6.0, 1.0], [0.0, 1.0, 7.0]])
    means = surface.reshape(-1, 1)
    score, tried = search.alternating(means, means, (3, 3), (0, 0))
    assert (score[0], tried[0]) == (5.0, 5)
    score, _ = search.alternating(means, means, (3, 3), (2, 1))
    assert score[0] == 7.0


def test_an_alternating_search_is_trapped_on_a_diagonal_ridge() -> None:
    """Both lines through (0, 0) are worse everywhere else, though (2, 2) is best: it stays, having seen five cells."""
    means = np.array([[5.0, 1.0, 0.0], [1.0, 6.0, 1.0], [0.0, 1.0, 9.0]])
    assert search.follow(means, (0, 0)) == ((0, 0), 5)
    assert search.follow(means, (2, 0)) == ((2, 2), 5)
    assert search.follow(means, (2, 2)) == ((2, 2), 5)
