"""Whole run records for tests that need some to be there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import RECORD_FORMAT


def record_of(run: Run, settings: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """What training would record of a run, as small as a record can be, with keys changed."""
    return {
        "format": RECORD_FORMAT,
        **asdict(run),
        "settings": {"training_version": 2} if settings is None else settings,
        "data_checksum": "c" * 64,
        "status": "ok",
        "test_best": 91.5,
        "test_final": 90.0,
        "val_best": None,
        "val_final": None,
        "history": {"epoch": [1, 2], "train_loss": [2.0, 1.0]},
        "seconds": 2.0,
        "device": {"type": "cpu", "name": "a processor"},
        "node": "n1",
        **changes,
    }
