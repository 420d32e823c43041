"""What the page's charts are given is what the runs say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from decay_atlas.reporting import explorer as module
from decay_atlas.reporting.explorer import as_json, explorer, rounded
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.recommendation import recommendation
from tests.reporting.pages import ACCURACY, LR, WD, curves_of, tables_of

STUDY = {"study": "test", "metric": ACCURACY, "statistics": {}}


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return simulate(LR, WD, 3, archs=["resnet50", "vit_small"], law="product")


def test_every_cell_has_its_mean_spread_and_runs(runs: pd.DataFrame) -> None:
    one = explorer(STUDY, runs, {}, pd.DataFrame())["combinations"][1]
    index = 1 * len(WD) + 4
    cell = runs[(runs["arch"] == "vit_small") & (runs["lr"] == LR[1]) & (runs["wd"] == WD[4])]
    assert one["mean"][index] == pytest.approx(cell["value"].mean(), rel=1e-4)
    assert one["sd"][index] == pytest.approx(cell["value"].std(), rel=1e-2)
    assert one["values"][index] == pytest.approx(cell.sort_values("seed")["value"].tolist(), rel=1e-4)
    assert one["n"][index] == 3


def test_a_loss_keeps_its_sign() -> None:
    runs = simulate(LR, WD, 2, direction="min", best=0.3, chance=2.3, curvature=0.1, seed_sd=0.01)
    study = {"study": "test", "metric": {**ACCURACY, "unit": "", "direction": "min"}}
    one = explorer(study, runs, {}, pd.DataFrame())["combinations"][0]
    assert all(value > 0 for value in one["mean"])


def test_records_are_named_as_they_lie_on_disk(runs: pd.DataFrame) -> None:
    at = runs.assign(path="results/runs/cifar/adamw/net/0123abcd/lr0.01_wd0_seed0.json")
    one = explorer(STUDY, at, {}, pd.DataFrame())["combinations"][0]
    assert one["folder"] == "../runs/cifar/adamw/net/0123abcd"
    assert one["wd_name"][:2] == ["0", "0.001"]
    assert one["lr_name"] == ["0.0001", "0.001", "0.01"]
    assert explorer(STUDY, runs, {}, pd.DataFrame())["combinations"][0]["folder"] is None


def test_curves_are_by_cell_and_quantities_that_nobody_recorded_are_left_out(runs: pd.DataFrame) -> None:
    found = explorer(STUDY, runs, {}, curves_of(runs))["curves"]
    assert list(found["quantities"]) == ["test_accuracy", "train_loss"]
    part = found["parts"][0]
    assert part["epochs"] == [1, 2, 3, 4, 5]
    means = runs[runs["arch"] == "resnet50"].groupby(["lr", "wd"])["value"].mean()
    assert [curve[-1] for curve in part["test_accuracy"]] == pytest.approx(means.tolist(), rel=1e-3)
    assert not found["thinned"]


def test_long_curves_are_thinned_and_that_is_said(runs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CURVE_VALUES", 0)
    found = explorer(STUDY, runs, {}, curves_of(runs, epochs=40))["curves"]
    assert found["parts"][0]["epochs"][0] == 1
    assert found["parts"][0]["epochs"][-1] == 40
    assert len(found["parts"][0]["epochs"]) == module.LEAST_EPOCHS
    assert found["thinned"]


def test_many_runs_are_drawn_as_cells(runs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    assert explorer(STUDY, runs, {}, pd.DataFrame())["lines"] == "runs"
    monkeypatch.setattr(module, "MOST_LINES", len(runs) - 1)
    assert explorer(STUDY, runs, {}, pd.DataFrame())["lines"] == "cells"


def test_the_recommendation_has_the_measured_rates_among_those_in_between(runs: pd.DataFrame) -> None:
    rows = explorer(STUDY, runs, tables_of(runs, "max"), pd.DataFrame())["recommendation"][0]
    assert [row["lr"] for row in rows] == sorted(row["lr"] for row in rows)
    measured = {row["lr"]: row["wd"] for row in rows if row["measured"]}
    table = recommendation(runs, "max")
    expected = table[table["arch"] == "resnet50"].set_index("lr")["wd"].to_dict()
    assert measured == pytest.approx(expected, rel=1e-2)
    assert min(row["lr"] for row in rows) < min(LR) / 5
    assert max(row["lr"] for row in rows) > max(LR) * 5


def test_measured_are_the_rates_of_the_network_s_own_grid() -> None:
    rates = {"coarse": [1e-4, 1e-2], "fine": [1e-4, 1e-3, 1e-2]}
    runs = pd.concat([simulate(lr, WD, 2, archs=[arch]) for arch, lr in rates.items()])
    found = explorer(STUDY, runs, tables_of(runs, "max"), pd.DataFrame())["recommendation"]
    assert [[row["lr"] for row in rows if row["measured"]] for rows in found] == list(rates.values())


def test_no_number_is_no_nan() -> None:
    assert rounded([1.234567, np.nan, np.inf]) == [1.2346, None, None]


def test_nothing_in_the_data_ends_the_script_it_stands_in() -> None:
    text = as_json({"name": "</script><b>"})
    assert "</" not in text
    assert json.loads(text) == {"name": "</script><b>"}
