"""Tuning strategies on landscapes whose gaps are known in closed form."""

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.tuning import tuning

LR = np.geomspace(1e-4, 1e-2, 5)
WD = np.geomspace(1e-4, 10, 11)


def rows(table, strategy):
    return table[table["strategy"] == strategy].reset_index(drop=True)


def row(table, strategy):
    (only,) = rows(table, strategy).to_dict("records")
    return only


def test_without_noise_each_protocol_loses_its_distance_from_the_law():
    # λ* = 0.1 at every lr; the best lr is 1e-3, half a decade steps. On the ratio's line λ = 0.1·lr the
    # loss is 2·(log10(lr) − 0)² + 4·(log10(lr) + 3)², least at lr = 1e-2 on this grid.
    runs = simulate(LR, WD, 3, law="decoupled", curvature=2.0, no_decay=100.0, seed_sd=0.0, validation_sd=0.0)
    table = tuning(runs, "max", rho=0.1, start=(1e-3, 0.1))
    line = 2 * np.log10(LR) ** 2 + 4 * np.log10(LR / 1e-3) ** 2
    assert row(table, "full-2d")["value"] == pytest.approx(75.0)
    assert row(table, "ratio-1d")["gap"] == pytest.approx(line.min())
    assert row(table, "fixed-wd-1d")["gap"] == pytest.approx(0.0)
    assert row(table, "product-1d")["gap"] == pytest.approx(0.0)
    assert row(table, "full-2d")["optimism"] == pytest.approx(0.0)


def test_costs_are_counted_in_cells_runs_and_hours():
    runs = simulate(LR, WD, 3).assign(seconds=3600.0)
    table = tuning(runs, "max", start=(1e-3, 0.1))
    full, line = row(table, "full-2d"), row(table, "product-1d")
    assert (full["budget"], full["runs"], full["device_hours"]) == pytest.approx((55, 165, 165.0))
    assert (line["budget"], line["runs"], line["device_hours"]) == pytest.approx((5, 15, 15.0))
    assert set(rows(table, "random")["budget"]) == {2, 4, 5, 8, 16, 32}


def test_a_run_that_four_devices_share_costs_four_times_its_hours():
    runs = simulate(LR, WD, 3).assign(seconds=3600.0)
    runs["n_devices"] = np.where(runs["lr"] == LR[0], 4, 1)
    table = tuning(runs, "max", start=(1e-3, 0.1))
    assert row(table, "full-2d")["device_hours"] == pytest.approx(33 * 4 + 132)
    assert row(table, "product-1d")["device_hours"] == pytest.approx(3 * 4 + 12)


def test_on_a_flat_landscape_a_gap_is_noise_about_zero():
    # In-sample, the best of 55 noisy cells beats the best of 5 by about 0.5 pp; cross-fitted, by nothing.
    flat = {"curvature": 0.0, "lr_curvature": 0.0, "no_decay": 0.0, "seed_sd": 1.0}
    gaps = [row(tuning(simulate(LR, WD, 5, seed=s, **flat), "max"), "ratio-1d")["gap"] for s in range(40)]
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(40)
    table = tuning(simulate(LR, WD, 5, **flat), "max")
    assert row(table, "full-2d")["optimism"] > 0.5


def test_intervals_cover_the_true_gap():
    # The true gap: the line's best against the grid's, both far enough ahead that choosing them is sure.
    law = {"law": "decoupled", "curvature": 3.0, "lr_curvature": 8.0, "no_decay": 100.0, "seed_sd": 0.3}
    line = np.min(3 * np.log10(LR) ** 2 + 8 * np.log10(LR / 1e-3) ** 2)
    inside = 0
    for seed in range(120):
        found = row(tuning(simulate(LR, WD, 5, seed=seed, **law), "max"), "ratio-1d")
        inside += found["gap_lo"] <= line <= found["gap_hi"]
    assert 0.88 <= inside / 120 <= 0.99


def test_a_protocol_that_was_really_trained_is_used_as_trained():
    grid = simulate(LR, [0.001, 0.03, 1.0], 3, seed_sd=0.0)
    tied = pd.concat([simulate([lr], [0.3 * lr], 3, seed_sd=0.0) for lr in LR], ignore_index=True)
    both = tuning(pd.concat([grid, tied], ignore_index=True), "max", rho=0.3)
    assert row(both, "ratio-1d")["points"] == "trained"
    assert row(both, "full-2d")["budget"] == 15
    assert row(both, "ratio-1d")["value"] == pytest.approx(tied["value"].max())
    other = tuning(pd.concat([grid, tied], ignore_index=True), "max", rho=0.1)
    assert row(other, "ratio-1d-tied")["constant"] == pytest.approx(0.3)
    assert row(other, "ratio-1d-tied")["points"] == "trained"


def test_protocols_interpolate_in_log_and_never_extrapolate():
    runs = simulate([1e-3, 1e-2], [0.0, 1e-3, 1e-1], 2, law="decoupled", lr_curvature=0.0, seed_sd=0.0)
    found = row(tuning(runs, "max", rho=1.0), "ratio-1d")
    assert (found["points"], found["missed"]) == ("mixed", 0)
    # λ = 0.01 at lr = 0.01 lies half-way in log between cells that lose 6 and 0 pp.
    assert found["value"] == pytest.approx(72.0)
    assert row(tuning(runs, "max", rho=0.1), "ratio-1d")["missed"] == 1
    gone = row(tuning(runs, "max", rho=1e-3), "ratio-1d")
    assert np.isnan(gone["gap"])
    assert "outside" in gone["blank"]


