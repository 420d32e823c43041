"""Each job its own GPU: claims that exclude each other and end with their process, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from decay_atlas.execution.devices import visible

REPORT = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep({seconds})"


def start(folder: Path, devices: str, count: int, seconds: float, **environment: str) -> subprocess.Popen[str]:
    """A command that claims devices, prints what it was given and sleeps."""
    command = [sys.executable, "-m", "decay_atlas.execution.devices", str(count), sys.executable, "-c"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    return subprocess.Popen(
        [*command, REPORT.format(seconds=seconds)],
        env={**clean, "CUDA_VISIBLE_DEVICES": devices, "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def given(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()


def fake_nvidia_smi(folder: Path, *lines: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    program.chmod(0o755)


def test_jobs_at_the_same_time_have_different_devices(tmp_path: Path) -> None:
    jobs = [start(tmp_path, "0,1,2", 1, 30) for _ in range(3)]
    assert sorted(given(job) for job in jobs) == ["0", "1", "2"]
    end(*jobs)


def test_a_job_waits_until_a_device_is_free_even_after_kill_9(tmp_path: Path) -> None:
    first = start(tmp_path, "0", 1, 60)
    assert given(first) == "0"
    second = start(tmp_path, "0", 1, 0)
    time.sleep(1)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    assert given(second) == "0"
    assert second.wait() == 0
    end(first)


def test_several_devices_are_claimed_all_or_none(tmp_path: Path) -> None:
    one = start(tmp_path, "0,1,2", 1, 60)
    assert given(one) == "0"
    four = [start(tmp_path, "0,1,2", 2, 0.2) for _ in range(4)]
    assert [given(job) for job in four] == ["1,2"] * 4
    assert [job.wait() for job in four] == [0] * 4
    end(one)


def test_a_job_that_wants_more_than_there_are_gets_all(tmp_path: Path) -> None:
    job = start(tmp_path, "0,1", 4, 0)
    assert given(job) == "0,1"
    assert job.wait() == 0


def test_what_slurm_gave_is_left_alone(tmp_path: Path) -> None:
    both = [start(tmp_path, "0,1", 1, 30, SLURM_JOB_ID="7") for _ in range(2)]
    assert [given(job) for job in both] == ["0,1", "0,1"]
    end(*both)


def test_devices_are_those_listed_or_else_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvidia_smi(tmp_path, "0, GPU-aa", "1, GPU-bb")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible({}) == {"0": "GPU-aa", "1": "GPU-bb"}
    assert visible({"CUDA_VISIBLE_DEVICES": "1"}) == {"1": "GPU-bb"}
    assert visible({"CUDA_VISIBLE_DEVICES": "GPU-aa"}) == {"GPU-aa": "GPU-aa"}
    assert visible({"CUDA_VISIBLE_DEVICES": ""}) == visible({"CUDA_VISIBLE_DEVICES": "-1"}) == {}
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert visible({}) == {}
    assert visible({"CUDA_VISIBLE_DEVICES": "0,3"}) == {"0": "0", "3": "3"}


def test_an_index_and_the_unique_id_of_one_device_exclude_each_other(tmp_path: Path) -> None:
    fake_nvidia_smi(tmp_path, "0, GPU-aa")
    path = f"{tmp_path}:{os.environ['PATH']}"
    first = start(tmp_path, "0", 1, 60, PATH=path)
    assert given(first) == "0"
    second = start(tmp_path, "GPU-aa", 1, 0, PATH=path)
    time.sleep(1)
    assert second.poll() is None
    end(first)
    assert given(second) == "GPU-aa"
    end(second)
