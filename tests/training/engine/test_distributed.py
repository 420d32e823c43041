"""Several processes that train one run together, as torchrun starts them: on CPUs here, over gloo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.records import read_record, staged
from decay_atlas.training.data.batches import Shard
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.engine.serial import SerialTrainer, parts_of
from decay_atlas.training.job import train_pack
from tests.training.conftest import CPU, data_of, train_alone


@pytest.fixture
def rich(settings: dict[str, Any]) -> dict[str, Any]:
    settings["recipe"] |= {"augment": ["crop", "jitter"], "mixup": 0.2, "epochs": 3, "batch_size": 31, "grad_clip": 1.0}
    settings["arch"]["kwargs"] |= {"drop_path_rate": 0.3, "num_blocks": 2}
    return settings


def start(settings: dict[str, Any], record: str, data: Path, *options: str) -> subprocess.Popen[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "decay_atlas.training"]
    arguments = ["--settings", json.dumps(settings), "--data", str(data), "--device", "cpu", *options, record]
    return subprocess.Popen([sys.executable, *launcher, *arguments], stderr=subprocess.PIPE, text=True)


def history(record: str) -> dict[str, list[float]]:
    found = read_record(record)["history"]
    return {name: found[name] for name in ("train_loss", "test_loss", "val_loss", "weight_norm", "gradient_norm")}


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_process_has_rows_in_each_of_as_many_parts(ranks: int, count: int) -> None:
    """And together they have each row of the batch once, in the parts that one process makes of it."""
    for n in range(2 * ranks - 1, 40):
        shards = [Shard(rank, ranks) for rank in range(ranks)]
        found = [[shard.of(n)[rows].tolist() for rows in parts_of(n, count, shard)] for shard in shards]
        parts = [sorted(row for rows in part for row in rows) for part in zip(*found, strict=True)]
        assert [row for part in parts for row in part] == list(range(n))
        assert all(rows for own in found for rows in own)
        sizes = [len(part) for part in parts]
        assert sizes == [len(part) for part in torch.arange(n).tensor_split(len(sizes))]
        assert len(sizes) <= count
        assert min(sizes) >= min(n, 2)


def test_a_last_batch_of_fewer_images_than_devices_is_refused(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"] |= {"train_size": 68, "val_fraction": 0}
    data = data_of(settings, digits)
    with pytest.raises(ValueError, match=r"4 of 68 images, .* 3 devices need 5; set execution.gpus to 2"):
        SerialTrainer(settings, EnsembleRun(0.01, 0.1, 0), data, CPU, DistributedContext(0, 3))


def test_parts_of_one_image_are_not_made(digits: Path, settings: dict[str, Any]) -> None:
    """Three images in two parts: batch norm cannot train on one where a channel has one number."""
    small = {"layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8], "stem_width": 8}
    settings["arch"] = {"model": "resnet10t", "family": "cnn", "kwargs": small}
    settings["recipe"] |= {"train_size": 35, "val_fraction": 0, "accumulate": 2, "epochs": 1}
    result, _ = train_alone(settings, 0.01, 0.1, 0, data_of(settings, digits))
    assert result["status"] == "ok"


def test_uneven_batches_in_parts_are_trained_by_two_processes_as_by_one(
    digits: Path, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last batch's nine images one process has five, the other four, in four parts."""
    monkeypatch.chdir(tmp_path)
    settings["recipe"] |= {"train_size": 73, "val_fraction": 0, "accumulate": 4}
    record = Run("digits", "quick", "tiny", digest_of(settings), 0.01, 0.1, 0).path
    assert train_pack(settings, [record], digits, "serial", "cpu") == []
    alone = history(record)
    Path(record).unlink()
    staged(record).unlink()
    with start(settings, record, digits) as process:
        log = process.communicate(timeout=120)[1]
    assert process.returncode == 0, log
    together = history(record)
    for name in ("train_loss", "test_loss", "weight_norm"):
        assert together[name] == pytest.approx(alone[name], rel=2e-4), name


def test_two_processes_make_the_losses_of_one_and_either_can_go_on(
    digits: Path, rich: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = Run("digits", "quick", "tiny", digest_of(rich), 0.01, 0.1, 0).path
    assert train_pack(rich, [record], digits, "serial", "cpu") == []
    alone = history(record)
    assert read_record(record)["device"]["count"] == 1

    Path(record).unlink()
    staged(record).unlink()
    with start(rich, record, digits) as process:
        log = process.communicate(timeout=120)[1]
    assert process.returncode == 0, log
    assert log.count("[1/1] tiny") == 1  # one of them tells
    together = history(record)
    assert read_record(record)["device"]["count"] == 2
    for name, values in alone.items():
        assert together[name] == pytest.approx(values, rel=2e-4), name

    # stopped in the middle, and gone on with by one process
    rich["recipe"]["epochs"] = 400
    record = Run("digits", "quick", "tiny", digest_of(rich), 0.01, 0.1, 0).path
    with start(rich, record, digits, "--checkpoint-minutes", "0.005") as process:
        while process.poll() is None and not list(Path().rglob("*.ckpt")):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode != 0
    assert not Path(record).exists()
    place = max(int(path.name.split("epoch")[1].split("_")[0]) for path in Path().rglob("*.ckpt"))
    assert place < 400
    train_pack(rich, [record], digits, "serial", "cpu")
    assert len(history(record)["train_loss"]) == 400
