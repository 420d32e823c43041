"""What the processes of rules begin with."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from decay_atlas.runs.records import DamagedFileError, RecordError, replacing

MADE = ("report.html", "runs.parquet", "curves.parquet", "tables/*.csv", "figures/*.svg")
"""Files below a study's results that the report is or is made of."""
ENDS = {".parquet": rb"PAR1\Z", ".csv": rb"\n\Z", ".svg": rb"</svg>\s*\Z", ".html": rb"</html>\s*\Z"}
"""How each kind ends where it is whole."""
SIZES = "decay-atlas.sizes"
"""File in Snakemake's state folder: the bytes of every such file at the end of a call that succeeded, as JSON."""


def log_to(path: str | Path) -> None:
    """Send everything this process prints from now on, an uncaught error included, to the rule's log file."""
    # It stays open for the script's life.
    log = Path(path).open("w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    sys.stdout = sys.stderr = log
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what an error says that names a file and the way out, without a traceback; any other with it."""
    if isinstance(error, DamagedFileError | RecordError):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def note_sizes(results: Path, state: Path) -> None:
    """Remember how large the files of a study's results are, in Snakemake's folder `state`, if its disk lets us."""
    sizes = _noted(state) | {str(file): file.stat().st_size for file in _made(results)}
    with suppress(OSError), replacing(state / SIZES) as part:
        part.write_text(json.dumps(sizes))


def remove_cut_off(results: Path, state: Path) -> list[Path]:
    """Remove files of a study's results that lack their end, as a full disk leaves them, or are smaller than noted.

    A table that was cut at a line break is told by its size alone. With any of them the report goes, for Snakemake does
    not miss a file that only feeds one that exists. Returns those that were cut off.
    """
    sizes = _noted(state)
    cut = [file for file in _made(results) if _is_cut_off(file, sizes.get(str(file), 0))]
    for file in [*cut, *([results / "report.html"] if cut else [])]:
        file.unlink(missing_ok=True)
    return cut


def _made(results: Path) -> list[Path]:
    return [file for pattern in MADE for file in sorted(results.glob(pattern))]


def _noted(state: Path) -> dict[str, int]:
    try:
        sizes = json.loads((state / SIZES).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return {file: size for file, size in sizes.items() if isinstance(size, int)} if isinstance(sizes, dict) else {}


def _is_cut_off(file: Path, noted: int) -> bool:
    size = file.stat().st_size
    if size < noted:
        return True
    with file.open("rb") as stream:
        stream.seek(max(size - 16, 0))
        return re.search(ENDS[file.suffix], stream.read()) is None


def write_parquet(table: Any, path: str | Path) -> None:
    """Write a data frame; a disk that is full ends the script in words. Snakemake removes what was begun."""
    try:
        table.to_parquet(path, index=False)
    except OSError as error:
        sys.exit(
            f"{path}: cannot be written ({os.strerror(error.errno or 0)}); make room, then run the same command again"
        )


def share_library(folder: Path) -> None:
    """Let the processes that this one starts import the library from `folder`, whatever their interpreter."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([others] if others else [])])
