"""Many networks trained at once as one vectorised ensemble: the same steps, with a member dimension in front.

Every parameter is one tensor with a leading dimension of members, and `torch.func.vmap` runs the members'
forward and backward passes together. A member has its own lr, wd, seed, data order, augmentation, batch-norm
statistics, clipping and divergence, and equals its run alone up to rounding.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from decay_atlas.training import optimizers
from decay_atlas.training.data.batches import Batch, Data
from decay_atlas.training.data.streams import DEPTH, BatchRandom, generator
from decay_atlas.training.engine import finetune
from decay_atlas.training.engine.adversarial import Attack
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.evaluate import Scores, evaluate, full
from decay_atlas.training.engine.learner import EnsembleRun, Learner, State, Sums, initial_network
from decay_atlas.training.engine.metrics import DogAccumulator, MetricAccumulator
from decay_atlas.training.networks import models

Tensors = dict[str, Tensor]


def why_not_fusable(settings: dict[str, Any], model: nn.Module, data: Data) -> str | None:
    """Why runs of these settings cannot be members of an ensemble; None where they can.

    `model` is a network of theirs on the CPU; it is asked in a pass that moves its batch-norm statistics.
    """
    optimizer = settings["recipe"]["optimizer"]
    if not optimizers.can_ensemble(optimizer):
        return f"optimizer {optimizer['name']} knows no ensembles"
    if settings["recipe"].get("precision") == "fp16":
        return "precision fp16 scales the loss of one run at a time; take amp"
    if settings["recipe"].get("accumulate", 1) > 1:
        return "accumulate splits the batches of one run at a time"
    random = models.drawing_layer(model, torch.zeros(2, data.channels, data.image_size, data.image_size))
    if random is None:
        return None
    return f"{f'layer {random}' if random else 'the network'} draws random numbers of its own"


class Ensemble(Learner):
    """A learner whose members share every operation.

    Raises:
        ValueError: the settings do not allow it (see `why_not_fusable`).
    """

    def __init__(
        self,
        settings: dict[str, Any],
        members: Sequence[EnsembleRun],
        data: Data,
        device: torch.device,
        world: DistributedContext,
    ) -> None:
        super().__init__(settings, list(members), data, device, world)
        recipe = settings["recipe"]
        self._smoothing, self._clip = recipe.get("label_smoothing", 0.0), recipe.get("grad_clip", math.inf)
        seeds = dict.fromkeys(member.seed for member in members)
        networks = {seed: initial_network(settings, data, seed) for seed in seeds}
        self._model = copy.deepcopy(next(iter(networks.values())))
        reason = why_not_fusable(settings, self._model, data)
        if reason:
            raise ValueError(f"engine fused: {reason}; use engine serial")
        self._model.to(device)
        if device.type == "cpu":  # its attention kernels know no member dimension
            for module in self._model.modules():
                if hasattr(module, "fused_attn"):
                    setattr(module, "fused_attn", False)  # noqa: B010 (nothing that nn.Module declares)
        self._depths = models.stochastic_depths(self._model)
        self._names = [name for name, parameter in self._model.named_parameters() if parameter.requires_grad]
        head = finetune.head_of(self._model) if self.head_lr != 1 else []
        self._head = [place for place, name in enumerate(self._names) if name in head]
        states = [networks[member.seed].state_dict() for member in members]
        self._stack(states)
        self._optimizer = self._built()
        self._begin_epoch()
        self._gradients = vmap(grad(self._loss_of, has_aux=True))
        self._shared_gradients = vmap(grad(self._loss_of, has_aux=True), in_dims=(0, 0, 0, None, None))
        self._climb = vmap(grad(self._climbed))
        self._forward = vmap(self._logits_of, in_dims=(0, 0, None))

    def train_epoch(self) -> Iterator[None]:
        """See `Learner.train_epoch`."""
        self._model.train()
        seeds = list(dict.fromkeys(member.seed for member in self.members))
        row_of = {seed: row for row, seed in enumerate(seeds)}
        rows = torch.tensor([row_of[member.seed] for member in self.members], device=self.device)
        lr = torch.tensor([member.lr for member in self.members], dtype=torch.float64)
        for batches in zip(*(self.batches(seed) for seed in seeds), strict=True):
            self._optimizer.param_groups[0]["lr"] = (lr * self.multiplier).to(self.device)
            adversarial = self._adversarial(self.attack, batches, rows, seeds) if self.attack else None
            gradients, *answers = self._pass(batches, rows, adversarial)
            self._tally.add(*answers)
            if self.step == self.course.steps - 1:
                self._gradient_norms = member_norms(gradients)
            self._dog.add(gradients)
            self._move(gradients, batches, rows, adversarial)
            decay = optimizers.decay_in_force(self._optimizer)
            if decay is not None:
                self._dog.decayed(decay)
            self._optimizer.zero_grad()
            self.step += 1
            yield

    def sums(self) -> list[Sums]:
        """See `Learner.sums`."""
        n = self.course.images
        loss, correct = self._tally.sums()
        numbers = (
            loss / n,
            correct.double(),
            self._gradient_norms,
            member_norms([parameter.detach() for parameter in self._parameters]),
            self._dog.means(),
        )
        self._begin_epoch()
        rows = zip(*(number.tolist() for number in numbers), strict=True)
        decay = optimizers.decay_in_force(self._optimizer)
        decays: list[float | None] = [None] * len(self.members) if decay is None else decay.tolist()
        return [
            Sums(loss, self.task.accuracy(correct, n), gradient_norm, weight_norm, own, ratio)
            for (loss, correct, gradient_norm, weight_norm, ratio), own in zip(rows, decays, strict=True)
        ]

    def scores(self) -> list[tuple[Scores, Scores]]:
        """See `Learner.scores`."""
        self._model.eval()
        count = len(self.members)
        val, test = (
            evaluate(self._logits, count, part, self.task, self.world) for part in (self.data.val, self.data.test)
        )
        return list(zip(val, test, strict=True))

    def attacked(self, attack: Attack, images: Tensor, labels: Tensor, start: Tensor) -> Tensor:
        """See `Learner.attacked`; images and labels that all share, or (members, n, …) and (members, n)."""
        mode = self._model.training
        self._model.eval()
        weights, count = self._weights(), len(self.members)
        if images.ndim == 4:
            images, start = (tensor.expand(count, *tensor.shape) for tensor in (images, start))
            labels = labels.expand(count, *labels.shape)
        moved = attack(images, start, lambda pixels: self._climb(pixels, weights, self._buffers, labels))
        self._model.train(mode)
        return moved

    @torch.no_grad()
    def count_correct(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Learner.answers`."""
        self._model.eval()
        logits = vmap(self._logits_of)(self._weights(), self._buffers, images)
        return self.task.count_correct(logits, labels)

    def network(self, member: EnsembleRun) -> nn.Module:
        """See `Learner.network`."""
        model = copy.deepcopy(self._model)
        model.load_state_dict(self._slice(self.members.index(member)))
        return model

    def states(self) -> Iterator[tuple[EnsembleRun, State]]:
        """See `Learner.states`."""
        optimizer = self._optimizer.state_dict()["state"]
        count = len(self.members)
        sums = (*self._tally.sums(), self._gradient_norms, self._dog.steps())
        for place, member in enumerate(self.members):
            yield (
                member,
                {
                    "epoch": self.epoch,
                    "step": self.step,
                    "model": {name: tensor.cpu() for name, tensor in self._slice(place).items()},
                    "optimizer": {
                        "state": {
                            number: {key: _own(value, place, count, key) for key, value in entry.items()}
                            for number, entry in optimizer.items()
                        }
                    },
                    "sums": [numbers[place].clone().cpu() for numbers in sums],
                    "scaler": {},
                },
            )

    def resume(self, states: list[State]) -> None:
        """See `Learner.resume`."""
        self.epoch, self.step = states[0]["epoch"], states[0]["step"]
        self._stack([state["model"] for state in states])
        self._optimizer = self._built()
        self._load_optimizer([state["optimizer"]["state"] for state in states])
        self._begin_epoch()
        loss, correct, self._gradient_norms, steps = (
            torch.stack([state["sums"][number] for state in states]).to(self.device) for number in range(4)
        )
        self._dog.set(steps)
        self._tally.set(loss, correct)

    def drop(self, members: list[EnsembleRun]) -> None:
        """See `Learner.leave`."""
        staying = [member for member in self.members if member not in members]
        if staying and len(staying) < len(self.members):
            states = [state for member, state in self.states() if member in staying]
            self.members = staying
            self.resume(states)
        self.members = staying

    def _stack(self, states: list[Tensors]) -> None:
        """Take the members' parameters and buffers from their state dictionaries."""
        stacked = {name: torch.stack([state[name] for state in states]).to(self.device) for name in states[0]}
        self._parameters = [nn.Parameter(stacked.pop(name)) for name in self._names]
        self._buffers = stacked

    def _weights(self) -> Tensors:
        return {name: tensor.detach() for name, tensor in zip(self._names, self._parameters, strict=True)}

    def _slice(self, place: int) -> Tensors:
        """A member's state dictionary."""
        return {name: tensor[place].clone() for name, tensor in (self._weights() | self._buffers).items()}

    def _built(self) -> torch.optim.Optimizer:
        lr, wd = (
            torch.tensor([getattr(member, name) for member in self.members], dtype=torch.float64, device=self.device)
            for name in ("lr", "decay")
        )
        return optimizers.build(self._parameters, self.settings["recipe"]["optimizer"], lr, wd)

    def _load_optimizer(self, states: list[dict[int, dict[str, Any]]]) -> None:
        joined = {
            number: {key: _join([state[number][key] for state in states], key) for key in entry}
            for number, entry in states[0].items()
        }
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": joined, "param_groups": groups})

    def _begin_epoch(self) -> None:
        count = len(self.members)
        self._tally = MetricAccumulator(self.task, (count,), self.device)
        self._dog = DogAccumulator(self._parameters, (count,))
        self._gradient_norms = torch.zeros(count, device=self.device)

    def _move(
        self, gradients: list[Tensor], batches: tuple[Batch, ...], rows: Tensor, adversarial: Tensor | None
    ) -> None:
        """Step the optimizer, which may ask for the batch's gradients again where it has put the weights."""

        def give(found: list[Tensor]) -> None:
            for parameter, gradient in zip(self._parameters, self._clipped(found), strict=True):
                parameter.grad = gradient

        def again() -> Tensor:
            found, losses, *_ = self._pass(batches, rows, adversarial)
            give(found)
            return losses

        give(gradients)
        head = [self._parameters[place] for place in self._head]
        with finetune.moved(head, self.head_lr):
            if getattr(self._optimizer, "needs_closure", False):
                self._optimizer.step(again)  # type: ignore[arg-type]  # torch declares float, and takes the loss itself
            else:
                self._optimizer.step()

    def _pass(
        self, batches: tuple[Batch, ...], rows: Tensor, adversarial: Tensor | None
    ) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
        """Gradients of every parameter, mean losses and outputs, each with a member dimension, and the labels.

        `adversarial` are the members' own images in place of the batches', (members, n, …).
        """
        keeps = self._keeps(len(batches[0][1]))
        if adversarial is None and len(batches) == 1:
            images, labels = batches[0]
            found, answers = self._shared_gradients(self._weights(), self._buffers, keeps, images, labels)
            labels = labels.expand(len(rows), *labels.shape)
        else:
            labels = torch.stack([labels for _, labels in batches])[rows]
            images = torch.stack([images for images, _ in batches])[rows] if adversarial is None else adversarial
            found, answers = self._gradients(self._weights(), self._buffers, keeps, images, labels)
        return [found[name] for name in self._names], *answers, labels

    def _adversarial(self, attack: Attack, batches: tuple[Batch, ...], rows: Tensor, seeds: list[int]) -> Tensor:
        """The batches as each member is trained on them."""
        starts = torch.stack([self.starts(seed, images) for seed, (images, _) in zip(seeds, batches, strict=True)])
        images, labels = (torch.stack(parts) for parts in zip(*batches, strict=True))
        return self.attacked(attack, images[rows], labels[rows], starts[rows])

    def _climbed(self, images: Tensor, parameters: Tensors, buffers: Tensors, labels: Tensor) -> Tensor:
        return cross_entropy(self._logits_of(parameters, buffers, images), labels, reduction="sum")

    def _keeps(self, n: int) -> Tensors:
        """The branches that every member drops in this step, by the buffer's name, each (members, n)."""
        if not self._depths:
            return {}
        place = (self.epoch, self.step)
        draws = {
            seed: BatchRandom(generator(seed, DEPTH, *place), n).uniform(0, 1, len(self._depths))
            for seed in {member.seed for member in self.members}
        }
        chances = torch.stack([draws[member.seed] for member in self.members], dim=1)
        return {
            f"{name}.keep": ((chance >= depth.p) * depth.kept).to(self.device)
            for (name, depth), chance in zip(self._depths.items(), chances, strict=True)
        }

    def _loss_of(
        self, parameters: Tensors, buffers: Tensors, keeps: Tensors, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        logits = self._logits_of(parameters, {**buffers, **keeps}, images)
        loss = self.task.loss(logits, labels, self._smoothing)
        return loss, (loss.detach(), logits.detach())

    def _logits_of(self, parameters: Tensors, buffers: Tensors, images: Tensor) -> Tensor:
        with self.autocast:
            logits: Tensor = functional_call(self._model, (parameters, buffers), (images,))
        return full(logits)

    def _logits(self, images: Tensor) -> Tensor:
        return self._forward(self._weights(), self._buffers, images)

    def _clipped(self, gradients: list[Tensor]) -> list[Tensor]:
        """Each member's gradient, shortened to the recipe's bound as torch's clip_grad_norm_ does."""
        if self._clip == math.inf:
            return gradients
        scale = (self._clip / (member_norms(gradients) + 1e-6)).clamp(max=1)
        return [gradient * scale.view(-1, *[1] * (gradient.ndim - 1)) for gradient in gradients]


def member_norms(tensors: list[Tensor]) -> Tensor:
    """Length of each member's part of all tensors as one vector, shape (members,)."""
    return torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(tensor.reshape(len(tensor), -1), dim=1) for tensor in tensors]), dim=0
    )


def _own(value: Any, place: int, count: int, key: str) -> Any:
    """A member's part of an entry of the optimizer's state; the step is everybody's."""
    if key == "step" or not isinstance(value, Tensor):
        return value.detach().clone().cpu() if isinstance(value, Tensor) else value
    assert len(value) == count
    return value[place].clone().cpu()


def _join(values: list[Any], key: str) -> Any:
    """The members' parts of an entry of the optimizer's state, as one."""
    return values[0] if key == "step" or not isinstance(values[0], Tensor) else torch.stack(values)
