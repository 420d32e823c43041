"""What the optimizers of this package share: one implementation for a run alone and for an ensemble of runs.

In an ensemble of M members every parameter has a leading dimension of length M, and lr and weight decay are
tensors [M]. Each member is then moved by its own rates, just as if it were alone: what is reduced over a model
is reduced over every dimension but the first, and over all parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.options import Rate, is_ensemble, rates

PART = 2**17
"""Elements: half a megabyte of single precision."""


@dataclass
class StepInputs:
    """The parameters of one step with their gradients, and the rates that hold for them.

    `lr` and `wd` are numbers, or float64 tensors [M]; `schedule` is lr over its initial value; `step` counts
    from 1; `ensemble` says whether the tensors have a leading member dimension.
    """

    weights: list[Tensor]
    gradients: list[Tensor]
    group: dict[str, Any]
    step: int
    lr: Rate
    wd: Rate
    schedule: Rate
    ensemble: bool

    def parts(self) -> Iterator[StepInputs]:
        """The leaves in parts of at most `PART` elements or one tensor on a processor, so that what is computed
        of a part stays in its cache; all at once elsewhere, in the fewest kernels."""
        start = size = 0
        for end, weight in enumerate(self.weights):
            if weight.device.type == "cpu" and size and size + weight.numel() > PART:
                yield replace(self, weights=self.weights[start:end], gradients=self.gradients[start:end])
                start, size = end, 0
            size += weight.numel()
        yield replace(self, weights=self.weights[start:], gradients=self.gradients[start:])


class EnsembleOptimizer(Optimizer):
    """Base of the optimizers: state, step counter and rates; a subclass writes `initial` and `update`.

    State lies in `state[p]`: tensors of the shape of `p`; a 0-d `step` where `counted`; and, in the state of
    the first parameter, whatever belongs to the whole model, 0-d or, in an ensemble, [M]. All of it is made
    at the first step.
    """

    needs_closure: ClassVar[bool] = False
    counted: ClassVar[bool] = True

    def __init__(self, parameters: Iterable[Tensor], lr: Rate, weight_decay: Rate, **options: Any) -> None:
        rates(lr, weight_decay)
        if is_ensemble(lr, weight_decay):
            both = torch.broadcast_tensors(torch.as_tensor(lr), torch.as_tensor(weight_decay))
            lr, weight_decay = (rate.clone() for rate in both)
        initial = lr.clone() if isinstance(lr, Tensor) else lr
        super().__init__(parameters, {"lr": lr, "initial_lr": initial, "weight_decay": weight_decay, **options})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take the parameters, which are one group: reductions run over the whole model.

        Raises:
            ValueError: a second group is added, or a parameter lacks the member dimension of an ensemble.
        """
        if self.param_groups:
            raise ValueError(f"{type(self).__name__} takes all parameters of a model as one group")
        super().add_param_group(param_group)
        group = self.param_groups[0]
        if is_ensemble(group["lr"], group["weight_decay"]):
            members = len(group["lr"])
            for parameter in group["params"]:
                if parameter.shape[:1] != (members,):
                    raise ValueError(
                        f"in an ensemble of {members} every parameter has a leading dimension of that length; "
                        f"one has the shape {tuple(parameter.shape)}"
                    )

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """Names of the tensors kept for every parameter, with the values that fill them at first."""
        raise NotImplementedError

    def initial_of_model(self, group: dict[str, Any]) -> dict[str, float]:
        """The same for the numbers kept for the whole model."""
        return {}

    def update(self, leaves: StepInputs) -> None:
        """Move the weights."""
        raise NotImplementedError

    def kept(self, name: str, leaves: StepInputs) -> list[Tensor]:
        """The state tensor `name` of every parameter."""
        return [self.state[weight][name] for weight in leaves.weights]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; a closure is called first, and its loss returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [parameter for parameter in group["params"] if parameter.grad is not None]
            if weights:
                self.update(self._leaves(group, weights))
        return loss

    def _leaves(self, group: dict[str, Any], weights: list[Tensor]) -> StepInputs:
        ensemble = is_ensemble(group["initial_lr"], group["weight_decay"])
        for number, weight in enumerate(weights):
            if weight not in self.state:
                self._create(group, weight, first=number == 0, ensemble=ensemble)
        step = 0
        if self.counted:
            steps = [self.state[weight]["step"] for weight in weights]
            torch._foreach_add_(steps, 1)
            step = int(steps[0])
        # in double precision, as Python's numbers are: a member's rates are then rounded as those of a run alone
        device = group["lr"].device if isinstance(group["lr"], Tensor) else None
        lr, initial, wd = (
            torch.as_tensor(group[name], dtype=torch.float64, device=device) if ensemble else _number(group[name])
            for name in ("lr", "initial_lr", "weight_decay")
        )
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        return StepInputs(weights, gradients, group, step, lr, wd, lr / initial, ensemble)

    def _create(self, group: dict[str, Any], weight: Tensor, first: bool, ensemble: bool) -> None:
        state = self.state[weight]
        if self.counted:
            state["step"] = torch.zeros(())
        for name, value in self.initial(group).items():
            state[name] = torch.full_like(weight, value, memory_format=torch.preserve_format)
        for name, value in self.initial_of_model(group).items() if first else ():
            state[name] = torch.full(weight.shape[:1] if ensemble else (), value, dtype=weight.dtype).to(weight.device)


