"""Let the same command go on after a kill: what a dead Snakemake left is cleared, a live one is respected.

A `kill -9` leaves Snakemake's lock files (seen with 9.27), about which the next call would only ask (`--unlock`).
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path
from typing import IO

PRESENCE = "decay-atlas.lock"
_HOST = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", re.MULTILINE)
"""A line that names a machine; any other is damage, which stands for none."""
_WORKER = re.compile(r"process [0-9]+ on \S{1,255}")
_presence: IO[str] | None = None
_work: IO[str] | None = None


class BusyError(RuntimeError):
    """Another call of Snakemake runs jobs in this folder."""


def recover(state: Path) -> None:
    """Clear what dead runs left in Snakemake's `state` folder (.snakemake), unless another run is alive.

    Every main process holds a shared lock on one file for as long as it lives; the operating system drops it
    however the process ends. Only who gets it alone may clear. Some network file systems keep such locks to
    one host, so the file names the hosts that held it, and where there are others, Snakemake's locks stay
    until a person has removed them (`--unlock`).
    """
    global _presence
    state.mkdir(exist_ok=True)
    _presence = (state / PRESENCE).open("a+", encoding="ascii", errors="replace")
    try:
        fcntl.flock(_presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    host = socket.gethostname()
    _presence.seek(0)
    hosts = set(_HOST.findall(_presence.read()))
    locks = list((state / "locks").glob("*.lock"))
    if alone and (hosts <= {host} or not locks):
        for lock in locks:
            lock.unlink(missing_ok=True)
        hosts = set()
        _presence.truncate(0)
    if host not in hosts:
        _presence.write(f"{host}\n")
        _presence.flush()
    try:
        fcntl.flock(_presence, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # The file system has no such locks: Snakemake's own remain.
        _presence.close()


def hosts(state: Path) -> set[str]:
    """The machines on which Snakemake has worked with a `state` folder since it was last known to be at rest."""
    try:
        return set(_HOST.findall((state / PRESENCE).read_text(encoding="ascii", errors="replace")))
    except OSError:
        return set()


def engage(state: Path) -> None:
    """Take the folder for a call that runs jobs; it is free again when the process ends, however it ends.

    Snakemake's own locks are taken when its plan is made, let two calls in that share no file, and go for both when
    one of them ends; the other, or a third, then stops with a traceback (seen with 9.27), and on SLURM the second
    call cancels the jobs of the first.

    Raises:
        BusyError: another process holds it.
    """
    global _work
    disengage()
    _work = (state / "decay-atlas.work").open("a+", encoding="ascii", errors="replace")
    try:
        fcntl.flock(_work, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _work.seek(0)
        raise BusyError(
            f"Another snakemake is at work in this folder ({_holder(_work.read())}). Wait for "
            "its end, or stop it and call again; what is finished is kept. A dry run (-n) is possible at any time"
        ) from None
    except OSError:
        return  # the file system has no such locks: Snakemake's own remain
    _work.truncate(0)
    _work.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    _work.flush()


def _holder(text: str) -> str:
    """Who a lock file says holds it; the file may hold anything, for what holds is the lock."""
    return text.strip() if _WORKER.fullmatch(text.strip()) else "it has just begun"


def disengage() -> None:
    """Let the folder go that this process took, for another call."""
    if _work is not None:
        _work.close()
