"""Chosen runs trained anew by Snakemake: their records make room, and come back where nothing takes their place."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from decay_atlas.grid import Run
from decay_atlas.records import staged
from decay_atlas.recovery import disengage, engage

STATE = Path(".snakemake")


def retrain(runs: Sequence[Run], every: Sequence[Run], options: Sequence[str], study_file: Path | None) -> int:
    """Call Snakemake with its `options` to train `runs` anew, and return its exit status.

    Where `every` other run of the study is done, statistics and report follow; else nothing but these is trained.

    Raises:
        BusyError: another Snakemake is at work in this folder; nothing was moved.
    """
    left = {run.path for run in every if not Path(run.path).exists()} - {run.path for run in runs}
    command = [sys.executable, "-m", "snakemake", *options]
    if study_file is not None:
        command += ["--configfile", str(study_file)]
    if left:
        print(f"{len(left):,} other run(s) of the study are still to do: just these train now, and no report is made.")
        command += ["--", *(run.path for run in runs)]
    STATE.mkdir(exist_ok=True)
    engage(STATE)
    disengage()  # for the call below
    with _aside(runs), _interrupts_left_to_snakemake():
        return subprocess.run(command, check=False).returncode


def put_aside(record: str | Path) -> Path:
    """Where a record waits while its run is trained anew."""
    record = Path(record)
    return record.parent / ".replaced" / record.name


@contextmanager
def _aside(runs: Sequence[Run]) -> Iterator[None]:
    """Let the runs have no record; in the end each has its new one, or else the old one."""
    for run in runs:
        path, old = Path(run.path), put_aside(run.path)
        if not path.exists() and staged(path).exists():
            staged(path).replace(path)
        if path.exists():
            old.parent.mkdir(exist_ok=True)
            path.replace(old)
        staged(path).unlink(missing_ok=True)
    try:
        yield
    finally:
        kept = 0
        for run in runs:
            path, old = Path(run.path), put_aside(run.path)
            if path.exists() or staged(path).exists():
                old.unlink(missing_ok=True)
            elif old.exists():
                old.replace(path)
                kept += 1
            with suppress(OSError):  # not empty yet, or never made
                old.parent.rmdir()
        if kept:
            print(f"{kept} run(s) were not trained anew and keep their records.", file=sys.stderr)


@contextmanager
def _interrupts_left_to_snakemake() -> Iterator[None]:
    """Ctrl-C reaches Snakemake too, which ends its jobs; killed by us a moment later, it could not."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
