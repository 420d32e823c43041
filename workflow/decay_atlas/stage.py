"""What the processes of rules begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def log_to(path: str | Path) -> None:
    """Send everything this process prints from now on, an uncaught error included, to the rule's log file."""
    sys.stdout = sys.stderr = Path(path).open("w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - it stays open for the script's life


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
