"""A study on a real SLURM: its result is the local one, whatever happens to its jobs and to Snakemake."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.pipeline.conftest import Project
from tests.slurm.cluster import GPUS, Job, wait_for
from tests.slurm.conftest import EPOCHS, SlurmProject, results_of

Reference = dict[str, dict[str, Any]]


def test_the_plain_command_gives_the_local_result_with_one_job_a_gpu(
    project: SlurmProject, local: Project, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`snakemake --profile slurm`, nothing hastened, four jobs on two GPUs."""
    project.write_study(execution={**project.study["execution"], "pack": ["wd"]})
    plain = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--configfile", "studies/tiny.yaml"]
    quick = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
    monkeypatch.setattr(project, "command", lambda *arguments: [*plain, *quick, *arguments])
    started = project.start()
    seen = set()
    while started.process.poll() is None:
        now = project.training()
        assert len({one.job for one in now}) <= GPUS
        assert len({one.devices for one in now}) == len({one.job for one in now}), "two jobs share a GPU"
        seen |= {(one.job, one.devices) for one in now}
        time.sleep(0.2)
    call = started.end()
    assert call.status == 0, call.output
    assert {job for job, _ in seen} == {job.id for job in project.jobs()}
    assert {devices for _, devices in seen} == {"0", "1"}
    assert results_of(project) == reference
    assert local.snakemake().status == 0
    tables = [file.name for file in (local.root / "results/tiny/tables").glob("*.csv")]
    assert len(tables) > 5
    for name in tables:
        here, there = (pd.read_csv(one.root / "results/tiny/tables" / name) for one in (project, local))
        hours = [column for column in here if column == "device_hours"]
        pd.testing.assert_frame_equal(here.drop(columns=hours), there.drop(columns=hours), check_exact=True)
    runs = pd.read_parquet(project.root / "results/tiny/runs.parquet")
    assert set(runs["slurm_job"]) == {job.id for job in project.jobs()}


def test_a_failing_job_is_reported_with_the_end_of_its_log(project: SlurmProject) -> None:
    """One record of a pack cannot be written."""
    project.grid(seed=[0])
    folder = next((project.root / "results").parent.glob("resources/datasets/*"))
    (folder / "train_labels.npy").write_bytes(b"damaged")
    call = project.start("runs", "--retries", "0").end()
    assert call.status == 1
    assert "no prepared data set, or a damaged one" in call.output
    assert "SLURM status is: 'FAILED'" in call.output


# What may happen to a job in the midst of training. Each takes the project and its job.


def is_cancelled(project: SlurmProject, job: Job) -> None:
    project.cluster.call("scancel", job.id)


def is_requeued(project: SlurmProject, job: Job) -> None:
    project.cluster.call("scontrol", "requeue", job.id)


def runs_out_of_time(project: SlurmProject, job: Job) -> None:
    """SLURM looks at time limits twice a minute, so the training is halted; its SIGTERM comes with a SIGCONT."""
    for one in project.training():
        os.kill(one.pid, signal.SIGSTOP)
    project.cluster.call("scontrol", "update", f"JobId={job.id}", "EndTime=now")


def loses_its_node(project: SlurmProject, job: Job) -> None:
    """A power cut: no signal comes to write a checkpoint upon, so that the last one written in time has to do."""
    node = project.cluster.node()
    wait_for(lambda: halted_at_a_checkpoint(project), "a run in training with a checkpoint", interval=0.01)
    project.cluster.lose_node(node)
    assert not project.training()
    project.cluster.boot_node()


def halted_at_a_checkpoint(project: SlurmProject) -> bool:
    """Halt the training; let it go on again where it is between two runs or before a run's first checkpoint."""
    (one,) = project.training()
    os.kill(one.pid, signal.SIGSTOP)
    unfinished = {Path(record).stem for record in one.records} - {Path(name).stem for name in project.records()}
    found = any(file.name.split(".epoch")[0] in unfinished for file in project.root.glob("results/**/*.ckpt"))
    if not found:
        os.kill(one.pid, signal.SIGCONT)
    return found


def is_preempted(project: SlurmProject, job: Job) -> None:
    urgent = project.cluster.seize(seconds=2)
    wait_for(lambda: urgent in project.cluster.call("squeue", "-h", "-t", "RUNNING", "-o", "%A"), "the urgent job")


