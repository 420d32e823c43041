"""A run is trained once: what trains, and what does not, after every kind of change."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.pipeline.conftest import Project

NOTHING = "Nothing to be done"


def retrained(project: Project, before: dict[str, bytes]) -> list[str]:
    """Names of records that are new or not the same bytes."""
    return [name for name, content in project.records().items() if before.get(name) != content]


def test_a_second_run_does_nothing(trained: Project) -> None:
    assert NOTHING in trained.snakemake("runs").output


def test_a_new_learning_rate_trains_only_its_runs(trained: Project) -> None:
    before = trained.records()
    trained.grid(lr=[0.001, 0.01, 0.1])
    assert trained.snakemake("runs").status == 0
    assert len(retrained(trained, before)) == 6
    assert all(name.startswith("lr0.1_") for name in retrained(trained, before))


def test_a_new_seed_trains_only_its_runs_and_going_back_finds_the_old_table(trained: Project) -> None:
    before = trained.records()
    trained.grid(seed=[0, 1, 2])
    assert trained.snakemake("runs").status == 0
    assert sorted(retrained(trained, before)) == sorted(
        f"lr{lr}_wd{wd}_seed2.json" for lr in ("0.001", "0.01") for wd in ("0.01", "0.1", "1")
    )
    trained.grid(seed=[0, 1])
    call = trained.snakemake("runs")
    assert set(call.jobs) == {"collect", "runs"}


def test_a_deleted_record_trains_one_run(trained: Project) -> None:
    before = trained.records()
    trained.find("lr0.01_wd0.1_seed1.json").unlink()
    call = trained.snakemake("runs")
    assert call.status == 0
    assert retrained(trained, before) == ["lr0.01_wd0.1_seed1.json"]


def test_another_pack_retrains_nothing(trained: Project) -> None:
    for pack in ([], ["seed"], ["wd", "seed"]):
        trained.write_study(execution={"pack": pack})
        assert NOTHING in trained.snakemake("runs", "-n").output, pack


def test_touching_commenting_and_editing_the_library_retrains_nothing(trained: Project) -> None:
    before = trained.records()
    for file in [*trained.root.rglob("*.npy"), *trained.root.rglob("*.json"), trained.root / "config.yaml"]:
        os.utime(file)
    with (trained.root / "workflow/decay_atlas/training/loop.py").open("a") as library:
        library.write("\nEDITED = True\n")
    with (trained.root / "studies/tiny.yaml").open("a") as study:
        study.write("# a comment\n")
    call = trained.snakemake("runs")
    assert call.status == 0
    assert not any(rule.startswith("train") for rule in call.jobs)
    assert retrained(trained, before) == []


def test_another_recipe_is_another_place_and_going_back_finds_the_old_runs(trained: Project) -> None:
    before = trained.records()
    quick = trained.study["recipes"]["quick"]
    trained.write_study(recipes={"quick": {**quick, "epochs": 3}})
    assert trained.snakemake("runs", "-n").jobs["train"] == 1
    trained.write_study(recipes={"quick": quick})
    assert NOTHING in trained.snakemake("runs").output
    assert trained.records() == before


def test_a_tree_copied_without_snakemakes_memory_is_accepted(trained: Project) -> None:
    before = trained.records()
    shutil.rmtree(trained.root / ".snakemake")
    shutil.rmtree(trained.root / "resources")
    call = trained.snakemake("runs")
    assert call.status == 0, call.output
    assert "train" not in call.jobs
    assert trained.records() == before


def test_forcing_a_pack_keeps_its_records(trained: Project) -> None:
    before = trained.records()
    assert trained.snakemake("runs", "-R", "train").status == 0
    assert trained.records() == before


def test_each_run_of_a_pack_is_the_run_alone_but_for_rounding(trained: Project, project: Project) -> None:
    """The pack is trained as one ensemble, the run alone in a process of its own."""
    import json

    name = "lr0.01_wd0.1_seed1.json"
    project.write_study(execution={"pack": []})
    project.grid(lr=[0.01], wd=[0.1], seed=[1])
    assert project.snakemake("runs").status == 0
    alone, packed = (json.loads(one.find(name).read_text()) for one in (project, trained))
    assert (alone["engine"], packed["engine"]) == ("serial", "fused")
    for quantity in ("train_loss", "test_loss", "weight_norm"):
        assert packed["history"][quantity] == pytest.approx(alone["history"][quantity], rel=1e-4)
