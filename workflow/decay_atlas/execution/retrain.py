"""Chosen runs trained anew by Snakemake: their records make room, and come back where nothing takes their place."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from decay_atlas.execution.recovery import disengage, engage
from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import place_of, staged

STATE = Path(".snakemake")
LOCK = "decay-atlas.retrain"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def retrain(runs: Sequence[Run], every: Sequence[Run], options: Sequence[str], study_file: Path | None) -> int:
    """Call Snakemake with its `options` to train `runs` anew, and return its exit status.

    Where `every` other run of the study is done, statistics and report follow; else nothing but these is trained.

    Raises:
        BusyError: another Snakemake is at work in this folder; nothing was moved.
    """
    left = {run.path for run in every if place_of(run.path) is None} - {run.path for run in runs}
    command = [sys.executable, "-m", "snakemake", *options]
    if study_file is not None:
        command += ["--configfile", str(study_file)]
    if left:
        print(f"{len(left):,} other run(s) of the study are still to do: just these train now, and no report is made.")
        command += ["--", *(run.path for run in runs)]
    STATE.mkdir(exist_ok=True)
    engage(STATE)
    disengage()  # for the call below
    with (STATE / LOCK).open("a") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _aside([run.path for run in runs]):
            return _call(command, lock.fileno())


def put_back(records: Iterable[str | Path]) -> int:
    """Put into place the old records that a killed retrain left aside, and return how many they were.

    While a retrain lives, or the Snakemake that it called, nothing is touched.
    """
    left = [record for record in records if put_aside(record).exists()]
    if not left:
        return 0
    STATE.mkdir(exist_ok=True)
    with (STATE / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        return _put_back(left)


def put_aside(record: str | Path) -> Path:
    """Where a record waits while its run is trained anew."""
    record = Path(record)
    return record.parent / ".replaced" / record.name


@contextmanager
def _aside(records: Sequence[str]) -> Iterator[None]:
    """Let the runs have no record; in the end each has its new one, or else the old one."""
    for record in records:
        path, old = Path(record), put_aside(record)
        if not path.exists() and staged(path).exists():
            staged(path).replace(path)
        if path.exists():
            old.parent.mkdir(exist_ok=True)
            path.replace(old)
        staged(path).unlink(missing_ok=True)
    try:
        yield
    finally:
        kept = _put_back(records)
        if kept:
            print(f"{kept} run(s) were not trained anew and keep their records.", file=sys.stderr)


def _put_back(records: Iterable[str | Path]) -> int:
    """End the wait of old records: for those that nothing took the place of, in their place; how many these are."""
    kept = 0
    for record in records:
        old = put_aside(record)
        if place_of(record) is not None:
            old.unlink(missing_ok=True)
        elif old.exists():
            old.replace(record)
            kept += 1
        with suppress(OSError):  # not empty yet, or never made
            old.parent.rmdir()
    return kept


def _call(command: Sequence[str], lock: int) -> int:
    """Run Snakemake, which holds on to the lock, and return its exit status; what is to end us ends it and its jobs.

    In a process group of its own, so that every signal reaches them once and in the same way: Ctrl-C, a plain kill
    and a dropped connection, at which Snakemake would leave its jobs alone.
    """
    with subprocess.Popen(command, process_group=0, pass_fds=[lock]) as process:

        def pass_on(number: int, frame: FrameType | None) -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

        heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # nohup's stays ignored
        before = {number: signal.signal(number, pass_on) for number in heard}
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
