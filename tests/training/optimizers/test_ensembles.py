"""Every member of an ensemble moves as if it were alone, and its state is that of a run alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from decay_atlas.training import optimizers
from decay_atlas.training.optimizers import OPTIMIZERS, base
from tests.training.optimizers.twins import gradients, multiplier, weights

SHAPES: list[tuple[int, ...]] = [(5,), (3, 4), (), (2, 3, 2, 2)]
LRS, WDS = [0.1, 0.01, 0.003], [0.0, 0.5, 0.1]
M = len(LRS)
OPTIONS: list[dict[str, Any]] = [
    *({"name": name} for name in OPTIMIZERS),
    {"name": "sgd", "momentum": 0},
    {"name": "sgd", "nesterov": True},
    {"name": "adams", "p": 0.25},
    {"name": "sgds", "dampening": 0.5},
    {"name": "asam", "base": {"name": "awd"}},
    {"name": "sam", "base": {"name": "adamw-lh"}},
]


def label(entry: dict[str, Any]) -> str:
    return "-".join(str(value) for value in entry.values())


class Model:
    """Parameters and an optimizer, fed with gradients that pull towards points and shake."""

    def __init__(self, entry: dict[str, Any], members: list[int], dtype: torch.dtype, alone: bool = False) -> None:
        self.members, self.alone, self.dtype, self.done = members, alone, dtype, 0
        self.start = [self.leaf(lambda member, k=k: weights(SHAPES, member)[k]) for k in range(len(SHAPES))]  # type: ignore[misc]
        self.leaves = [nn.Parameter(value) for value in self.start]
        lr, wd = (self.rate([values[member] for member in members]) for values in (LRS, WDS))
        self.optimizer = optimizers.build(self.leaves, entry, lr, wd)

    def leaf(self, of_member: Callable[[int], Any]) -> Tensor:
        values = torch.stack([torch.as_tensor(of_member(member)) for member in self.members]).to(self.dtype)
        return values[0] if self.alone else values

    def rate(self, values: list[float]) -> Any:
        return values[0] if self.alone else torch.tensor(values, dtype=torch.float64)

    def differentiate(self) -> Tensor:
        for k, leaf in enumerate(self.leaves):
            noise = self.leaf(lambda member, k=k: gradients(SHAPES, self.done + 1, member)[k])  # type: ignore[misc]
            leaf.grad = noise + 0.1 * leaf.detach()
        return torch.zeros(())

    def train(self, steps: int) -> Model:
        for _ in range(steps):
            eta = multiplier(self.done + 1)
            self.optimizer.param_groups[0]["lr"] = self.rate([LRS[member] * eta for member in self.members])
            self.differentiate()
            if getattr(self.optimizer, "needs_closure", False):
                self.optimizer.step(self.differentiate)
            else:
                self.optimizer.step()
            self.done += 1
        return self


@pytest.mark.parametrize("entry", OPTIONS, ids=label)
@pytest.mark.parametrize(("dtype", "steps", "tolerance"), [(torch.float64, 50, 1e-12), (torch.float32, 50, 1e-6)])
def test_a_member_of_an_ensemble_moves_as_if_it_were_alone(
    entry: dict[str, Any], dtype: torch.dtype, steps: int, tolerance: float
) -> None:
    together = Model(entry, list(range(M)), dtype).train(steps)
    for member in range(M):
        alone = Model(entry, [member], dtype, alone=True).train(steps)
        for ours, theirs in zip(together.leaves, alone.leaves, strict=True):
            torch.testing.assert_close(ours[member], theirs, rtol=tolerance, atol=tolerance)
            state, other = together.optimizer.state[ours], alone.optimizer.state[theirs]
            assert state.keys() == other.keys()
            for name, value in state.items():
                mine = value if name == "step" else value[member]
                assert mine.dtype == other[name].dtype
                torch.testing.assert_close(mine, other[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("entry", OPTIONS, ids=label)
def test_the_members_rates_make_a_difference(entry: dict[str, Any]) -> None:
    trained = Model(entry, [0, 1, 2], torch.float64).train(3).leaves[1].detach()
    lr_alone = Model({**entry}, [0, 1, 2], torch.float64)
    lr_alone.optimizer.param_groups[0]["weight_decay"] = torch.zeros(M, dtype=torch.float64)
    undecayed = lr_alone.train(3).leaves[1].detach()
    torch.testing.assert_close(trained[0], undecayed[0])  # its decay is 0
    assert not torch.allclose(trained[1], undecayed[1], rtol=1e-6)


@pytest.mark.parametrize("entry", OPTIONS, ids=label)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "ensemble"])
def test_training_goes_on_from_a_saved_state_as_if_nothing_had_happened(entry: dict[str, Any], alone: bool) -> None:
    members = [1] if alone else [0, 1, 2]
    first = Model(entry, members, torch.float32, alone)
    assert not first.optimizer.state, "state is made at the first step"
    first.train(3)
    file = io.BytesIO()
    torch.save(first.optimizer.state_dict(), file)
    file.seek(0)
    second = Model(entry, members, torch.float32, alone)
    with torch.no_grad():
        for new, old in zip(second.leaves, first.leaves, strict=True):
            new.copy_(old)
    second.optimizer.load_state_dict(torch.load(file, weights_only=True))
    second.done = first.done
    first.train(3)
    second.train(3)
    for new, old in zip(second.leaves, first.leaves, strict=True):
        assert torch.equal(new, old)


@pytest.mark.parametrize("entry", OPTIONS, ids=label)
def test_a_members_state_lets_it_go_on_alone(entry: dict[str, Any]) -> None:
    together = Model(entry, [0, 1, 2], torch.float64).train(3)
    alone = Model(entry, [1], torch.float64, alone=True).train(1)
    with torch.no_grad():
        for mine, theirs in zip(alone.leaves, together.leaves, strict=True):
            mine.copy_(theirs[1])
            for name, value in together.optimizer.state[theirs].items():
                alone.optimizer.state[mine][name] = value.clone() if name == "step" else value[1].clone()
    alone.done = together.done
    together.train(3)
    alone.train(3)
    for mine, theirs in zip(alone.leaves, together.leaves, strict=True):
        torch.testing.assert_close(mine, theirs[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("entry", OPTIONS, ids=label)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "ensemble"])
def test_working_in_parts_changes_no_bit(entry: dict[str, Any], alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in (1, 10, 10**9):
        monkeypatch.setattr(base, "PART", size)
        found.append(Model(entry, [0] if alone else [0, 1, 2], torch.float32, alone).train(4).leaves)
    for one, two, three in zip(*found, strict=True):
        assert torch.equal(one, three)
        assert torch.equal(two, three)


@pytest.mark.parametrize("kept", [torch.float32, torch.float64])
def test_rates_may_be_of_any_float_type(kept: torch.dtype) -> None:
    leaf = nn.Parameter(torch.ones(2, 3))
    optimizer = optimizers.build([leaf], {"name": "sgdw"}, torch.tensor([0.5, 0.25], dtype=kept), torch.ones(2))
    leaf.grad = torch.zeros(2, 3)
    optimizer.step()
    assert leaf[:, 0].tolist() == [0.5, 0.75]


def test_one_rate_may_be_shared_by_all_members() -> None:
    leaf = nn.Parameter(torch.ones(2, 3))
    optimizer = optimizers.build([leaf], {"name": "sgdw"}, 0.5, torch.tensor([0.0, 1.0]))
    leaf.grad = torch.zeros(2, 3)
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert leaf[:, 0].tolist() == [1.0, 0.75]


def test_parameters_without_a_gradient_stay() -> None:
    still, moved = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = optimizers.build([still, moved], {"name": "adams"}, 0.1, 0.1)
    optimizer.step()
    moved.grad = torch.ones(2)
    optimizer.step()
    assert still.tolist() == [1, 1] != moved.tolist()
    assert still not in optimizer.state


def test_what_is_no_ensemble_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ensemble of 2 every parameter .* has the shape \(3, 2\)"):
        optimizers.build([nn.Parameter(torch.ones(3, 2))], {"name": "adams"}, torch.ones(2), torch.ones(2))
    with pytest.raises(ValueError, match=r"one number for each member, not \[2, 3\]"):
        optimizers.build([nn.Parameter(torch.ones(2, 2))], {"name": "adams"}, torch.ones(2), torch.ones(3))
    with pytest.raises(ValueError, match="as one group"):
        optimizers.AdamS([{"params": [nn.Parameter(torch.ones(2))]}, {"params": []}], 0.1)  # type: ignore[list-item]
