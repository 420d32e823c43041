"""Sums of an epoch's steps against those of its images one by one, and mean DoG against a step's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from decay_atlas.training.data.tasks import Classification, Regression
from decay_atlas.training.engine import metrics as module
from decay_atlas.training.engine.metrics import DogAccumulator, MetricAccumulator

SIZES = [8, 8, 5]
"""Images of the batches of an epoch; the last one is smaller."""


def batches(shape: tuple[int, ...], classes: int = 4) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Mean losses, outputs and labels of an epoch of networks that guess."""
    chance = torch.Generator().manual_seed(0)
    found = []
    for n in SIZES:
        outputs = torch.randn(*shape, n, classes, generator=chance)
        labels = torch.randint(classes, (*shape, n), generator=chance)
        losses = cross_entropy(outputs.view(-1, classes), labels.view(-1), reduction="none").view(*shape, n)
        found.append((losses.mean(-1), outputs, labels))
    return found


@pytest.mark.parametrize("held", [1, 60, 10**6], ids=["each counted at once", "some wait", "all wait"])
@pytest.mark.parametrize("shape", [(), (3,)], ids=["alone", "ensemble"])
def test_sums_are_those_of_the_images(shape: tuple[int, ...], held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", held)
    tally, own = MetricAccumulator(Classification(), shape, torch.device("cpu")), batches(shape)
    for batch in own:
        tally.add(*batch)
    loss, correct = tally.sums()
    whole = sum(mean * n for (mean, _, _), n in zip(own, SIZES, strict=True))
    right = sum((outputs.argmax(-1) == labels).sum(-1) for _, outputs, labels in own)
    assert torch.allclose(loss, torch.as_tensor(whole))
    assert correct.tolist() == torch.as_tensor(right).tolist()
    assert loss.shape == correct.shape == shape


def test_when_they_are_counted_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(held: int) -> float:
        monkeypatch.setattr(module, "HELD", held)
        tally = MetricAccumulator(Classification(), (), torch.device("cpu"))
        for batch in batches(()) * 50:
            tally.add(*batch)
        return tally.sums()[0].item()

    assert loss(1) == loss(1000) == loss(10**6)


def test_goes_on_from_sums_and_counts_nothing_twice() -> None:
    tally = MetricAccumulator(Classification(), (), torch.device("cpu"))
    tally.set(torch.tensor(10.0), torch.tensor(7))
    assert [number.item() for number in tally.sums()] == [10.0, 7]
    outputs = torch.eye(4)
    tally.add(torch.tensor(0.5), outputs, torch.tensor([0, 1, 2, 0]))
    for _ in range(2):
        assert [number.item() for number in tally.sums()] == [12.0, 10]


def test_shares_count_by_the_largest_and_numbers_not_at_all() -> None:
    tally = MetricAccumulator(Classification(), (), torch.device("cpu"))
    tally.add(torch.tensor(1.0), torch.eye(2), torch.tensor([[0.7, 0.3], [0.6, 0.4]]))
    assert tally.sums()[1].item() == 1
    numbers = MetricAccumulator(Regression(), (3,), torch.device("cpu"))
    numbers.add(torch.ones(3), torch.ones(3, 5, 1), torch.ones(3, 5))
    assert [number.tolist() for number in numbers.sums()] == [[5.0] * 3, [0] * 3]


WEIGHTS = [torch.tensor([3.0, 0.0]), torch.tensor([[0.0, 4.0]])]  # of length 5


def gradients(*lengths: float) -> list[list[Tensor]]:
    """A step's gradients for each length, in two tensors."""
    return [[torch.tensor([0.0, 0.6 * length]), torch.tensor([[0.8 * length, 0.0]])] for length in lengths]


@pytest.mark.parametrize("most", [0, module.PART], ids=["pass by tensor", "in one vector"])
def test_dog_is_the_mean_ratio_of_the_lengths(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """5/10, 5/2.5 and 5/5."""
    monkeypatch.setattr(module, "PART", most)
    tally = DogAccumulator(WEIGHTS, ())
    for step in gradients(10, 2.5, 5):
        tally.add(step)
    assert tally.means().item() == pytest.approx((0.5 + 2 + 1) / 3)


@pytest.mark.parametrize("most", [0, module.PART], ids=["pass by tensor", "in one vector"])
def test_every_member_has_a_mean_of_its_own(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", most)
    tally = DogAccumulator([torch.stack([weight, 2 * weight]) for weight in WEIGHTS], (2,))
    for step in gradients(10, 2.5):
        tally.add([torch.stack([part, part]) for part in step])
        tally.decayed(torch.tensor([1.0, 0.5]))
    assert tally.means().tolist() == pytest.approx([(0.5 + 2) / 2] * 2)


def test_steps_without_a_gradient_or_with_one_beyond_all_bounds_tell_no_dog() -> None:
    tally = DogAccumulator(WEIGHTS, ())
    assert tally.means().isnan()
    for step in gradients(0.0, float("inf"), float("nan"), 2.5):
        tally.add(step)
    assert tally.means().item() == pytest.approx(2)


def test_dog_goes_on_from_the_steps_that_were_kept() -> None:
    whole, part = (DogAccumulator(WEIGHTS, ()) for _ in range(2))
    for number, step in enumerate(gradients(*(0.1 + k / 7 for k in range(50)))):
        if number == 20:
            part.set(torch.zeros(2, 0))
            part.set(whole.steps())
        whole.add(step)
        if number >= 20:
            part.add(step)
    assert torch.equal(whole.means(), part.means())
