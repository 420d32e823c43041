"""What a recipe may say under `optimizer`."""

from __future__ import annotations

import doctest
import importlib
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from decay_atlas.training import optimizers
from decay_atlas.training.networks import models
from decay_atlas.training.optimizers import OPTIMIZERS, libraries

LR, WD = 0.1, 0.3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_module_of_its_name_with_an_example_that_is_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"{optimizers.__name__}.{name.replace('-', '_')}"))
    assert result.attempted >= 5
    assert not result.failed


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_minimises(name: str) -> None:
    leaf = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = optimizers.build([leaf], {"name": name}, 0.01, 1e-4)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (leaf**2 * torch.tensor([1.0, 2.0, 0.5])).sum()
        loss.backward()
        return loss

    start = closure().item()
    for _ in range(100):
        closure()
        optimizer.step(closure) if hasattr(optimizer, "needs_closure") else optimizer.step()
    assert closure().item() < 0.9 * start


@pytest.mark.parametrize("name", ["adamw", "adams", "torch.AdamW"])
def test_every_parameter_is_decayed_norms_and_biases_too(name: str, demo: dict[str, dict[str, Any]]) -> None:
    model = models.build(demo["tiny_resnet"]["arch"], classes=10, channels=1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    entry = {"name": name, "p": 0} if name == "adams" else {"name": name}
    optimizer = optimizers.build(model.parameters(), entry, LR, WD)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        torch.testing.assert_close(parameter.detach(), old * (1 - LR * WD))


def test_every_optimizer_remembers_its_initial_rate() -> None:
    for name in (*OPTIMIZERS, "torch.NAdam", "timm.adan"):
        (group,) = optimizers.build([nn.Parameter(torch.ones(2))], {"name": name}, LR, WD).param_groups
        assert (group["initial_lr"], group["lr"], group["weight_decay"]) == (LR, LR, WD), name


def test_a_run_alone_has_pytorchs_fused_kernels_where_there_are_any() -> None:
    classes = {"adamw": "AdamW", "amsgradw": "AdamW", "adam": "Adam", "amsgrad": "Adam", "sgd": "SGD"}
    for name, expected in classes.items():
        optimizer = optimizers.build([nn.Parameter(torch.ones(2))], {"name": name}, LR, WD)
        assert type(optimizer) is getattr(torch.optim, expected)
        assert optimizer.param_groups[0]["fused"]


def test_those_of_other_libraries_go_by_their_own_names() -> None:
    leaf = nn.Parameter(torch.ones(2))
    nadam = optimizers.build([leaf], {"name": "torch.NAdam", "momentum_decay": 0.01}, LR, WD)
    assert type(nadam) is torch.optim.NAdam
    assert nadam.param_groups[0]["momentum_decay"] == 0.01
    assert "torch.LBFGS" not in libraries.known("torch")  # it has no weight decay
    assert {"timm.lion", "timm.adan"} <= set(libraries.known("timm"))
    assert "timm.adahessian" not in libraries.known("timm")  # it needs second derivatives
    assert "torch.Muon" not in libraries.known("torch")  # it takes matrices alone


@pytest.mark.parametrize("library", libraries.LIBRARIES)
def test_whatever_another_library_offers_can_be_built(library: str) -> None:
    names = libraries.known(library)
    assert len(names) >= 10
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizers.check({"name": name})
        assert not optimizers.can_ensemble({"name": name})


def test_which_serve_an_ensemble() -> None:
    assert all(optimizers.can_ensemble({"name": name}) for name in OPTIMIZERS)
    assert optimizers.can_ensemble({"name": "sam", "base": {"name": "awd"}})
    assert not optimizers.can_ensemble({"name": "sam", "base": {"name": "torch.NAdam"}})
    with pytest.raises(ValueError, match=r"timm.lion: it serves no ensemble; .*engine serial"):
        optimizers.build([nn.Parameter(torch.ones(2, 1))], {"name": "timm.lion"}, torch.ones(2), torch.ones(2))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "adamm"}, r"unknown name 'adamm'; there are adamw, .*Did you mean 'adamw?'\?"),
    ({"name": "torch.AdamV"}, r"unknown name 'torch.AdamV'; there are torch.ASGD, .*Did you mean 'torch.Adam"),
    ({"name": "torch.LBFGS"}, "unknown name 'torch.LBFGS'"),
    ({"name": "jax.adam"}, "unknown name 'jax.adam'; there are adamw"),
    ({"name": "adamw", "momentum": 0.9}, "optimizer adamw: unknown option 'momentum'; there are betas, eps$"),
    ({"name": "adams", "ps": 0.9}, "optimizer adams: unknown option 'ps'; there are betas, eps, p."),
    ({"name": "torch.NAdam", "momentum": 0.9}, "optimizer torch.NAdam: unknown option 'momentum'; there are betas, "),
    ({"name": "timm.lion", "eps": 0.9}, "optimizer timm.lion: unknown option 'eps'; there are betas, "),
    ({"name": "torch.NAdam", "betas": [0.9, 2]}, "optimizer torch.NAdam: .*beta"),
    ({"name": "adamw", "betas": [0.9, 1]}, r"adamw: betas\[1\] must be a number at least 0 and less than 1, not 1"),
    ({"name": "adamw", "betas": 0.9}, r"betas must be two numbers, as in betas: \[0.9, 0.999\], not 0.9"),
    ({"name": "amsgrads", "betas": [0.9]}, "betas must be two numbers"),
    ({"name": "lion", "betas": [-0.1, 0.9]}, r"betas\[0\] must be a number at least 0"),
    ({"name": "adamw", "eps": 0}, "adamw: eps must be a number greater than 0, not 0"),
    ({"name": "adam", "eps": "small"}, "adam: eps must be a number greater than 0, not 'small'"),
    ({"name": "amsgrad", "eps": -1}, "amsgrad: eps"),
    ({"name": "amsgradw", "eps": -1}, "amsgradw: eps"),
    ({"name": "adams", "p": -0.5}, "adams: p must be a number at least 0, not -0.5"),
    ({"name": "padam", "p": True}, "padam: p must be a number at least 0, not True"),
    ({"name": "adai", "eps": 1}, "adai: eps must be a number greater than 0 and less than 1, not 1"),
    ({"name": "adai", "betas": [2, 1]}, r"adai: betas\[1\] must be a number at least 0 and less than 1, not 1"),
    ({"name": "yogi", "initial_accumulator": -1}, "yogi: initial_accumulator"),
    ({"name": "adabound", "final_lr": 0}, "adabound: final_lr must be a number greater than 0"),
    ({"name": "adabound", "gamma": 0}, "adabound: gamma must be a number greater than 0"),
    ({"name": "sgd", "momentum": 1}, "sgd: momentum must be a number at least 0 and less than 1, not 1"),
    ({"name": "sgd", "momentum": 0, "nesterov": True}, "sgd: nesterov needs a momentum greater than 0"),
    ({"name": "sgd", "nesterov": 1}, "sgd: nesterov must be true or false, not 1"),
    ({"name": "sgds", "dampening": 1}, "sgds: dampening"),
    ({"name": "awd", "smoothing": 1}, "awd: smoothing"),
    ({"name": "adadecay", "alpha": -1}, "adadecay: alpha"),
    ({"name": "sam", "rho": 0}, "sam: rho must be a number greater than 0"),
    ({"name": "asam", "eta": -1}, "asam: eta"),
    ({"name": "sam", "base": "sgd"}, r"sam: base must be the entry of an optimizer, as in base: \{name: sgd\}"),
    ({"name": "sam", "base": {"name": "asam"}}, "sam: base must be"),
    ({"name": "sam", "base": {"name": "sgd", "eps": 1}}, "sam: optimizer sgd: unknown option 'eps'"),
]


@pytest.mark.parametrize(("entry", "message"), REFUSED, ids=lambda part: str(part)[:60])
def test_what_makes_no_sense_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.check(entry)


@pytest.mark.parametrize(
    ("lr", "wd", "message"),
    [(0.0, 0.1, "lr must be a number greater than 0"), (0.1, -1.0, "weight_decay must be"), (float("nan"), 0.1, "lr")],
)
def test_rates_that_make_no_sense_are_refused(lr: float, wd: float, message: str) -> None:
    for name in ("adamw", "adams", "torch.NAdam"):
        with pytest.raises(ValueError, match=f"optimizer {name}: {message}"):
            optimizers.build([nn.Parameter(torch.ones(1))], {"name": name}, lr, wd)
