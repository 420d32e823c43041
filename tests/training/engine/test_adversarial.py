"""Adversarial training: what the network is shown, that engines agree, and whose weights are evaluated."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.training.checkpoints import Checkpoints
from decay_atlas.training.data.batches import Shard
from decay_atlas.training.engine import adversarial as adversarial_module
from decay_atlas.training.engine import learner as learner_module
from decay_atlas.training.engine.adversarial import Attack, gradient_of, random_start
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.learner import EnsembleRun, Learner
from decay_atlas.training.engine.serial import SerialTrainer
from decay_atlas.training.job import train_pack
from decay_atlas.training.loop import train
from tests.training.conftest import CPU, data_of, train_alone
from tests.training.engine.test_ensemble import EXACT, POINTS, assert_equal, together
from tests.training.test_golden import ARCHS

INSTALLED = find_spec("autoattack") is not None
PGD = {"steps": 3, "epsilon": 16, "step_size": 8}


@pytest.fixture
def adversarial(settings: dict[str, Any]) -> dict[str, Any]:
    settings["recipe"] |= {"adversarial": PGD, "batch_size": 10}
    return settings


def test_an_attack_with_enough_steps_moves_every_pixel_to_the_bound_a_linear_loss_sets() -> None:
    """Its gradient is the same everywhere, so the worst image is known: ±ε by its sign, within black and white."""
    torch.manual_seed(0)
    slope = torch.randn(1, 3, 4, 4)
    images = torch.rand(5, 3, 4, 4)
    mean, std = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    start = random_start(images, torch.Generator().manual_seed(0))
    moved = Attack(0.1, 0.05, 5, mean, std)(images, start, lambda pixels: slope.expand_as(pixels))
    torch.testing.assert_close(moved, (images + 0.1 * slope.sign()).clamp(0, 1))
    assert (start.min() >= -1, start.max() < 1, start.std() > 0.5) == (True, True, True)


def test_the_step_trains_on_what_the_attack_makes_of_the_batch(digits: Path, adversarial: dict[str, Any]) -> None:
    data = data_of(adversarial, digits)
    learner = SerialTrainer(adversarial, EnsembleRun(0.01, 0.1, 0), data, CPU, DistributedContext())
    images, labels = next(iter(learner.batches(0)))
    network = learner.network(learner.members[0])
    seen: list[Tensor] = []
    handle = network.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0]) if module.training else None
    )
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    next(learner.train_epoch())
    handle.remove()
    network.load_state_dict(before)
    attack = Attack.of(PGD, data)
    assert attack.epsilon == pytest.approx(16 / 255)
    first = SerialTrainer(adversarial, EnsembleRun(0.01, 0.1, 0), data, CPU, DistributedContext())
    expected = attack(images, first.starts(0, images), gradient_of(network.eval(), labels))
    torch.testing.assert_close(seen[0].detach(), expected)
    assert len(seen) == 1
    assert not torch.equal(expected, images)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("arch", ["resnet", "mixer"])
def test_members_of_an_ensemble_equal_their_runs_alone(digits: Path, adversarial: dict[str, Any], arch: str) -> None:
    """Batch norm too, and under an optimizer that asks for the gradient twice."""
    adversarial["arch"] = {"family": "any", **ARCHS[arch]}
    adversarial["recipe"] |= {"epochs": 2, "optimizer": {"name": "asam"}, "train_size": 40}
    for points in (POINTS, tuple((lr, wd, 0) for lr, wd, _ in POINTS)):
        for (found, _), point in zip(together(adversarial, points, digits), points, strict=True):
            alone, _ = train_alone(adversarial, *point, data_of(adversarial, digits))
            assert_equal(found, alone, EXACT * 100)
            assert found["history"]["val_robust"] == alone["history"]["val_robust"]


@pytest.mark.usefixtures("double")
def test_the_robust_accuracy_does_not_depend_on_who_shares_a_block(
    digits: Path, adversarial: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four blocks of held-out images, of which three members at once attack a third."""
    monkeypatch.setattr(learner_module, "CHUNK", 30)
    adversarial["recipe"] |= {"val_fraction": 0.1, "epochs": 3}
    data = data_of(adversarial, digits)
    assert 90 < len(data.val) <= 120
    found, _ = together(adversarial, POINTS, digits)[0]
    alone, _ = train_alone(adversarial, *POINTS[0], data)
    assert found["history"]["val_robust"] == alone["history"]["val_robust"]


def test_training_against_attacks_makes_networks_that_withstand_them(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"epochs": 12, "evaluations": ["pgd", "autoattack"], "optimizer": {"name": "adamw"}}
    settings["recipe"]["train_size"] = 512
    settings["arch"]["kwargs"]["embed_dim"] = 32
    robust = {**settings, "recipe": {**settings["recipe"], "adversarial": {"steps": 3, "epsilon": 12, "step_size": 6}}}
    plain, trained = (train_alone(one, 0.01, 0.0, 0, data_of(one, digits))[0] for one in (settings, robust))
    assert trained["evaluations"]["pgd"]["pgd20"] > plain["evaluations"]["pgd"]["pgd20"]
    drop = {name: one["evaluations"]["pgd"]["clean"] - one["evaluations"]["pgd"]["pgd20"] for name, one in
            (("plain", plain), ("trained", trained))}  # fmt: skip
    assert drop["trained"] < drop["plain"]
    assert "val_robust" not in plain["history"]
    assert plain["evaluations"]["autoattack"]["attack"] == ("autoattack" if INSTALLED else "pgd20")


