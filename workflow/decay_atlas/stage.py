"""What the processes of rules begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def log_to(path: str | Path) -> None:
    """Send everything this process prints from now on, an uncaught error included, to the rule's log file."""
    sys.stdout = sys.stderr = Path(path).open("w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - it stays open for the script's life


def share_library(folder: Path) -> None:
    """Let the processes that this one starts import the library from `folder`, whatever their interpreter."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([others] if others else [])])
