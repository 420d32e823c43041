"""Sections about recipes: shown where there is something to compare, with figures that say what is seen."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from decay_atlas.reporting.figures.registry import draw
from decay_atlas.reporting.page import render
from decay_atlas.reporting.words import fixed, interval, number
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.best import best
from decay_atlas.statistics.epochs_law import epochs_law
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.robustness import robustness
from decay_atlas.statistics.rules import rules

METRIC = {"score": "test_best", "name": "accuracy", "unit": "%", "direction": "max"}
BASE = {"epochs": 20, "batch_size": 16, "optimizer": {"name": "adamw"}, "schedule": {"name": "constant"}}
RECIPES = {
    "base": BASE,
    "adam": {**BASE, "optimizer": {"name": "adam"}},
    "long": {**BASE, "epochs": 40},
    "longest": {**BASE, "epochs": 80},
    "large": {**BASE, "batch_size": 64},
}
STUDY = {"study": "test", "metric": METRIC, "recipes": RECIPES, "statistics": {}}
LR, WD = [0.01, 0.04, 0.16, 0.64], [0.001 * 4**k for k in range(7)]
PUBLISHED = [{"varies": "batch_size", "rho": [0.09, 0.11]}, {"varies": "epochs", "rho": [0.09, 0.09]}]
FIGURES = ("best", "epochs_law", "rules", "robustness")


def runs_of(recipes: list[str]) -> pd.DataFrame:
    """Under Rule 1 and a decay that falls as 1/epochs; adam is 2 pp better."""
    parts = []
    for seed, name in enumerate(recipes):
        recipe = RECIPES[name]
        times = recipe["batch_size"] / 16
        truth = {
            "lr_best": 0.04 * times,
            "wd_best": 0.064 * 20 / recipe["epochs"],
            "best": 77.0 if name == "adam" else 75.0,
        }
        parts.append(simulate(LR, WD, 3, recipe=name, law="decoupled", seed_sd=0.1, seed=seed, **truth))
    return pd.concat(parts, ignore_index=True)


def tables_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    found = {"optima": optima(runs, "max"), "laws": laws(runs, "max"), "ratio": ratio(runs, "max")}
    return {
        **found,
        "best": best(runs, "max", recipes=RECIPES),
        "epochs_law": epochs_law(runs, "max", recipes=RECIPES),
        "rules": rules(runs, "max", recipes=RECIPES),
        "robustness": robustness(found["ratio"], found["laws"], recipes=RECIPES, published=PUBLISHED),
    }


@pytest.fixture(scope="module")
def whole() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    runs = runs_of(list(RECIPES))
    return runs, tables_of(runs)


def test_the_page_has_a_section_for_each_comparison(whole: tuple[pd.DataFrame, dict[str, pd.DataFrame]]) -> None:
    runs, tables = whole
    page = render(STUDY, runs, tables, {name: draw(name, STUDY, runs, tables) for name in FIGURES})
    for section in ("optimizers", "rules", "robustness"):
        assert f'<section id="{section}">' in page
    assert "The best weight decay and the length of training" in page


def test_one_recipe_alone_has_none_of_them() -> None:
    runs = runs_of(["base"])
    page = render(STUDY, runs, tables_of(runs), {})
    for section in ("optimizers", "rules", "robustness"):
        assert f'<section id="{section}">' not in page


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("best", r"adam 1\.89 \(1\.69, 2\.08\)"),
        ("epochs_law", r"power −(0\.9|1\.0)\d \(−1\.\d\d, −0\.\d\d\) at η 0\.010"),
        ("rules", "lost against tuning anew, on average rule 1"),
        ("robustness", r"\d of \d slopes may be 1 and \d of \d ρ are as published"),
    ],
)
def test_a_figure_says_what_is_seen(name: str, words: str, whole: tuple[pd.DataFrame, dict[str, pd.DataFrame]]) -> None:
    assert re.search(words, draw(name, STUDY, *whole))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_without_anything_to_show_says_why(name: str) -> None:
    runs = runs_of(["base"])
    assert "two recipes" in draw(name, STUDY, runs, tables_of(runs))


def test_an_optimum_at_an_edge_is_drawn_as_an_arrow(whole: tuple[pd.DataFrame, dict[str, pd.DataFrame]]) -> None:
    runs, _ = whole
    cut = runs[runs["wd"] > 0.03]
    tables = tables_of(cut)
    assert (tables["epochs_law"]["n_censored"] > 0).all()
    assert "too few optima located for a power" in draw("epochs_law", STUDY, cut, tables)


def test_variants_have_their_slope_and_ratio_beside_the_published_one(
    whole: tuple[pd.DataFrame, dict[str, pd.DataFrame]],
) -> None:
    svg = draw("robustness", STUDY, *whole)
    labels = re.findall(r">([^<>]+)</text>", svg)
    for name in ("first recipe: constant", "optimizer adam", "epochs 40", "epochs 80", "batch size 64"):
        assert name in labels
    table = whole[1]["robustness"].set_index("recipe")
    row = table.loc["large"]
    words = f"batch size 64: slope {fixed(row['slope'])} {interval(row['slope_lo'], row['slope_hi'])}, ρ "
    assert f"{words}{number(row['rho'])}, published 0.090 … 0.11" in svg
    assert "Not drawn" not in svg


def test_variants_with_no_optimum_inside_the_grid_are_counted_not_drawn(
    whole: tuple[pd.DataFrame, dict[str, pd.DataFrame]],
) -> None:
    runs, tables = whole
    lost = tables["robustness"].copy()
    lost.loc[lost["recipe"] == "adam", ["rho", "rho_lo", "rho_hi", "slope", "slope_lo", "slope_hi"]] = np.nan
    lost.loc[lost["recipe"] == "long", ["slope", "slope_lo", "slope_hi"]] = np.nan
    svg = draw("robustness", STUDY, runs, {"robustness": lost})
    assert "optimizer adam" not in svg
    assert "1 variant of which no" in svg
    assert svg.count(">no slope<") == 1
    none = lost.assign(rho=np.nan, slope=np.nan)
    assert "no variant has a ratio or a slope" in draw("robustness", STUDY, runs, {"robustness": none})