def test_constants_are_fitted_on_the_other_architectures():
    offsets = {"b": {"wd": 1.0}, "c": {"wd": -0.5}}
    runs = simulate(LR, WD, 2, archs=["a", "b", "c"], law="product", offsets=offsets, seed_sd=0.0, wd_best=1e-2)
    fitted = rows(tuning(runs, "max"), "product-1d-fitted").set_index("arch")["constant"]
    # The others' ηλ* are 1e-5 · 10^offset, censored at the grid's ends for none of them.
    assert np.log10(fitted["a"]) == pytest.approx(-5 + 0.25)
    assert np.log10(fitted["b"]) == pytest.approx(-5 - 0.25)
    alone = row(tuning(runs[runs["arch"] == "a"], "max"), "ratio-1d-fitted")
    assert alone["blank"].startswith("there is no other architecture")


def test_constants_are_not_fitted_where_every_run_diverged():
    runs = simulate(LR, WD, 2, archs=["a", "b"], law="product", seed_sd=0.0, wd_best=1e-2, diverge={"lr": LR[-1] / 2})
    lived = runs[(runs["lr"] < LR[-1]) | (runs["arch"] == "a")]
    both, fitted = (rows(tuning(table, "max"), "ratio-1d-fitted").set_index("arch") for table in (runs, lived))
    assert both.loc["a", "constant"] == fitted.loc["a", "constant"]


def test_alternating_searches_fall_into_the_trap():
    # A ridge along ηλ = const, so sharp that from the corner no single step leads to better quality.
    ridge = {"law": "product", "wd_best": 0.1, "curvature": 50.0, "no_decay": 1e3, "lr_best": 1e-3}
    runs = simulate(LR, WD, 2, seed_sd=0.0, validation_sd=0.0, lr_curvature=1.0, **ridge)
    table = tuning(runs, "max", start=(1e-4, 1.0))
    assert row(table, "alternating-start")["gap"] == pytest.approx(1.0)
    assert row(table, "full-2d")["gap"] == 0.0


def test_more_budget_never_does_worse_without_noise():
    table = tuning(simulate(LR, WD, 2, seed_sd=0.0, validation_sd=0.0), "max")
    for strategy in ("random", "quasi-random"):
        gaps = rows(table, strategy)["gap"].to_numpy()
        assert (np.diff(gaps) <= 1e-9).all()
        assert gaps[0] > gaps[-1] >= 0


def test_a_loss_is_tuned_downwards():
    loss = {"best": 2.0, "chance": 9.0, "curvature": 0.5, "seed_sd": 0.01, "validation_sd": 0.01}
    runs = simulate(LR, WD, 3, direction="min", **loss)
    table = tuning(runs, "min")
    assert row(table, "full-2d")["value"] == pytest.approx(2.0, abs=0.05)
    assert (rows(table, "random")["gap"] > 0).all()


def test_selection_is_on_validation_where_it_exists():
    runs = simulate(LR, WD, 3)
    assert set(tuning(runs, "max")["selected_on"]) == {"val_best"}
    assert set(tuning(runs.assign(val_best=np.nan), "max")["selected_on"]) == {"value"}
    assert set(tuning(runs.drop(columns="val_best"), "max")["selected_on"]) == {"value"}
    assert set(tuning(runs.assign(value=runs["test_final"]), "max")["selected_on"]) == {"val_final"}
    # A loss beside accuracies: validation accuracy does not select it.
    assert set(tuning(runs.assign(value=-runs["value"]), "min")["selected_on"]) == {"value"}


def test_one_seed_cannot_be_crossfitted_and_says_so():
    table = tuning(simulate(LR, WD, 1).drop(columns="val_best"), "max")
    assert not table["crossfitted"].any()
    assert table[["gap_lo", "gap_hi", "optimism"]].isna().all(axis=None)
    assert (table.loc[table["blank"] == "", "gap"] >= 0).all()


def test_ragged_grids_use_what_is_there():
    runs = simulate(LR, WD, 4)
    ragged = runs[~((runs["lr"] == LR[0]) & (runs["wd"] > 1)) & ~((runs["wd"] == WD[3]) & (runs["seed"] > 0))]
    table = tuning(ragged, "max")
    assert np.isfinite(row(table, "full-2d")["value"])
    assert row(table, "full-2d")["runs"] == len(ragged)


def test_constants_must_be_positive():
    with pytest.raises(ValueError, match="must be positive"):
        tuning(simulate(LR, WD, 1), "max", rho=0.0)


def test_a_second_seed_at_one_cell_alone_makes_no_crossfit():
    """The others would choose among that one cell, and every strategy would lose nothing, to the last digit."""
    runs = simulate(LR, WD, 3)
    table = tuning(runs[(runs["seed"] == 0) | ((runs["lr"] == LR[1]) & (runs["wd"] == WD[2]))], "max")
    assert not table["crossfitted"].any()
    assert table["gap_lo"].isna().all()
