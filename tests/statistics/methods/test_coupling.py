import numpy as np
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.coupling import choice_per_seed, log_product, log_ratio, mean_product, origin_slope
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.methods.smoothing import smooth_optima

LR = np.array([0.1, 0.2, 0.4])


def test_the_slope_through_the_origin_leaves_out_an_lr_without_optimum():
    found = origin_slope(LR, np.array([[0.01, 0.02, 0.04], [np.nan, 0.06, np.nan], [np.nan] * 3]))
    assert found == pytest.approx([0.1, 0.3, np.nan], nan_ok=True)


def test_the_mean_product_is_geometric_and_leaves_out_zero():
    found = mean_product(LR, np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]))
    assert found == pytest.approx([np.sqrt(0.1 * 0.4), np.nan], nan_ok=True)


def test_each_seed_alone_chooses_its_own_optima():
    runs = simulate([1e-3, 1e-2], [0.01, 0.1, 1.0], 4, seed_sd=3.0)
    (one,) = landscapes(runs, "max")
    chosen = choice_per_seed(one).wd(one.wd)
    for k, seed in enumerate(one.seeds):
        alone = runs[runs["seed"] == seed]
        best = alone.loc[alone.groupby("lr")["value"].idxmax()].set_index("lr")["wd"]
        assert chosen[k].tolist() == best.loc[one.lr].tolist()


@pytest.mark.parametrize(("law", "quantity"), [("ratio", log_ratio), ("product", log_product)])
def test_calibrated_intervals_hold_the_truth_as_often_as_they_say(law, quantity):
    lr, wd = np.geomspace(1e-4, 1e-2, 7), np.geomspace(1e-4, 10, 16)
    archs = {f"a{k}": {"wd": k / 100} for k in range(100)}
    runs = simulate(lr, wd, 3, law=law, wd_best=0.02, no_decay=20.0, archs=list(archs), offsets=archs)
    hits = []
    for k, one in enumerate(landscapes(runs, "max")):
        low, high = np.exp(quantity(lr, smooth_optima(one)).interval())
        truth = 0.02 * 10 ** (k / 100) * (1e3 if law == "ratio" else 1e-3)
        hits.append(low < truth < high)
    assert 0.88 <= np.mean(hits) <= 1.0


def test_without_interior_optima_nothing_is_known():
    (one,) = landscapes(simulate(LR, [0.01, 0.02, 0.04, 0.08], 3, wd_best=100.0, law="decoupled"), "max")
    smooth = smooth_optima(one)
    for quantity in (log_ratio, log_product):
        assert np.isnan(quantity(LR, smooth).value)
        assert np.isnan(quantity(LR, None).value)


def test_one_seed_gives_a_value_without_an_error():
    (one,) = landscapes(simulate(np.geomspace(1e-4, 1e-2, 5), np.geomspace(1e-3, 10, 9), 1), "max")
    found = log_product(one.lr, smooth_optima(one))
    assert np.isfinite(found.value)
    assert np.isnan(found.se)
