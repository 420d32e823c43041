"""A member of an ensemble is trained as if it were alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.ensemble import Ensemble, member_norms
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.engine.serial import SerialTrainer
from decay_atlas.training.loop import Result, train
from decay_atlas.training.optimizers import OPTIMIZERS, can_ensemble
from tests.training.conftest import CPU, data_of, train_alone
from tests.training.test_golden import ARCHS, OWN

POINTS = ((0.002, 0.1, 0), (0.01, 0.0, 0), (0.004, 2.0, 1))
EXACT = 1e-8
"""Relative, on losses and norms after 50 steps in double precision: the same arithmetic, summed in another order."""
ROUNDED = 2e-4
"""The same after 12 steps in single precision, as runs are trained; a training that is chaotic doubles it fast."""


def together(
    settings: dict[str, Any], points: tuple[tuple[float, float, int], ...], folder: Path
) -> list[tuple[Result, nn.Module]]:
    """What becomes of each point in one ensemble."""
    members = [EnsembleRun(*point) for point in points]
    done: dict[tuple[float, float, int], tuple[Result, nn.Module]] = {}

    def note(member: EnsembleRun, result: Result, network: nn.Module) -> None:
        done[member.lr, member.wd, member.seed] = result, network

    train(Ensemble(settings, members, data_of(settings, folder), CPU, DistributedContext()), on_done=note)
    return [done[point] for point in points]


def assert_equal(found: Result, alone: Result, tolerance: float) -> None:
    assert found["status"] == alone["status"]
    for name in ("train_loss", "val_loss", "test_loss", "weight_norm", "lr", "lr_times_wd"):
        assert found["history"][name] == pytest.approx(alone["history"][name], rel=tolerance, abs=1e-7), name


def demanding(settings: dict[str, Any], arch: str, epochs: int) -> None:
    """Settings that use whatever a recipe can ask of an ensemble; ten steps an epoch."""
    settings["arch"] = {"family": "any", **{**ARCHS, **OWN}[arch]}
    settings["recipe"] |= {
        "epochs": epochs,
        "batch_size": 10,
        "augment": ["crop", "jitter"],
        "label_smoothing": 0.1,
        "grad_clip": 1.0,
        "mixup": 0.2,
        "schedule": {"name": "cosine", "warmup_epochs": 1},
    }


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("arch", [*ARCHS, *OWN])
def test_members_of_every_family_equal_their_runs_alone_over_50_steps(
    arch: str, digits: Path, settings: dict[str, Any]
) -> None:
    demanding(settings, arch, epochs=5)
    for (found, network), point in zip(together(settings, POINTS, digits), POINTS, strict=True):
        alone, reference = train_alone(settings, *point, data_of(settings, digits))
        assert_equal(found, alone, EXACT)
        for column in ("gradient_norm", "dog_mean"):
            assert found["history"][column] == pytest.approx(alone["history"][column], rel=EXACT)
        for (name, tensor), other in zip(network.state_dict().items(), reference.state_dict().values(), strict=True):
            torch.testing.assert_close(tensor, other, rtol=1e-6, atol=1e-9, msg=name)  # batch-norm statistics too


@pytest.mark.parametrize("arch", [*ARCHS, *OWN])
def test_in_single_precision_only_rounding_differs(arch: str, digits: Path, settings: dict[str, Any]) -> None:
    demanding(settings, arch, epochs=2)
    settings["recipe"]["batch_size"] = 16
    for (found, _), point in zip(together(settings, POINTS, digits), POINTS, strict=True):
        assert_equal(found, train_alone(settings, *point, data_of(settings, digits))[0], ROUNDED)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if can_ensemble({"name": name})])
def test_members_equal_their_runs_alone_under_every_optimizer(
    name: str, digits: Path, settings: dict[str, Any]
) -> None:
    settings["recipe"] |= {"epochs": 5, "batch_size": 10, "optimizer": {"name": name}}
    tolerance = 10 * ROUNDED if name == "lion" else EXACT  # the sign of a gradient that is zero up to rounding is noise
    for (found, _), point in zip(together(settings, POINTS, digits), POINTS, strict=True):
        assert_equal(found, train_alone(settings, *point, data_of(settings, digits))[0], tolerance)


def test_a_member_that_diverges_stops_alone(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["epochs"] = 12
    points = ((0.01, 0.1, 0), (1.0, 300.0, 0), (0.004, 0.3, 1))
    (first, _), (lost, _), (last, _) = together(settings, points, digits)
    assert lost["status"] == "diverged"
    assert lost["test_final"] == 10.0
    assert len(lost["history"]["epoch"]) < 12
    for found, point in ((first, points[0]), (last, points[2])):
        assert len(found["history"]["epoch"]) == 12
        assert_equal(found, train_alone(settings, *point, data_of(settings, digits))[0], ROUNDED)


def test_an_ensemble_whose_members_all_diverge_ends(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["epochs"] = 40
    found = together(settings, ((1.0, 300.0, 0), (1.0, 400.0, 1)), digits)
    assert [result["status"] for result, _ in found] == ["diverged", "diverged"]


def test_members_learn_from_their_own_seeds_data(digits: Path, settings: dict[str, Any]) -> None:
    same = together(settings, ((0.01, 0.1, 0), (0.01, 0.1, 1)), digits)
    assert same[0][0]["history"]["train_loss"] != same[1][0]["history"]["train_loss"]


@pytest.mark.parametrize("steps", [1, 4, 6])
@pytest.mark.parametrize("onward", ["ensemble", "alone"])
def test_a_members_state_is_that_of_its_run_alone(
    digits: Path, settings: dict[str, Any], steps: int, onward: str
) -> None:
    """So a grid trained one way can be finished another way."""
    data = data_of(settings, digits)
    members = [EnsembleRun(*point) for point in POINTS]
    ensemble = Ensemble(settings, members, data, CPU, DistributedContext())
    states: list[dict[str, Any]] = []

    class StoppedError(Exception):
        pass

    def stop(learner: Any) -> None:
        if learner.epoch * learner.course.steps + learner.step == steps:
            states.extend(state for _, state in learner.states())
            raise StoppedError

    with pytest.raises(StoppedError):
        train(ensemble, stop)
    fresh = [EnsembleRun(*point, history=list(old.history)) for point, old in zip(POINTS, members, strict=True)]
    if onward == "ensemble":
        learner = Ensemble(settings, fresh, data, CPU, DistributedContext())
        learner.resume(states)
        train(learner)
    else:
        for member, state in zip(fresh, states, strict=True):
            solo = SerialTrainer(settings, member, data, CPU, DistributedContext())
            solo.resume([state])
            train(solo)
    for member, point in zip(fresh, POINTS, strict=True):
        alone, _ = train_alone(settings, *point, data)
        for name in ("train_loss", "test_loss", "weight_norm"):
            values = [row[name] for row in member.history]
            assert values == pytest.approx(alone["history"][name], rel=ROUNDED)


def test_a_members_norm_is_over_all_its_parameters() -> None:
    parts = [torch.randn(3, 4, 2), torch.randn(3, 5), torch.randn(3)]
    for member in range(3):
        whole = torch.cat([part[member].flatten() for part in parts])
        assert member_norms(parts)[member].item() == pytest.approx(whole.norm().item(), rel=1e-6)
