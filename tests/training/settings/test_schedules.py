from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from decay_atlas.schedules.bounds import piecewise_factors, piecewise_schedule
from decay_atlas.training.settings.schedules import NEEDED, SHAPES, check, multipliers

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


def test_sqrt_falls_with_the_root_of_the_step() -> None:
    assert multipliers({"name": "sqrt"}, 2, 5) == pytest.approx(np.arange(1, 11) ** -0.5, abs=T)
    warm = multipliers({"name": "sqrt", "warmup_epochs": 1}, 2, 5)
    assert warm == pytest.approx([1] * 5 + [*np.arange(1, 6) ** -0.5], abs=T)


def test_sqrt_per_epoch_is_that_of_the_ridge_experiment() -> None:
    found = np.reshape(multipliers({"name": "sqrt", "per": "epoch"}, 50, 10), (50, 10))
    assert found == pytest.approx(np.repeat(np.arange(1, 51)[:, None] ** -0.5, 10, axis=1), abs=T)


def test_the_sum_of_sqrt_grows_as_twice_the_root() -> None:
    total = sum(multipliers({"name": "sqrt"}, 100, 100))
    assert total == pytest.approx(2 * math.sqrt(10_000) - 1.4603545, abs=0.01)  # the constant is ζ(½)


def test_wsd_is_stable_and_then_decays() -> None:
    assert multipliers({"name": "wsd", "decay_fraction": 0.4}, 5, 2) == pytest.approx(
        [1, 1, 1, 1, 1, 1, 1, 3 / 4, 2 / 4, 1 / 4], abs=T
    )
    found = multipliers({"name": "wsd", "decay_fraction": 0.4, "decay_shape": "1-sqrt"}, 5, 2)
    assert found == pytest.approx([1] * 7 + [1 - math.sqrt(k / 4) for k in (1, 2, 3)], abs=T)
    assert sum(value == 1 for value in multipliers({"name": "wsd"}, 10, 10)) == 81  # the default: a fifth


def test_wsd_that_only_decays_is_linear() -> None:
    for warmup in (0, 1):
        schedule = {"warmup_epochs": warmup, "decay_fraction": 1}
        assert multipliers({"name": "wsd", **schedule}, 4, 3) == multipliers({"name": "linear", **schedule}, 4, 3)


def test_piecewise_is_what_it_says() -> None:
    found = multipliers({"name": "piecewise", "pieces": [[1, 0.5], [2.5, 0.25]]}, 4, 2)
    assert found == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert multipliers({"name": "piecewise", "pieces": [[0, 0.5]]}, 1, 3) == [0.5] * 3


def test_piecewise_can_say_what_step_says() -> None:
    step = multipliers({"name": "step", "milestones": [3, 6], "factor": 0.5, "warmup_epochs": 2}, 9, 4)
    assert multipliers({"name": "piecewise", "pieces": [[3, 0.5], [6, 0.25]], "warmup_epochs": 2}, 9, 4) == step


def test_stages_are_the_look_ahead_schedule() -> None:
    found = multipliers({"name": "piecewise", "stages": [3, 6, 9]}, 11, 10)
    ends = [30, 60, 90, 110]
    assert found == pytest.approx(piecewise_schedule(ends, piecewise_factors(ends)), rel=1e-12)
    assert found[0] == 1
    assert len(set(found)) == 4


def test_a_cooldown_goes_down_from_where_the_pieces_had_come_to() -> None:
    schedule = {"name": "piecewise", "pieces": [[2, 0.5], [9, 0.25]], "decay_fraction": 0.2}
    found = multipliers(schedule, 10, 5)
    assert found[:40] == [1] * 10 + [0.5] * 30
    assert found[40:] == pytest.approx([0.5 * left / 10 for left in range(10, 0, -1)], abs=T)
    ahead = {"name": "piecewise", "stages": [4, 8]}
    assert multipliers({**ahead, "decay_fraction": 0.2}, 10, 5)[:40] == multipliers(ahead, 10, 5)[:40]


