"""The ridge problem: data by their formula, a linear network, squared errors; held to closed forms."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from decay_atlas.runs.grid import TRAINING_VERSION
from decay_atlas.training.data import datasets
from decay_atlas.training.data.batches import Data
from decay_atlas.training.data.sources import Arrays, ridge
from decay_atlas.training.engine.choosing import ModelProbe, choose
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.ensemble import Ensemble
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.loop import Result, train
from tests.training.conftest import CPU, data_of, train_alone

RIDGE: dict[str, Any] = {"source": "ridge", "samples": 12, "features": 5, "columns": "sparse", "noise": 0.1}
RECIPE: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 5,
    "optimizer": {"name": "adamw-lh"},
    "schedule": {"name": "sqrt", "per": "epoch"},
    "augment": [],
}
LINEAR = {"model": "linear", "family": "linear", "kwargs": {}}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "ridge"
    datasets.prepare("ridge", RIDGE, path)
    return path


@pytest.fixture
def settings() -> dict[str, Any]:
    return copy.deepcopy({"dataset": RIDGE, "recipe": RECIPE, "arch": LINEAR, "training_version": TRAINING_VERSION})


def matrices(split: datasets.Split) -> list[tuple[np.ndarray, np.ndarray]]:
    """A and b of the training and the test part."""
    return [
        (np.array(part.images, float).reshape(len(part), -1), np.array(part.labels, float))
        for part in (split.train, split.test)
    ]


@pytest.mark.parametrize("columns", ["sparse", "gaussian"])
def test_the_data_are_those_of_the_formula(columns: str) -> None:
    data = ridge("r", {**RIDGE, "samples": 400, "features": 900, "columns": columns, "noise": 0})
    parts = [(data.train_images, data.train_labels), (data.test_images, data.test_labels)]
    whole = [(images.reshape(400, 900).astype(float), numbers.astype(float)) for images, numbers in parts]
    for a, _ in whole:
        np.testing.assert_allclose(np.linalg.norm(a, axis=0), 10, rtol=1e-5)
        kept = min(1, 30 * math.log(400) / 400) if columns == "sparse" else 1
        assert np.mean(a != 0) == pytest.approx(kept, abs=0.01)
    # without noise both parts come from one w of length 1: 800 equations leave 100 of its 900 directions open
    a, b = (np.concatenate(both) for both in zip(*whole, strict=True))
    w = np.linalg.lstsq(a, b, rcond=None)[0]
    np.testing.assert_allclose(a @ w, b, atol=1e-4)
    assert 0.8 < np.linalg.norm(w) <= 1.0001


def test_no_row_gives_the_weights_away_and_draws_differ() -> None:
    """A seed sequence takes trailing zeros for nothing, so that a careless draw 0 begins with w itself."""
    entry = {**RIDGE, "samples": 50, "features": 500, "columns": "gaussian", "noise": 0}
    first, second = ridge("r", entry), ridge("r", {**entry, "draw": 1})
    assert np.abs(first.train_labels).max() < 5 * first.train_labels.std()
    assert abs(np.corrcoef(first.train_images[0].ravel(), second.train_images[0].ravel())[0, 1]) < 0.2
    np.testing.assert_array_equal(ridge("r", {**entry, "draw": 0}).test_images, first.test_images)


def test_test_rows_may_keep_the_columns_scales() -> None:
    entry = {**RIDGE, "samples": 300, "features": 200}

    def agreeing(data: Arrays) -> float:
        """Share of columns whose mean has the same sign in both parts."""
        means = [images.reshape(300, 200).mean(0) for images in (data.train_images, data.test_images)]
        return float(np.mean(np.sign(means[0]) == np.sign(means[1])))

    assert agreeing(ridge("r", {**entry, "test_scales": "shared"})) == 1
    assert 0.3 < agreeing(ridge("r", entry)) < 0.7


def test_gradient_descent_with_l2_ends_at_the_closed_form_of_ridge_regression(
    folder: Path, settings: dict[str, Any]
) -> None:
    """At the end 2·Aᵀ(Aw − b)/n + λw = 0, and the losses are the mean squares there."""
    settings["recipe"] = {
        "epochs": 2000,
        "batch_size": 12,
        "optimizer": {"name": "sgd", "momentum": 0},
        "schedule": {"name": "constant"},
    }
    data = data_of(settings, folder)
    wd = 0.3
    result, network = train_alone(settings, 0.02, wd, 0, data)
    (a, b), (a_test, b_test) = matrices(datasets.load(folder, {}))
    expected = np.linalg.solve(2 * a.T @ a / 12 + wd * np.eye(5), 2 * a.T @ b / 12)
    found = torch.cat([p.detach().ravel() for p in network.parameters()]).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert result["history"]["train_loss"][-1] == pytest.approx(np.mean((a @ expected - b) ** 2), rel=1e-3)
    assert result["test_loss_final"] == pytest.approx(np.mean((a_test @ expected - b_test) ** 2), rel=1e-3)


def test_there_is_no_accuracy(folder: Path, settings: dict[str, Any]) -> None:
    result, _ = train_alone(settings, 0.01, 0.01, 0, data_of(settings, folder))
    assert result["status"] == "ok"
    assert (result["test_best"], result["test_final"]) == (None, None)
    assert set(result["history"]["train_accuracy"] + result["history"]["test_accuracy"]) == {None}
    assert result["test_loss_best"] == min(result["history"]["test_loss"])


def test_members_of_an_ensemble_equal_their_runs_alone(folder: Path, settings: dict[str, Any]) -> None:
    data = data_of(settings, folder)
    points = [(0.01, 0.01, 0), (0.1, 0.001, 0), (0.1, 0.1, 1)]
    done: dict[tuple[float, float, int], Result] = {}
    train(
        Ensemble(settings, [EnsembleRun(*point) for point in points], data, CPU, DistributedContext()),
        on_done=lambda member, result, network: done.update({(member.lr, member.wd, member.seed): result}),
    )
    for point in points:
        alone, _ = train_alone(settings, *point, data)
        for column in ("train_loss", "test_loss", "weight_norm", "gradient_norm"):
            assert done[point]["history"][column] == pytest.approx(alone["history"][column], rel=1e-4)
        assert done[point]["test_best"] is None
    assert choose("auto", ModelProbe(settings, data, CPU), len(points), DistributedContext()) == "fused"


def test_a_run_that_diverges_is_worth_the_mean_of_the_training_numbers(folder: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["optimizer"] = {"name": "adamw"}
    settings["recipe"] |= {"epochs": 60, "schedule": {"name": "constant"}}
    data = data_of(settings, folder)
    result, _ = train_alone(settings, 3.2, 10.0, 0, data)  # every step multiplies the weights by −31
    (_, b), (_, b_test) = matrices(datasets.load(folder, {}))
    assert result["status"] == "diverged"
    assert result["test_loss_final"] == pytest.approx(np.mean((b_test - b.mean()) ** 2), rel=1e-5)
    assert (result["test_final"], result["val_loss_final"]) == (None, None)


def test_a_large_loss_alone_is_no_divergence(folder: Path, settings: dict[str, Any]) -> None:
    """Numbers have a scale of their own: only what is not finite has diverged."""
    result, _ = train_alone(settings, 1e4, 0.0, 0, data_of(settings, folder))
    assert result["status"] == "ok"
    assert result["test_loss_final"] > 1e5


@pytest.mark.parametrize("key", ["label_noise", "label_smoothing", "mixup", "cutmix"])
def test_what_only_images_have_is_refused_by_name(folder: Path, key: str) -> None:
    with pytest.raises(ValueError, match=f"recipe: {key} is for images"):
        datasets.load(folder, {key: 0.1})


def test_numbers_may_be_held_out_like_images(folder: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["val_fraction"] = 0.25
    data: Data = data_of(settings, folder)
    assert (len(data.train), len(data.val)) == (9, 3)
    result, _ = train_alone(settings, 0.01, 0.01, 0, data)
    assert result["val_loss_final"] is not None


def test_the_linear_network_knows_its_arguments(folder: Path, settings: dict[str, Any]) -> None:
    settings["arch"] = {**LINEAR, "kwargs": {"depth": 2}}
    with pytest.raises(ValueError, match=r"linear does not take \{'depth': 2\}"):
        train_alone(settings, 0.01, 0.01, 0, data_of(settings, folder))
