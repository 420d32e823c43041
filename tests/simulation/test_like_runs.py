"""Which recorded runs a plan goes by: the nearest kind that tells the noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import write_json
from decay_atlas.simulation.assumed import USUAL, Assumed
from decay_atlas.simulation.like_runs import like_runs
from decay_atlas.simulation.simulator import simulate
from tests.recorded import record_of

METRIC: dict[str, Any] = {"score": "test_final", "unit": "%", "direction": "max", "scale": "linear"}
MINE = Run("digits", "adamw", "net", "0123abcd", 1e-2, 0.1, 0)


def record(root: Path, like: Run, sd: float, seeds: int = 6, settings: dict[str, Any] | None = None) -> None:
    """Runs whose noise is `sd`, under the folder of `like`."""
    runs = simulate([1e-3, 1e-2], [0.01, 0.1, 1.0], seeds, seed_sd=sd, curvature=0.0, no_decay=0.0, lr_curvature=0.0)
    for row in runs.to_dict("records"):
        run = replace(like, lr=row["lr"], wd=row["wd"], seed=row["seed"])
        write_json(root / run.path, record_of(run, test_final=row["value"]))
    write_json((root / like.path).parent / "settings.json", settings or {"recipe": {}})


def told(root: Path, *runs: Run, **metric: Any) -> Assumed:
    return like_runs(runs or [MINE], METRIC | metric, "mine", root)


def test_the_nearest_runs_count(tmp_path: Path) -> None:
    assert told(tmp_path) is USUAL
    nearer = [
        (replace(MINE, recipe="sgd", arch="other"), "the same data set", 4.0),
        (replace(MINE, arch="other"), "other architectures of the same data set and recipe", 3.0),
        (replace(MINE, recipe="sgd"), "other recipes of the same data set and architecture", 2.0),
        (MINE, "the same settings", 1.0),
    ]
    for like, words, sd in nearer:
        record(tmp_path, like, sd)
        found = told(tmp_path)
        assert (found.basis, found.runs) == (words, 36)
        assert found.seed_sd == pytest.approx(sd, rel=0.4)
    assert told(tmp_path, replace(MINE, dataset="cifar10")) is USUAL


def test_runs_without_noise_or_without_the_score_tell_nothing_and_the_next_kind_does(tmp_path: Path) -> None:
    record(tmp_path, MINE, 1.0, seeds=1)
    record(tmp_path, replace(MINE, recipe="sgd"), 2.0)
    assert told(tmp_path).basis == "other recipes of the same data set and architecture"
    assert told(tmp_path, score="val_final") is USUAL


def test_simulated_records_do_not_pass_for_training(tmp_path: Path) -> None:
    record(tmp_path, replace(MINE, recipe="sgd"), 2.0, settings={"simulate": {"law": "ratio"}})
    assert told(tmp_path) is USUAL


def test_the_studys_own_table_of_runs_serves_where_its_records_are_gone(tmp_path: Path) -> None:
    runs = simulate([1e-2], [0.1, 1.0], 20, archs=["net", "stranger"], dataset="digits", recipe="adamw", seed_sd=0.5)
    (tmp_path / "results/mine").mkdir(parents=True)
    runs.to_parquet(tmp_path / "results/mine/runs.parquet")
    found = told(tmp_path)
    assert (found.basis, found.runs) == ("the table of runs of study mine", 40)


def test_damaged_records_and_values_without_a_logarithm_are_passed_over(tmp_path: Path) -> None:
    record(tmp_path, MINE, 1.0)
    folder = (tmp_path / MINE.path).parent
    first, second, *_ = sorted(folder.glob("lr*.json"))
    first.write_text("{")
    second.rename(folder / "lr1e-3_wdx_seed0.json")
    assert told(tmp_path).runs == 34
    write_json(first, record_of(replace(MINE, lr=1e-3, wd=0.01, seed=0), test_final=0.0))
    assert told(tmp_path, scale="log10") is USUAL


def test_a_huge_folder_is_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, MINE, 1.0)
    monkeypatch.setattr("decay_atlas.simulation.like_runs.MOST_CELLS", 3)
    monkeypatch.setattr("decay_atlas.simulation.like_runs.MOST_SEEDS", 4)
    assert told(tmp_path).runs == 12


def test_a_table_that_is_no_table_of_runs_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "results/mine").mkdir(parents=True)
    pd.DataFrame({"lr": np.ones(3)}).to_parquet(tmp_path / "results/mine/runs.parquet")
    assert told(tmp_path) is USUAL
    (tmp_path / "results/mine/runs.parquet").write_text("damaged")
    assert told(tmp_path) is USUAL