def test_the_most_robust_epoch_is_evaluated_and_kept(
    digits: Path, adversarial: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four epochs the second is made the best, and the third as good."""
    robust = iter([10.0, 30.0, 30.0, 20.0])
    monkeypatch.setattr(SerialTrainer, "robust", lambda learner: [next(robust)])
    adversarial["recipe"] |= {"epochs": 4, "evaluations": ["pgd"], "schedule": {"name": "constant"}}
    data = data_of(adversarial, digits)
    result, network = train_alone(adversarial, 0.01, 0.1, 0, data)
    assert result["history"]["val_robust"] == [10.0, 30.0, 30.0, 20.0]
    assert result["val_robust_best"] == 30.0
    assert result["evaluations"]["pgd"]["clean"] == pytest.approx(result["history"]["test_accuracy"][1])
    ((images, labels),) = data.test.scoring(Shard())
    right = (network.eval()(images).argmax(1) == labels).float().mean().item()
    assert 100 * right == pytest.approx(result["history"]["test_accuracy"][1])
    assert result["test_final"] == result["history"]["test_accuracy"][3]


def test_without_a_validation_part_the_last_epoch_is_evaluated(digits: Path, adversarial: dict[str, Any]) -> None:
    adversarial["recipe"] |= {"val_fraction": 0, "evaluations": ["pgd"]}
    result, _ = train_alone(adversarial, 0.01, 0.1, 0, data_of(adversarial, digits))
    assert result["evaluations"]["pgd"]["clean"] == pytest.approx(result["test_final"])
    assert "val_robust_best" not in result


def test_a_batch_in_parts_is_attacked_as_one(digits: Path, adversarial: dict[str, Any]) -> None:
    """The mixer has no batch norm, so that parts change nothing else."""
    data = data_of(adversarial, digits)
    whole, _ = train_alone(adversarial, 0.01, 0.1, 0, data)
    adversarial["recipe"]["accumulate"] = 3
    assert_equal(train_alone(adversarial, 0.01, 0.1, 0, data)[0], whole, 1e-4)


def test_the_gradient_of_many_images_is_that_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network, images, labels = nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), torch.rand(7, 3, 4, 4), torch.arange(7) % 5
    whole = gradient_of(network, labels)(images)
    monkeypatch.setattr(adversarial_module, "AT_ONCE", 3)
    torch.testing.assert_close(gradient_of(network, labels)(images), whole)


def test_several_processes_are_refused_by_name(digits: Path, adversarial: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"adversarial: .* set execution.gpus to 1"):
        SerialTrainer(
            adversarial, EnsembleRun(0.01, 0.1, 0), data_of(adversarial, digits), CPU, DistributedContext(0, 2)
        )


def test_a_packs_records_hold_the_robust_accuracy(digits: Path, adversarial: dict[str, Any], tmp_path: Path) -> None:
    adversarial["recipe"] |= {"evaluations": ["pgd"]}
    path = tmp_path / Run("digits", "quick", "tiny", digest_of(adversarial), 0.01, 0.1, 0).path
    assert train_pack(adversarial, [path], digits) == []
    record = json.loads(path.read_text())
    assert record["val_robust_best"] == max(record["history"]["val_robust"])


def test_a_checkpoint_keeps_the_best_weights_so_far(
    digits: Path, adversarial: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two epochs, the first made the best, interrupted between them: the record is the same but for its time."""
    monkeypatch.setattr(SerialTrainer, "robust", lambda learner: [50.0 - learner.epoch])
    adversarial["recipe"] |= {"evaluations": ["pgd"], "optimizer": {"name": "sgd"}, "schedule": {"name": "constant"}}
    name = Run("digits", "quick", "tiny", digest_of(adversarial), 0.1, 0.0, 0).path
    whole, parts = tmp_path / "whole" / name, tmp_path / "parts" / name
    assert train_pack(adversarial, [whole], digits) == []

    class StoppedError(BaseException):
        pass

    data = data_of(adversarial, digits)
    learner = SerialTrainer(adversarial, EnsembleRun(0.1, 0.0, 0, parts), data, CPU, DistributedContext())

    def stop(at: Learner) -> None:
        if at.epoch == 1:
            for member, state in at.states():
                Checkpoints(parts, adversarial, data.checksum).save(member, state)
            raise StoppedError

    with pytest.raises(StoppedError):
        train(learner, stop)
    assert train_pack(adversarial, [parts], digits) == []
    expected, found = (json.loads(path.read_text()) for path in (whole, parts))
    assert found["evaluations"] == expected["evaluations"]
    assert found["history"] == expected["history"]
    assert found["evaluations"]["pgd"]["clean"] == pytest.approx(found["history"]["test_accuracy"][0])
