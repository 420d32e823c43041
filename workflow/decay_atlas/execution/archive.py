"""One file that holds what a study found, and that makes its report again in any clone of this project.

Unpacked into a clone it gives `results/<study>/` (runs, tables, report, the study as it was resolved, the lock of
versions) and `studies/<study>-archive.yaml`, a study that imports these runs.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

KEPT = ("metric", "statistics", "recipes", "claims")
"""Keys of a study that statistics and report depend on once the runs are there."""


def write_archive(path: str | Path, study: Mapping[str, Any], files: Sequence[str | Path], lock: str | Path) -> None:
    """Bundle `files` of `results/<study>/`, with the resolved `study` and the `lock` of versions, into `path`.

    The same content makes the same bytes: names are sorted, and no time, user or mode is kept.
    """
    results = f"results/{study['study']}"
    members = {str(file): Path(file).read_bytes() for file in files}
    members[f"{results}/study.yaml"] = _yaml(study)
    members[f"{results}/requirements.lock"] = Path(lock).read_bytes()
    name = f"{study['study']}-archive"
    head = f"# Made from the archived runs:  snakemake --cores 2 --configfile studies/{name}.yaml\n"
    again = {"study": name, "imports": [f"{results}/runs.parquet"], **{key: study[key] for key in KEPT if key in study}}
    # the table of runs holds logarithms already where the study asked for them
    again["metric"] = {**study["metric"], "scale": "linear"}
    members[f"studies/{name}.yaml"] = head.encode() + _yaml(again)
    content = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=content, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in sorted(members):
            entry = tarfile.TarInfo(member)
            entry.size = len(members[member])
            archive.addfile(entry, io.BytesIO(members[member]))
    Path(path).write_bytes(content.getvalue())


def _yaml(content: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True).encode()
