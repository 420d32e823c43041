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
    blocker.rmdir()
    staged = {file.name: file.read_bytes() for file in blocker.parent.glob("*.json")}
    assert len(staged) == 17
    assert trained.snakemake("runs").status == 0
    after = trained.records()
    assert {name: after[name] for name in before} == before
    assert {name: after[name] for name in staged} == staged


def test_two_calls_on_one_tree_are_refused(trained: Project) -> None:
    trained.grid(seed=[0, 1, 2])
    first = subprocess.Popen(
        trained.command("runs"), cwd=trained.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    locks = trained.root / ".snakemake/locks"
    while not any(locks.glob("*.lock")):
        assert first.poll() is None
        time.sleep(0.02)
    second = trained.snakemake("runs")
    assert second.status == 1
    assert "cannot be locked" in second.output
    assert first.wait() == 0
