"""Results of several machines in one tree: what fits is accepted without training, what does not is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.conftest import Project


def part(trained: Project, target: Path, seed: int) -> Project:
    """A project on another machine that trained one seed only, with no memory of Snakemake and no data."""
    other = trained.copy(target)
    for folder in (".snakemake", "resources", "results/tiny", "results/logs"):
        shutil.rmtree(other.root / folder)
    for file in (other.root / "results/runs").rglob("*_seed*.json"):
        if not file.name.endswith(f"_seed{seed}.json"):
            file.unlink()
    return other


def test_trees_of_two_machines_are_one_study(trained: Project, tmp_path: Path) -> None:
    before = trained.records()
    here, there = (part(trained, tmp_path / f"machine{seed}", seed) for seed in (0, 1))
    assert len(here.records()) == len(there.records()) == len(before) // 2
    shutil.copytree(there.root / "results", here.root / "results", dirs_exist_ok=True)
    call = here.snakemake("runs")
    assert call.status == 0, call.output
    assert set(call.jobs) <= {"dataset", "collect", "runs"}
    assert here.records() == before
    assert sorted(pd.read_parquet(here.root / "results/tiny/runs.parquet")["seed"].unique()) == [0, 1]


def test_the_seeds_that_only_one_machine_has_are_what_is_trained(trained: Project, tmp_path: Path) -> None:
    before = trained.records()
    here = part(trained, tmp_path / "machine", 1)
    assert here.snakemake("runs").status == 0
    after = here.records()
    assert after.keys() == before.keys()
    assert all((after[name] == before[name]) == name.endswith("_seed1.json") for name in before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record["settings"]["recipe"].update(epochs=3), "its settings have the digest"),
        (lambda record: record.update(data_checksum="0" * 64), "trained on other data"),
    ],
    ids=["settings", "data"],
)
def test_a_record_that_does_not_fit_is_refused_by_name(trained: Project, change, said: str) -> None:
    file = trained.find("lr0.01_wd0.1_seed1.json")
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))
    shutil.rmtree(trained.root / ".snakemake")
    call = trained.snakemake("runs", "-R", "collect")
    assert call.status == 1
    assert said in call.output
    assert "lr0.01_wd0.1_seed1.json" in call.output.split(said)[0].splitlines()[-1]
    assert json.loads(file.read_text()) == record, "nothing is overwritten"
