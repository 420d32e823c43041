"""Let the same command go on after a kill: what a dead Snakemake left in the way is cleared, a live one respected.

Two leftovers of `kill -9` would stop or mislead the next call (seen with snakemake 9.27): its lock files, which it
only asks about (`--unlock`), and a prepared data set still marked incomplete: the rule behind it is then forced, and
because the training rules take it as `ancient`, that call ends after it as if all were done.
"""

from __future__ import annotations

import fcntl
import socket
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import IO

DATASETS = "resources/datasets/"
_presence: IO[str] | None = None


def recover(state: Path) -> None:
    """Clear what dead runs left in Snakemake's `state` folder (.snakemake), unless another run is alive.

    Every main process holds a shared lock on one file for as long as it lives; the operating system drops it
    however the process ends. Only who gets it alone may clear, and only on the host that held it last, because
    some network file systems keep such locks to one host.
    """
    global _presence
    state.mkdir(exist_ok=True)
    _presence = (state / "decay-atlas.lock").open("a+")
    try:
        fcntl.flock(_presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    host = socket.gethostname()
    _presence.seek(0)
    hosts = set(_presence.read().split())
    if alone and hosts <= {host}:
        for lock in (state / "locks").glob("*.lock"):
            lock.unlink(missing_ok=True)
        for manifest in _unfinished_datasets(state):
            manifest.unlink(missing_ok=True)
    if alone:
        _presence.truncate(0)
    if alone or host not in hosts:
        _presence.write(f"{host}\n")
        _presence.flush()
    try:
        fcntl.flock(_presence, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # The file system has no such locks: Snakemake's own remain.
        _presence.close()


def _unfinished_datasets(state: Path) -> list[Path]:
    """Data sets whose preparation Snakemake has on record as begun and not as ended."""
    names = [
        urlsafe_b64decode(marker.name).decode(errors="replace")
        for marker in (state / "incomplete").glob("*")
        if marker.is_file() and "=" not in marker.name.rstrip("=") and len(marker.name) % 4 == 0
    ]
    return [state.parent / name for name in names if name.startswith(DATASETS)]
