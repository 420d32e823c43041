import numpy as np
import pytest
from scipy.stats import linregress, t
from statsmodels.stats.meta_analysis import combine_effects

from decay_atlas.statistics.methods.estimates import Estimate, between_variance, random_effects

X = np.arange(7.0)


def test_an_estimate_has_students_interval_and_p_value():
    one = Estimate(1.2, 0.1, 5)
    assert one.interval() == pytest.approx((1.2 - t.ppf(0.975, 5) * 0.1, 1.2 + t.ppf(0.975, 5) * 0.1))
    assert one.p(1.0) == pytest.approx(2 * t.sf(2, 5))
    assert np.isnan(Estimate(1.2, np.nan, np.nan).interval()).all()
    assert np.isnan(Estimate(1.2, 0.0, 5).p(1.0))


def test_scatter_is_none_where_the_covariance_explains_the_residuals():
    y = X + np.array([0.1, -0.1, 0.1, 0, -0.1, 0.1, -0.1])
    design = np.column_stack([np.ones(7), X])
    assert between_variance(design, y, np.eye(7)) == 0.0


def test_scatter_of_equally_known_points_is_what_the_residuals_have_too_much():
    y = np.random.default_rng(0).normal(size=7) * 3
    design = np.column_stack([np.ones(7), X])
    residual = linregress(X, y)
    excess = ((y - residual.intercept - residual.slope * X) ** 2).sum() / 5 - 0.04
    assert between_variance(design, y, 0.04 * np.eye(7)) == pytest.approx(excess)


def test_pooling_agrees_with_statsmodels_random_effects():
    value, variance = np.array([0.9, 1.3, 0.4, 1.8]), np.array([0.02, 0.05, 0.03, 0.04])
    pooled, p = random_effects([Estimate(v, s**0.5, 50) for v, s in zip(value, variance, strict=True)])
    known = combine_effects(value, variance, method_re="iterated")
    assert pooled.value == pytest.approx(known.mean_effect_re, abs=1e-6)
    assert pooled.se == pytest.approx(known.sd_eff_w_re, abs=1e-6)
    assert p == pytest.approx(known.test_homogeneity().pvalue)


def test_estimates_that_agree_pool_like_repeated_measurements():
    pooled, p = random_effects([Estimate(1.0, 0.2, 40), Estimate(1.0, 0.2, 40)])
    assert (pooled.value, pooled.se, pooled.df, p) == pytest.approx((1.0, 0.2 / 2**0.5, 80, 1.0))


def test_nothing_known_pools_to_nothing():
    assert np.isnan(random_effects([Estimate(1.0, np.nan, np.nan)])[0].value)
