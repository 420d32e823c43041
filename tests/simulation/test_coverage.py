"""The coverage study itself: reproducible whatever the workers, and its shares counted by hand."""

import os

import numpy as np
import pandas as pd
import pytest

from decay_atlas.simulation.coverage import coverage, interval_coverage, regrets, verdict_matrix
from decay_atlas.simulation.designs import PUBLISHED_LR, PUBLISHED_WD, Design, stress_designs

LR, WD = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()


def design(law, **settings):
    return Design(law, LR, WD, 5, {"law": law, "wd_best": 10**-1.5, "no_decay": 20.0} | settings)


def test_laws_are_told_apart_on_a_good_grid_and_not_on_the_published_one():
    published = {"law": "ratio", "wd_best": 1e-4}
    designs = [
        *(design(law) for law in ("ratio", "decoupled", "product")),
        Design("published", PUBLISHED_LR, PUBLISHED_WD, 5, published, jitter=0.0),
    ]
    outcomes = coverage(designs, 30, processes=1, advice=False)
    shares = verdict_matrix(outcomes, by=["design", "law"]).set_index(["design", "verdict"])["share"]
    for law in ("ratio", "decoupled", "product"):
        assert shares[law, law] > 0.8
        assert all(shares.get((law, other), 0) == 0 for other in {"ratio", "decoupled", "product"} - {law})
    assert shares["published", "not-identifiable"] == 1.0
    intervals = interval_coverage(outcomes).set_index(["quantity", "method"])["covered"]
    assert intervals["slope", "censored"] > 0.85
    assert intervals["rho", "calibrated"] > 0.85


def test_neither_workers_nor_further_repeats_change_an_outcome():
    designs = [design("product"), design("ratio")]
    alone = coverage(designs, 26, seed=3, processes=1, advice=False)
    shared = coverage(designs, 30, seed=3, processes=2, advice=False)
    keys = ["design", "repeat", "quantity", "method"]
    both = alone.merge(shared, on=keys, suffixes=("", "_shared"))
    assert len(both) == len(alone)
    assert both["estimate"].to_numpy() == pytest.approx(both["estimate_shared"].to_numpy(), nan_ok=True)
    other = coverage(designs[:1], 1, seed=4, processes=1, advice=False)
    assert other["truth"].iloc[-1] != alone["truth"].loc[lambda truth: truth > 0].iloc[0]


def test_truths_are_those_of_the_design():
    outcomes = coverage([design("product", seed_sd=0.01), design("ratio", seed_sd=0.01)], 3, processes=1)
    exact = outcomes[outcomes["method"].isin(["censored", "calibrated"])]
    assert set(exact["quantity"]) == {"slope", "product", "rho"}
    assert set(outcomes["quantity"]) == {"slope", "product", "rho", "wd", "regret"}
    assert exact["estimate"].to_numpy() == pytest.approx(exact["truth"].to_numpy(), rel=0.05)


def test_shares_are_counted():
    outcomes = pd.DataFrame(
        {
            "law": "ratio",
            "seeds": 5,
            "quantity": "slope",
            "method": "censored",
            "verdict": ["ratio", "ratio", "other", "undetermined"],
            "truth": 1.0,
            "lo": [0.9, 0.8, 1.1, np.nan],
            "hi": [1.1, 1.2, 1.3, np.nan],
        }
    )
    table = verdict_matrix(outcomes)
    # 2 of 4: Wilson's interval is (k + z²/2 ± z·sqrt(k(n−k)/n + z²/4)) / (n + z²).
    z = 1.959964
    half = z * np.sqrt(1 + z**2 / 4)
    assert table.loc[0, ["share_lo", "share_hi"]].tolist() == pytest.approx(
        [(2 + z**2 / 2 - half) / (4 + z**2), (2 + z**2 / 2 + half) / (4 + z**2)], rel=1e-5
    )
    matrix = table.set_index("verdict")["share"].to_dict()
    assert matrix == {"ratio": 0.5, "other": 0.25, "undetermined": 0.25}
    (row,) = interval_coverage(outcomes).to_dict("records")
    assert (row["covered"], row["n"], row["missing"]) == (pytest.approx(2 / 3), 3, 1)
    assert row["covered_lo"] < 2 / 3 < row["covered_hi"]


def test_regrets_are_averaged_over_studies_and_are_no_intervals():
    losses = [0.1, 0.3, 0.2, 0.6]
    table = pd.DataFrame(
        {
            "group": "g",
            "seeds": 3,
            "quantity": "regret",
            "method": ["recommendation", "recommendation", "best cell", "best cell"],
            "estimate": losses,
        }
    )
    (row,) = regrets(table).to_dict("records")
    assert (row["recommended"], row["best_cell"], row["n"]) == (pytest.approx(0.2), pytest.approx(0.4), 2)
    assert row["best_cell_p95"] == pytest.approx(np.quantile([0.2, 0.6], 0.95))
    assert interval_coverage(table).empty


def test_where_the_system_does_not_say_which_cores_are_ours_all_are_used(monkeypatch):
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    designs = [Design("small", LR, WD, 2, {"law": "product", "seed_sd": 0.4})]
    pd.testing.assert_frame_equal(coverage(designs, 1), coverage(designs, 1, processes=1))


def test_what_is_simulated_of_a_stress_is_judged_by_the_slope_that_its_optima_have():
    bent = [design for design in stress_designs() if design.name == "ratio, a bent law"]
    outcomes = coverage(bent, 2, processes=1, advice=False)
    slopes = outcomes[(outcomes["quantity"] == "slope") & (outcomes["method"] == "censored")]
    assert slopes["truth"].tolist() == pytest.approx([0.5, 0.5], abs=0.05), "1 below the bend and 0 above it"
    assert set(slopes["judged"]) <= {"right", "wrong", "silent"}
    assert set(outcomes["quantity"]) == {"slope"}


def test_nothing_to_repeat_is_refused():
    with pytest.raises(ValueError, match="at least one design"):
        coverage([], 10)
