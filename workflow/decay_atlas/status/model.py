"""What is told of a study: counts of runs by state, packs at work, failures, slow cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from decay_atlas.status.logs import Point


@dataclass
class Row:
    """One data set × recipe × architecture: its runs by state, and device time.

    The states are done, running (in a job that runs now), failed, diverged and missing; they add up to `runs`.
    `hours` and `hours_left` count every device that shares a run; `seconds_left` are those of one job that would train
    all that is left. What is left is NaN where no like run was timed.
    """

    dataset: str
    recipe: str
    arch: str
    states: dict[str, int]
    hours: float
    hours_left: float
    seconds_left: float

    @property
    def runs(self) -> int:
        """All of them."""
        return sum(self.states.values())


@dataclass(frozen=True)
class Work:
    """A pack at work: its runs, those finished, where those are that it trains now (None: it has not said), the share
    that is done, and the seconds since it wrote anything.
    """

    name: str
    runs: int
    done: int
    point: Point | None
    share: float
    silence: float


@dataclass(frozen=True)
class Failure:
    """A job that failed, or ended without a word (`failed` is False): its log and the last lines there."""

    name: str
    log: str
    lines: tuple[str, ...]
    failed: bool


@dataclass(frozen=True)
class Slow:
    """A cell whose runs took long: mean seconds, how many times the median of its combination, and where."""

    name: str
    seconds: float
    times: float
    nodes: str


@dataclass
class Status:
    """All that is known of a study.

    `waiting` counts runs whose jobs are queued; they are among the missing, and so are those of the `stopped` packs.
    `damaged` are the faults of records, `doubt` is why some packs are only taken to be at work ("": none).
    """

    study: str
    rows: list[Row] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    slow: list[Slow] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    waiting: int = 0
    stopped: int = 0
    doubt: str = ""

    def count(self, *states: str) -> int:
        """Runs of the study in any of these states."""
        return sum(row.states[state] for row in self.rows for state in states)

    @property
    def complete(self) -> bool:
        """Whether every run has a sound record."""
        return not self.count("running", "failed", "missing")

    @property
    def seconds_left(self) -> float:
        """With as many jobs at work as now, until all is trained; NaN where unknown or nothing is at work."""
        seconds = sum(row.seconds_left for row in self.rows)
        return seconds / len(self.work) if self.work else math.nan
