import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from decay_atlas.statistics.censored import Estimate
from decay_atlas.statistics.comparisons import holm, pairs


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=8))
def test_holm_is_statsmodels_over_the_p_values_that_exist(values):
    p = np.array(values)
    known = np.isfinite(p)
    expected = np.full(len(p), np.nan)
    if known.any():
        expected[known] = multipletests(p[known], method="holm")[1]
    assert holm(p) == pytest.approx(expected, nan_ok=True)


def test_equivalence_of_two_means_is_statsmodels_tost():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.1, 1, 20), rng.normal(0, 2, 30)
    known = {
        (name, "digits"): Estimate(sample.mean(), sample.std(ddof=1) / len(sample) ** 0.5, len(sample) - 1)
        for name, sample in (("a", first), ("b", second))
    }
    (pair,) = pairs(known)
    assert pair.tost(1.5)[1] == pytest.approx(ttost_ind(first, second, -1.5, 1.5, usevar="unequal")[0])


def test_architectures_are_compared_on_the_data_sets_they_share():
    known = {
        ("a", "cifar"): Estimate(1.0, 0.1, 10),
        ("b", "cifar"): Estimate(0.4, 0.1, 10),
        ("a", "imagenet"): Estimate(5.0, 0.1, 10),
        ("c", "imagenet"): Estimate(4.0, np.nan, np.nan),
    }
    (pair,) = pairs(known)
    assert (pair.first, pair.second) == ("a", "b")
    assert pair.difference.value == pytest.approx(0.6)
    assert pair.difference.df == pytest.approx(20)
