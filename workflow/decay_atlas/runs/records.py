"""Run records: one JSON file a run, whole or absent. Used by training (writes) and collect (reads)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from decay_atlas.runs.grid import Run
from decay_atlas.runs.record_schema import fault_of

RECORD_FORMAT = 1
_HISTORY = b'"history":{'
_AXES = ("dataset", "recipe", "arch", "lr", "wd", "seed", "digest")
_ASIDE = (".staged", ".replaced")
"""Folders beside a record's place in which it may lie for a while."""


class RecordError(ValueError):
    """A record cannot be read, says what no run can have, or is not the record of the run its path names."""


class DamagedFileError(ValueError):
    """A file that the workflow made is not as it made it; the message names it and says to delete it."""

    def __init__(self, path: str | Path, fault: object) -> None:
        super().__init__(f"{path}: damaged ({fault}); delete it and run the same command again, which makes it anew")


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
    """Read one record, wherever it lies: in its place, or aside of it.

    Raises:
        RecordError: the file is missing, cut off, no run record, one of another run than its path names, or says what
            no record can (see `record_schema`); the message names path, key and remedy.
    """
    return _parsed(path, _content(path))


def read_summary(path: str | Path) -> dict[str, Any]:
    """Read one record without its history, which is most of it: some 15 times faster where that has 90 epochs.

    Damage inside the history goes unnoticed, a record that was cut off does not.

    Raises:
        RecordError: as `read_record` does.
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
    return int(record["device"].get("count", 1))


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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _parsed(path: str | Path, content: bytes) -> dict[str, Any]:
    try:
        record = _JSON.decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: damaged ({error}); delete it and the run is trained again") from None
    if not isinstance(record, dict) or record.get("format") != RECORD_FORMAT:
        raise RecordError(f"{path}: not a run record of format {RECORD_FORMAT}; move it elsewhere")
    fault = fault_of(record)
    if fault is not None:
        raise RecordError(f"{path}: {fault}; delete it and the run is trained again")
    run = _run_at(path)
    for axis in _AXES:
        if record[axis] != getattr(run, axis):
            raise RecordError(f"{path}: the record says {axis} {record[axis]!r}; it is another run's, move it there")
    return record


def _run_at(path: str | Path) -> Run:
    """The run whose record lies at `path`."""
    place = Path(path)
    if place.parent.name in _ASIDE:
        place = place.parent.parent / place.name
    try:
        return Run.from_path(str(place))
    except ValueError as error:
        raise RecordError(str(error)) from None
