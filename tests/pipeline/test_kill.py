"""Kill everything at any moment: the same command goes on, keeps what was finished, and ends in the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project


def kill_when(project: Project, condition, timeout: float = 120) -> None:
    """Start the study, wait for `condition()`, then SIGKILL Snakemake and all its jobs at once."""
    process = subprocess.Popen(
        project.command("runs"),
        cwd=project.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + timeout
    while not condition():
        assert process.poll() is None, "the study ended before it could be killed"
        assert time.monotonic() < deadline, "the moment to kill never came"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def files(project: Project, pattern: str) -> list[Path]:
    return list((project.root / "results").rglob(pattern))


MOMENTS = {
    "while it plans": lambda project: (project.root / ".snakemake/decay-atlas.lock").exists(),
    "while it prepares the data": lambda project: any((project.root / "resources").rglob("train_images.npy")),
    "while it trains the first run": lambda project: (
        bool(files(project, "*.log")) and bool(files(project, "train/**/*.log"))
    ),
    "after three runs": lambda project: len(files(project, "runs/**/lr*.json")) >= 3,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_same_command_goes_on_after_a_kill(project: Project, trained_once: Project, moment: str) -> None:
    kill_when(project, lambda: MOMENTS[moment](project))
    kept = project.records()
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    assert (project.root / "results/tiny/runs.parquet").exists()
    after = project.records()
    assert {name: after[name] for name in kept} == kept, "a finished run was trained again"
    reference = trained_once.records()
    assert after.keys() == reference.keys()
    for name in after:
        interrupted, whole = json.loads(after[name]), json.loads(reference[name])
        assert interrupted["history"] == whole["history"], name
    assert not files(project, ".staged/*.json")


def test_a_failing_member_loses_nothing_and_is_named(trained: Project) -> None:
    """One run of a pack cannot be written: the others stay, Snakemake reports the failure, the next call mends it."""
    trained.grid(seed=[0, 1, 2])
    blocked = trained.find("lr0.001_wd0.1_seed0.json").with_name("lr0.001_wd0.1_seed2.json")
    blocker = blocked.parent / ".staged" / blocked.name
    before = trained.records()
    blocker.mkdir(parents=True)
    call = trained.snakemake("runs")
    assert call.status == 1
    assert blocked.name in call.output
    assert "Study tiny: 17 of 18 training runs are finished and kept" in call.output
    blocker.rmdir()
    staged = {file.name: file.read_bytes() for file in blocker.parent.glob("*.json")}
    assert len(staged) == 17
    assert trained.snakemake("runs").status == 0
    after = trained.records()
    assert {name: after[name] for name in before} == before
    assert {name: after[name] for name in staged} == staged


def test_a_job_killed_after_its_last_run_has_lost_nothing(project: Project) -> None:
    """Snakemake removes the outputs of a failed job, whole ones too: the next attempt has them staged."""
    program = project.root / "workflow/decay_atlas/training/command.py"
    end = "    return 1 if failed else 0\n"
    whole = program.read_text()
    assert end in whole
    program.write_text(whole.replace(end, f"    os.kill(os.getpid(), 9)\n{end}"))
    assert project.snakemake("runs").status == 1
    assert project.records() == {}
    staged = {file.name: file.read_bytes() for file in files(project, ".staged/*.json")}
    assert len(staged) == 12
    program.write_text(whole)
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    assert project.records() == staged, "a finished run was trained again"
    assert not files(project, ".staged/*")


def test_two_calls_at_once_in_one_folder_are_refused_even_of_studies_that_share_nothing(trained: Project) -> None:
    trained.grid(seed=[0, 1, 2])
    first = subprocess.Popen(
        trained.command("runs"), cwd=trained.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    held = trained.root / ".snakemake/decay-atlas.work"
    while not (held.exists() and f"process {first.pid} on" in held.read_text()):
        assert first.poll() is None
        time.sleep(0.02)
    for study in ("tiny", "rehearsal"):
        second = trained.snakemake("runs", "--configfile", f"studies/{study}.yaml")
        assert second.status == 1
        assert f"Another snakemake is at work in this folder (process {first.pid} on" in second.output
        assert "Traceback" not in second.output
    assert trained.snakemake("runs", "-n").status == 0, "a plan disturbs nobody"
    assert first.wait() == 0
