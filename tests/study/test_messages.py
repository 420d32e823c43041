"""Every mistake in a study is answered with its place and the line to write."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from decay_atlas.study.config import ConfigError, grid_of, merge, resolve

PUBLISHED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_bytes())
CIFAR = ("recipes", "published-cifar")
MISTAKES: list[tuple[tuple[str | int, ...], Any, list[str]]] = [
    (("grid", 0, "lr"), ["1e-4", 0.001], ["grid[0].lr[0]: '1e-4' is text", "    lr: [0.0001, 0.001]"]),
    (("grid", 0, "lr"), "3e-4", ["grid[0].lr: '3e-4' is text", "    lr: 0.0003"]),
    (("grid", 0, "wd"), {"times_lr": "1e-1"}, ["grid[0].wd.times_lr: '1e-1' is text", "    times_lr: 0.1"]),
    (("grid", 0, "seed"), ["0", "1"], ["grid[0].seed[0]: '0' is text", "    seed: [0, 1]"]),
    (("statistics", "resamples"), "1e4", ["statistics.resamples: '1e4' is text", "    resamples: 10000"]),
    (("grid", 0, "lr"), [0.1, 0.01, 0.1], ["grid[0].lr: a value stands twice", "    lr: [0.1, 0.01]"]),
    (("grid", 0, "seed"), [1, 1.0], ["grid[0].seed: a value stands twice", "    seed: [1]"]),
    (("grid", 0, "lr"), [0], ["grid[0].lr[0]: 0 must be greater than 0"]),
    (("grid", 0, "lr"), [float("inf")], ["grid[0].lr[0]: .inf is no finite number"]),
    (("grid", 0, "lr"), ["fast"], ["grid[0].lr[0]: fast does not fit here; it takes a number"]),
    (("grid", 0, "lr"), None, ["grid[0].lr: null does not fit here. Learning rates, greater than 0"]),
    (("grid", 0, "lr"), [], ["grid[0].lr: []"]),
    (("grid", 0, "wd"), [0, -1], ["grid[0].wd[1]: -1 must be at least 0"]),
    (("grid", 0, "wd"), {"time_lr": 1}, ["grid[0].wd: unknown key 'time_lr'", "Did you mean 'times_lr'?"]),
    (("grid", 0, "wd"), {"times_lr": 1, "over_lr": 1}, ["grid[0].wd", "one of `times_lr: c`"]),
    (("grid", 0, "wd"), {}, ["grid[0].wd", "one of `times_lr: c`"]),
    (("grid", 0, "seed"), [0.5], ["grid[0].seed[0]: 0.5 does not fit here; it takes a whole number"]),
    (("grid", 0, "seed"), True, ["grid[0].seed: true does not fit here. Whole numbers from 0"]),
    (("grid",), [], ["grid: []", "Blocks, each the product of its axes"]),
    (("grid",), {"lr": 0.1}, ["grid: {lr: 0.1} does not fit here; it takes a list"]),
    (("grid", 0, "arch"), ["resnet5"], ["grid[0].arch: no arch 'resnet5' in archs", "mean 'resnet50'?"]),
    (("grid", 0, "dataset"), "cifar100O", ["no dataset 'cifar100O' in datasets", "mean 'cifar100'?"]),
    (("grid", 0, "recipe"), "x", ["no recipe 'x' in recipes; there are: published-cifar, published-imagenet."]),
    (("metric", "score"), "test_bst", ["metric.score: no test_bst here", "Did you mean 'test_best'?"]),
    (("metric",), None, ["metric: null does not fit here; it takes keys with values"]),
    (("execution", "pack"), "seed", ["execution.pack: this is a list", "    pack: [seed]"]),
    (("execution", "pack"), ["seeds"], ["execution.pack[0]: no seeds here", "Did you mean 'seed'?"]),
    (("execution", "threads"), 0, ["execution.threads: 0 must be at least 1"]),
    (("statistic",), {}, ["top level: unknown key 'statistic'", "Did you mean 'statistics'?"]),
    (("statistics", "kappa"), [1], ["statistics: unknown key 'kappa'", "Did you mean 'kappas'?"]),
    ((*CIFAR, "epoch"), 3, ["recipes.published-cifar: unknown key 'epoch'", "Did you mean 'epochs'?"]),
    ((*CIFAR, "epochs"), 1.5, ["recipes.published-cifar.epochs: 1.5 does not fit here; it takes a whole number"]),
    ((*CIFAR, "val_fraction"), 1, ["recipes.published-cifar.val_fraction: 1 must be less than 1"]),
    ((*CIFAR, "optimizer", "lr"), 0.1, ["published-cifar.optimizer.lr: this comes from the grid", "remove it"]),
    ((*CIFAR, "optimizer"), {}, ["published-cifar.optimizer: something is missing", "    name: …"]),
    ((*CIFAR, "augment"), {"rnn": []}, ["published-cifar.augment: unknown key 'rnn'; there are: cnn, transformer"]),
    (
        (*CIFAR, "augment"),
        {"transformer": ["flip"]},
        ["published-cifar.augment, used with arch resnet50: ", "      transformer: [flip]\n      cnn: ["],
    ),
    (("datasets", "cifar100", "std"), [0.2], ["datasets.cifar100.std: 1 numbers", "    std: [0.229, 0.224, 0.225]"]),
    (("datasets", "cifar100", "std"), [0.2, 0.2], ["datasets.cifar100.std: 2 numbers"]),
    (("datasets", "cifar100", "mean"), [], ["datasets.cifar100.mean: 0 numbers", "    mean: [0.485, 0.456, 0.406]"]),
    (("datasets", "cifar100", "mean"), [0.5] * 4, ["datasets.cifar100.mean: 4 numbers"]),
    (("datasets", "cifar100", "mean"), [0.5], ["datasets.cifar100.std: 3 numbers", "    std: [0.226]"]),
    ((*CIFAR, "augment"), ["flipp"], ["published-cifar.augment[0]: no flipp here", "Did you mean 'flip'?"]),
    ((*CIFAR, "optimizer"), {"name": "adamm"}, ["published-cifar.optimizer.name: no adamm here", "mean 'adam'?"]),
    (
        (*CIFAR, "optimizer"),
        {"name": "jax.adam"},
        ["published-cifar.optimizer.name: no jax.adam here; there are: adamw"],
    ),
    ((*CIFAR, "optimizer"), {"name": "torch."}, ["optimizer.name: no torch. here; there are: adamw, "]),
    ((*CIFAR, "optimizer"), {"name": 3}, ["optimizer.name: 3 does not fit here. Its other keys are"]),
    ((*CIFAR, "schedule"), {"name": "step"}, ["cifar.schedule: schedule: step needs", "    milestones: [30, 60, 80]"]),
    ((*CIFAR, "schedule", "warmup_epochs"), 200, ["cifar.schedule: schedule: warmup_epochs must be less than", "200"]),
    ((*CIFAR, "schedule"), {"name": "sqr"}, ["cifar.schedule.name: no sqr here", "Did you mean 'sqrt'?"]),
    ((*CIFAR, "schedule"), {"name": "wsd", "decay_shape": "sqrt"}, ["decay_shape: no sqrt here", "mean '1-sqrt'?"]),
    ((*CIFAR, "schedule"), {"name": "wsd", "decay_fraction": 2}, ["schedule.decay_fraction: 2 must be at most 1"]),
    ((*CIFAR, "schedule"), {"name": "piecewise", "pieces": [[1]]}, ["schedule.pieces[0]: [1] is too short"]),
    ((*CIFAR, "evaluations"), ["prunning"], ["evaluations[0]: no prunning here", "Did you mean 'pruning'?"]),
    (("simulate",), {"wd_bst": 0.1}, ["simulate: unknown key 'wd_bst'", "Did you mean 'wd_best'?"]),
    (("simulate",), {"law": "prodct"}, ["simulate.law: no prodct here", "Did you mean 'product'?"]),
    (("simulate",), {"curvature": {"below": 1, "abov": 2}}, ["simulate.curvature: ", "'abov'", "mean 'above'?"]),
    (("simulate",), {"offsets": {"a": {"lrr": 1}}}, ["simulate.offsets.a: unknown key 'lrr'", "mean 'lr'?"]),
    ((*CIFAR, "keep_weights"), False, ["published-cifar.keep_weights: write true, or leave it out"]),
    ((*CIFAR, "extends"), "published-imagnet", ["published-cifar.extends: no recipe", "mean 'published-imagenet'?"]),
    (
        (*CIFAR, "extends"),
        "published-imagenet",
        ["extends: a circle, published-cifar → published-imagenet → published-cifar; break it"],
    ),
    (
        CIFAR,
        {"epochs": 1, "schedule": {"name": "cosine"}},
        ["recipes.published-cifar: a recipe that is trained needs batch_size, optimizer", "      batch_size: 128"],
    ),
    (("study",), "a/b", ["study: 'a/b' does not fit the pattern", "A name has letters"]),
    (("datasets", "my data"), {}, ["datasets: 'my data' does not fit the pattern", "A name has letters"]),
    (("imports",), ["runs.xls"], ["imports[0]: 'runs.xls' does not fit", "A .csv or a .parquet file"]),
    (("fill",), {"datset": "cifar10"}, ["fill: no datset here", "Did you mean 'dataset'?"]),
]
"""Each a change to the published study: where, what, and what the message must say."""
MISSING = [
    (("study",), ["top level: something is missing", "    study: …"]),
    (("metric",), ["top level: something is missing", "    metric: …"]),
    (("grid",), ["top level: something is missing", "    grid: …"]),
    (("grid", 1, "seed"), ["grid[1]: something is missing", "    seed: …"]),
    (("archs", "resnet50", "model"), ["archs.resnet50: something is missing", "    model: …"]),
]
"""Keys taken out of it."""


def changed(place: tuple[str | int, ...], change: Callable[[Any, str | int], object]) -> dict[str, Any]:
    config = copy.deepcopy(PUBLISHED)
    part: Any = config
    for key in place[:-1]:
        part = part[key]
    change(part, place[-1])
    return config


def message(config: dict[str, Any], root: Path) -> str:
    """What a person reads whose config.yaml says this."""
    file = root / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.raises(ConfigError) as raised:
        grid_of(resolve(config, [file]))
    assert str(raised.value).startswith(f"{file}: "), "the message begins with the file"
    return str(raised.value)


def name(place: tuple[str | int, ...]) -> str:
    return ".".join(map(str, place))


@pytest.mark.parametrize(
    ("place", "value", "parts"), MISTAKES, ids=lambda part: name(part) if part and isinstance(part, tuple) else ""
)
def test_a_mistake_is_named_with_its_correction(
    tmp_path: Path, place: tuple[str | int, ...], value: Any, parts: list[str]
) -> None:
    said = message(changed(place, lambda part, key: part.__setitem__(key, value)), tmp_path)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(("place", "parts"), MISSING, ids=lambda part: name(part) if isinstance(part, tuple) else "")
def test_what_is_missing_is_named(tmp_path: Path, place: tuple[str | int, ...], parts: list[str]) -> None:
    said = message(changed(place, lambda part, key: part.__delitem__(key)), tmp_path)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("grid", 0, "lr"), ["1e-4", 0.001]),
        (("grid", 0, "lr"), "3e-4"),
        (("grid", 0, "seed"), ["0", "1"]),
        (("statistics", "resamples"), "1e4"),
        (("grid", 0, "wd"), [0.1, 0.01, 0.1]),
        (("execution", "pack"), "seed"),
        (CIFAR, {"epochs": 1, "schedule": {"name": "cosine"}}),
        ((*CIFAR, "augment"), {"linear": ["flip"], "transformer": ["flip"]}),
        (("datasets", "cifar100", "std"), [0.2, 0.2]),
    ],
    ids=lambda part: name(part) if isinstance(part, tuple) else "",
)
def test_the_printed_correction_can_be_pasted(tmp_path: Path, place: tuple[str | int, ...], value: Any) -> None:
    config = changed(place, lambda part, key: part.__setitem__(key, value))
    correction = yaml.safe_load(message(config, tmp_path).split("\n\n")[1])
    part: Any = config
    for key in place[:-1]:
        part = part[key]
    part.update(merge(part, correction))
    assert resolve(config)["study"] == "coupling"
