"""What the loop trains: one network, or many at once, behind one interface."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from decay_atlas.training.data.batches import CHUNK, Batch, Data, Epoch
from decay_atlas.training.data.streams import ATTACK, INIT, generator, stream
from decay_atlas.training.engine import finetune
from decay_atlas.training.engine.adversarial import Attack, random_start
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.evaluate import Scores
from decay_atlas.training.engine.training_schedule import TrainingSchedule
from decay_atlas.training.networks import models

Row = dict[str, float | None]
State = dict[str, Any]
"""A run in mid-training, on the CPU: `epoch`, `step`, `model`, `optimizer`, `sums` and maybe `scaler`.

`optimizer` is its state dictionary, for some libraries count steps in the groups or keep a generator beside them; of
a member of an ensemble it is the `state` alone, which is all that there is.
"""


STOPPING_STEPS = 20
"""Steps of the attack by which early stopping goes. Source: A, Adversarial."""
SPENT_ON = ("training", "scoring", "evaluations")


@dataclass
class EnsembleRun:
    """A run that is being trained: its point of the grid and what is known of it so far."""

    lr: float
    wd: float
    seed: int
    path: Path | None = None
    """Where its record will lie."""
    history: list[Row] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SPENT_ON, 0.0))
    """Its share of the device's time, without what was lost to interruptions."""
    status: str = "ok"
    best: dict[str, Tensor] = field(default_factory=dict)
    """Its state dictionary, on the CPU, at the epoch that early stopping holds best; none without."""
    dog: float = 1.0
    """What `wd` is a factor on: the estimated DoG where the recipe says so."""

    @property
    def decay(self) -> float:
        """What its optimizer is given as weight decay."""
        return self.wd * self.dog


@dataclass(frozen=True)
class Sums:
    """What one epoch's steps said of a member."""

    loss: float
    """Mean over the images."""
    accuracy: float | None
    """Percent; None where nothing is right or wrong."""
    gradient_norm: float
    """Of the last step."""
    weight_norm: float
    decay: float | None = None
    """The weight decay in force at the last step, where the optimizer sets it itself."""
    ratio: float = math.nan
    """Mean over the steps of ‖w‖/‖g‖, with λ in the numerator where the optimizer sets it; NaN where none has one."""


def initial_network(settings: dict[str, Any], data: Data, seed: int) -> nn.Module:
    """The network that a run of this seed begins with, on the CPU.

    Raises:
        ValueError: its pretrained weights are not there or do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, INIT))
        model = models.build(settings["arch"], data.classes, data.channels)
    if "pretrained" in settings["recipe"]:
        finetune.begin(model, settings["recipe"]["pretrained"])
    return model


class Learner(ABC):
    """Members in mid-training, all at the same step of the same course."""

    def __init__(
        self,
        settings: dict[str, Any],
        members: list[EnsembleRun],
        data: Data,
        device: torch.device,
        world: DistributedContext,
    ) -> None:
        self.settings, self.members, self.data, self.device, self.world = settings, members, data, device, world
        self.task = data.task
        self.course = TrainingSchedule.of(settings["recipe"], len(data.train))
        self.epoch = self.step = 0
        entry = settings["recipe"].get("adversarial")
        self.attack = Attack.of(entry, data) if entry else None
        if self.attack and world.size > 1:
            raise ValueError("adversarial: its runs are trained on one device each; set execution.gpus to 1 for them")
        last = self.course.images % self.course.batch_size or self.course.batch_size
        if last < world.shard.needs:
            raise ValueError(
                f"batch_size: {self.course.batch_size} leaves the last batch of an epoch {last} of "
                f"{self.course.images} images, and {world.size} devices need {world.shard.needs}; "
                f"set execution.gpus to {(last + 1) // 2} for its recipe"
            )
        self.head_lr = settings["recipe"].get("pretrained", {}).get("head_lr", 1)
        precision = settings["recipe"].get("precision", "fp32")
        self.autocast = torch.autocast(
            device.type,
            torch.float16 if precision == "fp16" else torch.bfloat16,
            enabled=precision != "fp32" and device.type == "cuda",
        )

    @property
    def multiplier(self) -> float:
        """The schedule's, at this step."""
        return self.course.multipliers[self.epoch * self.course.steps + self.step]

    def batches(self, seed: int) -> Iterator[Batch]:
        """What is left of this epoch's batches for the runs of a seed."""
        course = self.course
        epoch = Epoch(seed, self.epoch, course.batch_size, course.images, self.step, self.world.shard)
        return self.data.training(epoch)

    def starts(self, seed: int, images: Tensor) -> Tensor:
        """Where an attack on this step's batch begins, for the runs of a seed."""
        return random_start(images, generator(seed, ATTACK, self.epoch, self.step))

    def robust(self) -> list[float | None]:
        """Every member's accuracy in percent on the validation part under PGD-20; None where nothing is held out."""
        assert self.attack is not None
        attack = replace(self.attack, steps=STOPPING_STEPS)
        right = torch.zeros(len(self.members), dtype=torch.int64, device=self.device)
        at_once = max(1, CHUNK // len(self.members))
        # the starts are drawn for a whole block, whoever shares it: a member's score is that of its run alone
        for number, (images, labels) in enumerate(self.data.val.scoring(self.world.shard, CHUNK)):
            start = random_start(images, generator(0, ATTACK, number))
            for part in zip(images.split(at_once), labels.split(at_once), start.split(at_once), strict=True):
                right += self.count_correct(self.attacked(attack, *part), part[1])
        n = len(self.data.val)
        return [100 * count / n if n else None for count in right.tolist()]

    @abstractmethod
    def attacked(self, attack: Attack, images: Tensor, labels: Tensor, start: Tensor) -> Tensor:
        """Images (n, …) as an attack on the network leaves them, in evaluation mode; (members, n, …) of several."""

    @abstractmethod
    def count_correct(self, images: Tensor, labels: Tensor) -> Tensor:
        """How many of the images that `attacked` returned every member tells rightly, (members,)."""

    @abstractmethod
    def train_epoch(self) -> Iterator[None]:
        """Train to the end of the epoch, stopping after every step."""

    @abstractmethod
    def sums(self) -> list[Sums]:
        """Of the epoch that has just been trained; a new one begins."""

    @abstractmethod
    def scores(self) -> list[tuple[Scores, Scores]]:
        """On the validation and the test part."""

    @abstractmethod
    def network(self, member: EnsembleRun) -> nn.Module:
        """A member's network."""

    @abstractmethod
    def states(self) -> Iterator[tuple[EnsembleRun, State]]:
        """Every member's state, from which `resume` goes on to the same bits."""

    @abstractmethod
    def resume(self, states: list[State]) -> None:
        """Go on from states of the same step, one for each member."""

    @abstractmethod
    def drop(self, members: list[EnsembleRun]) -> None:
        """Train these no further."""
