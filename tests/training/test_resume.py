"""A run that was stopped anywhere ends as if it had not been."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.packs import close
from decay_atlas.runs.records import read_record
from decay_atlas.training import command as program
from decay_atlas.training import job
from decay_atlas.training.checkpoints import Checkpoints
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.ensemble import Ensemble
from decay_atlas.training.engine.learner import EnsembleRun, Learner, State
from decay_atlas.training.engine.serial import SerialTrainer
from decay_atlas.training.job import train_pack
from decay_atlas.training.loop import train
from tests.processes import hearing
from tests.training.conftest import CPU, data_of

SAME = ("status", "test_best", "test_final", "val_best", "val_final", "history")
KILLS = 50


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def rich(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that use every kind of random number."""
    settings["recipe"] |= {"augment": ["crop", "jitter"], "mixup": 0.2, "epochs": 3}
    settings["recipe"]["schedule"] = {"name": "cosine", "warmup_epochs": 1}
    settings["arch"]["kwargs"] |= {"drop_path_rate": 0.3, "proj_drop_rate": 0.2, "num_blocks": 2}
    return settings


def paths(settings: dict[str, Any], seeds: int) -> list[str]:
    return [Run("digits", "quick", "tiny", digest_of(settings), 0.01, 0.1, seed).path for seed in range(seeds)]


def numbers(records: list[str]) -> list[dict[str, Any]]:
    found = [read_record(path) for path in records]
    return [{name: record[name] for name in SAME} for record in found]


class StoppedError(Exception):
    pass


def stopped_after(steps: int) -> tuple[Any, list[State]]:
    """A hook that ends training after so many steps, and the states it left."""
    states: list[State] = []

    def hook(learner: Learner) -> None:
        if learner.epoch * learner.course.steps + learner.step == steps:
            states.extend(state for _, state in learner.states())
            raise StoppedError

    return hook, states


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_run_goes_on_to_the_same_bits_from_any_step(digits: Path, rich: dict[str, Any], steps: int) -> None:
    rich["arch"]["kwargs"]["proj_drop_rate"] = 0.0 if steps % 2 else 0.2
    data = data_of(rich, digits)
    whole = EnsembleRun(0.01, 0.1, 0)
    train(SerialTrainer(rich, whole, data, CPU, DistributedContext()))
    first = EnsembleRun(0.01, 0.1, 0)
    hook, states = stopped_after(steps)
    with pytest.raises(StoppedError):
        train(SerialTrainer(rich, first, data, CPU, DistributedContext()), hook)
    second = EnsembleRun(0.01, 0.1, 0, history=list(first.history))
    learner = SerialTrainer(rich, second, data, CPU, DistributedContext())
    learner.resume(states)
    train(learner)
    assert second.history == whole.history


@pytest.mark.parametrize(
    "name",
    # those of timm's that count steps in the group, and others that keep numbers of their own
    ["timm.adan", "timm.cadanw", "timm.lambc", "timm.clamb", "timm.nadam", "torch.NAdam", "torch.ASGD", "asam", "awd"],
)
def test_every_kind_of_optimizer_goes_on_to_the_same_bits(digits: Path, settings: dict[str, Any], name: str) -> None:
    settings["recipe"] |= {"epochs": 3, "optimizer": {"name": name}}
    data = data_of(settings, digits)
    whole = EnsembleRun(0.01, 0.1, 0)
    train(SerialTrainer(settings, whole, data, CPU, DistributedContext()))
    first = EnsembleRun(0.01, 0.1, 0, Path(paths(settings, 1)[0]))
    hook, states = stopped_after(4)
    with pytest.raises(StoppedError):
        train(SerialTrainer(settings, first, data, CPU, DistributedContext()), hook)
    kept = Checkpoints(Path(paths(settings, 1)[0]), settings, data.checksum)
    kept.save(first, states[0])
    second = EnsembleRun(0.01, 0.1, 0, history=list(first.history))
    learner = SerialTrainer(settings, second, data, CPU, DistributedContext())
    learner.resume([kept.load((1, 1))[0]])
    train(learner)
    assert second.history == whole.history


