"""The training processes that are alive now, read from /proc, and how to start one that hears signals."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A training process: its id, folder, records, SLURM job and devices."""

    pid: int
    parent: int
    folder: Path
    records: tuple[str, ...]
    job: str
    devices: str

    @classmethod
    def read(cls, folder: Path) -> Process | None:
        """The process of a folder of /proc; None where it trains nothing, or is gone."""
        try:
            command = (folder / "cmdline").read_text().split("\0")
            # The interpreter itself: not a shell whose command line names it, nor a launcher before it.
            if not re.search("python[0-9.]*$", command[0]) or command[1:3] != ["-m", "decay_atlas.training"]:
                return None
            environment = dict(line.partition("=")[::2] for line in (folder / "environ").read_text().split("\0"))
            place = (folder / "cwd").readlink()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, UnicodeDecodeError):
            return None
        records = tuple(part for part in command if part.endswith(".json"))
        devices = environment.get("CUDA_VISIBLE_DEVICES", "")
        return cls(int(folder.name), parent, place, records, environment.get("SLURM_JOB_ID", ""), devices)


def training(folder: Path) -> list[Process]:
    """The training processes that work in a folder; not their children, which begin as copies of them."""
    read = (Process.read(process) for process in Path("/proc").glob("[0-9]*"))
    found = [one for one in read if one is not None and one.folder == folder]
    known = {one.pid for one in found}
    return [one for one in found if one.parent not in known]


@contextmanager
def hearing() -> Iterator[None]:
    """Processes started meanwhile hear SIGINT and SIGHUP, which children of a background job inherit as ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
