"""Which packs are being trained now: by this machine's processes, by SLURM, and where neither can tell, by what is
written.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from decay_atlas.execution.recovery import hosts
from decay_atlas.execution.slurm import jobs_by_wildcards
from decay_atlas.runs.grid import Pack

PROGRAMS = ("decay_atlas.training", "decay_atlas.simulation")
PROCESSES = Path("/proc")
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT")
"""States of SLURM jobs that do not run yet, or not again."""


@dataclass(frozen=True)
class Jobs:
    """What is known of the jobs of a folder.

    `training` and `queued` are the records that processes of this machine train, or wait for a device to train;
    `slurm` the states of SLURM jobs by their joined wildcards; `doubt` says why there may be others, "" where there
    are none.
    """

    training: frozenset[str]
    queued: frozenset[str]
    slurm: dict[str, str]
    doubt: str

    def state(self, pack: Pack) -> str:
        """running, waiting, or "" where no job of the pack is known."""
        records = {run.path for run in pack.runs}
        cluster = self.slurm.get("_".join(pack.wildcards), "")
        if records & self.training or (cluster and cluster not in WAITING):
            return "running"
        return "waiting" if cluster or records & self.queued else ""


def jobs_of(folder: Path) -> Jobs:
    """The jobs that train runs of a folder now."""
    training: set[str] = set()
    queued: set[str] = set()
    for waits, records in _processes(folder):
        (queued if waits else training).update(records)
    others = hosts(folder / ".snakemake") - {socket.gethostname()}
    doubts = [f"snakemake was also called on {', '.join(sorted(others))}"] if others else []
    if not PROCESSES.is_dir():
        doubts.append("this system does not list its processes")
    slurm: dict[str, str] = {}
    try:
        slurm = jobs_by_wildcards(folder)
    except (OSError, subprocess.SubprocessError):
        if (folder / ".snakemake/slurm_logs").exists():
            doubts.append("SLURM, which was used here, does not answer")
    return Jobs(frozenset(training), frozenset(queued), slurm, " and ".join(doubts))


def last_written(pack: Pack, folder: Path) -> float:
    """Seconds since something of a pack was written: its log, a record, a checkpoint; infinite if never."""
    files = [folder / pack.log]
    for run in pack.runs:
        record = folder / run.path
        files += [record, *checkpoints(record)]
    return min((time.time() - written for written in _times(files)), default=float("inf"))


def checkpoints(record: Path) -> list[Path]:
    """The checkpoints of a run in mid-training."""
    try:
        with os.scandir(record.parent / ".checkpoints") as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return []
    start = f"{record.stem}.epoch"
    return [
        record.parent / ".checkpoints" / name for name in names if name.startswith(start) and name.endswith(".ckpt")
    ]


def _times(files: Sequence[Path]) -> Iterator[float]:
    for file in files:
        try:
            yield file.stat().st_mtime
        except OSError:
            continue


def _processes(folder: Path) -> Iterator[tuple[bool, list[str]]]:
    """Training processes of this machine that work in a folder: whether each waits for a device, and its records."""
    for process in PROCESSES.glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            # a word of its own, so not the shell whose command line names it
            if not any(word in PROGRAMS for word in words) or (process / "cwd").readlink() != folder:
                continue
        except OSError:
            continue
        records = [word for word in words if word.startswith("results/runs/") and word.endswith(".json")]
        yield "decay_atlas.execution.devices" in words, records
