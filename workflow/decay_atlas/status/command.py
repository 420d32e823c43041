"""The command `decay-atlas status`."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from decay_atlas.status.facts import Reader, status_of
from decay_atlas.status.show import console, render
from decay_atlas.study.config import Config, study_file

EVERY = 3.0
"""Seconds between two looks."""


def report(
    study: Config, *, live: bool, out: Console | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Print where a study stands; `live` looks again every few seconds until all is trained or Ctrl-C.

    In a terminal `out`, standard output by default, a look takes the place of the last; elsewhere each that differs
    follows it, and the end of who reads them is the end here.

    Raises:
        BrokenPipeError: nobody reads `out` any more.
    """
    out = out or console()
    name, root = study["study"], Path()
    file = study_file(name, root)
    command = f"snakemake --cores all{f' --configfile {file}' if file else ''}"
    if "imports" in study or "lookahead" in study:
        what = "its runs are imported" if "imports" in study else "bounds are computed"
        page = root / f"results/{name}/report.html"
        out.print(f"Study {name}: {what} and nothing is trained.", markup=False)
        out.print(f"Its report: {page}" if page.exists() else f"Its report is not made yet: {command}", markup=False)
        return
    reader = Reader(root)
    status = status_of(study, root, reader)
    if not live:
        out.print(render(status, command))
        return
    if not out.is_terminal:
        shown = ""
        while True:
            text = _printed(out, render(status, command))
            if text != shown:
                out.file.write(text)
                out.file.flush()
                shown = text
            if status.complete:
                return
            try:
                sleep(EVERY)
            except KeyboardInterrupt:
                return
            if _unread(out):
                raise BrokenPipeError
            status = status_of(study, root, reader)
    with Live(render(status, command), console=out, auto_refresh=False, vertical_overflow="visible") as view:
        try:
            while not status.complete:
                sleep(EVERY)
                status = status_of(study, root, reader)
                view.update(render(status, command), refresh=True)
        except KeyboardInterrupt:
            return


def _printed(out: Console, what: RenderableType) -> str:
    with out.capture() as capture:
        out.print(what)
    return capture.get()


def _unread(out: Console) -> bool:
    """Whether nobody is left at the other end of a pipe."""
    try:
        poll = select.poll()
        poll.register(out.file.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError):  # a text in memory has no other end
        return False
