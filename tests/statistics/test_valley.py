"""Widths are held to landscapes whose valleys can be written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.valley import valley

STEPS = np.arange(-3, 1.01, 0.25)  # a quarter of a decade: the edges below fall on grid points


def runs_of(quality, seeds=(0,), lr=STEPS, wd=STEPS):
    """A table of runs with quality(log10 lr, log10 wd, seed)."""
    rows = [
        {"dataset": "d", "recipe": "r", "arch": "a", "lr": 10**x, "wd": 10**y, "seed": s, "value": quality(x, y, s)}
        for x in lr
        for y in wd
        for s in seeds
    ]
    return pd.DataFrame(rows)


def widths(runs, direction="max", **settings):
    table = valley(runs, direction, **settings).set_index("sweep")
    return table.loc["wd"], table.loc["product"]


def test_under_the_product_law_a_sweep_at_fixed_product_never_leaves_the_valley():
    """Quality −(x + y + 2)²: at fixed λ the valley is 2√excess wide, along ηλ it has no end."""
    fixed, product = widths(runs_of(lambda x, y, s: -((x + y + 2) ** 2)), excess=0.25, starts={"r": (0.1, 0.1)})
    assert fixed["decades"] == pytest.approx(1.0)
    assert (fixed["lr_lo"], fixed["lr_hi"]) == pytest.approx((10**-1.5, 10**-0.5))
    assert fixed["edge"] == "none"
    assert product["decades"] == pytest.approx(4.0)  # ηλ = 0.01 meets the grid from η = 0.001 to η = 10
    assert product["edge"] == "both"


def test_under_the_decoupled_law_a_sweep_at_fixed_product_is_the_narrower_one():
    """Quality −(x + 1)² − (y + 1)²: 2√excess at fixed λ, √2·√excess along ηλ."""
    fixed, product = widths(runs_of(lambda x, y, s: -((x + 1) ** 2) - (y + 1) ** 2), excess=0.5)
    assert (fixed["lr_start"], fixed["wd_start"]) == pytest.approx((0.1, 0.1))  # the best cell
    assert product["decades"] == pytest.approx(1.0)
    # √0.5 lies between grid points, where the parabola is replaced by its chord
    assert fixed["decades"] == pytest.approx(2 * np.sqrt(0.5), abs=0.03)


def test_losses_are_the_same_upside_down():
    runs = runs_of(lambda x, y, s: -((x + y + 2) ** 2) - 3 * (x + 1) ** 2)
    upside_down = valley(runs.assign(value=-runs["value"]), "min", excess=0.5)
    pd.testing.assert_frame_equal(
        valley(runs, "max", excess=0.5).drop(columns="best"), upside_down.drop(columns="best")
    )


def test_an_end_of_the_grid_is_told_from_an_end_of_the_valley():
    fixed, _ = widths(runs_of(lambda x, y, s: -(x + 3) * 0.5), excess=1)
    assert (fixed["edge"], fixed["decades"]) == ("lower", pytest.approx(2.0))


def test_a_start_between_grid_points_is_interpolated_in_log_wd_and_never_beyond():
    fixed, product = widths(runs_of(lambda x, y, s: y), excess=10, starts={"r": (0.1, 10**0.1)})
    assert fixed["best"] == pytest.approx(0.1)
    assert product["n_lr"] == 12  # λ = 10^0.1·0.1/η is within the grid from η = 10^-1.9 on
    outside, _ = widths(runs_of(lambda x, y, s: y), excess=10, starts={"r": (0.1, 100.0)})
    assert (outside["n_lr"], outside["note"]) == (0, "the sweep does not meet the grid")


def test_a_sweep_that_misses_the_valley_has_no_width():
    fixed, _ = widths(runs_of(lambda x, y, s: -((y - 1) ** 2)), excess=1, starts={"r": (0.1, 0.01)})
    assert fixed["decades"] == 0
    assert fixed["note"] == "nothing on the sweep is as good"


def test_single_seeds_say_how_sure_the_width_is():
    """Curvatures 1 and 4 have valleys of 1 and 2 decades; their mean, 2.5, one between."""
    runs = runs_of(lambda x, y, s: -(4 if s else 1) * (x + 1) ** 2, seeds=(0, 1))
    fixed, _ = widths(runs, excess=1)
    assert (fixed["decades_lo"], fixed["decades_hi"]) == pytest.approx((1.0, 2.0))
    assert fixed["decades_lo"] < fixed["decades"] < fixed["decades_hi"]
    assert (fixed["decades_sd"], fixed["n_seeds"]) == (pytest.approx(np.sqrt(0.5)), 2)


def test_without_decay_there_is_nothing_to_sweep():
    runs = runs_of(lambda x, y, s: x).assign(wd=0.0).drop_duplicates("lr")
    assert set(valley(runs, "max")["note"]) == {"no weight decay greater than 0"}
    with pytest.raises(ValueError, match="excess must be greater than 0"):
        valley(runs, "max", excess=0)


def test_where_the_study_does_not_say_seed_noise_sets_the_excess_of_a_metric_without_percent():
    noise = np.random.default_rng(0).normal(0, 0.02, (len(STEPS), len(STEPS), 50))
    at = {x: i for i, x in enumerate(STEPS)}
    runs = runs_of(lambda x, y, s: -((x + y + 2) ** 2) + noise[at[x], at[y], s], seeds=range(50))
    for scale in (1, 0.01):
        fixed, _ = widths(runs.assign(value=scale * runs["value"]), unit="", starts={"r": (0.1, 0.1)})
        assert fixed["excess"] == pytest.approx(3 * 0.02 * scale, rel=0.03)
        assert fixed["decades"] == pytest.approx(2 * np.sqrt(0.06), rel=0.15)
        assert fixed["edge"] == "none"
    assert set(valley(runs, "max")["excess"]) == {1}
    assert set(valley(runs, "max", unit="", excess=0.5)["excess"]) == {0.5}


def test_one_seed_of_a_metric_without_percent_asks_for_an_excess():
    table = valley(runs_of(lambda x, y, s: -((x + y + 2) ** 2)), "max", unit="")
    assert table["decades"].isna().all()
    assert table["note"].str.contains("statistics.valley.excess").all()
