"""What the runs of a grid cost, by the times that like runs recorded."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from decay_atlas.grid import Grid, Run
from decay_atlas.records import RecordError, read_record

SAMPLE = 20
"""Records read to time the runs of one combination."""

UNKNOWN = "unknown, time one cell first"


class _Timing(NamedTuple):
    seconds: float
    devices: str


def cost(grid: Grid, root: Path = Path()) -> pd.DataFrame:
    """Runs of every combination, those done, and the device time of the rest, a row a combination.

    Seconds a run are the median of records of the same settings, else of another recipe of the same data set
    and architecture that trains on as many images, scaled by epochs. Returns dataset, recipe, arch, runs, done,
    seconds (NaN where unknown), hours (of what is missing), basis (how the time is known), and first: the
    record of the run to time where it is not.
    """
    rows = []
    for (dataset, recipe, arch, digest), members in groupby(sorted(grid.runs, key=combination), combination):
        runs = list(members)
        done = sum((root / run.path).exists() for run in runs)
        seconds, basis = seconds_a_run(runs[0], grid.settings[digest], root)
        rows.append(
            {
                "dataset": dataset,
                "recipe": recipe,
                "arch": arch,
                "runs": len(runs),
                "done": done,
                "seconds": seconds,
                "hours": (len(runs) - done) * seconds / 3600 if done < len(runs) else 0.0,
                "basis": basis,
                "first": runs[0].path if basis == UNKNOWN else "",
            }
        )
    return pd.DataFrame(rows)


def combination(run: Run) -> tuple[str, str, str, str]:
    """What the runs of one landscape share."""
    return run.dataset, run.recipe, run.arch, run.digest


def seconds_a_run(run: Run, settings: dict[str, Any], root: Path) -> tuple[float, str]:
    """Median seconds of runs like `run`, NaN where there are none, and how they are alike."""
    if "simulate" in settings:
        return 0.0, "simulated, nothing is trained"
    if (own := _recorded((root / run.path).parent)) is not None:
        return own.seconds, f"records of these settings{own.devices}"
    epochs = settings.get("recipe", {}).get("epochs")
    for folder in sorted((root / "results/runs" / run.dataset).glob(f"*/{run.arch}/*")):
        other = _settings(folder)
        if epochs and _alike(settings, other) and (like := _recorded(folder)) is not None:
            share = epochs / other["recipe"]["epochs"]
            return like.seconds * share, f"recipe {folder.parts[-3]}, scaled by epochs{like.devices}"
    return float("nan"), UNKNOWN


def _settings(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "settings.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _alike(settings: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether an epoch of one takes about as long as one of the other."""
    mine, theirs = settings.get("recipe", {}), other.get("recipe", {})
    return (
        bool(theirs.get("epochs"))
        and settings.get("dataset") == other.get("dataset")
        and settings.get("arch") == other.get("arch")
        and mine.get("train_size") == theirs.get("train_size")
    )


def _recorded(folder: Path) -> _Timing | None:
    """The median time of a folder's runs, of those that went to their end where there are any."""
    whole: list[float] = []
    stopped: list[float] = []
    devices = set()
    for path in sorted(folder.glob("lr*.json"))[:SAMPLE]:
        try:
            record = read_record(path)
            seconds = float(record["seconds"])
        except (RecordError, KeyError, TypeError):
            continue
        (whole if record["status"] == "ok" else stopped).append(seconds)
        device = record.get("device")
        if isinstance(device, dict) and device.get("name"):
            devices.add(str(device["name"]))
    if not whole and not stopped:
        return None
    return _Timing(float(np.median(whole or stopped)), f" on {', '.join(sorted(devices))}" if devices else "")
