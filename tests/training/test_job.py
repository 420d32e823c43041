from __future__ import annotations

import json
import os
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.packs import close
from decay_atlas.runs.records import is_whole, read_record, staged
from decay_atlas.training import command as program
from decay_atlas.training import job
from decay_atlas.training.engine.learner import Learner
from decay_atlas.training.job import train_pack as train_any_pack
from decay_atlas.training.networks import models

train_pack = partial(train_any_pack, engine="serial", device="cpu")
SAME = ("status", "test_best", "test_final", "val_best", "val_final", "history")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, int]]:
    """The (lr, wd, seed) of every run that was really trained, as it goes."""
    runs: list[tuple[float, float, int]] = []
    train = job.train

    def noted(learner: Learner, *rest: Any) -> None:
        runs.extend((member.lr, member.wd, member.seed) for member in learner.members)
        train(learner, *rest)

    monkeypatch.setattr(job, "train", noted)
    return runs


def paths(settings: dict[str, Any], seeds: int = 3, lr: float = 0.01) -> list[str]:
    digest = digest_of(settings)
    return [Run("digits", "quick", "tiny", digest, lr, 0.1, seed).path for seed in range(seeds)]


def files() -> set[str]:
    return {str(path) for path in Path("results").rglob("*") if path.is_file()}


