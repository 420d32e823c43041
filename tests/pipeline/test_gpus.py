"""A workstation with two GPUs, which are only names here: as many jobs at once, each with one of its own."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.pipeline.conftest import Project
from tests.processes import training


@pytest.mark.parametrize("arguments", [["--profile", "profiles/gpus"], ["--cores", "4"]], ids=["profile", "cores"])
def test_jobs_never_share_a_gpu(project: Project, arguments: list[str]) -> None:
    project.grid(lr=[0.01], wd=[0.1], seed=[0, 1, 2, 3])
    project.write_study(execution={"pack": [], "device": "cpu", "gpus": {"quick": 1}})
    command = project.command("runs")
    at = command.index("--cores")
    command[at : at + 2] = arguments
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1", "TMPDIR": str(project.root)}
    process = subprocess.Popen(command, cwd=project.root, env=environment, stdout=subprocess.DEVNULL)
    seen: set[str] = set()
    while process.poll() is None:
        devices = [one.devices for one in training(project.root)]
        assert len(set(devices)) == len(devices), "two jobs share a GPU"
        seen |= set(devices)
        time.sleep(0.05)
    assert process.returncode == 0
    assert seen == {"0", "1"}
    assert len(project.records()) == 4
