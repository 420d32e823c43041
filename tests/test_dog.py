"""DoG estimated from runs of fixed weight decay: where a loss's plateau begins, and which run's estimate is whose."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.dog import FILE, DogError, estimate, estimate_for, gather, plateau
from decay_atlas.grid import Run, digest_of
from decay_atlas.records import write_json
from tests.recorded import record_of

FIXED: dict[str, Any] = {"dataset": {"source": "digits"}, "recipe": {"epochs": 2}, "arch": {}, "training_version": 2}
ADAPTIVE = {**FIXED, "recipe": {"epochs": 2, "dog": {"wd": 0.0005, "recipe": FIXED["recipe"]}}}


@pytest.mark.parametrize("scale", [2.0, 5.0, 20.0])
def test_an_exponential_reaches_its_plateau_after_three_time_scales(scale: float) -> None:
    """Within 5 % of its fall: exp(−t/τ) = 0.05 at t = τ·ln 20, t = 0 being the first epoch."""
    losses = [0.3 + 2 * math.exp(-t / scale) for t in range(2000)]
    assert plateau(losses) == 1 + math.ceil(scale * math.log(20))


def test_a_straight_line_has_none_before_its_last_twentieth() -> None:
    assert plateau([100 - t for t in range(101)]) == 96


def test_a_power_law_reaches_it_where_its_formula_says() -> None:
    """1/t − 1/n ≤ 0.05·(1 − 1/n) at t = 1/(0.05 + 0.95/n)."""
    n = 100
    assert plateau([1 / t for t in range(1, n + 1)]) == math.ceil(1 / (0.05 + 0.95 / n))


def test_a_loss_that_never_falls_is_at_its_plateau_at_once() -> None:
    assert plateau([2.0, 2.0, 2.0]) == plateau([2.0, 3.0, 4.0]) == 1


def test_steps_of_a_schedule_count_with_the_whole_fall() -> None:
    assert plateau([2.3, 1.0, 1.0, 1.0, 0.1, 0.1]) == 5


def test_what_follows_a_divergence_does_not_count() -> None:
    assert plateau([2.0, 1.0, None, 0.0]) == 2
    assert plateau([2.0, float("inf"), 0.0]) == 1
    assert plateau([None]) == plateau([]) == 0


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=30),
    st.sampled_from([0.25, 1.0, 8.0]),
    st.integers(-100, 100),
)
def test_neither_unit_nor_offset_matters(losses: list[int], unit: float, offset: int) -> None:
    assert plateau([unit * loss + offset for loss in losses]) == plateau([float(loss) for loss in losses])


def record(lr: float = 0.1, wd: float = 0.0005, seed: int = 0, dog: list[float | None] | None = None) -> dict[str, Any]:
    history = {"train_loss": [2.0, 1.0, 0.02, 0.0], "dog": dog or [0.01, 0.02, 0.06, 9.0]}
    return record_of(Run("digits", "fixed", "net", digest_of(FIXED), lr, wd, seed), FIXED, history=history)


def place(root: Path, seed: int) -> Path:
    """Where the record of a fixed run lies."""
    return root / Run("digits", "fixed", "net", digest_of(FIXED), 0.1, 0.0005, seed).path


def test_the_estimate_is_the_mean_up_to_the_plateau() -> None:
    assert estimate(record()) == (pytest.approx(0.03), 3)
    assert estimate(record(dog=[None, 0.02, 0.06, 9.0])) == (pytest.approx(0.04), 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the adaptive runs' records are to lie, with the estimates of two fixed runs."""
    folder = tmp_path / "digits/adaptive/net" / digest_of(ADAPTIVE)
    for seed in (0, 1):
        write_json(place(tmp_path, seed), record(seed=seed, dog=[0.01 * (1 + seed)] * 4))
    gather([place(tmp_path, 0), place(tmp_path, 1)], folder / FILE)
    return folder


def test_every_run_finds_the_estimate_of_its_own_rate_and_seed(folder: Path) -> None:
    found = estimate_for(folder / "lr0.1_wd1_seed1.json", ADAPTIVE)
    assert (found["dog"], found["epochs"], found["seed"]) == (pytest.approx(0.02), 3, 1)
    with pytest.raises(DogError, match=r"no estimate of the fixed run lr 0.2 wd 0.0005 seed 1"):
        estimate_for(folder / "lr0.2_wd1_seed1.json", ADAPTIVE)


def test_one_rate_may_serve_all(folder: Path) -> None:
    settings = {**ADAPTIVE, "recipe": {"dog": {**ADAPTIVE["recipe"]["dog"], "lr": 0.1}}}
    found = estimate_for(folder / "lr3_wd1_seed0.json", settings)
    assert found["dog"] == pytest.approx(0.01)


def test_a_fixed_run_of_other_settings_is_none(folder: Path) -> None:
    content = json.loads((folder / FILE).read_text())
    for row in content["estimates"]:
        row["digest"] = "00000000"
    write_json(folder / FILE, content)
    with pytest.raises(DogError, match="no estimate"):
        estimate_for(folder / "lr0.1_wd1_seed0.json", ADAPTIVE)


def test_without_the_file_the_message_says_what_to_run(folder: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(DogError, match="run snakemake"):
        estimate_for(folder / "lr0.1_wd1_seed0.json", ADAPTIVE)


def test_a_fixed_run_that_diverged_at_once_has_no_estimate(folder: Path, tmp_path: Path) -> None:
    write_json(place(tmp_path, 0), record(dog=[None] * 4))
    gather([place(tmp_path, 0)], folder / FILE)
    with pytest.raises(DogError, match="diverged in the first epoch"):
        estimate_for(folder / "lr0.1_wd1_seed0.json", ADAPTIVE)
