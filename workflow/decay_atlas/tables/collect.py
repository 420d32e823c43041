"""Gather run records into the one table of runs that all statistics start from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decay_atlas.runs.grid import dataset_folder, digest_of
from decay_atlas.runs.record_schema import SCORES
from decay_atlas.runs.records import RecordError, device_count, read_record

COLUMNS = {
    "dataset": "str",
    "recipe": "str",
    "arch": "str",
    "lr": "float64",
    "wd": "float64",
    "seed": "int64",
    "value": "float64",
    **dict.fromkeys(SCORES, "float64"),
    "status": "str",
    "seconds": "float64",
    "weight_norm": "float64",
    "dog": "float64",
    "evaluations": "str",
    "device": "str",
    "n_devices": "int64",
    "node": "str",
    "slurm_job": "str",
    "versions": "str",
    "source": "str",
    "digest": "str",
    "training_version": "int64",
    "path": "str",
}


def collect(paths: Iterable[str], score: str, root: Path = Path()) -> pd.DataFrame:
    """One row a record, in the order of `paths`, with `score` as `value`.

    Every record is held against its path and the schema, its settings against their digest, and its data
    set's checksum against the prepared data set where that is on this machine, else against the other
    records of the same data set.

    Raises:
        RecordError: records are missing, damaged, or do not fit; the message names up to ten of them.
    """
    rows, problems = [], []
    checksums: dict[str, tuple[str, str]] = {}
    for path in paths:
        try:
            record = read_record(root / path)
            _check(path, record)
            _check_data(path, record, checksums, root)
            rows.append(_row(path, record, score))
        except RecordError as error:
            problems.append(str(error))
    if problems:
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise RecordError(f"{len(problems)} record(s) cannot be used:\n" + "\n".join(problems[:10]) + more)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _check(path: str, record: Mapping[str, Any]) -> None:
    digest = digest_of(record["settings"])
    if digest != record["digest"]:
        raise RecordError(
            f"{path}: its settings have the digest {digest}, so it was altered or made by other software; delete it "
            "and the run is trained again"
        )


def _check_data(path: str, record: Mapping[str, Any], checksums: dict[str, tuple[str, str]], root: Path) -> None:
    folder = dataset_folder(record["dataset"], record["settings"]["dataset"])
    if folder not in checksums:
        manifest = root / folder / "manifest.json"
        if manifest.exists():
            checksums[folder] = (_checksum_in(manifest), str(manifest))
        else:
            checksums[folder] = (record["data_checksum"], path)
    expected, source = checksums[folder]
    if record["data_checksum"] != expected:
        raise RecordError(
            f"{path}: trained on other data (checksum {record['data_checksum'][:12]}…) than {source} says "
            f"({expected[:12]}…); delete the records of the wrong one"
        )


def _checksum_in(manifest: Path) -> str:
    try:
        return str(json.loads(manifest.read_text())["checksum"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{manifest}: damaged ({error}); delete {manifest.parent}, and it is prepared anew") from None


def _row(path: str, record: Mapping[str, Any], score: str) -> dict[str, Any]:
    value = record.get(score)
    if value is None:
        hint = "; the recipe holds out no validation part: set val_fraction" if score.startswith("val") else ""
        raise RecordError(f"{path}: no score {score}{hint}")
    return {
        **{name: record[name] for name in ("dataset", "recipe", "arch", "lr", "wd", "seed", "digest")},
        "value": value,
        **{name: np.nan if record[name] is None else record[name] for name in SCORES},
        "status": record["status"],
        "seconds": record["seconds"],
        "weight_norm": _last((record.get("history") or {}).get("weight_norm")),
        "dog": (record.get("dog") or {}).get("dog", np.nan),
        "evaluations": json.dumps(record.get("evaluations") or {}),
        "device": record["device"]["name"],
        "n_devices": device_count(record),
        "node": record["node"],
        "slurm_job": (record.get("slurm") or {}).get("job_id", ""),
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(record.get("versions", {}).items())),
        "source": _source(record.get("source") or {}),
        "training_version": record["settings"]["training_version"],
        "path": path,
    }


def _last(numbers: list[float | None] | None) -> float:
    """The last of a history's numbers; NaN where there is none."""
    return np.nan if not numbers or numbers[-1] is None else numbers[-1]


def _source(source: Mapping[str, Any]) -> str:
    """One text for the code that trained a run: the digest of its modules, which counts, and the commit."""
    revision = f" ({source['revision'][:12]}{', edited' if source['dirty'] else ''})" if source.get("revision") else ""
    return f"{source.get('digest', '')}{revision}"