@dataclass(frozen=True)
class Interruption:
    """What happens, and what SLURM's list of jobs says afterwards."""

    happens: Callable[[SlurmProject, Job], None]
    states: tuple[str, ...] = ("COMPLETED",)
    restarts: int = 0
    partition: str = "main"
    checkpoint_minutes: float = 10
    """Never in these runs, so that what is resumed was written upon the signal."""


INTERRUPTIONS = {
    "scancel": Interruption(is_cancelled, ("CANCELLED", "COMPLETED")),
    "time-out": Interruption(runs_out_of_time, ("TIMEOUT", "COMPLETED")),
    "requeue": Interruption(is_requeued, restarts=1),
    "node down": Interruption(loses_its_node, restarts=1, checkpoint_minutes=0.002),
    "pre-emption with REQUEUE": Interruption(is_preempted, restarts=1),
    "pre-emption with CANCEL": Interruption(is_preempted, restarts=1, partition="cancelled"),
}


@pytest.mark.parametrize("name", INTERRUPTIONS)
def test_an_interrupted_job_goes_on_and_ends_in_the_same_records(
    project: SlurmProject, reference: Reference, name: str
) -> None:
    what = INTERRUPTIONS[name]
    project.grid(lr=[0.01], seed=[0])
    project.write_study(execution={**project.study["execution"], "checkpoint_minutes": what.checkpoint_minutes})
    hasten_the_watch(project)
    started = project.start("runs", SBATCH_PARTITION=what.partition)
    kept = project.until_mid_training(1)
    what.happens(project, project.jobs()[0])
    call = started.end()
    assert call.status == 0, call.output
    after = project.records()
    assert {name: after[name] for name in kept} == kept, "a finished run was trained again"
    assert results_of(project) == {name: reference[name] for name in after}
    assert len(after) == 3
    (log,) = project.root.glob("results/logs/train/**/*.log")
    assert re.search(rf"resumed at epoch \d+ of {EPOCHS}, step \d+", log.read_text()), log.read_text()
    jobs = project.jobs()
    assert tuple(job.state for job in jobs) == what.states
    assert sum(int(job.fields["Restarts"]) for job in jobs) == what.restarts
    assert {job.fields["Partition"] for job in jobs} == {what.partition}
    if len(jobs) == 2:
        assert jobs[1].fields["TimeLimit"] == "08:00:00", "the second attempt gets twice the time"
        assert jobs[1].fields["MinMemoryNode"] == "32000M", "and twice the memory"


def test_too_little_memory_is_doubled(project: SlurmProject, reference: Reference) -> None:
    """Python and PyTorch alone need more than SLURM allows the first attempt."""
    project.grid(lr=[0.01], seed=[0])
    call = project.start("runs", SBATCH_MEM_PER_NODE="500").end()
    assert call.status == 0, call.output
    assert results_of(project) == {name: reference[name] for name in project.records()}
    assert len(project.records()) == 3
    jobs = project.jobs()
    assert {job.state for job in jobs[:-1]} == {"FAILED"}
    assert jobs[-1].state == "COMPLETED"
    assert [job.fields["MinMemoryNode"] for job in jobs] == [f"{500 * attempt}M" for attempt in range(1, len(jobs) + 1)]
    logs = "".join(log.read_text() for log in project.root.glob(".snakemake/slurm_logs/rule_train/*/*.log"))
    assert "exceeded memory limit" in logs


def test_a_killed_snakemake_is_started_again_and_nothing_is_trained_twice_at_once(
    project: SlurmProject, reference: Reference
) -> None:
    killed = project.start("runs")
    kept = project.until_mid_training(2)
    killed.kill()
    assert len(project.training()) == 2, "the jobs live on"
    again = project.start("runs")
    while again.process.poll() is None:
        records = [record for one in project.training() for record in one.records]
        assert len(records) == len(set(records)), "a run is trained by two jobs at once"
        time.sleep(0.1)
    call = again.end()
    assert call.status == 0, call.output
    assert "Cancelling 2 SLURM job(s) of an earlier snakemake" in call.output
    assert results_of(project) == reference
    after = project.records()
    assert {name: after[name] for name in kept} == kept
    assert [job.state for job in project.jobs()] == ["CANCELLED", "CANCELLED", "COMPLETED", "COMPLETED"]


def hasten_the_watch(project: SlurmProject) -> None:
    """Let the project's copy of decay_atlas.execution.slurm look at the jobs every second."""
    module = project.root / "workflow/decay_atlas/execution/slurm.py"
    text = module.read_text()
    assert "INTERVAL = 60.0" in text
    module.write_text(text.replace("INTERVAL = 60.0", "INTERVAL = 1.0"))
