"""Verdicts and advice held against truths that are written down here."""

import numpy as np
import pytest

from decay_atlas.simulation.judging import BEST_CELL, Known, judge, judged, known_of
from decay_atlas.simulation.simulator import simulate
from decay_atlas.simulation.truth import Truth

LR, WD = np.geomspace(1e-3, 1e-1, 5), np.geomspace(1e-3, 10, 13)


@pytest.mark.parametrize(
    ("verdict", "slope", "found"),
    [
        ("product", -1.0, "right"),
        ("ratio", -1.0, "wrong"),
        ("other", -1.0, "silent"),
        ("undetermined", -1.0, "silent"),
        ("other", -0.5, "right"),
        ("product", -0.5, "wrong"),
        ("decoupled", -0.5, "wrong"),
        ("product", -0.9, "right"),
        ("not-identifiable", -0.5, "silent"),
        ("ratio", float("nan"), "wrong"),
    ],
)
def test_a_verdict_is_judged_by_the_true_slope(verdict, slope, found):
    assert judged(verdict, slope) == found


def test_a_quiet_simulated_study_finds_its_truth():
    settings = {"law": "product", "lr_best": 1e-2, "wd_best": 0.1, "curvature": 3.0}
    table = judge(simulate(LR, WD, 3, seed_sd=0.01, **settings), {"net": known_of(Truth(**settings), LR, WD, "net")})
    slope = table[(table["quantity"] == "slope") & (table["method"] == "censored")].iloc[0]
    assert (slope["truth"], slope["judged"]) == (-1.0, "right")
    product = table[(table["quantity"] == "product") & (table["method"] == "censored")].iloc[0]
    assert product["truth"] == pytest.approx(1e-3)
    assert product["estimate"] == pytest.approx(1e-3, rel=0.05)
    wd = table[table["quantity"] == "wd"]
    assert wd["truth"].tolist() == pytest.approx((1e-3 / wd["lr"]).tolist())
    assert wd["estimate"].to_numpy() == pytest.approx(wd["truth"].to_numpy(), rel=0.1)
    regret = table[table["quantity"] == "regret"].set_index("method")["estimate"]
    assert 0 <= regret["recommendation"] < 0.01
    assert "rho" not in set(table["quantity"])


def test_the_best_cells_regret_is_that_of_the_cell_with_the_best_mean():
    """Seed 0 misses the true best cell: its regret is the loss written into the truth, of the λ it took instead."""
    runs = simulate([1e-2], [0.01, 0.1, 1.0, 10.0], 1, law="decoupled", seed_sd=0.0)
    runs.loc[runs["wd"] == 1.0, "value"] += 50.0
    known = Known(0.0, {1e-2: 0.1}, lambda lr, wd: np.abs(np.log10(np.asarray(wd) / 0.1)))
    table = judge(runs, {"net": known}).set_index(["quantity", "method"])
    assert table.loc[("regret", BEST_CELL), "estimate"] == pytest.approx(1.0)


def test_what_is_known_of_a_cut_law_is_the_slope_of_its_optima_and_no_constant():
    cliff = {"wd": 0.3, "slope": 0.0}
    truth = Truth.parse({"law": "ratio", "lr_best": 1e-2, "wd_best": 0.1, "cliff": cliff, "chance": 10, "best": 90})
    known = known_of(truth, LR, WD)
    optima = [0.01, 0.1 * 10**-0.5, 0.1, 0.3, 0.3]
    assert [known.optima[lr] for lr in known.optima] == pytest.approx(optima)
    assert known.slope == pytest.approx(np.polyfit(np.log(LR), np.log(optima), 1)[0])
    assert np.isnan(known.rho)
    assert known.loss(1e-2, np.array([0.1, 1.0]))[0] == 0
    assert known.loss(1e-2, np.array([0.1, 1.0]))[1] > 1


def test_a_loss_as_metric_has_positive_regrets():
    settings = {"law": "decoupled", "best": 2.0, "chance": 7.0, "curvature": 0.5}
    known = known_of(Truth(**settings), LR, WD, direction="min")
    assert known.loss(1e-3, np.array([1.0, 0.1, 1e-2])) == pytest.approx([0.5, 0.0, 0.5])
    runs = simulate(LR, WD, 3, direction="min", seed_sd=0.1, **settings)
    table = judge(runs, {"net": known}, "min")
    assert (table.loc[table["quantity"] == "regret", "estimate"] >= 0).all()
