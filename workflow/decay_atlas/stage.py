"""What the processes of rules begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

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


def remove_emptied(results: Path) -> list[Path]:
    """Remove files of a study's results that hold nothing, as a full disk leaves them, and return them.

    With any of them the report goes, for Snakemake does not miss a file that only feeds one that exists.
    """
    emptied = [file for pattern in MADE for file in sorted(results.glob(pattern)) if file.stat().st_size == 0]
    for file in [*emptied, *([results / "report.html"] if emptied else [])]:
        file.unlink(missing_ok=True)
    return emptied


def share_library(folder: Path) -> None:
    """Let the processes that this one starts import the library from `folder`, whatever their interpreter."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([others] if others else [])])
