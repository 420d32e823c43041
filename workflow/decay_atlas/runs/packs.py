"""The life of a pack's records, whatever makes them: nothing finished is ever lost or made twice.

A finished record is staged at once beside its place, where Snakemake does not know it. Should the job die,
and Snakemake remove its outputs, the next attempt takes what is staged. A job can be killed up to its last moment,
after its last run is finished, so it does not remove the staged copies itself: `collect` does, for when it begins,
the jobs of all its records have ended well.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.records import is_whole, replacing, staged, write_json

Member = tuple[Path, Run]
LOCK = ".lock"
_PART = re.compile(r"\.(.+)\.[0-9]+\.part")


@contextmanager
def claimed(paths: Sequence[str | Path]) -> Iterator[None]:
    """Keep other processes from making these records meanwhile, and wait for those that are making some of them.

    Such are left where Snakemake alone was killed. The lock is one of the operating system's for every run, whatever
    pack it is in; all take them in the same order, so none waits for another in a circle. Where there are no locks to
    be had, as on some network file systems, nothing is kept from anybody.
    """
    with ExitStack() as files:
        with suppress(OSError):
            for folder in sorted({Path(path).parent for path in paths}):
                folder.mkdir(parents=True, exist_ok=True)
                file = files.enter_context((folder / LOCK).open("a"))
                for path in sorted(Path(path) for path in paths if Path(path).parent == folder):
                    start = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:7])
                    try:
                        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, start)
                    except (BlockingIOError, PermissionError):
                        print(f"{path}: another process trains it; waiting for its end", file=sys.stderr, flush=True)
                        fcntl.lockf(file, fcntl.LOCK_EX, 1, start)
        yield


def missing_members(settings: dict[str, Any], paths: Sequence[str | Path]) -> list[Member]:
    """The members of a pack that are still to be made, in order, after fetching what is staged.

    Raises:
        ValueError: a path names no run, or a run of other settings.
    """
    members = [(Path(path), Run.from_path(str(path))) for path in paths]
    digest = digest_of(settings)
    for path, run in members:
        if run.digest != digest:
            raise ValueError(f"{path}: its digest is not that of the settings, {digest}")
    return [(path, run) for path, run in members if not _kept(path, settings)]


def put(path: Path, record: dict[str, Any]) -> None:
    """Stage a finished record, then put it into its place, the settings beside it."""
    if not (path.parent / "settings.json").exists():
        write_json(path.parent / "settings.json", record["settings"])
    write_json(staged(path), record)
    _link(staged(path), path)


def close(paths: Iterable[str | Path]) -> None:
    """Remove the staged copies of records whose jobs have ended well, and what killed processes left of them."""
    folders: dict[Path, set[str]] = {}
    for path in paths:
        wait = staged(path)
        folders.setdefault(wait.parent, set()).add(wait.name)
    for folder, names in folders.items():
        for file in folder.glob("*"):
            part = _PART.fullmatch(file.name)
            if (part.group(1) if part else file.name) in names:
                file.unlink(missing_ok=True)


def _kept(path: Path, settings: dict[str, Any]) -> bool:
    """Whether a finished record is in place, now or after fetching it from where it was staged."""
    wait = staged(path)
    if is_whole(path, settings):
        if not is_whole(wait, settings):
            _link(path, wait)  # Snakemake deletes a failed job's outputs, this one among them
        return True
    if is_whole(wait, settings):
        _link(wait, path)
        return True
    return False


def _link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, at once; a copy where the file system has no hard links."""
    with replacing(target) as part:
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
