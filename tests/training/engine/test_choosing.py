from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.records import read_record
from decay_atlas.training.engine import choosing
from decay_atlas.training.engine.choosing import ModelProbe, choose, free_memory, split_to_memory
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.job import train_pack
from decay_atlas.training.networks import models
from tests.training.conftest import CPU, data_of
from tests.training.test_golden import OWN


def specimen_of(settings: dict[str, Any], digits: Path) -> ModelProbe:
    return ModelProbe(settings, data_of(settings, digits), CPU)


def chosen(settings: dict[str, Any], digits: Path, engine: str = "auto", members: int = 4, **world: int) -> str:
    return choose(engine, specimen_of(settings, digits), members, DistributedContext(**world))


def test_auto_fuses_small_networks_on_a_processor(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen(settings, digits) == "fused"
    assert chosen(settings, digits, members=1) == "serial"
    assert chosen(settings, digits, size=2) == "serial"
    assert chosen(settings, digits, "serial") == "serial"
    monkeypatch.setattr(choosing, "SMALL", 100)
    assert chosen(settings, digits) == "serial"
    assert chosen(settings, digits, "fused") == "fused"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"precision": "fp16"}, "precision fp16 scales the loss of one run at a time"),
        ({"accumulate": 2}, "accumulate splits"),
        ({"proj_drop_rate": 0.5}, r"layer blocks\.0\..* draws random numbers of its own"),
    ],
)
def test_what_cannot_be_fused_is_trained_one_after_another_or_refused_with_the_reason(
    digits: Path, settings: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    settings["arch" if "proj_drop_rate" in change else "recipe"] |= (
        {"kwargs": settings["arch"]["kwargs"] | change} if "proj_drop_rate" in change else change
    )
    assert chosen(settings, digits) == "serial"
    with pytest.raises(ValueError, match=f"engine fused: {reason}.*; use engine serial"):
        chosen(settings, digits, "fused")


RESNET = {"layers": [1, 1, 0, 0], "channels": [8, 16, 16, 16], "stem_width": 8}


@pytest.mark.parametrize(
    ("arch", "who"),
    [
        ({"model": "resnet10t", "kwargs": RESNET | {"drop_rate": 0.1}}, "the network"),
        ({"model": "resnet10t", "kwargs": RESNET | {"layers": [1, 1, 1, 0], "drop_block_rate": 0.1}}, "layer layer3.*"),
        ({"model": "resnet10t", "kwargs": RESNET | {"drop_rate": 0.0, "drop_path_rate": 0.1}}, None),
    ],
)
def test_a_network_is_asked_whether_it_draws_and_then_trained_serially(
    digits: Path, settings: dict[str, Any], arch: dict[str, Any], who: str | None, tmp_path: Path
) -> None:
    """No layer's name tells of functional dropout; paths that we drop ourselves are none of the network's draws."""
    settings["arch"] = {"family": "cnn", **arch}
    settings["recipe"] |= {"epochs": 1, "train_size": 64}
    if who is None:
        assert chosen(settings, digits) == "fused"
    else:
        with pytest.raises(ValueError, match=f"engine fused: {who} draws random numbers of its own"):
            chosen(settings, digits, "fused")
    paths = [tmp_path / Run("digits", "quick", "net", digest_of(settings), lr, 0.1, 0).path for lr in (0.01, 0.02)]
    assert train_pack(settings, paths, digits, "auto", "cpu") == []
    assert read_record(paths[0])["engine"] == ("serial" if who else "fused")


def test_torchvisions_stochastic_depth_is_a_draw() -> None:
    network = models.build({"model": "torchvision.efficientnet_b0", "kwargs": {"dropout": 0.0}}, 10, 3)
    assert "stochastic_depth" in (models.drawing_layer(network, torch.zeros(2, 3, 32, 32)) or "")


def test_an_unknown_engine_is_named(digits: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="engine: unknown 'warp'; there are auto, serial, fused"):
        chosen(settings, digits, "warp")


def test_a_member_takes_its_weights_and_what_a_step_keeps(digits: Path, settings: dict[str, Any]) -> None:
    small = specimen_of(settings, digits).footprint
    weights = 4 * sum(p.numel() for p in models.build(settings["arch"], 10, 1).parameters())
    assert small > choosing.STATES * weights
    settings["recipe"]["batch_size"] *= 3
    activations = (specimen_of(settings, digits).footprint - small) / 2
    assert activations == pytest.approx(small - choosing.STATES * weights, rel=0.2)
    assert free_memory(CPU) > 2**20


@pytest.mark.parametrize("arch", OWN)
def test_networks_of_our_own_are_fused_where_they_are_small(arch: str, digits: Path, settings: dict[str, Any]) -> None:
    """Either takes 1.5 million operations for an image of 8 pixels a side."""
    settings["arch"] = {"family": "cnn", **OWN[arch]}
    settings["recipe"]["batch_size"] = 8
    specimen = specimen_of(settings, digits)
    weights = 4 * sum(p.numel() for p in models.build(settings["arch"], 10, 1).parameters())
    assert choosing.STATES * weights < specimen.footprint < choosing.STATES * weights + 2**22
    assert specimen.operations() == pytest.approx(1.5e6, rel=0.03)
    assert chosen(settings, digits) == "fused"
    settings["recipe"]["batch_size"] = 96
    assert chosen(settings, digits) == "serial"
    assert chosen(settings, digits, "fused") == "fused"


def test_a_pack_that_does_not_fit_is_split_evenly(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen = specimen_of(settings, digits)
    members = [EnsembleRun(0.01, 0.1, seed) for seed in range(7)]
    need = specimen.footprint

    def parts(free: float, engine: str = "fused") -> list[int]:
        monkeypatch.setattr(choosing, "free_memory", lambda device: int(free / choosing.MEMORY_SHARE) + 1)
        return [len(part) for part in split_to_memory(members, engine, specimen)]

    assert parts(7 * need) == [7]
    assert parts(3 * need) == [2, 2, 3]
    assert parts(0.5 * need) == [1] * 7
    assert parts(100 * need, "serial") == [1] * 7


def test_where_free_memory_is_not_told_all_of_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, whose sysconf knows the machine's pages only."""
    free, names = free_memory(CPU), {**os.sysconf_names}
    names.pop("SC_AVPHYS_PAGES")
    monkeypatch.setattr(os, "sysconf_names", names)
    assert free_memory(CPU) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > free


def test_asking_draws_no_random_number(digits: Path, settings: dict[str, Any]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    specimen = specimen_of(settings, digits)
    choose("auto", specimen, 4, DistributedContext())
    assert specimen.footprint
    assert torch.equal(torch.rand(3), expected)


def test_one_network_is_built_to_judge_by_and_none_where_nothing_is_to_be_judged(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[nn.Module] = []
    build = models.build

    def noted(*arguments: Any) -> nn.Module:
        built.append(build(*arguments))
        return built[-1]

    monkeypatch.setattr(models, "build", noted)
    specimen, members = specimen_of(settings, digits), [EnsembleRun(0.01, 0.1, seed) for seed in range(3)]
    assert choose("auto", specimen, 1, DistributedContext()) == "serial"
    assert built == []
    assert choose("auto", specimen, 3, DistributedContext()) == "fused"
    assert (
        list(split_to_memory(members, "fused", specimen))
        == list(split_to_memory(members, "fused", specimen))
        == [members]
    )
    assert len(built) == 1


@pytest.mark.parametrize(("engine", "members"), [("serial", 3), ("auto", 1)])
def test_a_network_that_was_checked_does_not_stay_while_others_are_trained(
    digits: Path, settings: dict[str, Any], engine: str, members: int
) -> None:
    specimen = specimen_of(settings, digits)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    specimen.check("tiny")
    assert torch.equal(torch.rand(3), expected)
    network = weakref.ref(specimen.network)
    choose(engine, specimen, members, DistributedContext())
    gc.collect()
    assert network() is None


class Mute(nn.Module):
    """A network that refuses every image and does not say why."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise AssertionError


def test_a_network_that_refuses_without_a_word_is_refused(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "build", lambda *_: Mute())
    with pytest.raises(ValueError, match=r"archs\.tiny: .* 8 pixels a side \(AssertionError\)"):
        specimen_of(settings, digits).check("tiny")
