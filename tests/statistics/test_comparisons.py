import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from decay_atlas.statistics.censored import Estimate
from decay_atlas.statistics.comparisons import holm, pairs


def test_holm_leaves_missing_p_values_out_of_the_family():
    p = np.array([0.01, np.nan, 0.04, 0.03])
    expected = multipletests([0.01, 0.04, 0.03], method="holm")[1]
    assert holm(p) == pytest.approx([expected[0], np.nan, *expected[1:]], nan_ok=True)
    assert np.isnan(holm(np.array([np.nan]))).all()


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
