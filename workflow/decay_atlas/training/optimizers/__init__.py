"""Optimizers by name, one module each. All parameters are decayed, biases and norms too, as published.

Each can be used alone, as any optimizer of PyTorch, and serves a run or an ensemble of runs (see `stacked`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from typing import Any

from torch import Tensor, compiler, nn, ones, stack
from torch.optim import Optimizer

from decay_atlas.training.optimizers import libraries
from decay_atlas.training.optimizers.adabound import AdaBound
from decay_atlas.training.optimizers.adadecay import AdaDecay
from decay_atlas.training.optimizers.adai import Adai
from decay_atlas.training.optimizers.adais import AdaiS
from decay_atlas.training.optimizers.adam import Adam
from decay_atlas.training.optimizers.adam_base import torch_adam
from decay_atlas.training.optimizers.adams import AdamS
from decay_atlas.training.optimizers.adamw import AdamW
from decay_atlas.training.optimizers.adamw_lh import AdamWLH
from decay_atlas.training.optimizers.amsgrad import AMSGrad
from decay_atlas.training.optimizers.amsgrads import AMSGradS
from decay_atlas.training.optimizers.amsgradw import AMSGradW
from decay_atlas.training.optimizers.asam import ASAM
from decay_atlas.training.optimizers.awd import AWD
from decay_atlas.training.optimizers.lamb import Lamb
from decay_atlas.training.optimizers.lion import Lion
from decay_atlas.training.optimizers.options import Rate, is_ensemble, rates
from decay_atlas.training.optimizers.padam import Padam
from decay_atlas.training.optimizers.radam import RAdam
from decay_atlas.training.optimizers.sam import SAM
from decay_atlas.training.optimizers.sgd import SGD, sgd
from decay_atlas.training.optimizers.sgd_unscheduled import SGDUnscheduled
from decay_atlas.training.optimizers.sgds import SGDS
from decay_atlas.training.optimizers.sgdw import SGDW
from decay_atlas.training.optimizers.yogi import Yogi
from decay_atlas.training.settings.recipes import AROUND

__all__ = [
    "ASAM",
    "AWD",
    "OPTIMIZERS",
    "SAM",
    "SGD",
    "SGDS",
    "SGDW",
    "AMSGrad",
    "AMSGradS",
    "AMSGradW",
    "AdaBound",
    "AdaDecay",
    "Adai",
    "AdaiS",
    "Adam",
    "AdamS",
    "AdamW",
    "AdamWLH",
    "Lamb",
    "Lion",
    "Padam",
    "RAdam",
    "SGDUnscheduled",
    "Yogi",
    "build",
    "can_ensemble",
    "check",
    "decay_in_force",
]


def sam(
    parameters: list[Tensor], lr: Rate, weight_decay: Rate, rho: float = 0.05, base: dict[str, Any] | None = None
) -> SAM:
    """SAM around the optimizer of another such entry, SGD unless `base` says otherwise."""
    return SAM(_base(parameters, base, lr, weight_decay), rho)


def asam(
    parameters: list[Tensor],
    lr: Rate,
    weight_decay: Rate,
    rho: float = 0.5,
    eta: float = 0.01,
    base: dict[str, Any] | None = None,
) -> ASAM:
    """ASAM around the optimizer of another such entry, SGD unless `base` says otherwise."""
    return ASAM(_base(parameters, base, lr, weight_decay), rho, eta)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    # the decay is outside the gradient and times lr
    "adamw": partial(torch_adam, AdamW),
    "amsgradw": partial(torch_adam, AMSGradW),
    "sgdw": SGDW,
    "lion": Lion,
    # … and made stable: divided by the size of the gradients, or times the gain of the momentum
    "adams": AdamS,
    "amsgrads": AMSGradS,
    "adais": AdaiS,
    "sgds": SGDS,
    # the decay is outside the gradient and free of the base lr: times the schedule, or not even that
    "adamw-lh": AdamWLH,
    "sgd-unscheduled": SGDUnscheduled,
    # the decay is inside the gradient (L2)
    "sgd": sgd,
    "adam": partial(torch_adam, Adam),
    "amsgrad": partial(torch_adam, AMSGrad),
    "adai": Adai,
    "radam": RAdam,
    "adabound": AdaBound,
    "padam": Padam,
    "yogi": Yogi,
    # … and adaptive: for `awd` the grid's wd is DoG, or a factor on it where the recipe estimates it
    "awd": AWD,
    "adadecay": AdaDecay,
    # the decay is inside the normalised direction
    "lamb": Lamb,
    # around another optimizer, named by the option `base`, which has the decay
    "sam": sam,
    "asam": asam,
}
"""Each takes (parameters, lr, weight decay) and the options of the recipe's entry; the comments say how it decays."""


