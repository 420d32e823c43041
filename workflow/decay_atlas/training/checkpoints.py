"""Checkpoints of runs in mid-training, beside their records, at a place Snakemake does not know.

The last two of a run are kept, each a file that is whole or absent: the SHA-256 of what follows, then what
torch.save wrote. One that is damaged, of another run or other software, or does not fit, is set aside under another
name and never trusted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from decay_atlas.runs.grid import number_text
from decay_atlas.runs.records import replacing
from decay_atlas.training.engine.learner import EnsembleRun, State

FORMAT = 3
KEPT = 2
SOFTWARE = ("torch", "torchvision", "timm")
"""Libraries that compute a run: going on with other versions would give a record that neither made."""
Place = tuple[int, int]
"""Epoch (from 0) and steps done in it."""
_HASH = hashlib.sha256().digest_size
_NAME = re.compile(r"(.+)\.epoch(\d+)_step(\d+)\.ckpt")


class Checkpoints:
    """The checkpoints of one run.

    `path` is that of its record; `settings` and the data set's `checksum` are what a checkpoint must share
    with the run to be its own.
    """

    def __init__(self, path: Path, settings: dict[str, Any], checksum: str) -> None:
        self._folder, self._stem = path.parent / ".checkpoints", path.stem
        self._identity = {
            "format": FORMAT,
            "settings": json.dumps(settings, sort_keys=True),
            "data_checksum": checksum,
            "software": ", ".join(f"{name} {version(name)}" for name in SOFTWARE),
        }

    def save(self, member: EnsembleRun, state: State) -> None:
        """Write a checkpoint, then remove all but the last two.

        Raises:
            OSError: the disk refused; the earlier checkpoints are untouched.
        """
        kept = asdict(member) | {"path": None}
        buffer = io.BytesIO()
        torch.save({**self._identity, **state, "member": kept}, buffer)
        content = buffer.getbuffer()
        with replacing(self._path((state["epoch"], state["step"]))) as part, part.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        for place in self.places()[KEPT:]:
            self._path(place).unlink(missing_ok=True)

    def places(self) -> list[Place]:
        """How far the run had come in each of its checkpoints, the furthest first."""
        if not self._folder.is_dir():
            return []
        found = (_NAME.fullmatch(file.name) for file in self._folder.iterdir())
        return sorted(((int(m[2]), int(m[3])) for m in found if m and m[1] == self._stem), reverse=True)

    def load(self, place: Place) -> tuple[State, dict[str, Any]]:
        """A checkpoint: the state, and the member's fields as they were.

        Raises:
            CheckpointError: it is damaged or of another run, and has been set aside; or it is gone.
        """
        path = self._path(place)
        try:
            content = path.read_bytes()
            if hashlib.sha256(content[_HASH:]).digest() != content[:_HASH]:
                raise ValueError("its checksum does not fit")
            state = torch.load(io.BytesIO(content[_HASH:]), map_location="cpu", weights_only=True)
            for key, value in self._identity.items():
                if state.pop(key, None) != value:
                    raise ValueError(f"it is of another {key.replace('_', ' ')}")
            member = state.pop("member")
            own = f"lr{number_text(member['lr'])}_wd{number_text(member['wd'])}_seed{member['seed']}"
            if own != self._stem:
                raise ValueError(f"it is that of {own}")
            if (state["epoch"], state["step"]) != place:
                raise ValueError(f"it is of epoch {state['epoch']}, step {state['step']}")
        except FileNotFoundError:
            raise CheckpointError(f"{path}: it was there and is gone; looking again") from None
        except Exception as error:
            raise self.refused(place, str(error)) from None
        return state, member

    def refused(self, place: Place, reason: str) -> CheckpointError:
        """Set a checkpoint aside; the error that says so."""
        path = self._path(place)
        aside = path.with_suffix(".unusable")
        with suppress(FileNotFoundError):  # another process of the same run was first
            path.replace(aside)
        return CheckpointError(f"{path}: unusable ({reason}); set aside as {aside.name}")

    def _path(self, place: Place) -> Path:
        return self._folder / f"{self._stem}.epoch{place[0]}_step{place[1]}.ckpt"


class CheckpointError(ValueError):
    """A checkpoint cannot be gone on from."""


def discard(path: Path) -> None:
    """Remove what there is of a run's checkpoints, `path` being that of its record: it is done."""
    folder = path.parent / ".checkpoints"
    if folder.is_dir():
        for file in folder.iterdir():
            # with what a killed process was writing
            if file.name.removeprefix(".").startswith(f"{path.stem}.epoch") and file.suffix != ".unusable":
                file.unlink(missing_ok=True)


def furthest_common(runs: list[Checkpoints]) -> Place | None:
    """The furthest place at which all of several runs have a checkpoint; None is the beginning."""
    return max(set.intersection(*(set(run.places()) for run in runs)), default=None)