def test_a_run_that_began_alone_can_go_on_in_an_ensemble(digits: Path, settings: dict[str, Any]) -> None:
    """The other way is tested with ensembles."""
    data = data_of(settings, digits)
    whole, first = EnsembleRun(0.01, 0.1, 0), EnsembleRun(0.01, 0.1, 0)
    train(SerialTrainer(settings, whole, data, CPU, DistributedContext()))
    hook, states = stopped_after(4)
    with pytest.raises(StoppedError):
        train(SerialTrainer(settings, first, data, CPU, DistributedContext()), hook)
    second, third = (
        EnsembleRun(0.01, 0.1, 0, history=list(first.history)),
        EnsembleRun(0.01, 0.3, 0, history=list(first.history)),
    )
    learner = Ensemble(settings, [second, third], data, CPU, DistributedContext())
    learner.resume(states * 2)
    train(learner)
    for name in ("train_loss", "test_loss", "weight_norm"):
        assert [row[name] for row in second.history] == pytest.approx([row[name] for row in whole.history], rel=2e-4)


def start(
    settings: dict[str, Any], records: list[str], data: Path, engine: str, seconds: float = 0.0, minutes: float = 0.0
) -> multiprocessing.process.BaseProcess:
    """A training process that writes a checkpoint after every step, without the wait for a new interpreter.

    It is killed after `seconds` of its processor's time, in the middle of whatever it is doing.
    """

    def run() -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        sys.exit(len(train_pack(settings, records, data, engine, "cpu", 1, minutes)))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    return process


def start_program(settings: dict[str, Any], records: list[str], data: Path) -> multiprocessing.process.BaseProcess:
    """The training program in a process of its own, with a checkpoint every few steps."""

    def run() -> None:
        sys.argv = ["training", "--settings", json.dumps(settings), "--data", str(data), "--device", "cpu"]
        sys.argv += ["--checkpoint-minutes", "0.001", *records]
        sys.exit(program.main())

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    return process


