"""The command `decay-atlas status`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live

from decay_atlas.config import Config, study_file
from decay_atlas.status.facts import Reader, status_of
from decay_atlas.status.show import console, render

EVERY = 3.0
"""Seconds between two looks."""


def report(
    study: Config, *, live: bool, out: Console | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Print where a study stands; `live` looks again every few seconds until all is trained or Ctrl-C.

    Only where `out`, standard output by default, is a terminal is each look shown; else the last one.
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
    with Live(render(status, command), console=out, auto_refresh=False, vertical_overflow="visible") as view:
        try:
            while not status.complete:
                sleep(EVERY)
                status = status_of(study, root, reader)
                view.update(render(status, command), refresh=True)
        except KeyboardInterrupt:
            return
