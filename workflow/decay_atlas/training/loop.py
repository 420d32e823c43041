"""One training run, from seed to scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from decay_atlas.training import evaluations, models, optimizers
from decay_atlas.training.batches import Data
from decay_atlas.training.evaluate import evaluate
from decay_atlas.training.schedules import multipliers

HISTORY = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "lr",
    "weight_norm",
    "gradient_norm",
    "dog",
)
"""Columns of the history, one number an epoch (counted from 1).

Losses are mean cross-entropies in nats, accuracies percent; the training ones are taken over the epoch's
batches as they were trained on. `lr` is that of the epoch's last step, `weight_norm` ‖w‖ after it,
`gradient_norm` ‖g‖ of the cross-entropy in it, before clipping, and `dog` = wd·‖w‖/‖g‖ (source: A).
"""
DIVERGED_LOSS = 1e5
"""A run has diverged when its weights or losses are not finite, or an epoch's mean loss is above this."""
INIT, ORDER, AUGMENT, DROPOUT = range(4)

Row = dict[str, float | None]


def train(
    settings: dict[str, Any],
    lr: float,
    wd: float,
    seed: int,
    data: Data,
    device: torch.device,
    on_epoch: Callable[[Row], None] = lambda row: None,
) -> tuple[dict[str, Any], nn.Module]:
    """Train one run and return what its record says of it, and the network.

    The seed alone decides initialisation, data order, augmentation and dropout, in streams of their own, so
    runs that share a seed differ by lr and wd only. A run that diverges stops; its scores are chance.

    Raises:
        ValueError: the settings name a model, optimizer, schedule or evaluation that does not exist.
    """
    recipe = settings["recipe"]
    evaluations.check(recipe.get("evaluations", []))
    with _arithmetic(device), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return _train(settings, recipe, lr, wd, seed, data, device, on_epoch)


def _train(
    settings: dict[str, Any],
    recipe: dict[str, Any],
    lr: float,
    wd: float,
    seed: int,
    data: Data,
    device: torch.device,
    on_epoch: Callable[[Row], None],
) -> tuple[dict[str, Any], nn.Module]:
    started = time.perf_counter()
    torch.manual_seed(_stream(seed, INIT))
    model = models.build(settings["arch"], data.classes, data.channels).to(device)
    if device.type == "cuda":
        model = model.to(memory_format=torch.channels_last)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = optimizers.build(parameters, recipe["optimizer"], lr, wd)
    autocast = torch.autocast(
        device.type, torch.bfloat16, enabled=recipe.get("precision") == "amp" and device.type == "cuda"
    )
    smoothing, clip = recipe.get("label_smoothing", 0.0), recipe.get("grad_clip", math.inf)

    batch_size, epochs = recipe["batch_size"], recipe["epochs"]
    n = len(data.train)
    used = n - 1 if n > 1 and n % batch_size == 1 else n  # batch norm cannot train on a batch of one image
    steps = math.ceil(used / batch_size)
    rates = [lr * multiplier for multiplier in multipliers(recipe["schedule"], epochs, steps)]
    order = torch.Generator().manual_seed(_stream(seed, ORDER))
    draw = torch.Generator().manual_seed(_stream(seed, AUGMENT))
    torch.manual_seed(_stream(seed, DROPOUT))

    history: list[Row] = []
    status = "ok"
    evaluating = 0.0
    step = 0
    for epoch in range(epochs):
        model.train()
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), dtype=torch.int64, device=device)
        gradient_norm = torch.zeros((), device=device)
        for images, labels in data.train.training(torch.randperm(n, generator=order)[:used], batch_size, draw):
            optimizer.param_groups[0]["lr"] = rates[step]
            with autocast:
                logits = model(images)
            loss = cross_entropy(logits.float(), labels, label_smoothing=smoothing)
            loss.backward()
            step += 1
            if step % steps == 0:
                gradient_norm = _norm([p.grad for p in parameters if p.grad is not None])
            if clip < math.inf:
                torch.nn.utils.clip_grad_norm_(parameters, clip)
            optimizer.step()
            optimizer.zero_grad()
            # sums stay on the device: reading one back at every step would stall a GPU
            with torch.no_grad():
                loss_sum += loss.detach() * len(labels)
                correct += (logits.argmax(1) == labels).sum()
        paused = time.perf_counter()
        val, test = (evaluate(model, part, autocast) for part in (data.val, data.test))
        weight, gradient = _norm(parameters).item(), gradient_norm.item()
        train_loss = loss_sum.item() / used
        row: Row = {
            "epoch": epoch + 1,
            "train_loss": train_loss,
            "train_accuracy": 100 * correct.item() / used,
            "val_loss": val.loss,
            "val_accuracy": val.accuracy,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "lr": rates[step - 1],
            "weight_norm": weight,
            "gradient_norm": gradient,
            "dog": wd * weight / gradient if gradient else None,
        }
        row = {name: value if value is None or math.isfinite(value) else None for name, value in row.items()}
        history.append(row)
        evaluating += time.perf_counter() - paused
        on_epoch(row)
        needed = [row[name] for name in ("train_loss", "test_loss", "weight_norm")]
        if None in needed or train_loss > DIVERGED_LOSS:
            status = "diverged"
            break

    trained = time.perf_counter()
    found = evaluations.run(recipe.get("evaluations", []), model, data) if status == "ok" else {}
    seconds = time.perf_counter() - started
    return {
        "status": status,
        **_scores(history, status, data),
        "history": {name: [row[name] for row in history] for name in HISTORY},
        "evaluations": found,
        "seconds": seconds,
        "timing": {
            "training": trained - started - evaluating,
            "scoring": evaluating,
            "evaluations": seconds - (trained - started),
            "images_per_second": used * len(history) / (trained - started - evaluating),
            "peak_memory": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        },
    }, model


@contextmanager
def _arithmetic(device: torch.device) -> Iterator[None]:
    """The same bits from the same seed on a CPU, speed on a GPU; the process is left as it was."""
    deterministic, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(device.type == "cpu")
    torch.backends.cudnn.benchmark = device.type == "cuda"
    torch.set_flush_denormal(True)  # strong decay makes weights denormal, which a CPU computes 100× slower
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.benchmark = benchmark


def _scores(history: list[Row], status: str, data: Data) -> dict[str, float | None]:
    """The best of each score over epochs, on its own part, and the last; chance for a run that diverged."""
    scores: dict[str, float | None] = {}
    for part, source in (("test", data.test), ("val", data.val)):
        chance = (100 / data.classes, math.log(data.classes))
        for name, best, fallback in zip((f"{part}_accuracy", f"{part}_loss"), (max, min), chance, strict=True):
            key = name.removesuffix("_accuracy")
            values = [row[name] for row in history] if status == "ok" else [fallback]
            known = [value for value in values if value is not None] if len(source) else []
            scores[f"{key}_best"] = best(known) if known else None
            scores[f"{key}_final"] = known[-1] if known else None
    return scores


def _norm(tensors: list[Tensor] | list[nn.Parameter]) -> Tensor:
    """Length of all tensors as one vector."""
    with torch.no_grad():
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors))))


def _stream(seed: int, purpose: int) -> int:
    """A seed for one purpose of a run: streams of one run, or of two seeds, have nothing in common."""
    return int(np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0] >> np.uint64(1))
