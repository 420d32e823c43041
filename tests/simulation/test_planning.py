"""Before anything is trained: runs, jobs, and the grids that a study is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from decay_atlas.runs.records import write_json
from decay_atlas.simulation.assumed import USUAL
from decay_atlas.simulation.planning import plan, shapes
from decay_atlas.study.config import ConfigError, grid_of, load
from tests.recorded import record_of

ROOT = Path(__file__).parents[2]
BLOCK: dict[str, Any] = {
    "dataset": "digits",
    "recipe": "published-cifar",
    "arch": ["resnet50", "vit_small"],
    "lr": [0.001, 0.01, 0.1],
    "wd": [0.01, 0.1, 1.0],
    "seed": [0, 1],
}


def study(folder: Path, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    (folder / "studies").mkdir(exist_ok=True)
    (folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    (folder / "studies/small.yaml").write_text(yaml.safe_dump({"study": "small", "grid": list(blocks), **more}))
    return load("small", folder)


def test_runs_and_jobs_are_counted_with_those_that_are_left(tmp_path: Path) -> None:
    config = study(tmp_path, BLOCK, execution={"pack": ["seed"]})
    for run in grid_of(config).runs[:3]:  # the first cell with both its seeds, and one seed of the second
        write_json(tmp_path / run.path, record_of(run, seconds=60.0))
    found = plan(config, root=tmp_path, repeats=1)
    assert (found.runs, found.done, found.jobs, found.jobs_left) == (36, 3, 18, 17)
    assert found.hours == pytest.approx(15 / 60), "the other architecture's time is unknown"
    whole = plan(study(tmp_path, BLOCK, execution={"pack": ["lr", "wd", "seed"]}), root=tmp_path, repeats=1)
    assert (whole.jobs, whole.jobs_left) == (2, 2)


def test_the_command_times_one_run_of_each_combination_that_is_unknown(tmp_path: Path) -> None:
    found = plan(study(tmp_path, BLOCK), ["studies/small.yaml"], tmp_path, repeats=1)
    first, *records = found.command.split(" \\\n  ")
    assert first == "snakemake --cores 1 --configfile studies/small.yaml --"
    assert len(records) == 2
    assert all(record.endswith("/lr0.001_wd0.01_seed0.json") for record in records)


def test_combinations_on_one_grid_are_planned_together_and_ragged_ones_as_they_are(tmp_path: Path) -> None:
    rectangle = {**BLOCK, "arch": ["resnet50", "swin_tiny", "vit_small"]}
    tied = {**BLOCK, "arch": "vit_small", "wd": {"times_lr": 0.5}}
    found = shapes(grid_of(study(tmp_path, rectangle, tied)).runs)
    names = {tuple(run.arch for run in members): shape for shape, members in found.items()}
    assert set(names) == {("resnet50", "swin_tiny"), ("vit_small",)}
    assert names["resnet50", "swin_tiny"].is_rectangle
    ragged = names["vit_small",]
    assert not ragged.is_rectangle
    assert ragged.wd_at(0.001) == [0.0005, 0.01, 0.1, 1.0]


def test_noise_comes_from_recorded_runs_of_the_study_and_is_the_usual_without(tmp_path: Path) -> None:
    config = study(tmp_path, BLOCK)
    assert [one.assumed for one in plan(config, root=tmp_path, repeats=1).grids] == [USUAL]
    for run in grid_of(config).runs:
        if run.arch == "vit_small":
            value = 50.0 + run.seed  # two seeds a cell that differ by 1: a deviation of 0.71
            write_json(tmp_path / run.path, record_of(run, seconds=1.0, test_best=value))
    (grid,) = plan(config, root=tmp_path, repeats=1).grids
    assert (grid.assumed.basis, grid.assumed.runs) == ("the same settings", 18)
    # The median of a variance with one degree of freedom is (1 − 2/9)³ of it; here all nine are alike.
    assert grid.assumed.seed_sd == pytest.approx(0.5**0.5 * (1 - 2 / 9) ** -1.5)


def test_a_study_of_imported_runs_has_nothing_to_plan(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no grid and trains nothing"):
        plan(study(tmp_path, BLOCK, imports=["sweep.csv"]))
