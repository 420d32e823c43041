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

from decay_atlas.grid import Run, digest_of
from decay_atlas.records import read_record, staged
from decay_atlas.training.pack import train_pack


@pytest.fixture
def rich(settings: dict[str, Any]) -> dict[str, Any]:
    settings["recipe"] |= {"augment": ["crop", "jitter"], "epochs": 3, "batch_size": 31, "grad_clip": 1.0}
    settings["arch"]["kwargs"] |= {"drop_path_rate": 0.3, "num_blocks": 2}
    return settings


def start(settings: dict[str, Any], record: str, data: Path, *options: str) -> subprocess.Popen[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "decay_atlas.training"]
    arguments = ["--settings", json.dumps(settings), "--data", str(data), "--device", "cpu", *options, record]
    return subprocess.Popen([sys.executable, *launcher, *arguments], stderr=subprocess.PIPE, text=True)


def history(record: str) -> dict[str, list[float]]:
    found = read_record(record)["history"]
    return {name: found[name] for name in ("train_loss", "test_loss", "val_loss", "weight_norm", "gradient_norm")}


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
