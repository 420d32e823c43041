"""The core of Adam's family: two moments, a decay, a step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.base import EnsembleOptimizer, StepInputs, added, scale_, scaled
from decay_atlas.training.optimizers.options import Rate, is_ensemble, pair, within

BETAS = (0.9, 0.999)
EPS = 1e-8


class AdamBase(EnsembleOptimizer):
    """m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², then a decay and θ ← θ − lr·m̂/(√v̂ + eps); hats: bias-corrected.

    `coupled` puts the decay into the gradient (L2); `amsgrad` uses the largest v so far in place of v.
    """

    coupled: ClassVar[bool] = False
    amsgrad: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = EPS,
        **options: Any,
    ) -> None:
        check(betas, eps)
        super().__init__(parameters, lr, weight_decay, betas=pair("betas", betas), eps=float(eps), **options)

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial`."""
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return dict.fromkeys(names if self.amsgrad else names[:2], 0.0)

    def update(self, leaves: StepInputs) -> None:
        """See `EnsembleOptimizer.update`."""
        beta1, beta2 = leaves.group["betas"]
        used = "max_exp_avg_sq" if self.amsgrad else "exp_avg_sq"
        for part in leaves.parts():
            gradients = added(part.gradients, part.weights, part.wd) if self.coupled else part.gradients
            second = self.kept("exp_avg_sq", part)
            torch._foreach_lerp_(self.kept("exp_avg", part), gradients, 1 - beta1)
            self.second_moment(second, gradients, beta2)
            if self.amsgrad:
                torch._foreach_maximum_(self.kept(used, part), second)
        decay = self.decay(leaves, used)
        for part in leaves.parts():
            if decay is not None:
                scale_(part.weights, 1 - decay)
            self.move(part, self.kept("exp_avg", part), self.kept(used, part))

    def second_moment(self, second: list[Tensor], gradients: list[Tensor], beta2: float) -> None:
        """Bring v up to date, in place."""
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)

    def decay(self, leaves: StepInputs, second: str) -> Rate | None:
        """The share of itself that every weight loses outside the gradient; `second` is the name of v, kept."""
        return None if self.coupled else leaves.lr * leaves.wd

    def move(self, leaves: StepInputs, first: list[Tensor], second: list[Tensor]) -> None:
        """Take the step with m and v."""
        step(leaves, first, denominators(leaves, second), leaves.lr / correction(leaves, 0))


def torch_adam(
    own: type[AdamBase],
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    betas: Sequence[float] = BETAS,
    eps: float = EPS,
) -> Optimizer:
    """PyTorch's Adam or AdamW, as `own` says how to decay, for a run alone; `own` itself for an ensemble.

    Raises:
        ValueError: see `check`.
    """
    if is_ensemble(lr, weight_decay):
        return own(parameters, lr, weight_decay, betas, eps)
    check(betas, eps)
    kind = torch.optim.Adam if own.coupled else torch.optim.AdamW
    # fused is one kernel over all tensors, on CPU too: at demo size it halves the cost of a step
    return kind(
        parameters,
        lr=lr,
        weight_decay=float(weight_decay),
        betas=(betas[0], betas[1]),
        eps=eps,
        amsgrad=own.amsgrad,
        fused=True,
    )


def check(betas: Sequence[float], eps: float) -> None:
    """Refuse decay rates of moments outside [0, 1) and an eps that is not positive.

    Raises:
        ValueError: one is; the message names it.
    """
    pair("betas", betas)
    within("eps", eps, 0, above=True)


def correction(leaves: StepInputs, moment: int) -> float:
    """1 − βᵗ of a moment (0 or 1), by which it is divided."""
    return 1 - float(leaves.group["betas"][moment]) ** leaves.step


def denominators(leaves: StepInputs, second: list[Tensor]) -> list[Tensor]:
    """√v̂ + eps."""
    roots = list(torch._foreach_sqrt(second))
    torch._foreach_div_(roots, correction(leaves, 1) ** 0.5)
    torch._foreach_add_(roots, leaves.group["eps"])
    return roots


def step(leaves: StepInputs, numerators: list[Tensor], denominators: list[Tensor], rate: Rate) -> None:
    """θ ← θ − rate · numerator / denominator, element by element."""
    if isinstance(rate, Tensor):  # in the order of the other case: a member gets the bits of a run alone
        torch._foreach_addcdiv_(leaves.weights, scaled(numerators, -rate), denominators)
    else:
        torch._foreach_addcdiv_(leaves.weights, numerators, denominators, -rate)
