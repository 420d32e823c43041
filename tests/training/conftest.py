from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from decay_atlas.runs.grid import TRAINING_VERSION, settings_of
from decay_atlas.study.config import load
from decay_atlas.training.data import datasets
from decay_atlas.training.data.batches import Data, Shard
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.engine.serial import SerialTrainer
from decay_atlas.training.loop import train

torch.set_num_threads(1)  # as a training process does: two threads fight over nets this small
CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
DIGITS = load("demo", ROOT)["datasets"]["digits"]
RECIPE = {
    "epochs": 2,
    "batch_size": 32,
    "optimizer": {"name": "adamw"},
    "schedule": {"name": "constant"},
    "precision": "fp32",
    "augment": [],
    "train_size": 96,
    "val_fraction": 0.1,
}
TINY = {
    "model": "MlpMixer",
    "family": "transformer",
    "kwargs": {"img_size": 8, "patch_size": 4, "embed_dim": 8, "num_blocks": 1},
}


@pytest.fixture
def double() -> Iterator[None]:
    """Networks and images in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's digits, prepared."""
    folder = tmp_path_factory.mktemp("data") / "digits"
    datasets.prepare("digits", DIGITS, folder)
    return folder


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings of a run that takes a twentieth of a second."""
    return copy.deepcopy({"dataset": DIGITS, "recipe": RECIPE, "arch": TINY, "training_version": TRAINING_VERSION})


@pytest.fixture(scope="session")
def demo() -> dict[str, dict[str, Any]]:
    """The demo study's settings, by architecture."""
    config = load("demo", ROOT)
    return {
        arch: settings_of(config["datasets"]["digits"], config["recipes"]["digits-noisy"], config["archs"][arch])
        for block in config["grid"]
        for arch in block["arch"]
    }


def train_alone(
    settings: dict[str, Any], lr: float, wd: float, seed: int, data: Data
) -> tuple[dict[str, Any], nn.Module]:
    """What a run's record says of its training, and the network."""
    done: list[tuple[dict[str, Any], nn.Module]] = []
    learner = SerialTrainer(settings, EnsembleRun(lr, wd, seed), data, CPU, DistributedContext())
    train(learner, on_done=lambda member, result, network: done.append((result, network)))
    return done[0]


def data_of(settings: dict[str, Any], folder: Path) -> Data:
    """A prepared data set as the runs of these settings see it."""
    return Data(datasets.load(folder, settings["recipe"]), settings, CPU, threads=1)


def fit(model: nn.Module, data: Data, steps: int) -> None:
    """Fit a classifier to all training images at once, a little."""
    images, labels = next(data.train.scoring(Shard()))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
