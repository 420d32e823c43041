"""What the processes of rules begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from decay_atlas.records import DamagedFileError, RecordError

MADE = ("report.html", "runs.parquet", "curves.parquet", "tables/*.csv", "figures/*.svg")
"""Files below a study's results that the report is or is made of."""


def log_to(path: str | Path) -> None:
    """Send everything this process prints from now on, an uncaught error included, to the rule's log file."""
    # It stays open for the script's life.
    log = Path(path).open("w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    sys.stdout = sys.stderr = log
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what an error says that names a file and the way out, without a traceback; any other with it."""
    if isinstance(error, DamagedFileError | RecordError):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def remove_cut_off(results: Path) -> list[Path]:
    """Remove files of a study's results that are empty, or parquet without its end, as a full disk leaves them.

    With any of them the report goes, for Snakemake does not miss a file that only feeds one that exists. Returns those
    that were cut off.
    """
    cut = [file for pattern in MADE for file in sorted(results.glob(pattern)) if _is_cut_off(file)]
    for file in [*cut, *([results / "report.html"] if cut else [])]:
        file.unlink(missing_ok=True)
    return cut


def _is_cut_off(file: Path) -> bool:
    size = file.stat().st_size
    if size < 4 or file.suffix != ".parquet":
        return size == 0 or file.suffix == ".parquet"
    with file.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return stream.read() != b"PAR1"


def write_parquet(table: Any, path: str | Path) -> None:
    """Write a data frame; a disk that is full ends the script in words. Snakemake removes what was begun."""
    try:
        table.to_parquet(path, index=False)
    except OSError as error:
        sys.exit(
            f"{path}: cannot be written ({os.strerror(error.errno or 0)}); make room, then run the same command again"
        )


def share_library(folder: Path) -> None:
    """Let the processes that this one starts import the library from `folder`, whatever their interpreter."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([others] if others else [])])
