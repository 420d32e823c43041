"""`python -m decay_atlas.execution.devices N COMMAND …`: run a command with N of this machine's GPUs to itself.

Jobs that share one machine without a scheduler of devices each claim theirs by locking a file a GPU. The lock belongs
to the process that the command becomes, and the operating system drops it however that process ends, `kill -9`
included. Inside a SLURM job the command runs with what SLURM gave it.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
WAIT = 0.5
"""Seconds between two attempts while others hold the devices."""


def visible(environment: Mapping[str, str]) -> dict[str, str]:
    """The GPUs that this process may use: the name to select each by, and the name all processes know it by.

    They are what CUDA_VISIBLE_DEVICES lists, or else every one that nvidia-smi finds; none without either. An index is
    known by its unique id where nvidia-smi tells it, because containers count from 0 each.
    """
    try:
        query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
        lines = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
        known = dict(line.split(", ") for line in lines)
    except (OSError, subprocess.SubprocessError, ValueError):
        known = {}
    if VISIBLE not in environment:
        return known
    listed = [name.strip() for name in environment[VISIBLE].split(",")]
    return {name: known.get(name, name) for name in listed if name and name != "-1"}


def shortage(device: str, asked: Mapping[str, int], environment: Mapping[str, str]) -> str | None:
    """What `execution` asks of this machine, where jobs run here, that it has not: a device, or as many GPUs; or None.

    `asked` is the GPUs for a job of each recipe. Under `device: auto` a run takes what there is.
    """
    if device == "mps" and platform.system() != "Darwin":
        return "key execution.device: mps is of Apple's machines, and this is none; write\n\n    device: auto"
    if device != "cuda":
        return None
    here = len(visible(environment))
    if not here:
        return "key execution.device: cuda, and there is no GPU that jobs may use here; write\n\n    device: auto"
    for recipe, count in asked.items():
        if count > here:
            key = f"execution.gpus.{recipe}"
            return f"key {key}: {count} GPUs, and jobs may use {here} here; write\n\n    {recipe}: {here}"
    return None


def claim(devices: Mapping[str, str], count: int, folder: Path) -> list[str]:
    """Lock `count` of `devices` (as of `visible`), or all where there are fewer; the names to select them by.

    Waits until so many are free. The locks are files in `folder`, open in this process and in what it becomes.
    """
    count = min(count, len(devices))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        locks: dict[str, int] = {}
        for name, known in devices.items():
            lock = os.open(folder / f"{known.replace('/', '_')}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            locks[name] = lock
            if len(locks) == count:
                for held in locks.values():
                    os.set_inheritable(held, True)
                return list(locks)
        for lock in locks.values():  # all or none: two jobs that wait for each other's would wait for ever
            os.close(lock)
        time.sleep(WAIT)


def main(arguments: Sequence[str]) -> None:
    """Claim devices and become the command."""
    count, command = int(arguments[0]), list(arguments[1:])
    devices = visible(os.environ)
    if devices and "SLURM_JOB_ID" not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"decay-atlas-gpus-{os.getuid()}"
        os.environ[VISIBLE] = ",".join(claim(devices, count, folder))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
