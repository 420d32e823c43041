"""The coverage study itself: reproducible whatever the workers, and its shares counted by hand."""

import os

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.coverage import (
    PUBLISHED_LR,
    PUBLISHED_WD,
    Design,
    coverage,
    interval_coverage,
    published_design,
    standard_designs,
    stress_designs,
    verdict_matrix,
)

LR, WD = np.geomspace(1e-4, 1e-2, 7).tolist(), np.geomspace(1e-4, 10, 16).tolist()


def design(law, **settings):
    return Design(law, LR, WD, 5, {"law": law, "wd_best": 10**-1.5, "no_decay": 20.0} | settings)


def test_laws_are_told_apart_on_a_good_grid_and_not_on_the_published_one():
    published = {"law": "ratio", "wd_best": 1e-4}
    designs = [
        *(design(law) for law in ("ratio", "decoupled", "product")),
        Design("published", PUBLISHED_LR, PUBLISHED_WD, 5, published, jitter=0.0),
    ]
    outcomes = coverage(designs, 30, processes=1)
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
    alone = coverage(designs, 26, seed=3, processes=1)
    shared = coverage(designs, 30, seed=3, processes=2)
    keys = ["design", "repeat", "quantity", "method"]
    both = alone.merge(shared, on=keys, suffixes=("", "_shared"))
    assert len(both) == len(alone)
    assert both["estimate"].to_numpy() == pytest.approx(both["estimate_shared"].to_numpy(), nan_ok=True)
    other = coverage(designs[:1], 1, seed=4, processes=1)
    assert other["truth"].iloc[-1] != alone["truth"].loc[lambda truth: truth > 0].iloc[0]


def test_truths_are_those_of_the_design():
    outcomes = coverage([design("product", seed_sd=0.01), design("ratio", seed_sd=0.01)], 3, processes=1)
    exact = outcomes[outcomes["method"].isin(["censored", "calibrated"])]
    assert set(exact["quantity"]) == {"slope", "product", "rho"}
    assert exact["estimate"].to_numpy() == pytest.approx(exact["truth"].to_numpy(), rel=0.03)


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


def test_the_standard_designs_span_what_the_verdicts_promise():
    designs = standard_designs()
    assert len(designs) == 3 * 3 * 3 * 3
    assert {design.seeds for design in designs} == {3, 5, 10}
    assert {(len(d.lr), len(d.wd)) for d in designs} == {(7, 16)}
    published = published_design()
    truth = published.truth([0])
    assert truth.wd_optimal(published.lr) == pytest.approx(0.1 * np.array(PUBLISHED_LR))


def test_a_ragged_grid_has_just_the_runs_it_names():
    points = [(1e-3, 0.1, 0), (1e-3, 0.1, 1), (1e-2, 1.0, 0)]
    ragged = Design("ragged", LR, WD, 5, {"law": "product"}, points=points)
    runs = ragged.runs(ragged.truth([0]))
    assert list(runs[["lr", "wd", "seed"]].itertuples(index=False, name=None)) == points


def test_where_the_system_does_not_say_which_cores_are_ours_all_are_used(monkeypatch):
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    designs = [Design("small", LR, WD, 2, {"law": "product", "seed_sd": 0.4})]
    pd.testing.assert_frame_equal(coverage(designs, 1), coverage(designs, 1, processes=1))


def test_no_stress_makes_one_law_look_like_another():
    outcomes = coverage(stress_designs(), 2, processes=1)
    slopes = outcomes[(outcomes["quantity"] == "slope") & (outcomes["method"] == "censored")]
    assert slopes["design"].nunique() == len(stress_designs()) == 21
    others = {"ratio", "decoupled", "product"}
    named = slopes[slopes["verdict"].isin(others)]
    assert (named["verdict"] == named["law"]).all()
    assert len(named) > 0.75 * len(slopes)


def test_nothing_to_repeat_is_refused():
    with pytest.raises(ValueError, match="at least one design"):
        coverage([], 10)
