"""One cell trained anew, by Snakemake itself."""

from __future__ import annotations

import subprocess
import sys

from tests.pipeline.conftest import Project

CELL = ["cell", "--study", "tiny", "--arch", "tiny_vit", "--lr", "0.01", "--wd", "0.1", "--seed", "1", "--retrain"]
NAME = "lr0.01_wd0.1_seed1.json"


def retrain(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from decay_atlas.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *CELL, "--", *options]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=200, check=False)


def test_an_option_that_does_not_exist_costs_no_record(trained: Project) -> None:
    before = trained.records()
    assert retrain(trained, "--coers", "1").returncode != 0
    assert trained.records() == before
    assert "Nothing to be done" in trained.snakemake("runs").output


def test_in_an_unfinished_study_just_the_asked_run_trains(trained: Project) -> None:
    trained.write_study(execution={"pack": []})
    other = trained.find("lr0.001_wd1_seed0.json")
    other.unlink()
    before = trained.records()
    done = retrain(trained, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    after = trained.records()
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == [NAME]
