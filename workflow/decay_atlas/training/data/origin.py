"""Where a data set's image files lie, and whether it was prepared from them as they are now.

Standard library only: every plan asks, so of a tree of any size it looks at the class folders alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RAW = Path("resources/raw")
FOLDERS = ("image_folder", "imagenet")
"""The sources that read image files."""


def root_of(name: str, entry: dict[str, Any]) -> Path:
    """The folder of a data set's image files: its `path`, in which `~` is the home folder, or its place in RAW."""
    return Path(os.path.expanduser(entry.get("path") or RAW / name))


def origin(root: Path) -> dict[str, Any]:
    """A folder of image files as a manifest notes it: its path, and when a class folder last changed, in ns.

    A file that is added, removed or renamed changes its folder; one that is written over in place does not.

    Raises:
        OSError: a folder cannot be read, or is a link to itself.
    """
    times = []
    for folder in (root / part for part in ("train", "test", "val")):
        if folder.is_dir():
            times.append(folder.stat().st_mtime_ns)
            with os.scandir(folder) as entries:
                times += [entry.stat().st_mtime_ns for entry in entries if entry.is_dir()]
    return {"path": str(root), "changed": max(times, default=None)}


def outdated(name: str, entry: dict[str, Any], prepared: str) -> str | None:
    """What to say where the data set in the folder `prepared` is not made of the images that its entry names now.

    None where it is, where that was not noted, and where the images are gone or cannot be read, for then nothing else
    can be prepared.
    """
    try:
        before = json.loads((Path(prepared) / "manifest.json").read_bytes())["origin"]
        path, changed = before["path"], before["changed"]
        now = origin(root_of(name, entry))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if path != now["path"]:
        what = f"from {path}, not from {now['path']}"
    elif now["changed"] not in (None, changed):
        what = f"before {now['path']} was changed or copied"
    else:
        return None
    return (
        f"Data set {name} was prepared {what}, and its runs go on with those images; "
        f"to begin anew delete {prepared} and results/runs/{name}."
    )
