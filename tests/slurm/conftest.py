"""The test cluster, and a project whose study runs on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Call, Project, copy_project
from tests.processes import Process, training
from tests.slurm.cluster import Cluster, Job, cluster, obstacle, wait_for

EPOCHS = 200
"""Of every run: two to three seconds, within which SLURM has told it what it is to be told."""
VOLATILE = ("seconds", "timing", "device", "node", "slurm", "versions", "source")
"""What a record says of how and where it was made; the rest must be the same everywhere."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here, and skip it, saying why, where no cluster can be started."""
    why = obstacle()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@dataclass
class SlurmProject(Project):
    """A project that runs its study on the test cluster."""

    cluster: Cluster = field(kw_only=True)
    started: list[Started] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        quick = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
        return [
            sys.executable, str(Path(__file__).with_name("quickly.py")), *arguments,
            "--profile", "slurm", *quick, "--configfile", "studies/tiny.yaml",
        ]  # fmt: skip

    def start(self, *arguments: str, **environment: str) -> Started:
        """Start the study and go on; `Started.end` waits for it."""
        output = self.root / "snakemake.out"
        with output.open("w") as file:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.root,
                env={**self.cluster.environment, **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Started(process, output))
        return self.started[-1]

    def training(self) -> list[Process]:
        """The training processes of this project that are alive now."""
        return training(self.root)

    def jobs(self) -> list[Job]:
        return self.cluster.jobs(self.root)

    def until_mid_training(self, packs: int) -> dict[str, bytes]:
        """Wait until so many packs are at work and a run is finished; the records finished by then."""
        wait_for(lambda: len(self.training()) == packs, f"{packs} training processes", timeout=120)
        wait_for(self.records, "a finished run", interval=0.05)
        return self.records()


def results_of(project: Project) -> dict[str, dict[str, Any]]:
    """What every record says, by file name, less what may differ from machine to machine."""
    whole = {name: json.loads(content) for name, content in project.records().items()}
    return {name: {key: value for key, value in one.items() if key not in VOLATILE} for name, one in whole.items()}


@dataclass
class Started:
    """A Snakemake at work."""

    process: subprocess.Popen
    output: Path

    def end(self, timeout: float = 200) -> Call:
        """Wait for its end, or stop it and fail."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"snakemake did not end within {timeout:.0f} s:\n{self.output.read_text()[-5000:]}")
        return Call(status, {}, self.output.read_text())

    def kill(self) -> None:
        """SIGKILL to it and its local children, if it lives; its SLURM jobs live on."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study trained on this machine without SLURM, each run long enough to be interrupted."""
    project = copy_project(tmp_path_factory.mktemp("local") / "project")
    (project.root / "slurm").symlink_to("profiles/slurm")
    recipe = {**project.study["recipes"]["quick"], "epochs": EPOCHS}
    project.write_study(
        recipes={"quick": recipe},
        execution={"pack": ["lr", "wd"], "engine": "serial", "device": "cpu", "gpus": {"quick": 1}},
    )
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    return project


@pytest.fixture
def project(local: Project, slurm: Cluster, tmp_path: Path) -> Iterator[SlurmProject]:
    """The same study on the cluster, its data set prepared and nothing trained; what it leaves running is cancelled."""
    copy = local.copy(tmp_path / "project")
    for folder in ("results/runs", "results/tiny", "results/logs", ".snakemake"):
        shutil.rmtree(copy.root / folder)
    project = SlurmProject(copy.root, copy.study, cluster=slurm)
    yield project
    for started in project.started:
        started.kill()
    left = [job.id for job in slurm.jobs(copy.root) if job.state in ("RUNNING", "PENDING")]
    if left:
        slurm.call("scancel", *left)
        wait_for(lambda: not slurm.running(copy.root), "cancelled jobs to end")


@pytest.fixture(scope="session")
def reference(local: Project) -> dict[str, dict[str, Any]]:
    """What every record must say, see `results_of`."""
    return results_of(local)
