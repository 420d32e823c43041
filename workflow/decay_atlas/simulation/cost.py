"""What the runs of a grid cost, by the times that like runs recorded."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from decay_atlas.runs.grid import Grid, Run
from decay_atlas.runs.records import RecordError, device_count, read_record

SAMPLE = 20
"""Records read to time the runs of one combination."""

UNKNOWN = "unknown, time one cell first"


class Timing(NamedTuple):
    """Median seconds of a run, the same times its devices, both NaN where unknown, and how that is known."""

    seconds: float
    device_seconds: float
    basis: str


def cost(grid: Grid, root: Path = Path()) -> pd.DataFrame:
    """Runs of every combination, those done, and the device time of the rest, a row a combination.

    Seconds a run are the median of records of the same settings, else of another recipe of the same data set
    and architecture that trains on as many images, scaled by epochs. Returns dataset, recipe, arch, runs, done,
    seconds (NaN where unknown), hours (of what is missing, over all devices that share a run), basis (how the
    time is known), and first: the record of the run to time where it is not.
    """
    rows = []
    for (dataset, recipe, arch, digest), members in groupby(sorted(grid.runs, key=Run.group), Run.group):
        runs = list(members)
        done = sum((root / run.path).exists() for run in runs)
        timing = timing_of(runs[0], grid.settings[digest], root)
        rows.append(
            {
                "dataset": dataset,
                "recipe": recipe,
                "arch": arch,
                "runs": len(runs),
                "done": done,
                "seconds": timing.seconds,
                "hours": (len(runs) - done) * timing.device_seconds / 3600 if done < len(runs) else 0.0,
                "basis": timing.basis,
                "first": runs[0].path if timing.basis == UNKNOWN else "",
            }
        )
    return pd.DataFrame(rows)


def timing_of(run: Run, settings: dict[str, Any], root: Path) -> Timing:
    """What runs like `run` took, and how they are alike."""
    if "simulate" in settings:
        return Timing(0.0, 0.0, "simulated, nothing is trained")
    if (own := _recorded((root / run.path).parent, "records of these settings")) is not None:
        return own
    epochs = settings.get("recipe", {}).get("epochs")
    for folder in sorted((root / "results/runs" / run.dataset).glob(f"*/{run.arch}/*")):
        other = _settings(folder)
        if epochs and _alike(settings, other):
            like = _recorded(folder, f"recipe {folder.parts[-3]}, scaled by epochs")
            if like is not None:
                share = epochs / other["recipe"]["epochs"]
                return like._replace(seconds=like.seconds * share, device_seconds=like.device_seconds * share)
    return Timing(float("nan"), float("nan"), UNKNOWN)


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


def _recorded(folder: Path, basis: str) -> Timing | None:
    """The median time of a folder's runs, of those that went to their end where there are any."""
    whole: list[tuple[float, float]] = []
    stopped: list[tuple[float, float]] = []
    devices = set()
    for path in sorted(folder.glob("lr*.json"))[:SAMPLE]:
        try:
            record = read_record(path)
        except RecordError:
            continue
        seconds, count, device = float(record["seconds"]), device_count(record), record["device"]["name"]
        (whole if record["status"] == "ok" else stopped).append((seconds, seconds * count))
        if device:
            devices.add(f"{count} × {device}" if count > 1 else device)
    if not whole and not stopped:
        return None
    seconds, device_seconds = np.median(whole or stopped, axis=0).tolist()
    return Timing(seconds, device_seconds, f"{basis} on {', '.join(sorted(devices))}" if devices else basis)