def fail_for(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    train = job.train

    def failing(learner: Learner, *rest: Any) -> None:
        if learner.members[0].seed == seed:
            raise RuntimeError("the device fell off the bus")
        train(learner, *rest)

    monkeypatch.setattr(job, "train", failing)


def test_a_pack_writes_whole_records_and_their_settings(digits: Path, settings: dict[str, Any]) -> None:
    records = paths(settings)
    assert train_pack(settings, records, digits) == []
    beside = str(Path(records[0]).with_name("settings.json"))
    lock = str(Path(beside).with_name(".lock"))
    assert files() == {*records, beside, lock, *(str(staged(path)) for path in records)}
    assert json.loads(Path(beside).read_text()) == settings
    for path in records:
        record, run = read_record(path), Run.from_path(path)
        assert is_whole(path, settings)
        assert {key: record[key] for key in ("dataset", "recipe", "arch", "digest", "lr", "wd", "seed")} == {
            key: getattr(run, key) for key in run.__slots__
        }
        assert record["data_checksum"] == json.loads((digits / "manifest.json").read_text())["checksum"]
        assert record["device"]["type"] == "cpu"
        assert record["versions"]["torch"] == version("torch")
        assert record["seconds"] > 0


def test_a_packs_run_equals_the_same_run_alone_bit_for_bit(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["augment"] = ["crop", "jitter"]
    records = paths(settings)
    train_pack(settings, records, digits)
    together = [read_record(path) for path in records]
    close(records)
    Path(records[2]).unlink()
    train_pack(settings, records[2:], digits)
    alone = read_record(records[2])
    assert {name: alone[name] for name in SAME} == {name: together[2][name] for name in SAME}
    assert len({record["test_loss_final"] for record in together}) == 3


def test_what_is_there_is_not_trained_again(
    digits: Path, settings: dict[str, Any], trained: list[tuple[float, float, int]]
) -> None:
    records = paths(settings)
    train_pack(settings, records[:2], digits)
    before = [Path(path).stat().st_mtime_ns for path in records[:2]]
    train_pack(settings, records, digits)
    train_pack(settings, records, digits)
    assert trained == [(0.01, 0.1, seed) for seed in range(3)]
    assert [Path(path).stat().st_mtime_ns for path in records[:2]] == before


@pytest.mark.parametrize("harm", ["", '{"format": 1, "status"', '{"format": 1, "status": "ok", "settings": {}}'])
def test_a_record_that_is_cut_off_or_of_other_settings_is_trained_again(
    digits: Path, settings: dict[str, Any], trained: list[tuple[float, float, int]], harm: str
) -> None:
    records = paths(settings, seeds=2)
    train_pack(settings, records, digits)
    Path(records[1]).write_text(harm)
    train_pack(settings, records, digits)
    assert trained == [(0.01, 0.1, 0), (0.01, 0.1, 1), (0.01, 0.1, 1)]
    assert is_whole(records[1], settings)


def test_a_failing_run_stops_no_other_and_nothing_finished_is_lost(
    digits: Path,
    settings: dict[str, Any],
    trained: list[tuple[float, float, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = paths(settings)
    train_pack(settings, records[:1], digits)
    with monkeypatch.context() as patch:
        fail_for(patch, seed=1)
        assert train_pack(settings, records, digits) == [records[1]]
    assert "the device fell off the bus" in capsys.readouterr().err
    for path in (records[0], records[2]):  # old and new alike survive what Snakemake does to a failed job
        Path(path).unlink()
    assert train_pack(settings, records, digits) == []
    assert trained == [(0.01, 0.1, seed) for seed in (0, 2, 1)]
    assert all(is_whole(path, settings) for path in records)


def test_a_file_system_without_hard_links_will_do(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    records = paths(settings)
    assert train_pack(settings, records, digits) == []
    assert all(is_whole(path, settings) for path in records)


def test_weights_are_kept_where_the_recipe_says_so(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["keep_weights"] = True
    (record,) = paths(settings, seeds=1)
    train_pack(settings, [record], digits)
    model = models.build(settings["arch"], 10, 1)
    model.load_state_dict(torch.load(Path(record).with_suffix(".pt"), weights_only=True))
    length = torch.cat([weights.detach().flatten() for weights in model.parameters()]).norm().item()
    assert length == pytest.approx(read_record(record)["history"]["weight_norm"][-1], rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "warp"}, "engine: unknown 'warp'; there are auto, serial, fused"),
        ({"device": "cuda"}, "no usable GPU here; leave execution.device at auto or cpu"),
        ({"device": "abacus"}, "device abacus"),
        ({"paths": ["results/runs/notes.json"]}, "not the path of a run record"),
        ({"evaluations": ["pruning?"]}, "unknown 'pruning\\?'"),
        ({"data_dir": "nowhere"}, "no prepared data set"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(
    digits: Path, settings: dict[str, Any], change: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if "evaluations" in change:
        settings["recipe"] |= change
        change = {}
    call = {"settings": settings, "paths": paths(settings), "data_dir": digits, **change}
    with pytest.raises(ValueError, match=message):
        train_pack(**call)
    assert not list(Path("results").rglob("*.json"))


VIT = {"model": "vit_tiny_patch16_224", "kwargs": {"depth": 1, "patch_size": 4, "embed_dim": 12, "num_heads": 3}}


@pytest.mark.parametrize("engine", ["auto", "serial", "fused"])
@pytest.mark.parametrize(
    ("arch", "message"),
    [
        (VIT, r"vit_tiny_patch16_224 takes no images of 8 pixels .*\n\n    img_size: image_size$"),
        ({"model": "VGG", "kwargs": {"cfg": [4] + 4 * ["M"]}}, "VGG takes no images of 8 pixels .*another image_size"),
        ({"model": "resnet81"}, "neither a model nor a class 'resnet81'"),
        ({"model": "resnet10t", "kwargs": {"img_size": 8}}, r"resnet10t does not take \{'img_size': 8\}"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_once_by_its_key(
    digits: Path, settings: dict[str, Any], arch: dict[str, Any], message: str, engine: str
) -> None:
    settings["arch"] = {"family": "cnn", "kwargs": {}, **arch}
    with pytest.raises(ValueError, match=rf"(?s)^archs\.tiny: .*{message}"):
        train_any_pack(settings, paths(settings), digits, engine, "cpu")
    assert not list(Path().rglob("*.json"))


def test_the_size_that_is_advised_is_taken(digits: Path, settings: dict[str, Any]) -> None:
    settings["arch"] = {"family": "transformer", **VIT, "kwargs": {**VIT["kwargs"], "img_size": 8}}
    assert train_pack(settings, paths(settings, seeds=1), digits) == []


def test_a_path_of_other_settings_is_refused(digits: Path, settings: dict[str, Any]) -> None:
    records = paths(settings)
    settings["recipe"]["epochs"] = 3
    with pytest.raises(ValueError, match="its digest is not that of the settings"):
        train_pack(settings, records, digits)


def call_program(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], data: Path, records: list[str]) -> int:
    arguments = [
        "--settings",
        json.dumps(settings),
        "--data",
        str(data),
        "--device",
        "cpu",
        "--engine",
        "serial",
        *records,
    ]
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    return program.main()


def test_the_program_says_how_it_went(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = paths(settings)
    with monkeypatch.context() as patch:
        fail_for(patch, seed=1)
        assert call_program(patch, settings, digits, records) == 1
    log = capsys.readouterr().err
    assert "[2/3] tiny lr 0.01 wd 0.1 seed 2: test " in log
    assert f"1 of 3 runs failed: {records[1]}" in log
    assert call_program(monkeypatch, settings, digits, records) == 0
    assert call_program(monkeypatch, settings, Path("nowhere"), paths(settings, lr=0.02)) == 2
    assert "error: nowhere: no prepared data set" in capsys.readouterr().err


def test_a_fused_packs_records_are_those_of_serial_ones_but_for_rounding(
    digits: Path, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    records = paths(settings)
    train_pack(settings, records, digits)
    alone = [read_record(path) for path in records]
    close(records)
    for path in records:
        Path(path).unlink()
    train_any_pack(settings, records, digits, "fused", "cpu")
    assert "[3/3] tiny lr 0.01 wd 0.1 seed 2: test" in capsys.readouterr().err
    for path, record in zip(records, alone, strict=True):
        fused = read_record(path)
        assert (record["engine"], fused["engine"]) == ("serial", "fused")
        assert fused["history"]["test_loss"] == pytest.approx(record["history"]["test_loss"], rel=1e-4)
        assert fused.keys() == record.keys()


def test_a_pack_that_is_too_large_for_the_memory_is_halved_until_it_fits(
    digits: Path,
    settings: dict[str, Any],
    trained: list[tuple[float, float, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train, sizes = job.train, []

    def small(learner: Learner, *rest: Any) -> None:
        sizes.append(len(learner.members))
        if len(learner.members) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        train(learner, *rest)

    monkeypatch.setattr(job, "train", small)
    records = paths(settings, seeds=5)
    assert train_any_pack(settings, records, digits, "fused", "cpu") == []
    assert sizes == [5, 2, 3, 1, 2]
    assert sorted(trained) == [(0.01, 0.1, seed) for seed in range(5)]
    assert "tiny lr 0.01 wd 0.1 seed 0 and 4 more: out of memory, so in two halves" in capsys.readouterr().err


def test_a_run_that_is_too_large_for_the_memory_is_told_the_way_out(
    digits: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(learner: Learner, *rest: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(job, "train", never)
    records = paths(settings, seeds=1)
    assert train_pack(settings, records, digits) == records
    assert "set `accumulate: 2` in the recipe" in capsys.readouterr().err


def test_an_optimizer_that_makes_no_sense_is_refused_before_anything_is_loaded(settings: dict[str, Any]) -> None:
    settings["recipe"]["optimizer"] = {"name": "adamw", "betas": [0.9, 1.0]}
    with pytest.raises(ValueError, match=r"optimizer adamw: betas\[1\] must be a number at least 0 and less than 1"):
        train_pack(settings, paths(settings), "nowhere")
