"""Runs whose DoG is estimated wait for the fixed runs that it is estimated from, and are still trained once."""

from __future__ import annotations

import json
import os

from decay_atlas.runs.dog import estimate
from tests.pipeline.conftest import STUDY, Project

RECIPES = {
    **STUDY["recipes"],  # type: ignore[dict-item]
    "adaptive": {"extends": "quick", "optimizer": {"name": "awd"}, "dog": {"from": "quick", "wd": 0.01}},
}


def write(project: Project, seed: list[int], pack: list[str]) -> None:
    """AWD whose DoG comes from the tiny study's runs of weight decay 0.01."""
    fixed = {**STUDY["grid"][0], "recipe": "quick", "seed": seed}
    adaptive = {**fixed, "recipe": "adaptive", "lr": [0.01], "wd": [0.5, 1]}
    project.write_study(grid=[adaptive, fixed], execution={"pack": pack}, recipes=RECIPES)


def contents(project: Project, recipe: str) -> dict[str, bytes]:
    files = (project.root / "results/runs/digits" / recipe).rglob("lr*_seed*.json")
    return {file.name: file.read_bytes() for file in files if ".staged" not in file.parts}


def test_the_chain(trained: Project) -> None:
    """In one test, for every call costs seconds: what is trained first, what never again, and what is."""
    before = contents(trained, "quick")
    write(trained, [0, 1, 2], ["lr", "wd", "seed"])
    call = trained.snakemake("runs")
    assert call.status == 0, call.output
    fixed, adaptive = contents(trained, "quick"), contents(trained, "adaptive")
    assert {name: fixed[name] for name in before} == before
    assert (len(fixed) - len(before), len(adaptive)) == (6, 6), "seed 2 of the fixed runs came first"
    for name, text in adaptive.items():
        record = json.loads(text)
        source = json.loads(fixed[f"lr0.01_wd0.01_seed{record['seed']}.json"])
        assert (record["dog"]["dog"], record["dog"]["epochs"]) == estimate(source), name

    # As if copied in an order in which the estimates came first.
    for file in [*trained.root.rglob("dog.json"), *trained.root.rglob("lr*.json")]:
        os.utime(file)
    (trained.root / "results/tiny/runs.parquet").unlink()
    (trained.root / json.loads(adaptive["lr0.01_wd1_seed1.json"])["dog"]["record"]).unlink()
    next((trained.root / "results/runs/digits/adaptive").rglob("lr0.01_wd0.5_seed0.json")).unlink()
    write(trained, [0, 1, 2], [])
    call = trained.snakemake("runs")
    assert call.status == 0, call.output
    assert sum(jobs for rule, jobs in call.jobs.items() if rule.startswith("train")) == 2, "each deleted one"
    after = contents(trained, "adaptive")
    assert [name for name in after if after[name] != adaptive[name]] == ["lr0.01_wd0.5_seed0.json"]
    assert (trained.root / "results/tiny/runs.parquet").exists()
    assert "Nothing to be done" in trained.snakemake("runs", "-n").output

    write(trained, [0, 1, 2, 3], [])
    call = trained.snakemake("runs")
    assert call.status == 0, call.output
    assert (len(contents(trained, "quick")), len(contents(trained, "adaptive"))) == (24, 8), "a new seed of both"
    assert "Nothing to be done" in trained.snakemake("runs", "-n").output
