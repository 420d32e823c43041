"""SGD with momentum, decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.base import StepInputs, added
from decay_atlas.training.optimizers.options import Rate, flag, is_ensemble, within
from decay_atlas.training.optimizers.sgd_base import SGDBase


class SGD(SGDBase):
    """m ← momentum·m + g + wd·θ; θ ← θ − lr·m. Source: C, Robustness checks; S, SGD (L2).

    >>> weights = torch.nn.Parameter(torch.ones(2, 1))  # two members of an ensemble
    >>> optimizer = SGD([weights], lr=torch.tensor([0.5, 0.25]), weight_decay=torch.tensor([0.0, 1.0]))
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights[:, 0].tolist()]
    [0.5, 0.5]
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        momentum: float = 0.9,
        nesterov: bool = False,
    ) -> None:
        check(momentum, nesterov)
        super().__init__(parameters, lr, weight_decay, momentum, nesterov=nesterov)

    def gradients(self, leaves: StepInputs) -> list[Tensor]:
        """See `SGDBase.gradients`."""
        return added(leaves.gradients, leaves.weights, leaves.wd)


def check(momentum: float, nesterov: bool) -> None:
    """Refuse a momentum outside [0, 1), and Nesterov's without one.

    Raises:
        ValueError: the message names the option.
    """
    within("momentum", momentum, 0, 1)
    flag("nesterov", nesterov)
    if nesterov and not momentum:
        raise ValueError("nesterov needs a momentum greater than 0, as in momentum: 0.9")


def sgd(
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> Optimizer:
    """SGD: PyTorch's for a run alone, `SGD` for an ensemble."""
    if is_ensemble(lr, weight_decay):
        return SGD(parameters, lr, weight_decay, momentum, nesterov)
    check(momentum, nesterov)
    return torch.optim.SGD(
        parameters, lr=lr, weight_decay=float(weight_decay), momentum=momentum, nesterov=nesterov, fused=True
    )
