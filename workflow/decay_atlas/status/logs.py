"""What the log of a pack, as `training.progress` and `training.__main__` write it, says of its end and its progress."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

Outcome = Literal["none", "failed", "stopped", "finished", "silent"]
"""none: nothing was written; silent: no closing word, as of a process that is at work or was killed."""
TAIL = 16_384
"""Bytes of a log that are looked at, its last."""
_FINISHED = re.compile(r"\[(\d+)/(\d+)\] ")
_EPOCH = re.compile(r"(?:.* and (\d+) more|.*?): (?:epoch|resumed at epoch) (\d+) of (\d+)\b(?:, step \d+$)?")


class Point(NamedTuple):
    """Where the runs that a pack trains now are: how many they are, and the epochs behind them."""

    runs: int
    epoch: int
    epochs: int


def last_lines(path: Path) -> list[str]:
    """The lines at the end of a log that are not empty; none where there is no log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return lines[1:] if size > TAIL else lines


def outcome(lines: list[str]) -> Outcome:
    """How the process that wrote these lines ended, as far as they say."""
    if not lines:
        return "none"
    last = lines[-1]
    if last.startswith("stopped by "):
        return "stopped"
    after = lines[_after_last_run(lines) :]
    if re.match(r"(.*: )?error: ", last) or any(line.startswith("Traceback (most recent") for line in after):
        return "failed"
    match = _FINISHED.match(last)
    return "finished" if match and match[1] == match[2] else "silent"


def point(lines: list[str]) -> Point | None:
    """How far the runs are that the pack trains now; None where its log does not say."""
    for line in reversed(lines[_after_last_run(lines) :]):
        match = _EPOCH.match(line)
        if match:
            behind = int(match[2]) - (": resumed at epoch " in line)
            return Point(1 + int(match[1] or 0), behind, int(match[3]))
    return None


def _after_last_run(lines: list[str]) -> int:
    """The index after the line of the last finished run."""
    return max((number + 1 for number, line in enumerate(lines) if _FINISHED.match(line)), default=0)
