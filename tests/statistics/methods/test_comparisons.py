import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from decay_atlas.statistics.methods.comparisons import holm, mean_of, pairs
from decay_atlas.statistics.methods.estimates import Estimate


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=8))
def test_holm_is_statsmodels_over_the_p_values_that_exist(values):
    p = np.array(values)
    known = np.isfinite(p)
    expected = np.full(len(p), np.nan)
    if known.any():
        expected[known] = multipletests(p[known], method="holm")[1]
    assert holm(p) == pytest.approx(expected, nan_ok=True)


def test_a_mean_is_tested_as_scipys_t_test_does():
    sample = np.random.default_rng(0).normal(0.3, 1, 7)
    one, expected = mean_of(sample), stats.ttest_1samp(sample, 0.1)
    assert one.p(0.1) == pytest.approx(expected.pvalue)
    assert one.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_one_value_has_no_interval_and_equal_ones_no_test():
    assert np.isnan(mean_of(np.array([2.0])).interval()).all()
    assert mean_of(np.array([2.0, 2.0])).interval() == (2, 2)
    assert np.isnan(mean_of(np.array([2.0, 2.0])).p(0))


def test_equivalence_of_two_means_is_statsmodels_tost():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.1, 1, 20), rng.normal(0, 2, 30)
    known = {(name, "digits"): mean_of(sample) for name, sample in (("a", first), ("b", second))}
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
