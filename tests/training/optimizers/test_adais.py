from __future__ import annotations

import pytest

from tests.training.optimizers.test_adai import formula
from tests.training.optimizers.twins import assert_follows, assert_same, by_hand


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adais"}, formula(False))


def test_two_steps_by_hand() -> None:
    found = by_hand({"name": "adais"}, [1.0, 2.0], [[1.0, 1.0]] * 2, lr=0.1, wd=1.0)
    assert found == pytest.approx([(w * 0.9 - 0.1) * 0.9 - 0.1 for w in (1.0, 2.0)])


def test_without_gradients_only_the_decay_is_left() -> None:
    assert by_hand({"name": "adais"}, [1.0, 2.0], [[0.0, 0.0]] * 2, 0.1, 1.0) == pytest.approx([0.81, 1.62])


def test_without_decay_it_is_adai() -> None:
    assert_same({"name": "adais"}, {"name": "adai"}, 0.0, 0.0)
