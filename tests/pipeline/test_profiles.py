"""What jobs ask for, by profile and environment; planned only, so that it needs no cluster."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.pipeline.conftest import Project

VARIABLES = ("SBATCH_PARTITION", "SBATCH_ACCOUNT", "SBATCH_TIMELIMIT", "SBATCH_MEM_PER_NODE")


def plan(project: Project, *arguments: str, **environment: str) -> str:
    """What a dry run of the published study on SLURM prints."""
    if not (project.root / "slurm").exists():
        (project.root / "slurm").symlink_to("profiles/slurm")
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--profile", "slurm", *arguments],
        cwd=project.root,
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def asked(text: str) -> set[tuple[str, ...]]:
    """The rule's jobs' runtime, memory, nodes, partition and GPUs, each combination once."""
    lines = re.findall(r"^ +resources: (.*engine=.*)$", text, re.MULTILINE)
    names = ("runtime", "mem_mb", "nodes", "slurm_partition", "gpu")
    found = [dict(part.partition("=")[::2] for part in line.split(", ")) for line in lines]
    return {tuple(one.get(name, "") for name in names) for one in found}


def test_a_job_asks_for_its_gpus_on_one_node(project: Project) -> None:
    assert asked(plan(project)) == {("240", "16000", "1", "", "1"), ("240", "16000", "1", "", "4")}


def test_the_variables_of_sbatch_say_where_and_how_long(project: Project) -> None:
    text = plan(project, SBATCH_PARTITION="a100", SBATCH_TIMELIMIT="600", SBATCH_MEM_PER_NODE="32000")
    assert asked(text) == {("600", "32000", "1", "a100", "1"), ("600", "32000", "1", "a100", "4")}


def test_a_time_in_another_form_is_refused(project: Project) -> None:
    text = plan(project, SBATCH_TIMELIMIT="04:00:00")
    assert "invalid literal for int() with base 10: '04:00:00'" in text


@pytest.mark.parametrize("study", ["demo", "simulated"])
def test_a_study_without_gpus_asks_for_none(project: Project, study: str) -> None:
    text = plan(project, "--configfile", f"studies/{study}.yaml")
    assert {gpu for *_, gpu in asked(text)} == {"0"}
