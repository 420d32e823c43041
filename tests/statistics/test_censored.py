import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import linregress, norm, t
from statsmodels.stats.meta_analysis import combine_effects

from decay_atlas.statistics.censored import Estimate, censored_line, excess_scatter, random_effects

X = np.arange(7.0)


def line(y, se, below=(), above=(), lower=-np.inf, upper=np.inf, df=100):
    flags = [np.isin(np.arange(len(y)), list(which)) for which in (below, above)]
    bounds = [np.full(len(y), bound) for bound in (lower, upper)]
    covariance = np.diag(np.broadcast_to(np.square(se), len(y)).astype(float))
    x = X[: len(y)]
    return censored_line(
        x,
        np.asarray(y, float),
        covariance,
        df,
        below=flags[0],
        above=flags[1],
        lower=bounds[0],
        upper=bounds[1],
    )


def test_an_estimate_has_students_interval_and_p_value():
    one = Estimate(1.2, 0.1, 5)
    assert one.interval() == pytest.approx((1.2 - t.ppf(0.975, 5) * 0.1, 1.2 + t.ppf(0.975, 5) * 0.1))
    assert one.p(1.0) == pytest.approx(2 * t.sf(2, 5))
    assert np.isnan(Estimate(1.2, np.nan, np.nan).interval()).all()
    assert np.isnan(Estimate(1.2, 0.0, 5).p(1.0))


def test_scatter_is_none_where_the_covariance_explains_the_residuals():
    y = X + np.array([0.1, -0.1, 0.1, 0, -0.1, 0.1, -0.1])
    design = np.column_stack([np.ones(7), X])
    assert excess_scatter(design, y, np.eye(7)) == 0.0


def test_scatter_of_equally_known_points_is_what_the_residuals_have_too_much():
    y = np.random.default_rng(0).normal(size=7) * 3
    design = np.column_stack([np.ones(7), X])
    residual = linregress(X, y)
    excess = ((y - residual.intercept - residual.slope * X) ** 2).sum() / 5 - 0.04
    assert excess_scatter(design, y, 0.04 * np.eye(7)) == pytest.approx(excess)


def test_without_known_errors_the_line_is_ordinary_least_squares():
    y = 0.5 * X + np.random.default_rng(1).normal(size=7)
    found, known = line(y, 0.0, df=0), linregress(X, y)
    assert (found.value, found.se, found.df) == pytest.approx((known.slope, known.stderr, 5))


def test_without_scatter_the_line_is_weighted_least_squares():
    se = np.array([0.1, 0.2, 0.1, 0.3, 0.1, 0.2, 0.1])
    y = 2 * X + 0.1 * se
    found = line(y, se)
    assert found.se == pytest.approx(
        np.sqrt(
            np.linalg.inv(
                np.array([[(1 / se**2).sum(), (X / se**2).sum()], [(X / se**2).sum(), (X**2 / se**2).sum()]])
            )[1, 1]
        )
    )
    assert found.df == pytest.approx(100)


def test_censored_points_enter_by_the_probability_of_lying_beyond_their_bound():
    y, se = np.array([0.0, 0.0, 2.1, 2.9, 4.2, 4.8, 6.0]), 0.3
    found = line(y, se, below=[0, 1], lower=1.5)

    def loss(beta):
        mean = beta[0] + beta[1] * X
        return -norm.logpdf(y[2:], mean[2:], se).sum() - norm.logcdf((1.5 - mean[:2]) / se).sum()

    assert found.value == pytest.approx(minimize(loss, [0, 1], tol=1e-10).x[1], abs=1e-5)


def test_an_edge_does_not_flatten_the_line_as_it_does_when_taken_for_an_optimum():
    y = np.maximum(X, 3.0)
    assert line(y, 0.05, below=[0, 1, 2], lower=3.0).value == pytest.approx(1, abs=0.02)
    assert linregress(X, y).slope < 0.7


def test_upper_edges_mirror_lower_ones():
    y = np.array([0.1, 0.9, 2.2, 3.1, 4.0, 4.0, 4.0])
    up = line(y, 0.2, above=[5, 6], upper=4.0)
    down = line(-y, 0.2, below=[5, 6], lower=-4.0)
    assert (up.value, up.se) == pytest.approx((-down.value, down.se))


def test_two_points_make_no_line():
    assert np.isnan(line(X[:4], 0.1, below=[0, 1], lower=2.0).value)


def test_intervals_cover_the_slope_of_a_censored_line():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(300):
        y = X + rng.normal(size=7) * 0.5
        low, high = line(y, 0.5, below=np.flatnonzero(y < 1.5), lower=1.5).interval()
        hits.append(low <= 1 <= high)
    assert 0.92 < np.mean(hits) < 0.99


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


def test_with_one_seed_a_censored_point_far_off_the_line_widens_it_instead_of_turning_it():
    """Four points on a line of slope −1, and one at the lower edge that would lie high above it."""
    y = np.array([-5.8, -1.6, -2.7, -3.55, -4.65])
    found = line(y, 0.0, below=[0], lower=-5.8, df=0)
    low, high = found.interval()
    assert low < -1 < high
    assert high - low > 1


def test_with_one_seed_a_censored_point_that_agrees_changes_little():
    y = np.array([-0.05, -1.05, -1.95, -3.0, -4.05, -9.0])
    alone, agreeing = line(y[:5], 0.0, df=0), line(y, 0.0, below=[5], lower=-4.2, df=0)
    assert agreeing.value == pytest.approx(alone.value, abs=0.02)
    assert agreeing.se == pytest.approx(alone.se, rel=0.3)
