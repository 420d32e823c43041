"""Fine-tuning: what is loaded, what is drawn anew, what is refused, and the head's own rate."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from decay_atlas.runs.grid import digest_of, settings_of
from decay_atlas.training import weights
from decay_atlas.training.engine import finetune
from decay_atlas.training.engine.learner import initial_network
from decay_atlas.training.networks import models
from decay_atlas.training.networks.wide_resnet import WideResNet
from decay_atlas.training.settings import recipes
from decay_atlas.training.settings.pretrained import STORE, checksum
from tests.training.conftest import DIGITS, RECIPE, TINY, data_of, train_alone
from tests.training.engine.test_ensemble import EXACT, assert_equal, together


def network(classes: int = 10, **kwargs: Any) -> torch.nn.Module:
    return models.build({**TINY, "kwargs": {**TINY["kwargs"], **kwargs}}, classes, 1)


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (timm.create_model("resnet10t", num_classes=3), ["fc.weight", "fc.bias"]),
        (torchvision.models.get_model("squeezenet1_0", num_classes=3), None),
        (torchvision.models.get_model("resnet18", num_classes=3), ["fc.weight", "fc.bias"]),
        (WideResNet(depth=10, width=1, num_classes=3, in_chans=1), None),
        (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)), None),
    ],
    ids=["timm", "no linear layer", "torchvision", "ours", "head alone"],
)
def test_the_head_is_the_classifier(model: torch.nn.Module, head: list[str] | None) -> None:
    if head is None and not isinstance(model, WideResNet):
        with pytest.raises(ValueError, match="no head beside other layers"):
            finetune.head_of(model)
        return
    found = finetune.head_of(model)
    assert found == (head or found)
    assert {model.state_dict()[name].shape[0] for name in found} == {3}


def test_all_but_the_head_is_loaded() -> None:
    """Also from a network of other classes, and where the head has the same shape."""
    for classes in (10, 7):
        trained, fresh = network(classes), network()
        before = copy.deepcopy(fresh.state_dict())
        finetune.load(fresh, trained.state_dict())
        head = finetune.head_of(fresh)
        for name, tensor in fresh.state_dict().items():
            assert torch.equal(tensor, before[name] if name in head else trained.state_dict()[name]), name
        assert any(not torch.equal(fresh.state_dict()[name], before[name]) for name in before)


def test_weights_of_another_network_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"blocks\.1\.norm1\.weight is unknown"):
        finetune.load(network(), network(num_blocks=2).state_dict())
    with pytest.raises(ValueError, match=r"stem\.proj\.weight has the shape \(8, 1, 2, 2\) and not \(8, 1, 4, 4\)"):
        finetune.load(network(), network(patch_size=2).state_dict())


@pytest.mark.parametrize("kind", ["plain", "nested", "safetensors"])
def test_files_of_pytorch_and_of_safetensors_are_read(kind: str, tmp_path: Path) -> None:
    state = network().state_dict()
    if kind == "safetensors":
        safetensors.torch.save_file(state, tmp_path / "w")
    else:
        torch.save({"state_dict": state} if kind == "nested" else state, tmp_path / "w")
    found = finetune.read(tmp_path / "w")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    (tmp_path / "w").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match="no file of weights"):
        finetune.read(tmp_path / "w")


def test_a_step_of_the_head_is_one_at_its_own_rate() -> None:
    """Momentum and decay too: three steps at a factor of 3 are those at three times the rate."""
    ends = []
    for factor, lr in ((3.0, 0.1), (1.0, 0.3)):
        weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = torch.optim.SGD([weight], lr=lr, momentum=0.9, weight_decay=0.1)
        for gradient in (1.0, -0.5, 0.25):
            weight.grad = torch.full((2,), gradient)
            with finetune.moved([weight], factor):
                optimizer.step()
        ends.append(weight.detach())
    # momentum adds up what enters it, decay among it, which sees the weights that are alike at every step
    assert torch.allclose(*ends, atol=1e-6)


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A recipe's entry whose weights are in the store of a working directory."""
    torch.manual_seed(5)
    torch.save(network(4).state_dict(), tmp_path / "trained.pt")
    monkeypatch.chdir(tmp_path)
    sha256 = checksum(Path("trained.pt"))
    assert weights.main(["--path", "trained.pt", str(STORE / sha256)]) == 0
    return {"sha256": sha256, "head_lr": 10}


def test_runs_begin_with_the_weights_and_a_head_that_is_drawn(
    pretrained: dict[str, Any], digits: Path, settings: dict[str, Any]
) -> None:
    settings["recipe"]["pretrained"] = pretrained
    data, state = data_of(settings, digits), torch.load("trained.pt", weights_only=True)
    first = initial_network(settings, data, 0)
    head = finetune.head_of(first)
    assert all(torch.equal(tensor, state[name]) for name, tensor in first.state_dict().items() if name not in head)
    del settings["recipe"]["pretrained"]
    drawn = initial_network(settings, data, 0).state_dict()
    assert torch.equal(first.state_dict()[head[0]], drawn[head[0]]), "the head is the one that is drawn without weights"


def test_both_engines_train_the_head_at_its_own_rate(
    pretrained: dict[str, Any], digits: Path, settings: dict[str, Any], double: None
) -> None:
    points = ((0.002, 0.1, 0), (0.01, 0.0, 1))
    settings["recipe"]["pretrained"] = pretrained
    found = together(settings, points, digits)
    data = data_of(settings, digits)
    for point, (result, _) in zip(points, found, strict=True):
        alone, _ = train_alone(settings, *point, data)
        assert_equal(result, alone, EXACT)
        settings["recipe"]["pretrained"] = pretrained | {"head_lr": 1}
        assert train_alone(settings, *point, data)[0]["history"]["train_loss"] != alone["history"]["train_loss"]
        settings["recipe"]["pretrained"] = pretrained


def test_missing_or_damaged_weights_stop_a_run(pretrained: dict[str, Any]) -> None:
    file = STORE / pretrained["sha256"]
    file.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="missing or damaged"):
        finetune.begin(network(), pretrained)
    assert weights.main(["--path", "trained.pt", str(STORE / ("0" * 64))]) == 1
    assert not (STORE / ("0" * 64)).exists()


def test_a_study_is_told_the_checksum_and_its_digest_holds_it(pretrained: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"write\n\n    sha256: {pretrained['sha256']}"):
        recipes.check({**RECIPE, "pretrained": {"path": "trained.pt"}})
    with pytest.raises(ValueError, match=r"no file nowhere\.pt"):
        recipes.check({**RECIPE, "pretrained": {"path": "nowhere.pt"}})

    def digest(path: str, sha256: str) -> str:
        recipe = {**RECIPE, "pretrained": {"path": path, "sha256": sha256}}
        recipes.check(recipe)
        return digest_of(settings_of(DIGITS, recipe, TINY))

    assert digest("here.pt", "a" * 64) == digest("there.pt", "a" * 64)
    assert digest("here.pt", "a" * 64) != digest("here.pt", "b" * 64)
