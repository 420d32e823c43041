from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from decay_atlas.training import evaluations
from decay_atlas.training.data.batches import Shard
from decay_atlas.training.loop import HISTORY
from decay_atlas.training.settings.schedules import multipliers
from tests.training.conftest import data_of, train_alone

LR, WD = 0.01, 0.1
NUMBERS = ("test_best", "test_final", "val_best", "val_final", "history")


def run(settings: dict[str, Any], folder: Path, lr: float = LR, wd: float = WD, seed: int = 0) -> dict[str, Any]:
    return train_alone(settings, lr, wd, seed, data_of(settings, folder))[0]


def test_a_run_tells_its_whole_history_in_strict_json(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"epochs": 3, "schedule": {"name": "cosine", "warmup_epochs": 1}}
    result = run(settings, digits)
    history = result["history"]
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["status"] == "ok"
    assert tuple(history) == HISTORY
    assert history["epoch"] == [1, 2, 3]
    rates = np.array(multipliers(settings["recipe"]["schedule"], 3, 3)) * LR
    assert history["lr"] == pytest.approx(rates[2::3])
    assert history["lr_times_wd"] == pytest.approx(rates[2::3] * WD)
    for part in ("test", "val"):
        accuracy, loss = history[f"{part}_accuracy"], history[f"{part}_loss"]
        assert (result[f"{part}_best"], result[f"{part}_final"]) == (max(accuracy), accuracy[-1])
        assert (result[f"{part}_loss_best"], result[f"{part}_loss_final"]) == (min(loss), loss[-1])
    for dog, weight, gradient in zip(history["dog"], history["weight_norm"], history["gradient_norm"], strict=True):
        assert dog == pytest.approx(WD * weight / gradient)


def test_the_mean_dog_of_an_epoch_is_that_of_its_steps(digits: Path, settings: dict[str, Any]) -> None:
    """Here each has one, before which the weights are those of the epoch before."""
    settings["recipe"] |= {"epochs": 3, "batch_size": 96}
    history = run(settings, digits)["history"]
    before, gradients = history["weight_norm"][:-1], history["gradient_norm"][1:]
    assert history["dog_mean"][1:] == pytest.approx([WD * w / g for w, g in zip(before, gradients, strict=True)])


def test_a_network_learns_digits(digits: Path, settings: dict[str, Any]) -> None:
    del settings["recipe"]["train_size"]
    settings["recipe"]["epochs"] = 6
    result = run(settings, digits)
    assert result["test_final"] > 80
    assert result["history"]["train_loss"][-1] < result["history"]["train_loss"][0] / 3


def test_the_recorded_scores_are_those_of_the_network(digits: Path, settings: dict[str, Any]) -> None:
    data = data_of(settings, digits)
    result, model = train_alone(settings, LR, WD, 0, data)
    ((images, labels),) = data.test.scoring(Shard())
    with torch.no_grad():
        likelihood = model.eval()(images).softmax(1)
    assert result["test_final"] == pytest.approx(100 * (likelihood.argmax(1) == labels).float().mean().item())
    assert result["test_loss_final"] == pytest.approx(
        -likelihood[torch.arange(719), labels].log().mean().item(), rel=1e-4
    )
    length = math.sqrt(sum((weights**2).sum().item() for weights in model.parameters()))
    assert result["history"]["weight_norm"][-1] == pytest.approx(length, rel=1e-5)


