"""The small studies that compare recipes, from their file to the tables behind their sections, on simulated runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from tests.pipeline.conftest import Project
from tests.pipeline.test_sources import study

TRUTH = {"law": "decoupled", "wd_best": 0.004, "lr_best": 0.08, "best": 90, "curvature": 8, "seed_sd": 0.2}


def shrink(project: Project, name: str, recipes: list[str], **truth: Any) -> str:
    """Leave of a study two seeds of some recipes, simulated; the folder of its tables."""
    file = project.root / f"studies/{name}.yaml"
    content = yaml.safe_load(file.read_text())
    blocks = []
    for block in content["grid"]:
        kept = [recipe for recipe in block["recipe"] if recipe in recipes]
        if kept:
            blocks.append({**block, "recipe": kept, "seed": [0, 1]})
    content |= {"grid": blocks, "simulate": {**TRUTH, **truth}}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return f"results/{name}/tables"


def read(project: Project, folder: str, name: str) -> pd.DataFrame:
    return pd.read_csv(project.root / folder / f"{name}.csv")


def test_recipes_batches_and_lengths_are_compared_as_the_study_sets_them(project: Project) -> None:
    recipes = ["small-sgd", "small-sgds", "small-30", "small-40", "small-batch-64"]
    folder = shrink(project, "small-stable-weight-decay", recipes)
    study(project, "small-stable-weight-decay", *(f"{folder}/{name}.csv" for name in ("best", "epochs_law", "rules")))
    best = read(project, folder, "best").set_index("recipe")
    assert set(best["baseline"]) == {"small-sgd"}
    assert best.loc["small-sgds", "difference_lo"] < 0 < best.loc["small-sgds", "difference_hi"]
    law = read(project, folder, "epochs_law").set_index("method").loc["censored"]
    assert (law["epochs"], law["verdict"], law["n_interior"]) == ("20, 30, 40", "constant", 3)
    lost = read(project, folder, "rules").set_index("rule")["loss"]
    assert abs(lost["unchanged"]) < 0.5 < min(lost["rule 1"], lost["rule 2"])


def test_variants_stand_beside_the_published_ratios(project: Project) -> None:
    folder = shrink(project, "small-robustness", ["small-base", "small-step"], wd_best=0.25, lr_best=0.012)
    study(project, "small-robustness", f"{folder}/robustness.csv")
    table = read(project, folder, "robustness").set_index("recipe")
    assert table["varies"].fillna("").to_dict() == {"small-base": "", "small-step": "schedule"}
    assert table["rho_published_lo"].to_dict() == {"small-base": 0.10, "small-step": 0.11}
    assert set(table["verdict"]) == {"decoupled"}
