"""Run records: one JSON file a run, whole or absent. Used by training (writes) and collect (reads)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORD_FORMAT = 1
_HISTORY = b'"history":{'
SCORES = ("test_best", "test_final", "val_best", "val_final")


class RecordError(ValueError):
    """A record cannot be read, or is not the record of the run its path names."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what is to lie at `path`: readers see the old file or the whole new one, never a part.

    What stood at `path` is untouched where the writing fails. The folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all (see `replacing`).

    Raises:
        ValueError: `content` holds a NaN or an infinity, which JSON does not have.
        OSError: the disk refused; what stood at `path` is untouched.
    """
    with replacing(Path(path)) as part, part.open("w") as file:
        json.dump(content, file, allow_nan=False, separators=(",", ":"))
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read_record(path: str | Path) -> dict[str, Any]:
    """Read one record.

    Raises:
        RecordError: the file is missing, cut off, or no run record.
    """
    return _parsed(path, _content(path))


def read_summary(path: str | Path) -> dict[str, Any]:
    """Read one record without its history, which is most of it: some 15 times faster where that has 90 epochs.

    Damage inside the history goes unnoticed, a record that was cut off does not.

    Raises:
        RecordError: the file is missing, cut off, or no run record.
    """
    text = _content(path)
    begin = text.find(_HISTORY) + len(_HISTORY)
    end = text.find(b"}", begin)  # it holds lists of numbers, no braces
    return _parsed(path, text[:begin] + text[end:] if begin >= len(_HISTORY) and end >= 0 else text)


def is_whole(path: str | Path, settings: dict[str, Any]) -> bool:
    """Whether `path` holds a complete record of a run with just these settings."""
    try:
        return bool(read_record(path).get("settings") == settings)
    except RecordError:
        return False


def device_count(record: Mapping[str, Any]) -> int:
    """How many devices trained a run together; one where its record does not say."""
    device = record.get("device")
    return int(device.get("count", 1)) if isinstance(device, dict) else 1


def staged(path: str | Path) -> Path:
    """Where a finished run waits until it is collected; Snakemake does not know this place."""
    path = Path(path)
    return path.parent / ".staged" / path.name


def place_of(path: str | Path) -> Path | None:
    """Where the record of a finished run is: in its place, or still staged because its job failed; None without one."""
    return next((place for place in (Path(path), staged(path)) if place.is_file()), None)


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise RecordError(f"{path}: no such record") from None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from None


def _parsed(path: str | Path, content: bytes) -> dict[str, Any]:
    try:
        record = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{path}: damaged ({error}); delete it and the run is trained again") from None
    if not isinstance(record, dict) or record.get("format") != RECORD_FORMAT or "status" not in record:
        raise RecordError(f"{path}: not a run record of format {RECORD_FORMAT}; move it elsewhere")
    return record