@pytest.mark.parametrize("engine", ["serial", "fused"])
def test_killed_at_random_points_a_pack_ends_in_the_same_bits(
    digits: Path, rich: dict[str, Any], engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rich["arch"]["kwargs"]["proj_drop_rate"] = 0.0 if engine == "fused" else 0.2
    records = paths(rich, 3 if engine == "fused" else 2)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start(rich, records, digits, engine).join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    expected = numbers(records)
    chance = random.Random(0)
    kills = 0
    while kills < KILLS:
        close(records)
        for path in records:
            Path(path).unlink()
        while True:
            process = start(rich, records, digits, engine, chance.uniform(0.1, 0.9) * whole)
            process.join()
            assert process.exitcode in (0, -signal.SIGPROF)
            kills += process.exitcode != 0
            if process.exitcode == 0:
                break
        assert numbers(records) == expected
    assert not list(Path().rglob("*.ckpt"))
    assert not list(Path().rglob("*.part"))
    log = capfd.readouterr().err
    assert log.count("resumed at epoch") > KILLS / 4
    assert "unusable" not in log


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    digits: Path, rich: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    records = paths(rich, 1)
    train_pack(rich, records, digits, "serial", "cpu")
    expected = numbers(records)
    close(records)
    Path(records[0]).unlink()
    process = start(rich, records, digits, "serial")
    while len(kept := sorted(Path().rglob("*.ckpt"))) < 2:
        time.sleep(0.005)
    process.kill()
    process.join()
    kept = sorted(Path().rglob("*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
    kept[-1].write_bytes(kept[-1].read_bytes()[:-100])
    train_pack(rich, records, digits, "serial", "cpu")
    log = capsys.readouterr().err
    assert f"{kept[-1].name}: unusable" in log
    assert "resumed at epoch" in log
    assert numbers(records) == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_a_checkpoint_that_the_next_attempt_goes_on_from(
    digits: Path, rich: dict[str, Any], number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    rich["recipe"]["epochs"] = 150
    records = paths(rich, 1)
    with hearing():
        process = start_program(rich, records, digits)
    while process.is_alive() and not list(Path().rglob("*.ckpt")):
        time.sleep(0.005)
    assert process.pid
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == 128 + number
    assert f"stopped by {number.name}; the next attempt goes on" in capfd.readouterr().err
    assert not Path(records[0]).exists()
    (last, *_) = sorted(Path().rglob("*.ckpt"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    epoch = int(last.name.split("epoch")[1].split("_")[0])
    start_program(rich, records, digits).join()
    assert f"tiny lr 0.01 wd 0.1 seed 0: resumed at epoch {epoch + 1} of 150" in capfd.readouterr().err
    assert Path(records[0]).exists()


def test_a_dropped_connection_is_not_heard_under_nohup(
    digits: Path, rich: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = paths(rich, 1)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = start_program(rich, records, digits)
    signal.signal(signal.SIGHUP, before)
    while process.is_alive() and not list(Path().rglob("*.ckpt")):
        time.sleep(0.005)
    assert process.pid
    os.kill(process.pid, signal.SIGHUP)
    process.join()
    assert process.exitcode == 0
    assert Path(records[0]).exists()


def test_a_trainer_that_outlived_its_snakemake_is_waited_for(
    digits: Path, rich: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """The second shares a run with it, and another pack: each run is trained once."""
    rich["recipe"]["epochs"] = 30
    records = paths(rich, 3)
    first = start(rich, records[:2], digits, "serial")
    while not list(Path().rglob("*.ckpt")):
        time.sleep(0.005)
    second = start(rich, records[1:], digits, "serial")
    for process in (first, second):
        process.join()
        assert process.exitcode == 0
    log = capfd.readouterr().err
    assert f"{records[1]}: another process trains it; waiting for its end" in log
    assert log.count("/2] tiny lr 0.01") == 2
    assert log.count("[1/1] tiny lr 0.01 wd 0.1 seed 2") == 1


def test_a_checkpoint_that_goes_with_a_run_that_another_process_finished_leaves_nothing_to_do(
    digits: Path, rich: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As where the file system has no locks that could keep the two apart."""
    records = paths(rich, 2)
    train_pack(rich, records, digits, "serial", "cpu")
    close(records)
    other = Path(records[0]).replace("finished")
    trained = other.read_bytes()
    load = Checkpoints.load

    def late(self: Checkpoints, place: tuple[int, int]) -> Any:
        other.replace(records[0])
        return load(self, place)

    monkeypatch.setattr(Checkpoints, "places", lambda self: [(1, 1)])
    monkeypatch.setattr(Checkpoints, "load", late)
    assert train_pack(rich, records, digits, "serial", "cpu") == []
    assert "seed0.epoch1_step1.ckpt: it was there and is gone; looking again" in capfd.readouterr().err
    assert Path(records[0]).read_bytes() == trained


def of_other_software(content: dict[str, Any]) -> None:
    content["software"] = "torch 1.13.1, torchvision 0.14.1, timm 0.6.12"


def without_a_weight(content: dict[str, Any]) -> None:
    content["model"].popitem()


def of_a_wider_network(content: dict[str, Any]) -> None:
    content["model"] = {name: torch.cat([tensor, tensor]) for name, tensor in content["model"].items()}


def with_moments_of_a_wider_network(content: dict[str, Any]) -> None:
    for entry in content["optimizer"]["state"].values():
        entry["exp_avg"] = torch.cat([entry["exp_avg"], entry["exp_avg"]])


def without_moments(content: dict[str, Any]) -> None:
    for entry in content["optimizer"]["state"].values():
        del entry["exp_avg_sq"]


def without_sums(content: dict[str, Any]) -> None:
    del content["sums"]


def without_an_epoch(content: dict[str, Any]) -> None:
    content["member"]["history"].pop()


def without_a_column(content: dict[str, Any]) -> None:
    for row in content["member"]["history"]:
        del row["dog"]


def of_an_earlier_step(content: dict[str, Any]) -> None:
    content["step"] -= 1


def without_times(content: dict[str, Any]) -> None:
    content["member"]["seconds"] = {}


MISFITS = [
    of_other_software,
    without_a_weight,
    of_a_wider_network,
    with_moments_of_a_wider_network,
    without_moments,
    without_sums,
    without_an_epoch,
    without_a_column,
    of_an_earlier_step,
    without_times,
]


@pytest.mark.parametrize("engine", ["serial", "fused"])
@pytest.mark.parametrize("harm", MISFITS)
def test_a_whole_checkpoint_that_does_not_fit_is_passed_over_for_the_one_before(
    digits: Path, rich: dict[str, Any], harm: Callable[[dict[str, Any]], None], engine: str, capfd: Any
) -> None:
    rich["arch"]["kwargs"]["proj_drop_rate"] = 0.0
    records = paths(rich, 2 if engine == "fused" else 1)
    stopped = job.CheckpointTimer.__call__

    def stop(watch: Any, learner: Learner) -> None:
        stopped(watch, learner)
        if (learner.epoch, learner.step) == (1, 2):
            os._exit(9)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job.CheckpointTimer, "__call__", stop)
        process = start(rich, records, digits, engine)
        process.join()
    assert process.exitcode == 9
    file = Path(records[0]).parent / ".checkpoints" / f"{Path(records[0]).stem}.epoch1_step2.ckpt"
    content = torch.load(io.BytesIO(file.read_bytes()[32:]), weights_only=True)
    harm(content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    file.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    assert train_pack(rich, records, digits, engine, "cpu") == []
    log = capfd.readouterr().err
    assert f"{file.name}: unusable (" in log
    assert "resumed at epoch 2 of 3, step 1" in log
    resumed = numbers(records)
    close(records)
    for path in records:
        Path(path).unlink()
    assert train_pack(rich, records, digits, engine, "cpu") == []
    assert resumed == numbers(records)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_failure_that_is_no_checkpoints_fault_sets_none_aside(
    digits: Path, rich: dict[str, Any], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = paths(rich, 1)
    process = start(rich, records, digits, "serial", 0.0)
    while not list(Path().rglob("*epoch1*.ckpt")):
        time.sleep(0.005)
    process.kill()
    process.join()
    batches, calls = Learner.batches, []

    def broken(learner: Learner, seed: int) -> Any:
        for number, batch in enumerate(batches(learner, seed)):
            calls.append(number)
            if len(calls) > steps:
                raise RuntimeError("the disk is gone")
            yield batch

    monkeypatch.setattr(Learner, "batches", broken)
    assert train_pack(rich, records, digits, "serial", "cpu") == records
    assert not list(Path().rglob("*.unusable"))
    assert list(Path().rglob("*.ckpt"))


def test_a_full_disk_is_said_and_leaves_no_half_record(
    digits: Path, settings: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    records = paths(settings, 1)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        os._exit(len(train_pack(settings, records, digits, "serial", "cpu", checkpoint_minutes=0)))

    process = multiprocessing.get_context("fork").Process(target=limited)
    process.start()
    process.join()
    assert process.exitcode == 1
    log = capfd.readouterr().err
    assert "no checkpoint written (File too large); training goes on" in log
    assert f"{records[0]}: cannot be written (File too large); make room, then run the same command again" in log
    assert [
        path for path in Path("results").rglob("*") if path.is_file() and path.name not in ("settings.json", ".lock")
    ] == []


@pytest.mark.parametrize("wd", [0.1, 1e5], ids=["at the end", "when one has diverged"])
def test_killed_between_two_records_an_ensemble_goes_on_as_it_was(
    digits: Path, rich: dict[str, Any], wd: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rich["arch"]["kwargs"]["proj_drop_rate"] = 0.0
    digest = digest_of(rich)
    points = [(0.01, 0.1, 0), (0.01, wd, 1), (0.02, 0.3, 0)]
    records = [Run("digits", "quick", "tiny", digest, *point).path for point in points]
    train_pack(rich, records, digits, "fused", "cpu")
    expected = numbers(records)
    assert [record["status"] for record in expected].count("diverged") == (wd > 1)
    close(records)
    for path in records:
        Path(path).unlink()
    put = job.put

    def last_words(path: Path, record: dict[str, Any]) -> None:
        put(path, record)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(job, "put", last_words)
    process = start(rich, records, digits, "fused", minutes=1000)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert sum(Path(path).exists() for path in records) == 1
    monkeypatch.setattr(job, "put", put)
    train_pack(rich, records, digits, "fused", "cpu", checkpoint_minutes=1000)
    assert numbers(records) == expected
