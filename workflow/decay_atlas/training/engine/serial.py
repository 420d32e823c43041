"""One network trained alone, on one device or on several that share its batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import get_total_norm

from decay_atlas.training import optimizers
from decay_atlas.training.data.batches import Data, Shard
from decay_atlas.training.data.streams import DEPTH, DROPOUT, BatchRandom, generator, stream
from decay_atlas.training.engine import finetune
from decay_atlas.training.engine.adversarial import Attack, gradient_of
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.evaluate import Scores, evaluate, full
from decay_atlas.training.engine.learner import EnsembleRun, Learner, State, Sums, initial_network
from decay_atlas.training.engine.metrics import DogAccumulator, MetricAccumulator
from decay_atlas.training.networks import models

MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer")
"""What optimizers keep for every weight. PyTorch's fused steps take one of another shape without a word."""


class SerialTrainer(Learner):
    """A learner with one member.

    Several processes see a run's batches in parts and average their gradients; batch norm averages over all
    of them on GPUs, so that the number of devices changes nothing but rounding.
    """

    def __init__(
        self, settings: dict[str, Any], member: EnsembleRun, data: Data, device: torch.device, world: DistributedContext
    ) -> None:
        super().__init__(settings, [member], data, device, world)
        recipe = settings["recipe"]
        self._smoothing, self._clip = recipe.get("label_smoothing", 0.0), recipe.get("grad_clip", math.inf)
        self._accumulate = recipe.get("accumulate", 1)
        self._model = initial_network(settings, data, member.seed).to(device)
        if device.type == "cuda":
            self._model = self._model.to(memory_format=torch.channels_last)
        self._depths = list(models.stochastic_depths(self._model).values())
        self._net = self._shared(self._model)
        self._parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        self._optimizer = optimizers.build(self._parameters, recipe["optimizer"], member.lr, member.decay)
        head = finetune.head_of(self._model) if self.head_lr != 1 else []
        self._head: list[Tensor] = [parameter for name, parameter in self._model.named_parameters() if name in head]
        self._scaler = torch.amp.GradScaler(
            device.type, enabled=recipe.get("precision") == "fp16" and device.type == "cuda"
        )
        if self._scaler.is_enabled() and getattr(self._optimizer, "needs_closure", False):
            raise ValueError(f"precision fp16 does not go with {recipe['optimizer']['name']}; take amp")
        self._begin_epoch()

    def train_epoch(self) -> Iterator[None]:
        """See `Learner.train_epoch`."""
        (member,) = self.members
        self._net.train()
        for images, labels in self.batches(member.seed):
            self._optimizer.param_groups[0]["lr"] = member.lr * self.multiplier
            if self.attack:
                images = self._adversarial(self.attack, images, labels)
            self._prepare()
            for part in self._gradients(images, labels):
                self._tally.add(*part)
            self._scaler.unscale_(self._optimizer)
            gradients = [p.grad for p in self._parameters if p.grad is not None]
            if self.step == self.course.steps - 1:
                self._gradient_norm = get_total_norm(gradients)
            self._dog.add(gradients)
            self._move(images, labels)
            decay = optimizers.decay_in_force(self._optimizer)
            if decay is not None:
                self._dog.decayed(decay)
            self._optimizer.zero_grad()
            self.step += 1
            yield

    def sums(self) -> list[Sums]:
        """See `Learner.sums`."""
        n = self.course.images
        sums, right = self._tally.sums()
        loss, correct = self.world.total(torch.stack([sums, right.to(sums.dtype)])).tolist()
        decay = optimizers.decay_in_force(self._optimizer)
        found = Sums(
            loss / n,
            self.task.accuracy(correct, n),
            self._gradient_norm.item(),
            get_total_norm([parameter.detach() for parameter in self._parameters]).item(),
            None if decay is None else decay.item(),
            self._dog.means().item(),
        )
        self._begin_epoch()
        return [found]

    def scores(self) -> list[tuple[Scores, Scores]]:
        """See `Learner.scores`."""
        self._model.eval()
        val, test = (
            evaluate(self._logits, 1, part, self.task, self.world)[0] for part in (self.data.val, self.data.test)
        )
        return [(val, test)]

    def attacked(self, attack: Attack, images: Tensor, labels: Tensor, start: Tensor) -> Tensor:
        """See `Learner.attacked`."""
        mode = self._model.training
        self._model.eval()
        moved = attack(images, start, gradient_of(lambda pixels: self._logits(pixels)[0], labels))
        self._model.train(mode)
        return moved

    @torch.no_grad()
    def count_correct(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Learner.answers`."""
        self._model.eval()
        return self.task.count_correct(self._logits(images)[0], labels)

    def network(self, member: EnsembleRun) -> nn.Module:
        """See `Learner.network`."""
        return self._model

    def states(self) -> Iterator[tuple[EnsembleRun, State]]:
        """See `Learner.states`."""
        loss, correct = (self.world.total(number.clone()) for number in self._tally.sums())
        yield (
            self.members[0],
            {
                "epoch": self.epoch,
                "step": self.step,
                "model": self._model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "sums": [loss, correct, self._gradient_norm, self._dog.steps()],
                "scaler": self._scaler.state_dict(),
            },
        )

    def resume(self, states: list[State]) -> None:
        """See `Learner.resume`."""
        (state,) = states
        self.epoch, self.step = state["epoch"], state["step"]
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(self._optimizer.state_dict() | state["optimizer"])
        for parameter, kept in self._optimizer.state.items():
            for name, value in kept.items():
                if name in MOMENTS and isinstance(value, Tensor) and value.ndim and value.shape != parameter.shape:
                    raise ValueError(f"{name} of shape {tuple(value.shape)} for weights of {tuple(parameter.shape)}")
        self._begin_epoch()
        loss, correct, self._gradient_norm, steps = (number.to(self.device) for number in state["sums"])
        self._dog.set(steps)
        if self.world.first:  # the parts of an epoch that others counted are in the first one's sums
            self._tally.set(loss, correct)
        self._scaler.load_state_dict(state["scaler"])

    def drop(self, members: list[EnsembleRun]) -> None:
        """See `Learner.leave`."""
        self.members = [member for member in self.members if member not in members]

    def _shared(self, model: nn.Module) -> nn.Module:
        if self.world.size == 1:
            return model
        if self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        devices = [self.device.index] if self.device.type == "cuda" else None
        # no broadcast of buffers: synchronised batch norm keeps them equal, and `keep` is each process's own
        return DistributedDataParallel(model, devices, broadcast_buffers=False)

    def _begin_epoch(self) -> None:
        self._tally, self._dog = MetricAccumulator(self.task, (), self.device), DogAccumulator(self._parameters, ())
        self._gradient_norm = torch.zeros((), device=self.device)

    def _batch_images(self) -> int:
        """Images of this step's batch, those of the other processes too."""
        return min(self.course.batch_size, self.course.images - self.step * self.course.batch_size)

    def _prepare(self) -> None:
        """Seed what the network draws in this step."""
        seed, place = self.members[0].seed, (self.epoch, self.step)
        torch.manual_seed(stream(seed, DROPOUT, *place, self.world.rank))
        if self._depths:
            n = self._batch_images()
            draw = BatchRandom(generator(seed, DEPTH, *place), n, self.world.shard.of(n))
            for depth, chance in zip(self._depths, draw.uniform(0, 1, len(self._depths)), strict=True):
                depth.keep = ((chance >= depth.p) * depth.kept).to(self.device)

    def _move(self, images: Tensor, labels: Tensor) -> None:
        """Step the optimizer, which may ask for the batch's gradients again where it has put the weights."""

        def again() -> Tensor:
            self._optimizer.zero_grad()
            parts = self._gradients(images, labels)
            self._clip_gradients()
            return torch.stack([loss * len(own) for loss, _, own in parts]).sum() / len(labels)

        self._clip_gradients()
        with finetune.moved(self._head, self.head_lr):
            if getattr(self._optimizer, "needs_closure", False):
                self._optimizer.step(again)  # type: ignore[arg-type]  # torch declares float, and takes the loss itself
            else:
                self._scaler.step(self._optimizer)
                self._scaler.update()

    def _clip_gradients(self) -> None:
        if self._clip < math.inf:
            nn.utils.clip_grad_norm_(self._parameters, self._clip)

    def _gradients(self, images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Fill the parameters' gradients; of each part of the batch its mean loss, outputs and labels."""
        total = self._batch_images()
        masks = [depth.keep for depth in self._depths]
        done = []
        for part in parts_of(total, self._accumulate, self.world.shard):
            own = labels[part]
            for depth, mask in zip(self._depths, masks, strict=True):
                depth.keep = mask[part]
            with self.autocast:
                logits = self._net(images[part])
            loss = self.task.loss(full(logits), own, self._smoothing)
            # the mean over the whole batch, of which DistributedDataParallel averages the processes' parts
            self._scaler.scale(loss * (len(own) * self.world.size / total)).backward()
            done.append((loss.detach(), logits.detach(), own))
        return done

    def _adversarial(self, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
        """The batch as it is trained on, made in the parts that the memory allows."""
        start = self.starts(self.members[0].seed, images)
        parts = [
            self.attacked(attack, images[part], labels[part], start[part])
            for part in parts_of(len(labels), self._accumulate, self.world.shard)
        ]
        return torch.cat(parts)

    def _logits(self, images: Tensor) -> Tensor:
        with self.autocast:
            logits: Tensor = self._model(images)
        return full(logits).unsqueeze(0)


def parts_of(n: int, count: int, shard: Shard) -> Iterator[slice]:
    """A process's rows of each part of a batch of n images, all its processes' rows together in at most `count` parts.

    The parts are those of the whole batch, as even as `torch.tensor_split` makes them. Each has a row of every
    process, which all take as many backward passes, and two at least, which batch norm wants.
    """
    count = max(1, min(count, n // max(2, shard.needs)))
    if count == 1:
        yield slice(None)
        return
    size, larger = divmod(n, count)
    ends = torch.tensor([part * size + min(part, larger) for part in range(count + 1)])
    rows = torch.searchsorted(shard.of(n), ends).tolist()
    yield from map(slice, rows, rows[1:])
