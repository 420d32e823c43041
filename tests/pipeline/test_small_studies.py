"""The small studies that compare recipes, really trained on a still smaller grid, to their tables and report section.

A recipe is what its study says but for the images it is trained on, 64. What is checked holds for whatever so short a
training finds; tables of known content are the matter of test_recipes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import yaml

from decay_atlas.reporting.figures.registry import draw
from decay_atlas.reporting.page import render
from decay_atlas.study.config import load
from tests.pipeline.conftest import Project
from tests.pipeline.test_sources import study

IMAGES = 64


@dataclass(frozen=True)
class Found:
    """What came of a study: its runs, the tables that were asked for, and the page made of them."""

    runs: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    page: str

    def section(self, name: str) -> str:
        """A section of the page; it must be there."""
        found = re.search(rf'<section id="{name}">.*?</section>', self.page, re.DOTALL)
        assert found, name
        return found[0]


def train(project: Project, name: str, rates: Mapping[str, Sequence[float]], tables: Sequence[str]) -> Found:
    """Train some recipes of a study at some of its learning rates, at every second weight decay, two seeds each."""
    file = project.root / f"studies/{name}.yaml"
    content = yaml.safe_load(file.read_text())
    blocks = []
    for block in content["grid"]:
        for recipe in [one for one in block["recipe"] if one in rates]:
            listed = block["lr"] if isinstance(block["lr"], list) else [block["lr"]]
            assert set(rates[recipe]) <= set(listed), f"{name}: {recipe} has no such lr"
            less = {"recipe": [recipe], "lr": list(rates[recipe]), "wd": block["wd"][::2], "seed": [0, 1]}
            blocks.append({**block, **less})
    for recipe in content["recipes"].values():
        if "extends" not in recipe:
            recipe["train_size"] = IMAGES
    file.write_text(yaml.safe_dump(content | {"grid": blocks}, sort_keys=False))
    results = f"results/{name}"
    study(project, name, f"{results}/runs.parquet", *(f"{results}/tables/{table}.csv" for table in tables))
    config, runs = load(name, project.root), pd.read_parquet(project.root / results / "runs.parquet")
    found = {table: pd.read_csv(project.root / results / f"tables/{table}.csv") for table in tables}
    figures = {figure: draw(figure, config, runs, found) for figure in ("best", "rules", "robustness", "adaptive")}
    assert list(dict.fromkeys(runs["recipe"])) == list(rates)
    scores = {recipe: tuple(part["value"]) for recipe, part in runs.groupby("recipe")}
    assert len(set(scores.values())) == len(rates), "no two recipes are the same training"
    return Found(runs, found, render(config, runs, found, figures))


def test_a_recipe_of_every_part_of_stable_weight_decay(trained: Project) -> None:
    rates = {
        "small-sgd": [0.04],
        "small-adams": [0.016],
        "small-30": [0.04],
        "small-batch-64": [0.04, 0.16],
        "small-sgd-restarts": [0.08],
    }
    found = train(trained, "small-stable-weight-decay", rates, ("best", "epochs_law", "rules"))
    best = found.tables["best"].set_index("recipe")
    assert set(best.index) == set(rates)
    assert set(best["baseline"]) == {"small-sgd"}
    gains = best.drop("small-sgd")["difference"]
    assert gains.notna().all()
    assert (gains != 0).all()
    assert set(found.tables["epochs_law"]["epochs"]) == {"20, 30"}
    rules = found.tables["rules"].set_index("rule")
    assert set(rules.index) == {"rule 1", "rule 2", "unchanged"}
    assert rules["loss"].notna().any()
    assert "Gain of every recipe over small-sgd" in found.section("optimizers")
    assert "small-batch-64" in found.section("rules")


def test_variants_of_a_recipe_and_their_ratios(trained: Project) -> None:
    rates = {
        "small-base": [0.008, 0.032, 0.128],
        "small-batch-32": [0.016, 0.064, 0.256],
        "small-sgd": [0.02, 0.04, 0.08],
    }
    found = train(trained, "small-robustness", rates, ("robustness",))
    table = found.tables["robustness"].set_index("recipe")
    varies = {"small-base": "", "small-batch-32": "batch_size", "small-sgd": "optimizer"}
    assert table["varies"].fillna("").to_dict() == varies
    assert (table["n_interior"] + table["n_censored"] <= 3).all()
    assert (np.isfinite(table["rho"]) == (table["n_interior"] > 0)).all(), "a ratio where an optimum is inside, or none"
    assert (np.isfinite(table["slope"]) <= (table["n_interior"] > 1)).all()
    assert (table.loc[table["n_interior"] < 3, "verdict"] == "not-identifiable").all()
    assert table["rho_published_lo"].notna().all()
    section = found.section("robustness")
    assert section.count("<svg") == 1
    for recipe, words in {"small-batch-32": "batch size 32: slope", "small-sgd": "optimizer sgd: slope"}.items():
        assert (words in section) == np.isfinite(table.loc[recipe, "rho"])
    if not table["rho"].notna().any():
        assert "no variant has a ratio or a slope" in section


def test_optimizers_of_other_libraries(trained: Project) -> None:
    found = train(trained, "lion", {"digits-nadam": [0.032], "digits-lion": [5e-4]}, ("best",))
    best = found.tables["best"].set_index("recipe")
    assert set(best["baseline"]) == {"digits-nadam"}
    assert np.isfinite(best.loc["digits-lion", "difference"])
    assert "digits-lion" in found.section("optimizers")


def test_adaptive_beside_fixed_weight_decay(trained: Project) -> None:
    rates = {"small-fixed": [0.1], "small-adaptive": [0.1], "small-noisy-40": [0.1]}
    tables = ("adaptive", "label_noise", "evaluations", "trap")
    found = train(trained, "small-adaptive-weight-decay", rates, tables)
    adaptive = found.tables["adaptive"].set_index("recipe")
    assert adaptive["fixed"].to_dict() == {"small-adaptive": "small-fixed"}
    assert (adaptive["dog"] > 0).all()
    assert adaptive["gain"].notna().all()
    assert (adaptive["n_seeds"] == 2).all()
    clean = found.tables["label_noise"].groupby("recipe")["clean"].first().to_dict()
    assert clean == {"small-noisy-40": "small-fixed"}
    measured = found.tables["evaluations"].groupby("evaluation")["n_seeds"].sum()
    assert measured["pruning.0.9"] == measured["pgd.pgd20"] == len(found.runs)
    assert "DoG" in found.section("evaluations")
