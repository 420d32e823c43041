"""What every script of a rule begins with."""

from __future__ import annotations

import sys
from pathlib import Path


def log_to(path: str | Path) -> None:
    """Send everything this process prints from now on, an uncaught error included, to the rule's log file."""
    sys.stdout = sys.stderr = Path(path).open("w", buffering=1)  # noqa: SIM115 - it stays open for the script's life
