"""What the benchmarks count themselves is right."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def training() -> ModuleType:
    """benchmarks/training.py, as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        patch.delitem(sys.modules, "training", raising=False)
        import training

        return training


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_every_benchmark_can_be_imported_and_hides_no_standard_module(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a program that is called by its path comes first where modules are looked for."""
    assert file.stem not in sys.stdlib_module_names
    monkeypatch.syspath_prepend(str(FOLDER))
    runpy.run_path(str(file), run_name=file.stem)


@pytest.mark.parametrize("groups", [1, 4, 96])
def test_a_grouped_convolution_costs_what_its_groups_do(training: ModuleType, groups: int) -> None:
    """Each of 2 · 8 · 8 · 96 outputs is a sum over 7 · 7 · 96 / groups products, and so is each gradient's work."""
    layer = nn.Conv2d(96, 96, 7, padding=3, groups=groups, bias=False)
    images = torch.randn(2, 96, 8, 8, requires_grad=True)
    one_pass = 2 * (2 * 8 * 8 * 96) * (7 * 7 * 96 // groups)
    assert training.operations_of(lambda: layer(images).sum().backward()) == 3 * one_pass


def test_a_first_layer_needs_no_gradient_of_its_images(training: ModuleType) -> None:
    layer, images = nn.Conv2d(3, 8, 4, stride=4), torch.randn(2, 3, 8, 8)
    assert training.operations_of(lambda: layer(images).sum().backward()) == 2 * 2 * (2 * 2 * 2 * 8) * (4 * 4 * 3)


def test_every_network_of_the_demo_is_timed(training: ModuleType) -> None:
    networks = training.networks_of(training.load("demo", training.ROOT))
    assert [arch for _, arch, _ in networks] == ["tiny_resnet", "tiny_convnext", "tiny_mixer", "tiny_vit", "tiny_swin"]
    assert {recipe["epochs"] for *_, recipe in networks} == {10}
