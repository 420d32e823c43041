"""What `python -m decay_atlas.simulation` does: the records of a pack from a simulated landscape, not trained.

A study with the key `simulate` runs its whole graph of jobs with no data and no training; the truth behind its
tables and its report is known.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from typing import Any

from decay_atlas.runs.grid import Run
from decay_atlas.runs.packs import claimed, missing_members, put
from decay_atlas.runs.record_schema import SCORES
from decay_atlas.runs.records import RECORD_FORMAT
from decay_atlas.simulation.truth import RUN_AXES, Truth, outcomes


def simulate_pack(settings: dict[str, Any], paths: list[str]) -> None:
    """See to it that every record of `paths` is there.

    Raises:
        ValueError: a path or the truth in `settings["simulate"]` makes no sense; nothing has been written.
    """
    truth = Truth.parse(settings["simulate"])
    with claimed(paths):
        missing = missing_members(settings, paths)
        axes = {axis: [getattr(run, axis) for _, run in missing] for axis in RUN_AXES}
        columns = {name: column.tolist() for name, column in outcomes(axes, truth, settings["direction"]).items()}
        for number, (path, run) in enumerate(missing):
            put(path, _record(settings, run, {name: column[number] for name, column in columns.items()}))


def _record(settings: dict[str, Any], run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": RECORD_FORMAT,
        **asdict(run),
        "settings": settings,
        "data_checksum": "simulated",
        "status": row["status"],
        **{score: row[score] for score in SCORES},
        "history": {},
        "evaluations": {},
        "seconds": row["seconds"],
        "timing": {},
        "device": {"type": "simulated", "name": "simulated"},
        "versions": {},
        "node": platform.node(),
    }


def main() -> int:
    """Parse the command line, write the records, and return the exit status: 2 where nothing could start."""
    parser = argparse.ArgumentParser(prog="python -m decay_atlas.simulation", description=__doc__)
    parser.add_argument("--settings", required=True, type=json.loads, help="resolved settings, as JSON text")
    parser.add_argument("records", nargs="+", metavar="RECORD", help="paths of the records to make")
    options = parser.parse_args()
    try:
        simulate_pack(options.settings, options.records)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