def times(rate: Rate, factor: Tensor) -> Tensor:
    """A rate times a number of the model that is on the parameters' device, 0-d or [M]."""
    return (rate.to(factor) if isinstance(rate, Tensor) else rate) * factor


def spread(rate: Tensor, tensors: list[Tensor]) -> list[Tensor]:
    """For every tensor the rate, 0-d or [M], as a factor that broadcasts over it."""
    rate = rate.to(tensors[0])  # the parameters of a model share a type and a device
    if not rate.ndim:
        return [rate] * len(tensors)
    views = {ndim: rate.view(-1, *[1] * (ndim - 1)) for ndim in {tensor.ndim for tensor in tensors}}
    return [views[tensor.ndim] for tensor in tensors]


def scale_(tensors: list[Tensor], rate: Rate) -> None:
    """Multiply every tensor by the rate, in place."""
    if isinstance(rate, Tensor):
        torch._foreach_mul_(tensors, spread(rate, tensors))
    else:
        torch._foreach_mul_(tensors, rate)


def scaled(tensors: list[Tensor], rate: Rate) -> list[Tensor]:
    """Every tensor times the rate."""
    factor = spread(rate, tensors) if isinstance(rate, Tensor) else rate
    return list(torch._foreach_mul(tensors, factor))


def add_(tensors: list[Tensor], others: list[Tensor], rate: Rate) -> None:
    """Add the rate times the others, in place."""
    if isinstance(rate, Tensor):
        torch._foreach_addcmul_(tensors, others, spread(rate, tensors))
    else:
        torch._foreach_add_(tensors, others, alpha=rate)


def added(tensors: list[Tensor], others: list[Tensor], rate: Rate) -> list[Tensor]:
    """Every tensor plus the rate times the other."""
    if isinstance(rate, Tensor):
        return list(torch._foreach_addcmul(tensors, others, spread(rate, tensors)))
    return list(torch._foreach_add(tensors, others, alpha=rate))


def norm(tensors: list[Tensor], ensemble: bool) -> Tensor:
    """Length of all tensors as one vector: 0-d, or [M]."""
    if not ensemble:
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
    return torch.linalg.vector_norm(torch.stack([norm_of(tensor, True) for tensor in tensors]), dim=0)


def norm_of(tensor: Tensor, ensemble: bool) -> Tensor:
    """Length of one tensor as a vector: 0-d, or [M]."""
    if not ensemble:
        return torch.linalg.vector_norm(tensor)
    return torch.linalg.vector_norm(tensor, dim=_inner(tensor)) if tensor.ndim > 1 else tensor.abs()


def mean(tensors: list[Tensor], ensemble: bool) -> Tensor:
    """Mean of all elements of all tensors: 0-d, or [M]."""
    if not ensemble:
        return torch.stack([tensor.sum() for tensor in tensors]).sum() / sum(tensor.numel() for tensor in tensors)
    total = torch.stack([tensor.sum(dim=_inner(tensor)) if tensor.ndim > 1 else tensor for tensor in tensors]).sum(0)
    return total / sum(tensor[0].numel() for tensor in tensors)


def _inner(tensor: Tensor) -> tuple[int, ...]:
    return tuple(range(1, tensor.ndim))


def _number(rate: Rate) -> float:
    return rate.item() if isinstance(rate, Tensor) else rate
