"""The life of a pack's records, whatever makes them: nothing finished is ever lost or made twice.

A finished record is staged at once beside its place, where Snakemake does not know it. Should the job die,
and Snakemake remove its outputs, the next attempt takes what is staged. A job can be killed up to its last moment,
after its last run is finished, so it does not remove the staged copies itself: `collect` does, for when it begins,
the jobs of all its records have ended well.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from decay_atlas.grid import Run, digest_of
from decay_atlas.records import is_whole, replacing, staged, write_json

Member = tuple[Path, Run]
_PART = re.compile(r"\.(.+)\.[0-9]+\.part")


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
