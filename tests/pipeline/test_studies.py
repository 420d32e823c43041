"""Whole studies of every kind: the published plan, a simulated landscape, runs trained elsewhere, bad input."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import write_json
from decay_atlas.simulation.simulator import simulate
from tests.pipeline.conftest import ROOT, Project
from tests.recorded import record_of
from tests.training.data.test_datasets import image_tree


def plan(project: Project, *arguments: str) -> str:
    """Dry-run the study of config.yaml itself."""
    command = [sys.executable, "-m", "snakemake", "-n", *arguments]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def test_the_published_study_is_2400_runs_in_480_jobs_on_any_executor(project: Project) -> None:
    (project.root / "slurm").symlink_to("profiles/slurm")
    for arguments in ([], ["--profile", "slurm"], ["--profile", "profiles/gpus"]):
        text = plan(project, *arguments)
        assert "2,400 training runs, 2,400 to do" in text, text
        assert ["train", "480"] in [line.split() for line in text.splitlines()]


def test_the_one_dimensional_protocol_shares_the_one_rate_that_is_on_the_grid(project: Project) -> None:
    """300 runs, of which the 50 at η = 0.01 (λ = 0.001) are the grid's own."""
    text = plan(project, "--configfile", "studies/one-dimensional.yaml")
    assert "2,650 training runs, 2,650 to do" in text, text


def test_a_simulated_study_runs_to_its_report_and_finds_the_law(project: Project) -> None:
    project.write_study(
        simulate={"law": "product", "wd_best": 0.1},
        grid=[
            {
                "dataset": "valley",
                "recipe": "adamw",
                "arch": ["a", "b"],
                "lr": [1.0e-4, 3.0e-4, 1.0e-3, 3.0e-3],
                "wd": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
                "seed": [0, 1, 2],
            }
        ],
    )
    call = project.snakemake()
    assert call.status == 0, call.output
    laws = pd.read_csv(project.root / "results/tiny/tables/laws.csv")
    assert laws.loc[laws["method"] == "censored", "verdict"].eq("product").all()
    page = (project.root / "results/tiny/report.html").read_text()
    assert "The best weight decay falls as the learning rate grows" in page
    assert (project.root / "results/tiny/tables/performance_profile.csv").exists()


def test_a_plan_needs_nothing_trained_and_is_made_whenever_it_is_asked_for(project: Project) -> None:
    power = project.root / "workflow/decay_atlas/simulation/power.py"
    power.write_text(power.read_text().replace("REPEATS = 20", "REPEATS = 2"))
    file = project.root / "results/tiny/plan.html"
    call = project.snakemake("plan")
    assert (call.status, call.jobs) == (0, {"plan": 1}), call.output
    assert "snakemake --cores 1 --configfile studies/tiny.yaml --" in file.read_text()
    assert "12</b>of them to do" in file.read_text()
    records = re.findall(r"results/runs/\S+\.json", file.read_text())
    write_json(project.root / records[0], record_of(Run.from_path(records[0]), seconds=90.0))
    call = project.snakemake("plan")
    assert (call.status, call.jobs) == (0, {"plan": 1}), call.output
    assert "11</b>of them to do" in file.read_text()
    assert "Time one cell first" not in file.read_text()


def test_a_study_of_imported_runs_has_nothing_to_plan(project: Project) -> None:
    project.write_study(imports=["sweep.csv"])
    call = project.snakemake("plan")
    assert call.status == 1
    assert "study tiny imports its runs" in call.output
    assert "Traceback" not in call.output


def test_coverage_is_a_target_of_its_own(project: Project) -> None:
    rules = project.root / "workflow/rules/preflight.smk"
    text = rules.read_text().replace("repeats=40", "repeats=1").replace("draws=20", "draws=1")
    rules.write_text(text.replace("landscapes/*.parquet", "landscapes/ridge-adamw.parquet"))
    script = project.root / "workflow/scripts/coverage.py"
    few = "*standard_designs((3,), (0.4,), (2.0,)), published_design(), *network_designs((3,))[:1]"
    script.write_text(re.sub(r"designs = \[.*\]", f"designs = [{few}]", script.read_text()))
    folder = project.root / "benchmarks/landscapes"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "benchmarks/landscapes/ridge-adamw.parquet", folder)
    call = project.snakemake("coverage")
    assert (call.status, call.jobs) == (0, {"coverage": 1}), call.output
    folder = project.root / "results/coverage"
    assert set(pd.read_csv(folder / "verdicts.csv")["seeds"]) == {3, 5}
    assert len(pd.read_csv(folder / "references.csv")) == 2 * 3
    assert set(pd.read_csv(folder / "intervals.csv")["quantity"]) == {"slope", "product", "rho", "wd"}
    assert pd.read_csv(folder / "regrets.csv")["recommended"].ge(0).all()
    assert "How far to trust a verdict" in (folder / "coverage.html").read_text()
    assert "Nothing to be done" in project.snakemake("coverage").output


