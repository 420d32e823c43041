"""A small study in a folder of its own, and hands to put what trains it leaves behind."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from decay_atlas.runs.grid import Pack, Run
from decay_atlas.runs.records import write_json
from decay_atlas.status.facts import Reader, status_of
from decay_atlas.status.model import Status
from decay_atlas.study.config import Config, grid_of, load
from tests.recorded import record_of

ROOT = Path(__file__).parents[2]
BLOCK = {
    "dataset": "digits",
    "recipe": "published-cifar",
    "arch": ["resnet50", "vit_small"],
    "lr": [0.001, 0.01],
    "wd": [0.1, 1.0],
    "seed": [0, 1, 2],
}


@dataclass
class Folder:
    """A working directory with the study `small`: 2 architectures × 2 lr × 2 wd × 3 seeds, a pack a cell."""

    root: Path
    study: Config

    def runs(self, **axes: object) -> list[Run]:
        every = grid_of(self.study).runs
        return [run for run in every if all(getattr(run, axis) == value for axis, value in axes.items())]

    def train(self, runs: list[Run], seconds: float = 3600.0, **changes: object) -> None:
        """Put records that look as if these runs had been trained."""
        for run in runs:
            write_json(self.root / run.path, record_of(run, seconds=seconds, **changes))

    def log(self, runs: list[Run], text: str, age: float = 0.0) -> Path:
        """Put the log of the pack that holds these runs, written `age` seconds ago."""
        return self._written(self.root / self._pack(runs).log, text, age)

    def slurm_log(self, runs: list[Run], text: str, age: float = 0.0) -> Path:
        """Put the log of the SLURM job of the pack that holds these runs."""
        name = "_".join(self._pack(runs).wildcards)
        return self._written(self.root / ".snakemake/slurm_logs/rule_train" / name / "17.log", text, age)

    def checkpoint(self, run: Run, epoch: int, age: float = 0.0) -> None:
        record = self.root / run.path
        self._written(record.parent / ".checkpoints" / f"{record.stem}.epoch{epoch}_step0.ckpt", "", age)

    def program(self, name: str, text: str) -> None:
        """Put a program on PATH."""
        file = self.root / "bin" / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def _pack(self, runs: list[Run]) -> Pack:
        packs = grid_of(self.study).packs(self.study["execution"]["pack"])
        return next(pack for pack in packs if runs[0] in pack.runs)

    def _written(self, file: Path, text: str, age: float) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (time.time() - age,) * 2)
        return file

    def status(self) -> Status:
        return status_of(self.study, self.root, Reader(self.root))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The folder, as the working directory; there is no SLURM on PATH."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/cat").symlink_to(shutil.which("cat") or "/bin/cat")
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    (tmp_path / "studies/small.yaml").write_text(yaml.safe_dump({"study": "small", "grid": [BLOCK]}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return Folder(tmp_path.resolve(), load("small"))
