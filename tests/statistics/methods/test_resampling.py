from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decay_atlas.statistics.methods.resampling import (
    multisets,
    resampled_means,
    resampled_seeds,
    weighted_quantile,
    weighted_sd,
)


@pytest.mark.parametrize("n", range(1, 8))
def test_multisets_are_all_the_ordered_draws_gathered(n):
    members, probability = multisets(n)
    assert len(members) == comb(2 * n - 1, n)
    gathered = {}
    for draw in product(range(n), repeat=n):
        key = tuple(sorted(draw))
        gathered[key] = gathered.get(key, 0) + 1 / n**n
    assert {tuple(row): p for row, p in zip(members.tolist(), probability, strict=True)} == pytest.approx(gathered)


def test_ten_seeds_are_too_many_to_enumerate_and_drawn_alike_from_one_seed():
    assert len(resampled_seeds(9)[0]) == 24_310
    first, probability = resampled_seeds(10, resamples=500, seed=3)
    assert first.shape == (500, 10)
    assert probability.sum() == pytest.approx(1)
    assert (first == resampled_seeds(10, resamples=500, seed=3)[0]).all()
    assert (first != resampled_seeds(10, resamples=500, seed=4)[0]).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["mean", "iqm"]), st.floats(0, 0.5))
def test_resampled_means_are_those_of_the_drawn_runs(seed, average, missing):
    rng = np.random.default_rng(seed)
    quality = np.where(rng.random((2, 3, 4)) < missing, np.nan, rng.normal(size=(2, 3, 4)))
    members, _ = multisets(4)
    means = resampled_means(quality, members, average)
    for r in rng.choice(len(members), 5):
        for i, j in np.ndindex(2, 3):
            drawn = [quality[i, j, k] for k in members[r] if np.isfinite(quality[i, j, k])]
            cut = len(drawn) // 4 if average == "iqm" else 0
            kept = sorted(drawn)[cut : len(drawn) - cut]
            expected = np.mean(kept) if kept else np.nan
            assert means[r, i, j] == pytest.approx(expected, nan_ok=True)


def test_quantiles_of_weighted_values_are_those_of_the_values_repeated():
    values, times = np.array([3.0, 1.0, 2.0, np.nan]), np.array([5, 2, 3, 7])
    repeated = np.repeat(values[:3], times[:3])
    q = np.array([0.025, 0.2, 0.35, 0.5, 0.975])
    expected = np.quantile(repeated, q, method="inverted_cdf")
    assert weighted_quantile(values, times / times.sum(), q).tolist() == expected.tolist()
    assert weighted_sd(values, times / times.sum()) == pytest.approx(repeated.std())


def test_nothing_has_no_quantile_and_no_spread():
    nothing = np.array([np.nan])
    assert np.isnan(weighted_quantile(nothing, np.ones(1), np.array([0.5]))).all()
    assert np.isnan(weighted_sd(nothing, np.ones(1)))


def test_a_bootstrap_without_seeds_is_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        resampled_seeds(0)
