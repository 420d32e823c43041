"""`decay-atlas status` beside a study on a real SLURM."""

from __future__ import annotations

import pytest

from decay_atlas.status.jobs import jobs_of
from decay_atlas.study.config import grid_of, load
from tests.slurm.cluster import wait_for
from tests.slurm.conftest import SlurmProject


def test_running_and_waiting_packs_are_those_of_slurm(project: SlurmProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four jobs on two GPUs, as squeue sees them: their processes are not looked for, they may be on other nodes."""
    project.write_study(execution={**project.study["execution"], "pack": ["wd"]})
    for variable in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(variable, project.cluster.environment[variable])
    monkeypatch.setattr("decay_atlas.status.jobs._processes", lambda folder: [])
    packs = grid_of(load("tiny", project.root)).packs(["wd"])
    started = project.start("runs")

    def states() -> list[str]:
        jobs = jobs_of(project.root)
        return sorted(jobs.state(pack) for pack in packs)

    wait_for(lambda: states() == ["running", "running", "waiting", "waiting"], "two packs at work", timeout=60)
    assert len(project.training()) <= 2
    started.kill()
