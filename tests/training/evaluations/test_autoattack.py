"""AutoAttack: what it is handed, by a stand-in, and what it finds, where the authors' package can be imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from decay_atlas.training.data.batches import Batch, Data, Shard
from decay_atlas.training.evaluations import EVALUATIONS
from decay_atlas.training.evaluations.pgd import EPSILON
from tests.training.conftest import data_of, fit

installed = pytest.mark.skipif(
    find_spec("autoattack") is None,
    reason="needs the authors' package: pip install git+https://github.com/fra31/auto-attack",
)


class First:
    """The first images of a part, those of the first classes."""

    def __init__(self, images: Tensor, labels: Tensor, n: int, classes: int) -> None:
        rows = (labels < classes).nonzero()[:n, 0]
        self.images, self.labels = images[rows], labels[rows]

    def __len__(self) -> int:
        return len(self.labels)

    def scoring(self, shard: Shard) -> Iterator[Batch]:
        yield self.images, self.labels


def few(data: Data, n: int, classes: int = 10) -> Data:
    """The data with fewer test images, of fewer classes."""
    ((images, labels),) = data.test.scoring(Shard())
    data.test, data.classes = First(images, labels, n, classes), classes  # type: ignore[assignment]
    return data


@pytest.fixture
def data(digits: Path, settings: dict[str, Any]) -> Data:
    del settings["recipe"]["train_size"]
    return data_of(settings, digits)


def linear(data: Data, steps: int = 60) -> nn.Module:
    """A classifier by sums of pixels, fitted a little to the training images of its classes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, data.classes))
    images, labels = next(data.train.scoring(Shard()))
    images, labels = images[labels < data.classes], labels[labels < data.classes]
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model


def truly_robust(model: nn.Module, data: Data) -> float:
    """Percent of the images that nothing within ε, black and white can turn: of a linear net that is known.

    Against each wrong class the worst image has every pixel at the end of its range that the weights point to.
    """
    ((images, labels),) = data.test.scoring(Shard())
    pixels = images * data.std + data.mean
    low, high = (pixels - EPSILON).clamp(0, 1), (pixels + EPSILON).clamp(0, 1)
    weight, bias = model[1].weight.detach(), model[1].bias.detach()  # type: ignore[index]
    right = torch.ones(len(labels), dtype=torch.bool)
    for wrong in range(data.classes):
        pull = (weight[wrong] - weight[labels]).view(-1, *images.shape[1:])
        worst = ((torch.where(pull > 0, high, low) - data.mean) / data.std).flatten(1)
        margin = (worst * pull.flatten(1)).sum(1) + bias[wrong] - bias[labels]
        right &= (margin < 0) | (labels == wrong)
    return 100 * right.float().mean().item()


@installed
@pytest.mark.parametrize(("classes", "attack"), [(10, ""), (4, ""), (3, "-without-apgd-t"), (2, "-without-apgd-t")])
def test_of_a_linear_net_it_finds_just_what_can_be_found(
    data: Data, classes: int, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """57 images, in batches of 14 with one left over."""
    monkeypatch.setattr(import_module("decay_atlas.training.evaluations.autoattack"), "AT_ONCE", 14)
    model = linear(few(data, 57, classes), steps=2)
    found = EVALUATIONS["autoattack"](model, data)
    assert found["attack"] == f"autoattack{attack}"
    assert found["robust"] == pytest.approx(truly_robust(model, data))
    assert found["robust"] < found["clean"]


@installed
def test_two_calls_give_the_same_and_less_than_pgd(data: Data) -> None:
    """A convolution in between, so that there is something to be found by chance."""
    few(data, 40)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(8), linear(data)[0], nn.Linear(512, 10)
    )
    fit(model, data, steps=20)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = EVALUATIONS["autoattack"](model, data)
    torch.manual_seed(7)
    assert EVALUATIONS["autoattack"](model, data) == found
    assert found["robust"] <= EVALUATIONS["pgd"](model, data)["pgd20"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("classes", [10, 3])
def test_it_is_handed_pixels_a_seed_and_no_more_targets_than_there_are(
    data: Data, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in with its interface; what it says of the images is what counts."""
    called: dict[str, Any] = {}

    class AutoAttack:
        def __init__(self, model: Any, **options: Any) -> None:
            called.update(options, model=model, self=self)
            self.apgd_targeted, self.fab = SimpleNamespace(n_target_classes=9), SimpleNamespace(n_target_classes=9)
            self.attacks_to_run = ["apgd-ce", "apgd-t", "fab-t", "square"]

        def run_standard_evaluation(
            self, pixels: Tensor, labels: Tensor, bs: int, return_labels: bool
        ) -> tuple[Tensor, Tensor]:
            assert (pixels.min() >= 0, pixels.max() <= 1, bs, return_labels) == (True, True, 1024, True)
            called["logits"] = called["model"](pixels)
            return pixels, torch.zeros_like(labels)

    stand_in = ModuleType("autoattack")
    stand_in.AutoAttack = AutoAttack  # type: ignore[attr-defined]
    stand_in.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, "autoattack", stand_in)
    model = linear(few(data, 100, classes))
    found = EVALUATIONS["autoattack"](model, data)
    ((images, labels),) = data.test.scoring(Shard())
    torch.testing.assert_close(called["logits"], model(images))
    assert found["clean"] == pytest.approx(100 * (model(images).argmax(1) == labels).float().mean().item())
    assert found["robust"] == pytest.approx(100 * (labels == 0).float().mean().item())
    options = {name: called[name] for name in ("norm", "eps", "version", "seed")}
    assert options == {"norm": "Linf", "eps": 8 / 255, "version": "standard", "seed": 0}
    attacker = called["self"]
    assert attacker.apgd_targeted.n_target_classes == attacker.fab.n_target_classes == classes - 1
    assert ("apgd-t" in attacker.attacks_to_run) == (classes > 3)
    assert found["attack"] == ("autoattack" if classes > 3 else "autoattack-without-apgd-t")
