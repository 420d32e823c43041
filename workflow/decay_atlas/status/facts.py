"""The state of every run of a study, from its records, the logs of its packs and the jobs that are known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import Any

from decay_atlas.runs.grid import Pack, Run, dataset_folder, number_text
from decay_atlas.runs.records import RecordError, device_count, read_summary, staged
from decay_atlas.status import logs
from decay_atlas.status.jobs import Jobs, checkpoints, jobs_of, last_written
from decay_atlas.status.model import Failure, Row, Slow, Status, Work
from decay_atlas.study.config import Config, grid_of

STATES = ("done", "running", "failed", "diverged", "missing")
PATIENCE = 2.5
"""Intervals between checkpoints after which a pack that writes nothing is dead, where its job cannot be looked for."""
WORDS = 4
"""Last lines shown of a log."""
SLOWEST = 3
SLOW = 1.25
"""Times the median from which a cell is called slow."""
NODES = 2
"""Machines that are named for a cell."""
FEW = 4
"""Cells that a combination needs before one of them is called slow."""
Names = tuple[str, str, str, str]


class Reader:
    """Reads records, each again only when its file has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[tuple[int, int], dict[str, Any] | RecordError]] = {}

    def __call__(self, path: str) -> dict[str, Any] | RecordError | None:
        """What a record, in its place or staged, says beside history and settings; its fault, or None without one."""
        for place in (self._root / path, staged(self._root / path)):
            try:
                stat = place.stat()
                break
            except OSError:
                continue
        else:
            return None
        stamp = (stat.st_mtime_ns, stat.st_size)
        if path not in self._known or self._known[path][0] != stamp:
            try:
                record = read_summary(place)
                kept = {key: record.get(key) for key in ("status", "seconds", "node")}
                found: dict[str, Any] | RecordError = {**kept, "devices": device_count(record)}
            except RecordError as error:
                found = RecordError(str(error).replace(f"{self._root}{os.sep}", ""))
            self._known[path] = (stamp, found)
        return self._known[path][1]


def status_of(study: Config, root: Path, reader: Reader) -> Status:
    """Where a study stands, given its resolved configuration; `reader` may be kept from look to look.

    Raises:
        ConfigError: nothing is trained in it.
    """
    look = _Look(study, root.resolve(), reader)
    look.at_packs()
    look.at_data()
    look.at_combinations()
    return look.status


