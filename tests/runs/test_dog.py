"""DoG estimated from runs of fixed weight decay: where a loss's plateau begins, and which run's estimate is whose."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.runs.dog import FILE, ITERATIONS, LAST_STEPS, DogError, estimate, estimate_for, gather, plateau
from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.records import write_json
from tests.recorded import record_of

FIXED: dict[str, Any] = {"dataset": {"source": "digits"}, "recipe": {"epochs": 2}, "arch": {}, "training_version": 2}
ADAPTIVE = {**FIXED, "recipe": {"epochs": 2, "dog": {"wd": 0.0005, "recipe": FIXED["recipe"]}}}


@pytest.mark.parametrize("scale", [2.0, 5.0, 20.0])
def test_on_a_log_scale_an_exponential_is_a_straight_line(scale: float) -> None:
    assert plateau([3 * math.exp(-t / scale) for t in range(101)]) == 96


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_a_power_law_reaches_its_plateau_where_its_formula_says(power: float) -> None:
    """log t ≥ 0.95·log n."""
    n = 200
    assert plateau([t**-power for t in range(1, n + 1)]) == math.ceil(n**0.95)


def test_an_exponential_onto_a_floor_reaches_it_later_than_on_a_linear_scale() -> None:
    """0.01 + exp(−t/τ) falls by the factor 101; with 5 % of that left it is 0.01·101^0.05: t = −τ·ln 0.0026."""
    losses = [0.01 + math.exp(-t / 5) for t in range(2000)]
    assert plateau(losses) == 1 + math.ceil(-5 * math.log(0.01 * (101**0.05 - 1)))
    assert plateau(losses, float) == 1 + math.ceil(5 * math.log(20))


def test_a_loss_of_0_is_below_all_others() -> None:
    assert plateau([2.0, 1e-300, 0.0, 0.0]) == 3
    assert plateau([0.0, 0.0]) == 1


def test_a_loss_that_never_falls_is_at_its_plateau_at_once() -> None:
    assert plateau([2.0, 2.0, 2.0]) == plateau([2.0, 3.0, 4.0]) == 1


def test_steps_of_a_schedule_count_with_the_whole_fall() -> None:
    assert plateau([2.3, 1.0, 1.0, 1.0, 0.1, 0.1]) == 5


def test_what_follows_a_divergence_does_not_count() -> None:
    assert plateau([2.0, 1.0, None, 0.0]) == 2
    assert plateau([2.0, float("inf"), 0.0]) == 1
    assert plateau([None]) == plateau([]) == 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.sampled_from([0.25, 8.0, 1024.0]))
def test_the_unit_of_the_loss_does_not_matter(losses: list[int], unit: float) -> None:
    scaled, plain = plateau([unit * loss for loss in losses]), plateau([float(loss) for loss in losses])
    # a loss just at the level may round to either side of it
    level = losses[0] ** 0.05 * min(losses) ** 0.95
    assert scaled == plain or losses[min(scaled, plain) - 1] == pytest.approx(level)


def record(lr: float = 0.1, wd: float = 0.0005, seed: int = 0, dog: list[float | None] | None = None) -> dict[str, Any]:
    history = {
        "train_loss": [2.0, 1.0, 0.01, 0.001, 0.001],
        "dog": [0.5, 0.7, 0.9, 9.0, 9.0],
        "dog_mean": dog or [0.01, 0.02, 0.06, 0.07, 9.0],
    }
    return record_of(Run("digits", "fixed", "net", digest_of(FIXED), lr, wd, seed), FIXED, history=history)


def place(root: Path, seed: int) -> Path:
    """Where the record of a fixed run lies."""
    return root / Run("digits", "fixed", "net", digest_of(FIXED), 0.1, 0.0005, seed).path


def old(written: dict[str, Any]) -> dict[str, Any]:
    """A record as it was written before the mean over an epoch's iterations was recorded."""
    return {**written, "history": {key: values for key, values in written["history"].items() if key != "dog_mean"}}


def test_the_estimate_is_the_mean_over_all_iterations_up_to_the_plateau() -> None:
    assert estimate(record()) == (pytest.approx(0.04), 4)
    assert estimate(record(dog=[None, 0.02, 0.06, 0.07, 9.0])) == (pytest.approx(0.05), 4)


def test_an_old_record_has_the_estimate_that_it_had() -> None:
    """Over the last step of every epoch, up to the plateau on a linear scale: 95 % of the fall from 2 to 0.001."""
    assert estimate(old(record()), LAST_STEPS) == (pytest.approx(0.7), 3)


def test_estimates_of_a_recipe_are_all_made_in_one_way_and_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(*written: dict[str, Any]) -> list[tuple[str, float, int]]:
        paths = [place(tmp_path, number) for number in range(len(written))]
        for path, content in zip(paths, written, strict=True):
            write_json(path, content)
        gather(paths, tmp_path / FILE)
        estimates = json.loads((tmp_path / FILE).read_text())["estimates"]
        return [(row["over"], pytest.approx(row["dog"]), row["epochs"]) for row in estimates]

    assert rows(record(), record(seed=1)) == [(ITERATIONS, 0.04, 4)] * 2
    assert not capsys.readouterr().out
    assert rows(record(), old(record(seed=1))) == [(LAST_STEPS, 0.7, 3)] * 2
    told = capsys.readouterr().out
    assert "1 of 2 fixed runs" in told
    assert str(place(tmp_path, 1)) in told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the adaptive runs' records are to lie, with the estimates of two fixed runs."""
    folder = tmp_path / "digits/adaptive/net" / digest_of(ADAPTIVE)
    for seed in (0, 1):
        write_json(place(tmp_path, seed), record(seed=seed, dog=[0.01 * (1 + seed)] * 5))
    gather([place(tmp_path, 0), place(tmp_path, 1)], folder / FILE)
    return folder


def test_every_run_finds_the_estimate_of_its_own_rate_and_seed(folder: Path) -> None:
    found = estimate_for(folder / "lr0.1_wd1_seed1.json", ADAPTIVE)
    assert (found["dog"], found["epochs"], found["over"], found["seed"]) == (pytest.approx(0.02), 4, ITERATIONS, 1)
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
    write_json(place(tmp_path, 0), record(dog=[None] * 5))
    gather([place(tmp_path, 0)], folder / FILE)
    with pytest.raises(DogError, match="diverged in the first epoch"):
        estimate_for(folder / "lr0.1_wd1_seed0.json", ADAPTIVE)
