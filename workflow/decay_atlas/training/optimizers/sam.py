"""Sharpness-aware minimisation: any optimizer, stepping with the gradient found uphill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.base import add_, norm
from decay_atlas.training.optimizers.options import is_ensemble, within


class SAM(Optimizer):
    """`base` takes its step from θ with the gradient at θ + ε, ε = rho·g/‖g‖ over the whole model.

    The gradient at θ is there when `step` is called, as for any optimizer; the closure computes the loss and
    its gradient anew where the weights then are. No decay enters ε. Source: A, Compared optimizers; Foret et al. 2021.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = SAM(torch.optim.SGD([weights], lr=0.25), rho=1.0)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (weights**2).sum() / 2
    ...     loss.backward()
    ...     return loss
    >>> _ = closure()
    >>> _ = optimizer.step(closure)
    >>> round(weights.item(), 4)  # 1 − 0.25 · (1 + 1)
    0.5
    """

    needs_closure: ClassVar[bool] = True

    def __init__(self, base: Optimizer, rho: float = 0.05) -> None:
        within("rho", rho, 0, above=True)
        super().__init__(base.param_groups, {})
        self.base, self.rho = base, float(rho)
        self._share()

    def scales(self, weights: list[Tensor]) -> list[Tensor] | None:
        """The length of each coordinate's unit, by which ε is stretched; None where it is 1."""
        return None

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Climb, call the closure, come back, let the base step; returns the closure's loss.

        Raises:
            ValueError: there is no closure.
        """
        if closure is None:
            raise ValueError(f"{type(self).__name__} needs a closure that computes the loss and its gradient anew")
        group = self.param_groups[0]
        ensemble = is_ensemble(group["lr"], group["weight_decay"])
        weights = [parameter for parameter in group["params"] if parameter.grad is not None]
        uphill = [weight.grad.clone() for weight in weights if weight.grad is not None]
        scales = self.scales(weights)
        if scales is not None:
            torch._foreach_mul_(uphill, scales)
        length = norm(uphill, ensemble)
        if scales is not None:
            torch._foreach_mul_(uphill, scales)
        before = [weight.clone() for weight in weights]
        add_(weights, uphill, torch.where(length > 0, self.rho / length, 0))
        with torch.enable_grad():
            loss = closure()
        torch._foreach_copy_(weights, before)
        self.base.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The base's, which holds all there is."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give it back to the base."""
        self.base.load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        self.param_groups, self.state = self.base.param_groups, self.base.state