def test_a_stage_of_one_step_cannot_lower_the_rate() -> None:
    with pytest.raises(ValueError, match="too short to lower its rate"):
        multipliers({"name": "piecewise", "stages": [100]}, 101, 1)


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_exponential_is_that_of_pytorch(per: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    steps = 1 if per == "epoch" else 4
    theirs = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9 ** (1 / steps))
    expected = []
    for _ in range(5 * steps):
        expected += [optimizer.param_groups[0]["lr"]] * (4 // steps)
        optimizer.step()
        theirs.step()
    assert multipliers({"name": "exponential", "factor": 0.9, "per": per}, 5, 4) == pytest.approx(expected, rel=1e-9)


def test_cyclical_is_that_of_pytorch() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CyclicLR(optimizer, 0.2, 1.0, step_size_up=10, cycle_momentum=False)
    expected = []
    for _ in range(50):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    found = multipliers({"name": "cyclical", "cycle_epochs": 4, "lowest": 0.2}, 10, 5)
    assert found == pytest.approx(expected, abs=1e-9)
    assert max(found) == 1


def test_restarts_are_cosines_each_twice_as_long() -> None:
    found = multipliers({"name": "restarts", "restart_epochs": 14}, 210, 3)
    cycles = [multipliers({"name": "cosine"}, epochs, 3) for epochs in (14, 28, 56, 112)]
    assert found == pytest.approx([value for cycle in cycles for value in cycle], abs=T)
    short = multipliers({"name": "restarts", "restart_epochs": 0.1, "restart_factor": 1}, 3, 10)
    assert short == [1] * 30  # cycles of a step
    alike = multipliers({"name": "restarts", "restart_epochs": 2, "restart_factor": 1}, 6, 5)
    assert alike == pytest.approx(multipliers({"name": "cosine"}, 2, 5) * 3, abs=T)


@given(
    name=st.sampled_from(sorted(set(SHAPES) - {"cyclical"})),
    epochs=st.integers(2, 12),
    steps=st.integers(1, 9),
    warmup=st.integers(0, 1),
    per=st.sampled_from(["epoch", "step"]),
)
def test_every_schedule_peaks_at_one_and_never_rises_after_warm_up(
    name: str, epochs: int, steps: int, warmup: int, per: str
) -> None:
    schedule = {"name": name, "warmup_epochs": warmup, "warmup_per": per, "restart_epochs": 20}
    schedule |= {"milestones": [1], "pieces": [[1, 0.5]], "factor": 0.5}
    found = multipliers(schedule, epochs, steps)
    assert len(found) == epochs * steps
    after = found[warmup * steps :]
    if name not in ("step", "piecewise") or not warmup:  # a milestone may fall on the warm-up's end
        assert max(found) == pytest.approx(1)
    assert all(0 < value <= 1 for value in found)
    assert after == sorted(after, reverse=True)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"name": "cosin"}, "unknown name 'cosin'; there are constant, cosine"),
        ({"name": "step"}, r"step needs .*\n\n    milestones: \[30, 60, 80\]"),
        ({"name": "step", "milestones": []}, r"milestones: \[30, 60, 80\]"),
        ({"name": "step", "milestones": [3, 2]}, r"epochs of milestones must rise, and \[3, 2\] do not"),
        ({"name": "step", "milestones": [2, 5]}, "milestones has epoch 5, which never comes: the recipe has 5 epochs"),
        ({"name": "cosine", "warmup_epochs": 5}, "less than the recipe's epochs, 5"),
        ({"name": "cosine", "warmup_per": "batch"}, "epoch or step, not 'batch'"),
        ({"name": "sqrt", "per": "batch"}, "per is step or epoch, not 'batch'"),
        ({"name": "wsd", "decay_fraction": 0}, "decay_fraction is greater than 0 and at most 1, not 0"),
        ({"name": "wsd", "decay_shape": "cubic"}, "decay_shape is linear or 1-sqrt, not 'cubic'"),
        ({"name": "piecewise"}, r"pieces: \[\[30, 0.3\], \[60, 0.1\]\]"),
        ({"name": "piecewise", "pieces": [[1, 0.5], [1, 0.2]]}, "epochs of pieces must rise"),
        ({"name": "piecewise", "pieces": [[9, 0.5]]}, "pieces has epoch 9, which never comes"),
        ({"name": "piecewise", "pieces": [[1, 0]]}, "multipliers of pieces must be greater than 0 and at most 1"),
        ({"name": "piecewise", "pieces": [[1, 2]]}, "multipliers of pieces must be greater than 0 and at most 1"),
        ({"name": "piecewise", "stages": []}, r"pieces: \[\[30, 0.3\], \[60, 0.1\]\]"),
        ({"name": "piecewise", "stages": [2, 1]}, "epochs of stages must rise"),
        ({"name": "piecewise", "stages": [0, 1]}, "the first of stages begins with training"),
        ({"name": "piecewise", "stages": [1], "pieces": [[1, 0.5]]}, "in place of pieces"),
        ({"name": "step", "milestones": [1], "stages": [1]}, "stages are for piecewise"),
        ({"name": "piecewise", "stages": [1], "decay_fraction": 2}, "decay_fraction is greater than 0 and at most 1"),
        ({"name": "exponential"}, "factor: 0.97"),
        ({"name": "cyclical", "cycle_epochs": 2, "lowest": 0}, "lowest greater than 0"),
        ({"name": "restarts"}, "restart_epochs: 14"),
        ({"name": "restarts", "restart_epochs": 1, "restart_factor": 0.5}, "restart_factor at least 1"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(schedule: dict[str, Any], message: str) -> None:
    for refuse in (lambda: check(schedule, 5), lambda: multipliers(schedule, 5, 2)):
        with pytest.raises(ValueError, match=message):
            refuse()


@pytest.mark.parametrize("name", NEEDED)
def test_the_printed_correction_makes_a_schedule(name: str) -> None:
    with pytest.raises(ValueError, match="for example") as raised:
        check({"name": name}, 90)
    check({"name": name, **yaml.safe_load(str(raised.value).split("\n\n")[1])}, 90)
