from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.training.schedules import SHAPES, multipliers

T = 1e-12


def test_the_published_warm_up_rises_once_an_epoch() -> None:
    schedule = {"name": "cosine", "warmup_epochs": 10, "warmup_per": "epoch"}
    per_epoch = np.reshape(multipliers(schedule, 200, 391), (200, 391))
    assert per_epoch.size == 78_200
    for epoch in range(10):
        assert per_epoch[epoch] == pytest.approx((epoch + 1) / 10, abs=T)


def test_warm_up_per_step_reaches_the_peak_at_its_last_step() -> None:
    found = multipliers({"name": "constant", "warmup_epochs": 2, "warmup_per": "step"}, 3, 4)
    assert found == pytest.approx([*np.arange(1, 9) / 8, 1, 1, 1, 1], abs=T)


def test_a_warm_up_may_end_inside_an_epoch() -> None:
    found = multipliers({"name": "constant", "warmup_epochs": 1.5, "warmup_per": "step"}, 2, 4)
    assert found == pytest.approx([*np.arange(1, 7) / 6, 1, 1], abs=T)


def test_cosine_is_half_a_cosine_over_what_the_warm_up_leaves() -> None:
    found = multipliers({"name": "cosine", "warmup_epochs": 1, "warmup_per": "epoch"}, 5, 10)
    assert found[10:] == pytest.approx(
        [math.cos(math.pi * step / 80) ** 2 for step in range(40)], abs=T
    )  # cos² is the half-angle form of (1 + cos) / 2


def test_linear_ends_one_step_above_zero() -> None:
    assert multipliers({"name": "linear"}, 2, 5) == pytest.approx(np.arange(10, 0, -1) / 10, abs=T)


def test_the_sum_of_a_linear_schedule_is_a_triangular_number() -> None:
    assert sum(multipliers({"name": "linear"}, 90, 7)) == pytest.approx((630 + 1) / 2, abs=1e-9)


def test_step_drops_at_its_milestones() -> None:
    found = np.reshape(multipliers({"name": "step", "milestones": [30, 60, 80]}, 90, 3), (90, 3))
    for epochs, value in ((slice(0, 30), 1), (slice(30, 60), 0.1), (slice(60, 80), 0.01), (slice(80, 90), 0.001)):
        assert found[epochs] == pytest.approx(value, rel=1e-9)


@given(
    name=st.sampled_from(sorted(SHAPES)),
    epochs=st.integers(2, 12),
    steps=st.integers(1, 9),
    warmup=st.integers(0, 1),
    per=st.sampled_from(["epoch", "step"]),
)
def test_every_schedule_peaks_at_one_and_never_rises_after_warm_up(
    name: str, epochs: int, steps: int, warmup: int, per: str
) -> None:
    schedule = {"name": name, "warmup_epochs": warmup, "warmup_per": per, "milestones": [1, 3]}
    found = multipliers(schedule, epochs, steps)
    assert len(found) == epochs * steps
    after = found[warmup * steps :]
    if name != "step" or not warmup:  # a milestone may fall on the warm-up's end
        assert max(found) == pytest.approx(1)
    assert all(0 < value <= 1 for value in found)
    assert after == sorted(after, reverse=True)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"name": "cosin"}, "unknown name 'cosin'; there are constant, cosine"),
        ({"name": "step"}, r"milestones: \[30, 60, 80\]"),
        ({"name": "cosine", "warmup_epochs": 5}, "less than the recipe's epochs, 5"),
        ({"name": "cosine", "warmup_per": "batch"}, "epoch or step, not 'batch'"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(schedule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        multipliers(schedule, 5, 2)
