"""A pack: the runs that share one job, trained so that nothing finished is ever lost or trained twice."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from decay_atlas.grid import Run
from decay_atlas.packs import close, missing_members, put
from decay_atlas.records import RECORD_FORMAT
from decay_atlas.training import datasets, evaluations
from decay_atlas.training.batches import Data
from decay_atlas.training.environment import about, choose_device
from decay_atlas.training.loop import train
from decay_atlas.training.progress import Progress

ENGINES = ("auto", "serial")
"""How a pack's runs share the device; `auto` is `serial`, the only one so far."""


def train_pack(
    settings: dict[str, Any],
    paths: Sequence[str | Path],
    data_dir: str | Path,
    engine: str = "auto",
    device: str = "auto",
    threads: int = 1,
) -> list[str]:
    """See to it that every record of `paths` is there, and return the paths of those that could not be made.

    A record that is there, whole and of the same settings is kept (see `packs`).

    Raises:
        ValueError: the settings, a path, the engine or the device make no sense; nothing has been trained.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: unknown {engine!r}; there are {', '.join(ENGINES)}")
    evaluations.check(settings["recipe"].get("evaluations", []))

    missing = missing_members(settings, paths)
    failed: list[str] = []
    if missing:
        trainer = _Trainer(settings, data_dir, choose_device(device), threads)
        with Progress(len(missing), settings["recipe"]["epochs"]) as progress:
            for path, run in missing:
                try:
                    trainer.train(path, run, progress)
                except Exception:  # whatever one run dies of, the others are still to be trained
                    failed.append(str(path))
                    progress.say(f"{path}: failed\n{traceback.format_exc()}")
    if not failed:
        close(paths)
    return failed


class _Trainer:
    """Trains runs one after another on data that are loaded once."""

    def __init__(self, settings: dict[str, Any], data_dir: str | Path, device: torch.device, threads: int) -> None:
        torch.set_num_threads(threads)
        self.settings, self.device = settings, device
        self.data = Data(datasets.load(data_dir, settings["recipe"]), settings, device, threads)
        self.about = about(device, threads)

    def train(self, path: Path, run: Run, progress: Progress) -> None:
        """Train one run, stage its record and put it into place."""
        progress.start(run)
        result, model = train(self.settings, run.lr, run.wd, run.seed, self.data, self.device, progress.epoch)
        record = {
            "format": RECORD_FORMAT,
            "dataset": run.dataset,
            "recipe": run.recipe,
            "arch": run.arch,
            "digest": run.digest,
            "lr": run.lr,
            "wd": run.wd,
            "seed": run.seed,
            "settings": self.settings,
            "data_checksum": self.data.checksum,
            **result,
            **self.about,
        }
        if self.settings["recipe"].get("keep_weights"):
            weights = path.with_suffix(".pt")
            weights.parent.mkdir(parents=True, exist_ok=True)
            part = weights.with_name(f".{weights.name}.{os.getpid()}.part")
            torch.save(model.state_dict(), part)
            part.replace(weights)
        put(path, record)
        progress.finish(result)
