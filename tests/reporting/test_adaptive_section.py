"""The section of adaptive weight decay: there where a study has it, and only there."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decay_atlas.reporting.figures.registry import draw
from decay_atlas.reporting.page import render
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.adaptive import adaptive
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.label_noise import label_noise
from decay_atlas.statistics.trap import trap

RECIPES: dict[str, Any] = {
    "fixed": {"epochs": 2},
    "awd": {"epochs": 2, "optimizer": {"name": "awd"}, "dog": {"from": "fixed", "wd": 0.1}},
    "noisy": {"epochs": 2, "label_noise": 0.4},
}
STUDY = {
    "study": "test",
    "metric": {"score": "test_final", "name": "accuracy", "unit": "%", "direction": "max"},
    "recipes": RECIPES,
}


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    parts = []
    for recipe, wd in (("fixed", [0.01, 0.1, 1.0]), ("awd", [0.5, 1.0, 2.0]), ("noisy", [0.01, 0.1, 1.0])):
        part = simulate([1e-3, 1e-2, 1e-1], wd, 2).assign(recipe=recipe, weight_norm=4.0 if recipe == "awd" else 8.0)
        pgd = {"clean": 80.0, "pgd20": 50.0 if recipe == "awd" else 40.0}
        found = {"pgd": pgd, "pruning": {"0.4": 70.0, "0.9": 60.0 if recipe == "awd" else 30.0}}
        parts.append(part.assign(dog=0.02 if recipe == "awd" else np.nan, evaluations=json.dumps(found)))
    return pd.concat(parts, ignore_index=True)


def tables_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "adaptive": adaptive(runs, "max", RECIPES),
        "evaluations": evaluations(runs),
        "label_noise": label_noise(runs, RECIPES),
        "trap": trap(runs, "max"),
    }


def page_of(runs: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    return render(STUDY, runs, tables, {"adaptive": draw("adaptive", STUDY, runs, tables)}, {})


def test_the_section_shows_every_table_and_what_each_panel_sees(runs: pd.DataFrame) -> None:
    page = page_of(runs, tables_of(runs))
    assert '<section id="evaluations">' in page
    for name in ("adaptive", "evaluations", "label_noise", "trap"):
        assert f'download="test-{name}.csv"' in page
    assert "weights 0.50 times as long as with fixed λ" in page
    assert "most pruned: fixed λ 30.0 % and adaptive 60.0 %" in page
    assert "of 9 alternating searches" in page
    assert "under PGD-20: at best fixed λ 40.0 % and adaptive 50.0 %" in page
    assert "40 %: 7" in page, "the noisy panel names each share and the best of it"
    assert "with noisy labels against without" in page


def test_a_study_without_any_of_it_has_no_section(runs: pd.DataFrame) -> None:
    plain = simulate([1e-3, 1e-2], [0.01, 0.1, 1.0], 2)
    tables = {
        "evaluations": evaluations(plain),
        "adaptive": adaptive(plain, "max", {}),
        "label_noise": label_noise(plain, {}),
    }
    page = page_of(plain, tables)
    assert "Beyond accuracy" not in page
    assert "nothing to hold against fixed weight decay" in draw("adaptive", STUDY, plain, tables)


def test_recipes_whose_runs_evaluate_nothing_are_still_compared(runs: pd.DataFrame) -> None:
    bare = runs.assign(evaluations="{}")
    page = page_of(bare, tables_of(bare))
    assert 'download="test-adaptive.csv"' in page
    assert "most pruned" not in page
