"""Runs of adaptive weight decay: what their wd means, what their history says, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from decay_atlas.runs.dog import FILE, gather
from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.training.job import train_pack
from tests.training.conftest import data_of, train_alone
from tests.training.engine.test_ensemble import together

SGD = {"name": "sgd"}
AWD = {"name": "awd", "smoothing": 0}


@pytest.mark.parametrize("optimizer", [AWD, {"name": "asam", "base": AWD}], ids=["awd", "asam"])
def test_the_history_tells_the_decay_in_force(
    digits: Path, settings: dict[str, Any], optimizer: dict[str, Any]
) -> None:
    """Without smoothing λ = DoG·‖g‖/‖w‖ at every step; by the norms after an epoch, but for what its last moved ‖w‖."""
    settings["recipe"] |= {"optimizer": optimizer, "epochs": 3}
    points = ((0.001, 0.02, 0), (0.001, 0.04, 1))
    for (found, _), (lr, wd, seed) in zip(together(settings, points, digits), points, strict=True):
        alone, _ = train_alone(settings, lr, wd, seed, data_of(settings, digits))
        history = alone["history"]
        if optimizer is AWD:  # under ASAM the gradient that AWD sees is the one uphill
            assert history["dog"] == pytest.approx([wd] * 3, rel=0.01)
            assert history["dog_mean"] == pytest.approx([wd] * 3, rel=1e-5)
            assert found["history"]["dog_mean"] == pytest.approx([wd] * 3, rel=1e-5)
        assert history["weight_decay"] != pytest.approx([wd] * 3, rel=0.01)
        assert history["lr_times_wd"] == pytest.approx([lr * decay for decay in history["weight_decay"]])
        assert found["history"]["weight_decay"] == pytest.approx(history["weight_decay"], rel=1e-3)


def test_clipping_would_shorten_the_gradient_that_it_measures(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"optimizer": {"name": "awd"}, "grad_clip": 1.0}
    with pytest.raises(ValueError, match="leave grad_clip out"):
        train_pack(settings, [], digits)


def paths(settings: dict[str, Any], recipe: str, points: list[tuple[float, float, int]], folder: Path) -> list[Path]:
    return [folder / Run("digits", recipe, "tiny", digest_of(settings), *point).path for point in points]


@pytest.mark.parametrize("engine", ["serial", "fused"])
def test_wd_is_a_factor_on_the_estimated_dog(
    digits: Path, settings: dict[str, Any], tmp_path: Path, engine: str
) -> None:
    settings["recipe"] |= {"optimizer": SGD, "epochs": 3}
    fixed = paths(settings, "fixed", [(0.1, 0.0005, 0), (0.1, 0.0005, 1)], tmp_path)
    assert train_pack(settings, fixed, digits) == []
    dog = {"wd": 0.0005, "recipe": dict(settings["recipe"])}
    adaptive = {**settings, "recipe": {**settings["recipe"], "optimizer": AWD, "dog": dog}}
    records = paths(adaptive, "adaptive", [(0.1, 1.0, 0), (0.1, 2.0, 1), (0.2, 1.0, 0)], tmp_path)
    gather(fixed, records[0].parent / FILE)
    assert train_pack(adaptive, records, digits, engine) == [str(records[2])], "lr 0.2 has no fixed run"
    plain = {**adaptive, "recipe": {**settings["recipe"], "optimizer": AWD}}
    for path, factor, seed in zip(records, (1.0, 2.0), (0, 1), strict=False):
        record = json.loads(path.read_text())
        estimated = record["dog"]["dog"]
        assert record["dog"]["record"] == str(fixed[seed])
        by_hand, _ = train_alone(plain, 0.1, factor * estimated, seed, data_of(plain, digits))
        assert record["history"]["weight_norm"] == pytest.approx(by_hand["history"]["weight_norm"], rel=1e-4)
        assert record["wd"] == factor
