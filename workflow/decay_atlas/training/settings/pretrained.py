"""Files of pretrained weights, known by their checksums. Standard library only: studies are checked with it too."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from decay_atlas.runs.records import replacing

STORE = Path("resources/weights")
"""Files of pretrained weights, each named after its SHA-256."""


def checksum(file: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def check(entry: dict[str, Any]) -> None:
    """Refuse a recipe's `pretrained` without the checksum that names the weights in the recipe's digest.

    Raises:
        ValueError: with the line to add, or that there is no such file.
    """
    if "sha256" in entry:
        return
    file = Path(entry["path"]).expanduser()
    if not file.is_file():
        raise ValueError(f"pretrained: no file {entry['path']}, whose checksum belongs here as sha256")
    raise ValueError(f"pretrained: the checksum of the weights is missing; write\n\n    sha256: {checksum(file)}")


def store(file: Path, sha256: str, target: Path) -> None:
    """Copy a file to `target`, whole or not at all.

    Raises:
        ValueError: there is no such file, or it has another checksum.
    """
    if not file.is_file():
        raise ValueError(f"pretrained: no file {file}")
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"pretrained: {file} is another file than the study names; if it is meant, write\n\n    sha256: {found}"
        )
    with replacing(target) as part:
        part.write_bytes(content)
