"""From the first step to the scores: the loop every run goes through, alone or beside others."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from decay_atlas.training import evaluations
from decay_atlas.training.data.batches import Data
from decay_atlas.training.data.tasks import Task
from decay_atlas.training.engine.evaluate import Scores
from decay_atlas.training.engine.learner import EnsembleRun, Learner, Row, Sums

HISTORY = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "lr",
    "lr_times_wd",
    "weight_decay",
    "weight_norm",
    "gradient_norm",
    "dog",
    "dog_mean",
)
"""Columns of the history, one number an epoch (counted from 1).

Losses are the task's, mean cross-entropies in nats or mean squares; accuracies percent, None in regression; the
training ones are taken over the epoch's batches as they were trained on. `lr` is that of the epoch's last step and
`weight_decay` the λ in force in it (the grid's wd, or what AWD makes of it), `lr_times_wd` the share by which AdamW's
decay shrinks the weights in it, `weight_norm` ‖w‖ after it, `gradient_norm` ‖g‖ of the loss in it, before clipping, and
`dog` = λ·‖w‖/‖g‖; `dog_mean` is the mean over all of the epoch's steps of λ·‖w‖/‖g‖, with ‖w‖ before each (source: A).
"""
ROBUST = "val_robust"
"""A column more in adversarial training with a validation part: accuracy there in percent under PGD-20. Its largest is
the score `val_robust_best`, and the weights of that epoch are those that are evaluated and kept: early stopping, though
the run goes on to its end."""
Result = dict[str, Any]
"""What a record says of a run's training: status, scores, history, evaluations, seconds and timing."""


def train(
    learner: Learner,
    on_step: Callable[[Learner], None] = lambda learner: None,
    on_epoch: Callable[[Row], None] = lambda row: None,
    on_done: Callable[[EnsembleRun, Result, nn.Module], None] = lambda member, result, network: None,
    before_done: Callable[[Learner], None] = lambda learner: None,
) -> None:
    """Train a learner's members to the end of their course, from wherever they are.

    A member that diverges stops, alone; its scores are chance. `on_done` is told of every member as it
    finishes, with its network; `before_done` is called before any of several does, with the learner as it
    will go on from there.

    Raises:
        ValueError: the settings name an evaluation that does not exist.
    """
    names = learner.settings["recipe"].get("evaluations", [])
    evaluations.check(names)
    with _arithmetic(learner.device), torch.random.fork_rng(_gpus(learner.device)):
        if learner.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(learner.device)
        while learner.members and learner.epoch < learner.course.epochs:
            rows = _epoch(learner, on_step)
            if learner.attack and len(learner.data.val):
                _keep_most_robust(learner, rows)
            diverged = []
            for member, row in zip(learner.members, rows, strict=True):
                member.history.append(row)
                if _diverged(row, learner.task):
                    member.status = "diverged"
                    diverged.append(member)
                on_epoch(row)
            networks = [learner.network(member) for member in diverged]
            learner.drop(diverged)
            if diverged:
                before_done(learner)
            for member, network in zip(diverged, networks, strict=True):
                on_done(member, _result(member, {}, learner), network)
        before_done(learner)
        for member in learner.members:
            network = learner.network(member)
            if member.best:
                network = copy.deepcopy(network)
                network.load_state_dict(member.best)
            with _spent([member], "evaluations"):
                found = evaluations.run(names, network, learner.data) if learner.world.first else {}
            on_done(member, _result(member, found, learner), network)


def _epoch(learner: Learner, on_step: Callable[[Learner], None]) -> list[Row]:
    """Train one epoch, or what is left of it, and score it: a row for every member."""
    trained = learner.train_epoch()
    while True:
        with _spent(learner.members, "training"):
            if next(trained, learner) is learner:
                break
        on_step(learner)
    with _spent(learner.members, "training"):
        sums = learner.sums()
    with _spent(learner.members, "scoring"):
        scores = learner.scores()
    multiplier = learner.course.multipliers[(learner.epoch + 1) * learner.course.steps - 1]
    learner.epoch, learner.step = learner.epoch + 1, 0
    return [
        _row(member, learner.epoch, member.lr * multiplier, found, scored)
        for member, found, scored in zip(learner.members, sums, scores, strict=True)
    ]


def _keep_most_robust(learner: Learner, rows: list[Row]) -> None:
    """Add the robust accuracy to the epoch's rows, and keep the weights of who has none better so far."""
    with _spent(learner.members, "scoring"):
        for member, row, robust in zip(learner.members, rows, learner.robust(), strict=True):
            row[ROBUST] = robust
            if not member.history or (robust or 0) > max(past[ROBUST] or 0 for past in member.history):
                state = learner.network(member).state_dict()
                member.best = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def _row(member: EnsembleRun, epoch: int, lr: float, sums: Sums, scores: tuple[Scores, Scores]) -> Row:
    val, test = scores
    decay = member.wd if sums.decay is None else sums.decay
    row: Row = {
        "epoch": epoch,
        "train_loss": sums.loss,
        "train_accuracy": sums.accuracy,
        "val_loss": val.loss,
        "val_accuracy": val.accuracy,
        "test_loss": test.loss,
        "test_accuracy": test.accuracy,
        "lr": lr,
        "lr_times_wd": lr * decay,
        "weight_decay": decay,
        "weight_norm": sums.weight_norm,
        "gradient_norm": sums.gradient_norm,
        "dog": decay * sums.weight_norm / sums.gradient_norm if sums.gradient_norm else None,
        "dog_mean": sums.ratio * (member.wd if sums.decay is None else 1),
    }
    return {name: value if value is None or math.isfinite(value) else None for name, value in row.items()}


def _diverged(row: Row, task: Task) -> bool:
    needed = [row[name] for name in ("train_loss", "test_loss", "weight_norm")]
    return None in needed or (row["train_loss"] or 0) > task.diverged_loss


def _result(member: EnsembleRun, found: dict[str, Any], learner: Learner) -> Result:
    seconds = member.seconds
    images = learner.course.images * len(member.history)
    return {
        "status": member.status,
        **_scores(member, learner.data),
        "history": {name: [row[name] for row in member.history] for name in member.history[0]},
        "evaluations": found,
        "seconds": sum(seconds.values()),
        "timing": {
            **seconds,
            "images_per_second": images / seconds["training"],
            "peak_memory": _peak_memory(learner.device),
        },
    }


def _scores(member: EnsembleRun, data: Data) -> dict[str, float | None]:
    """The best of each score over epochs, on its own part, and the last; chance for a run that diverged."""
    scores: dict[str, float | None] = {}
    for part, source in (("test", data.test), ("val", data.val)):
        chance = data.chance.get(part, (None, None))
        for name, best, fallback in zip((f"{part}_accuracy", f"{part}_loss"), (max, min), chance, strict=True):
            key = name.removesuffix("_accuracy")
            values = [row[name] for row in member.history] if member.status == "ok" else [fallback]
            known = [value for value in values if value is not None] if len(source) else []
            scores[f"{key}_best"] = best(known) if known else None
            scores[f"{key}_final"] = known[-1] if known else None
    robust = [row[ROBUST] or 0 for row in member.history if ROBUST in row]
    if robust:
        scores[f"{ROBUST}_best"] = max(robust) if member.status == "ok" else 0.0
    return scores


@contextmanager
def _spent(members: list[EnsembleRun], on: str) -> Iterator[None]:
    """Share the time of what is done inside among `members`."""
    began = time.perf_counter()
    yield
    share = (time.perf_counter() - began) / len(members)
    for member in members:
        member.seconds[on] += share


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


def _gpus(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU since the runs began, or of this process since it started."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
