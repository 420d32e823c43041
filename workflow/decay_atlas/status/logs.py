"""What the logs of a pack say of its end and progress: its own, as training writes it, and that of its SLURM job."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

Outcome = Literal["none", "failed", "stopped", "finished", "silent"]
"""none: nothing was written; silent: no closing word, as of a process that is at work or was killed."""
TAIL = 16_384
"""Bytes of a log that are looked at, its last."""
_OF_SLURM = re.compile(r"(?:slurmstepd[^:]*|srun): error: ")
"""How SLURM begins what it says to a job's log: a memory or time limit, a failed node."""
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


def last_words_of_slurm(folder: Path, wildcards: Iterable[str], own: Path) -> tuple[str, list[str]]:
    """The log of the last SLURM job of a pack, below `folder`, and what SLURM itself said there.

    Nothing where it is older than the pack's `own` log, or SLURM said nothing. The executor deletes the logs of jobs
    that succeeded.
    """
    place = folder / ".snakemake/slurm_logs"
    found = {file: file.stat().st_mtime for file in place.glob(f"rule_train*/{glob.escape('_'.join(wildcards))}/*.log")}
    newest = max(found, key=lambda file: found[file], default=None)
    if newest is None or (own.exists() and own.stat().st_mtime > found[newest]):
        return "", []
    # All of it: Snakemake's list of a large pack's records comes after these lines.
    lines = newest.read_text(errors="replace").splitlines()
    said = [line for line in lines if _OF_SLURM.match(line)]
    return str(newest.relative_to(folder)), list(dict.fromkeys(said))


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