def build(parameters: Iterable[Tensor], entry: dict[str, Any], lr: Rate, wd: Rate) -> Optimizer:
    """The optimizer a recipe's `optimizer` entry names: `name` and that optimizer's own options.

    `lr` and `wd` are numbers, or tensors [M] for an ensemble whose parameters have a leading dimension of
    length M. Every group of the result has an `initial_lr`; set its `lr` before each step.

    Raises:
        ValueError: the name or an option is unknown, a value makes no sense, or it can serve no ensemble.
    """
    options = dict(entry)
    name = options.pop("name")
    _check_names(name, options)
    if is_ensemble(lr, wd) and not can_ensemble(entry):
        raise ValueError(f"optimizer {name}: it serves no ensemble; train its runs one after another (engine serial)")
    try:
        rates(lr, wd)
        if name in OPTIMIZERS:
            optimizer = OPTIMIZERS[name](list(parameters), lr, wd, **options)
        else:
            optimizer = libraries.create(name, list(parameters), float(lr), float(wd), **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"optimizer {name}: {error}") from None
    except Exception as error:  # other libraries check by what they happen to meet
        raise ValueError(f"optimizer {name}: does not take {_given(entry)}: {error!r}") from None
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    return optimizer


def check(entry: dict[str, Any]) -> None:
    """Refuse an entry before anything is trained.

    It is given what a network has, a matrix, a convolution and a bias, and takes a step: other libraries look at some
    of their options only then.

    Raises:
        ValueError: as `build`, or the step fails.
    """
    weights = [nn.Parameter(ones(2, 2)), nn.Parameter(ones(2, 1, 1, 1)), nn.Parameter(ones(2))]

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = stack([weight.square().sum() for weight in weights]).sum()
        loss.backward()
        return loss

    optimizer = build(weights, entry, 0.1, 0.1)
    closure()
    try:
        with compiler.set_stance("force_eager"):  # timm's kron would compile itself for half a minute
            optimizer.step(closure)  # type: ignore[arg-type]  # torch wants a number and its own examples give it this
    except Exception as error:  # whatever it is, no run would get further
        raise ValueError(f"optimizer {entry['name']}: with {_given(entry)} it takes no step: {error}") from None


def decay_in_force(optimizer: Optimizer) -> Tensor | None:
    """λ̄ of AWD after its last step, 0-d or [M]; None for an optimizer whose weight decay is the one it was given."""
    base = optimizer.base if isinstance(optimizer, SAM) else optimizer
    if not isinstance(base, AWD):
        return None
    first = base.param_groups[0]["params"][0]
    return base.state[first]["decay"] if first in base.state else None


def can_ensemble(entry: dict[str, Any]) -> bool:
    """Whether the optimizer of an entry can serve an ensemble: not those of other libraries."""
    base = entry.get("base")
    return entry["name"] in OPTIMIZERS and (not isinstance(base, dict) or "name" not in base or can_ensemble(base))


def _base(parameters: list[Tensor], base: dict[str, Any] | None, lr: Rate, weight_decay: Rate) -> Optimizer:
    base = {"name": "sgd"} if base is None else base
    if not isinstance(base, dict) or "name" not in base or base["name"] in AROUND:
        raise ValueError(f"base must be the entry of an optimizer, as in base: {{name: sgd}}, not {base!r}")
    return build(parameters, base, lr, weight_decay)


def _check_names(name: str, options: dict[str, Any]) -> None:
    library = str(name).partition(".")[0]
    if name not in OPTIMIZERS and (library not in libraries.LIBRARIES or name not in libraries.known(library)):
        names = libraries.known(library) if library in libraries.LIBRARIES else list(OPTIMIZERS)
        raise ValueError(f"optimizer: unknown name {name!r}; there are {_among(str(name), names)}")
    known = list(inspect.signature(OPTIMIZERS[name]).parameters)[3:] if name in OPTIMIZERS else libraries.options(name)
    for option in options:
        if option not in known:
            raise ValueError(f"optimizer {name}: unknown option {option!r}; there are {_among(option, known)}")


def _given(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "name"}


def _among(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"{', '.join(known)}" + (f". Did you mean {close[0]!r}?" if close else "")
