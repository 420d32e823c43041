"""Where a run is trained: the device it gets, and what its record says of machine, software and sources."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

from decay_atlas.execution.provenance import source_digest

PACKAGES = ("decay-atlas", "torch", "timm", "torchvision", "numpy")
SLURM = {"job_id": "SLURM_JOB_ID", "partition": "SLURM_JOB_PARTITION", "cluster": "SLURM_CLUSTER_NAME"}
"""What a record says of its SLURM job, and the variables that say it."""
_LIBRARY = Path(__file__).parents[2]


def choose_device(name: str) -> torch.device:
    """The device that `execution.device` names; `auto` is a GPU where there is a usable one.

    Raises:
        ValueError: torch knows no such device, or it is a GPU and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:  # one of torchrun's processes, a GPU each
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device {name}: torch knows no such device; use auto, cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name}: there is no usable GPU here; leave execution.device at auto or cpu")
    return device


def about(device: torch.device, threads: int, count: int = 1) -> dict[str, Any]:
    """What a record says beside its result, and what decides none of it; `count` devices train the run together.

    Returns:
        The keys `device` (type, name, threads, count), `versions` (by package), `node`, `slurm` (see `SLURM`; None
        outside a SLURM job) and `source` (see `source`).
    """
    return {
        "device": {"type": device.type, "name": device_name(device), "threads": threads, "count": count},
        "versions": versions(),
        "node": platform.node(),
        "slurm": slurm_job(),
        "source": source(),
    }


def device_name(device: torch.device) -> str:
    """The product name of a GPU or of the processor, for what a run's seconds are worth."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Python's version and those of the packages that training rests on; CUDA's where torch has it."""
    found = {"python": platform.python_version()}
    found |= {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | ({"cuda": torch.version.cuda} if torch.version.cuda else {})


def slurm_job() -> dict[str, str] | None:
    """The SLURM job that this process belongs to, or None."""
    found = {key: os.environ[variable] for key, variable in SLURM.items() if variable in os.environ}
    return found if "job_id" in found else None


@cache
def source() -> dict[str, Any]:
    """Which code trains: of this process, once.

    Returns:
        `digest`, of the training's modules as syntax trees (there always); `revision`, the git commit, and `dirty`,
        whether a module of the library differs from it; both None where the library lies in no git repository.
    """
    revision = _git("rev-parse", "HEAD") if _git("ls-files", "--error-unmatch", "__init__.py") else None
    changed = None if revision is None else _git("status", "--porcelain", "--", "*.py")
    return {
        "digest": source_digest("decay_atlas.training.job"),
        "revision": revision,
        "dirty": None if changed is None else changed != "",
    }


def _git(*arguments: str) -> str | None:
    """What git prints about the library's folder; None where it cannot tell. Takes no lock: many jobs ask at once."""
    command = ["git", "--no-optional-locks", "-C", str(_LIBRARY), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