def test_the_seed_decides_every_bit(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["augment"] = ["crop", "jitter"]
    settings["arch"]["kwargs"]["drop_path_rate"] = 0.3
    first = run(settings, digits)
    torch.rand(7)  # whatever happened in the process before
    run(settings, digits, lr=0.5)
    assert {name: run(settings, digits)[name] for name in NUMBERS} == {name: first[name] for name in NUMBERS}
    assert run(settings, digits, seed=1)["history"] != first["history"]


def test_a_run_leaves_the_process_as_it_was(digits: Path, settings: dict[str, Any]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(settings, digits)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.tensor(1e-310, dtype=torch.float64) / 2 > 0  # denormal numbers are numbers again


def test_runs_of_one_seed_start_from_the_same_network_and_data(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"epochs": 1, "batch_size": 96}
    one, other = (run(settings, digits, lr=lr)["history"] for lr in (1e-3, 1e-2))
    assert one["train_loss"] == other["train_loss"]  # of the only step, taken before it
    assert one["gradient_norm"] == other["gradient_norm"]
    assert one["test_loss"] != other["test_loss"]


@pytest.mark.parametrize("wd", [0.0, 0.5, 2.0])
def test_decay_shrinks_a_net_that_has_nothing_to_learn(digits: Path, settings: dict[str, Any], wd: float) -> None:
    settings["recipe"] |= {"epochs": 4, "optimizer": {"name": "adamw", "eps": 1e12}}  # no step but the decay
    norms = run(settings, digits, lr=0.1, wd=wd)["history"]["weight_norm"]
    assert norms == pytest.approx([norms[0] * (1 - 0.1 * wd) ** (3 * epoch) for epoch in range(4)], rel=1e-4)


def test_a_diverged_run_is_a_result_at_chance(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["epochs"] = 40
    result = run(settings, digits, lr=1.0, wd=300.0)  # every step multiplies the weights by −299
    epochs = result["history"]["epoch"]
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["status"] == "diverged"
    assert 1 <= len(epochs) < 40
    assert {result[score] for score in NUMBERS[:4]} == {10.0}
    assert result["test_loss_final"] == result["val_loss_best"] == pytest.approx(math.log(10))
    assert result["evaluations"] == {}


def test_a_recipe_without_validation_has_no_validation_scores(digits: Path, settings: dict[str, Any]) -> None:
    del settings["recipe"]["val_fraction"]
    result = run(settings, digits)
    assert result["val_best"] is result["val_final"] is result["val_loss_best"] is None
    assert result["history"]["val_accuracy"] == [None, None]


def test_a_last_batch_of_one_image_is_left_out(digits: Path, settings: dict[str, Any], demo: dict[str, Any]) -> None:
    settings["arch"] = demo["tiny_resnet"]["arch"]  # batch norm on 1 × 1 pixels cannot train on one image
    settings["recipe"] |= {"train_size": 65, "epochs": 1}
    assert run(settings, digits)["status"] == "ok"


def test_label_smoothing_raises_the_loss_a_sure_net_can_reach(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["epochs"] = 30
    plain = run(settings, digits)["history"]["train_loss"][-1]
    settings["recipe"]["label_smoothing"] = 0.2
    share = 0.2 / 10
    entropy = -(1 - 9 * share) * math.log(1 - 9 * share) - 9 * share * math.log(share)
    smoothed = run(settings, digits)["history"]["train_loss"][-1]
    assert plain < entropy < smoothed


def test_clipping_bounds_the_step_but_not_the_recorded_gradient(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"epochs": 1, "batch_size": 96, "optimizer": {"name": "sgd", "momentum": 0}}
    free = run(settings, digits, wd=0)["history"]
    settings["recipe"]["grad_clip"] = 1e-9
    clipped = run(settings, digits, lr=1.0, wd=0)["history"]
    assert clipped["gradient_norm"] == free["gradient_norm"]
    still = run(settings, digits, lr=1e-12, wd=0)["history"]
    assert clipped["test_loss"] == pytest.approx(still["test_loss"], rel=1e-6)


def test_a_recipes_evaluations_land_in_the_record(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(evaluations.EVALUATIONS, "size", lambda model, data: {"test": len(data.test)})
    settings["recipe"]["evaluations"] = ["size"]
    assert run(settings, digits)["evaluations"] == {"size": {"test": 719}}


def test_an_unknown_evaluation_is_refused_before_training(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["evaluations"] = ["pruning?"]
    with pytest.raises(ValueError, match="unknown 'pruning\\?'; there are autoattack, pgd, pruning"):
        run(settings, digits)


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_a_batch_taken_in_parts_is_the_same_batch(digits: Path, settings: dict[str, Any], parts: int) -> None:
    settings["recipe"] |= {"mixup": 0.3, "batch_size": 31}
    settings["arch"]["kwargs"] |= {"drop_path_rate": 0.3, "num_blocks": 2}
    whole = run(settings, digits)["history"]
    settings["recipe"]["accumulate"] = parts
    split = run(settings, digits)["history"]
    for name in ("train_loss", "test_loss", "gradient_norm", "weight_norm"):
        assert split[name] == pytest.approx(whole[name], rel=1e-4)
    assert split["train_accuracy"] == whole["train_accuracy"]


def test_seconds_are_accounted_for(digits: Path, settings: dict[str, Any]) -> None:
    began = time.perf_counter()
    result = run(settings, digits)
    elapsed = time.perf_counter() - began
    timing = result["timing"]
    assert result["seconds"] == sum(timing[on] for on in ("training", "scoring", "evaluations"))
    assert 0 < timing["training"] < result["seconds"] < elapsed
    assert timing["images_per_second"] == pytest.approx(2 * 96 / timing["training"])
    assert timing["peak_memory"] > 50e6