@pytest.mark.parametrize("direction", ["max", "min"])
def test_runs_trained_elsewhere_become_a_report_with_nothing_trained(project: Project, direction: str) -> None:
    runs = simulate([1e-4, 1e-3, 1e-2], [1e-3, 1e-2, 0.1, 1, 10], 2, direction=direction, best=1.0, chance=3.0)
    theirs = runs.rename(columns={"wd": "weight_decay"})[["arch", "lr", "weight_decay", "seed", "value"]]
    theirs["arch"] = "18"  # a name all the same, as are the two below
    theirs.to_csv(project.root / "sweep.csv", index=False)
    project.write_study(
        imports=["sweep.csv"],
        columns={"weight_decay": "wd"},
        fill={"dataset": 10, "recipe": "None"},
        metric={"name": "loss", "unit": "", "direction": direction},
    )
    call = project.snakemake()
    assert call.status == 0, call.output
    assert not any(rule.startswith(("train", "dataset", "collect")) for rule in call.jobs)
    assert len(pd.read_parquet(project.root / "results/tiny/runs.parquet")) == 30
    assert (project.root / "results/tiny/report.html").exists()


def test_a_bad_line_of_a_sweep_is_named(project: Project) -> None:
    runs = simulate([1e-3], [0.01, 0.1, 1], 1)
    runs.assign(value=[70.0, float("nan"), 71.0]).to_csv(project.root / "sweep.csv", index=False)
    project.write_study(imports=["sweep.csv"])
    call = project.snakemake()
    assert call.status == 1
    assert "sweep.csv:3" in call.output


def test_a_number_that_yaml_reads_as_text_is_refused_with_the_line_to_write(project: Project) -> None:
    file = project.root / "studies/tiny.yaml"
    file.write_text(file.read_text().replace("- 0.001", "- 1e-3"))
    call = project.snakemake("-n")
    assert call.status == 1
    assert "studies/tiny.yaml: key grid[0].lr[0]: '1e-3' is text, not a number" in call.output
    assert "lr: [0.001, 0.01]" in call.output
    assert "Traceback" not in call.output


def test_a_missing_image_folder_says_what_to_put_where(project: Project) -> None:
    project.write_study(
        datasets={"image_folder": {"path": "no/such/folder"}},
        grid=[{**project.study["grid"][0], "dataset": "image_folder"}],
    )
    call = project.snakemake("runs")
    assert call.status == 1
    assert "no/such/folder" in call.output
    assert "train/" in call.output


def test_images_that_are_not_those_prepared_from_are_told_of_by_every_plan(project: Project) -> None:
    entry = {**image_tree(project.root / "mine"), "path": "mine"}
    grid = [{**project.study["grid"][0], "dataset": "pets"}]
    quick = {**project.study["recipes"]["quick"], "train_size": 10, "batch_size": 5}
    project.write_study(datasets={"pets": entry}, grid=grid, recipes={"quick": quick})
    call = project.snakemake("runs", "--until", "dataset")
    assert call.status == 0, call.output
    assert "was prepared" not in project.snakemake("runs", "-n").output
    (project.root / "mine").rename(project.root / "other")
    project.write_study(datasets={"pets": {**entry, "path": "other"}})
    call = project.snakemake("runs", "-n")
    assert call.jobs["train"], "what is prepared is used as it is"
    assert "dataset" not in call.jobs
    (line,) = [line for line in call.output.splitlines() if "from mine, not from other" in line]
    (folder,) = (project.root / "resources/datasets").iterdir()
    assert f"delete {folder.relative_to(project.root)} and results/runs/pets" in line