class _Look:
    """One look at a study."""

    def __init__(self, study: Config, root: Path, reader: Reader) -> None:
        self._study, self._root, self._grid = study, root, grid_of(study)
        self.status = Status(study["study"])
        self._records = {run.path: reader(run.path) for run in self._grid.runs}
        self._states = {path: self._state(record) for path, record in self._records.items()}
        self._ahead: dict[Names, float] = {}
        """Runs' worth of training that is in no record yet, by combination."""

    def _state(self, record: dict[str, Any] | RecordError | None) -> str:
        if isinstance(record, RecordError):
            self.status.damaged.append(str(record))
            return "failed"
        if record is None:
            return "missing"
        return "diverged" if record["status"] == "diverged" else "done"

    def at_packs(self) -> None:
        """What becomes of the runs that have no record."""
        packs = self._grid.packs(self._study["execution"]["pack"])
        left = [pack for pack in packs if any(self._records[run.path] is None for run in pack.runs)]
        jobs = jobs_of(self._root) if left else None
        for pack in left:
            missing = [run for run in pack.runs if self._records[run.path] is None]
            state = self._look_at(pack, missing, jobs) if jobs else "missing"
            self._states.update({run.path: state for run in missing})
        self.status.work.sort(key=lambda work: work.share, reverse=True)

    def _look_at(self, pack: Pack, missing: list[Run], jobs: Jobs) -> str:
        """The state of the runs that a pack lacks."""
        known = jobs.state(pack)
        if known == "waiting":
            self.status.waiting += len(missing)
            return "missing"
        lines = logs.last_lines(self._root / pack.log)
        outcome = logs.outcome(lines)
        silence = last_written(pack, self._root)
        patience = 60 * PATIENCE * float(self._study["execution"]["checkpoint_minutes"])
        if known == "running" or (jobs.doubt and outcome == "silent" and silence < patience):
            self.status.doubt = self.status.doubt if known else jobs.doubt
            self._at_work(pack, missing, lines, silence)
            return "running"
        log, failed = pack.log, outcome == "failed"
        if outcome in ("none", "silent"):  # killed, or never begun: SLURM may know why
            where, said = logs.last_words_of_slurm(self._root, pack.wildcards, self._root / log)
            log, lines = (where, said) if said else (log, lines)
        if outcome in ("stopped", "finished"):
            self.status.stopped += outcome == "stopped"
        elif lines:
            self.status.failures.append(Failure(_name(pack), log, tuple(lines[-WORDS:]), failed))
        return "failed" if failed else "missing"

    def _at_work(self, pack: Pack, missing: list[Run], lines: list[str], silence: float) -> None:
        epochs = self._grid.settings[pack.runs[0].digest].get("recipe", {}).get("epochs", 0)
        saved = [_saved(self._root / run.path) for run in missing]
        point = logs.point(lines)
        begun = [epoch for epoch in saved if epoch]
        if begun and (point is None or point.epoch < max(begun)):
            point = logs.Point(len(begun), max(begun), epochs)
        ahead = min(point.runs, len(missing)) * point.epoch / point.epochs if point and point.epochs else 0.0
        names = pack.runs[0].group()
        self._ahead[names] = self._ahead.get(names, 0.0) + ahead
        done = len(pack.runs) - len(missing)
        share = (done + ahead) / len(pack.runs)
        self.status.work.append(Work(_name(pack), len(pack.runs), done, point, share, silence))

    def at_data(self) -> None:
        """Data sets whose preparation failed: nothing can be trained on them."""
        for dataset, digest in dict.fromkeys((run.dataset, run.digest) for run in self._grid.runs):
            folder = dataset_folder(dataset, self._grid.settings[digest]["dataset"])
            log = f"results/logs/datasets/{Path(folder).name}.log"
            if (self._root / folder / "manifest.json").exists() or any(one.log == log for one in self.status.failures):
                continue
            lines = logs.last_lines(self._root / log)
            if logs.outcome(lines) == "failed":
                self.status.failures.insert(0, Failure(f"data set {dataset}", log, tuple(lines[-WORDS:]), True))

    def at_combinations(self) -> None:
        """Runs by state, device time and slow cells."""
        slow = []
        for names, members in groupby(sorted(self._grid.runs, key=Run.group), Run.group):
            runs = list(members)
            states = [self._states[run.path] for run in runs]
            counts = {state: states.count(state) for state in STATES}
            seconds = {run: self._seconds(run) for run in runs if self._seconds(run)}
            left = counts["running"] + counts["failed"] + counts["missing"] - self._ahead.get(names, 0.0)
            hours = sum(seconds[run] * self._of(run, "devices") for run in seconds) / 3600
            self.status.rows.append(Row(*names[:3], counts, hours, *self._left(runs[0], left)))
            slow += self._slow({run: seconds[run] for run in seconds if self._states[run.path] == "done"})
        self.status.slow = sorted(slow, key=lambda cell: cell.times, reverse=True)[:SLOWEST]

    def _seconds(self, run: Run) -> float:
        seconds = self._of(run, "seconds")
        return float(seconds) if isinstance(seconds, int | float) else 0.0

    def _left(self, run: Run, runs: float) -> tuple[float, float]:
        """Device-hours of so many runs like one, and the seconds of one job that trains them."""
        if not runs:
            return 0.0, 0.0
        # pandas comes with it and takes half a second, which a study that is done need not wait for
        from decay_atlas.simulation.cost import timing_of

        timing = timing_of(run, self._grid.settings[run.digest], self._root)
        return runs * timing.device_seconds / 3600, runs * timing.seconds

    def _slow(self, seconds: Mapping[Run, float]) -> list[Slow]:
        """The slow cells of a combination."""
        cells: dict[tuple[float, float], list[Run]] = {}
        for run in seconds:
            cells.setdefault((run.lr, run.wd), []).append(run)
        if len(cells) < FEW:
            return []
        means = {cell: fmean(seconds[run] for run in runs) for cell, runs in cells.items()}
        usual = median(means.values())
        found = []
        for (lr, wd), mean in means.items():
            if mean < SLOW * usual:
                continue
            runs = cells[lr, wd]
            nodes = sorted({str(self._of(run, "node")) for run in runs if self._of(run, "node")})
            where = ", ".join(nodes) if len(nodes) <= NODES else f"{len(nodes)} machines"
            name = f"{' '.join(runs[0].group()[:3])} lr {number_text(lr)} wd {number_text(wd)}"
            found.append(Slow(name, mean, mean / usual, where))
        return found

    def _of(self, run: Run, key: str) -> Any:
        """What a run's record says; None where there is no sound one."""
        record = self._records[run.path]
        return record[key] if isinstance(record, dict) else None


def _name(pack: Pack) -> str:
    """A pack in words: its combination and what its runs share."""
    cell = Path(pack.log).stem.replace("_", " ")
    for axis in ("lr", "wd", "seed"):
        cell = re.sub(rf"\b{axis}(?=\d)", f"{axis} ", cell)
    return f"{' '.join(pack.runs[0].group()[:3])} {cell}"


def _saved(record: Path) -> int:
    """The epochs behind a run in its furthest checkpoint."""
    places = (re.search(r"\.epoch(\d+)_step\d+\.ckpt$", file.name) for file in checkpoints(record))
    return max((int(place[1]) for place in places if place), default=0)
