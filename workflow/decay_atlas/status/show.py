"""Where a study stands, printed: a table, then what is at work, what failed, what is slow, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from decay_atlas.status.facts import STATES
from decay_atlas.status.model import Failure, Row, Status, Work

WIDTH = 100
"""Columns where the output is no terminal."""
SHOWN = 8
"""Packs at work, failures or damaged records that are listed; more are counted."""
COLOURS = {"done": "green", "running": "cyan", "failed": "bold red", "diverged": "yellow", "missing": "default"}


def console() -> Console:
    """Standard output: as wide as the terminal, or 100 columns of plain text in a file or pipe."""
    found = Console(highlight=False, soft_wrap=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH, force_terminal=False, no_color=True)


def render(status: Status, command: str) -> RenderableType:
    """All that is known, for `rich` to print; `command` calls Snakemake for the study."""
    return Group(*_parts(status, command))


def _parts(status: Status, command: str) -> Iterator[RenderableType]:
    runs = sum(row.runs for row in status.rows)
    yield Text(f"Study {status.study}: {runs:,} runs, {status.count('done', 'diverged'):,} finished")
    yield _table(status.rows)
    if status.work:
        yield Text(f"At work: {len(status.work)} job(s){_left(status)}")
        yield _work(status.work[:SHOWN])
        yield from _more(status.work)
        if status.doubt:
            yield Text(f"Some are only taken to be at work, by files written lately: {status.doubt}.", "yellow")
    if status.waiting:
        yield Text(f"{status.waiting:,} of the missing runs wait in jobs that are queued.")
    if status.stopped:
        yield Text(
            f"{status.stopped} job(s) were stopped by a signal and go on from their checkpoints when called again."
        )
    for failed, heading in ((True, "Failed"), (False, "Ended without a word, as a process that is killed does")):
        found = [failure for failure in status.failures if failure.failed == failed]
        if found:
            yield Text(f"{heading}:", "bold red" if failed else "yellow")
            yield from (_failure(one) for one in found[:SHOWN])
            yield from _more(found)
    if status.damaged:
        yield Text("Damaged records (counted as failed):", "bold red")
        yield from (Text(f"  {fault}") for fault in status.damaged[:SHOWN])
        yield from _more(status.damaged)
    if status.slow:
        yield Text("Slowest cells, against the median cell of the same network, data and recipe:")
        for cell in status.slow:
            where = f", on {cell.nodes}" if cell.nodes else ""
            yield Text(f"  {cell.name}: {_time(cell.seconds)} a run, × {cell.times:.1f}{where}")
    yield from _next(status, command)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_footer=len(rows) > 1)
    for name in ("data set", "recipe", "architecture"):
        table.add_column(name, "all" if name == "data set" else "", overflow="fold")
    numbers = {state: sum(row.states[state] for row in rows) for state in STATES}
    for state in STATES:
        table.add_column(state, _count(numbers[state]), justify="right", style=COLOURS[state], no_wrap=True)
    table.add_column("h used", _hours(sum(row.hours for row in rows)), justify="right", no_wrap=True)
    known = [row.hours_left for row in rows if not math.isnan(row.hours_left)]
    left = _hours(sum(known)) + (" + ?" if len(known) < len(rows) else "")
    table.add_column("h left", left, justify="right", no_wrap=True)
    before = ["", ""]
    for row in rows:
        counts = [_count(row.states[state]) for state in STATES]
        names = [row.dataset, row.recipe]
        shown = ["" if names[: place + 1] == before[: place + 1] else name for place, name in enumerate(names)]
        before = names
        table.add_row(*shown, row.arch, *counts, _hours(row.hours), _hours(row.hours_left))
    return table


def _work(work: Sequence[Work]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for one in work:
        at = f", epoch {one.point.epoch}/{one.point.epochs}" if one.point and one.point.epochs else ""
        silence = "" if math.isinf(one.silence) else f"{_time(one.silence)} ago"
        table.add_row(
            f"  {one.name}",
            ProgressBar(total=1.0, completed=one.share, width=8),
            f"{100 * one.share:.0f} %",
            f"{one.done}/{one.runs} runs{at}",
            silence,
        )
    return table


def _failure(failure: Failure) -> Text:
    lines = "".join(f"\n    | {line}" for line in failure.lines)
    return Text(f"  {failure.name}\n    {failure.log}{lines}")


def _more(found: Sequence[object]) -> Iterator[Text]:
    if len(found) > SHOWN:
        yield Text(f"  … and {len(found) - SHOWN} more")


def _left(status: Status) -> str:
    return "" if math.isnan(status.seconds_left) else f", about {_time(status.seconds_left)} left with as many at once"


def _next(status: Status, command: str) -> Iterator[Text]:
    if status.complete:
        yield Text(f"Every run is there; for tables and report: {command}")
    elif not status.work and not status.waiting:
        yield Text(f"No job is known to be at work. To go on: {command}")
    if any(math.isnan(row.hours_left) for row in status.rows):
        yield Text("Hours left are unknown (?) where no like run was timed yet.")


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _hours(hours: float) -> str:
    if math.isnan(hours):
        return "?"
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.05 else "<0.1" if hours > 0 else "0"


def _time(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
