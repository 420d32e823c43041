"""Random numbers that depend on what they are for and nothing else.

Every draw of a run comes from a generator of its own, seeded by the run's seed, the purpose and a place in
training (epoch, step). So a run that is resumed draws what it would have drawn, and one that is trained
beside others draws what it draws alone.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

INIT, ORDER, AUGMENT, DEPTH, DROPOUT, MIX, ATTACK = range(7)


def stream(seed: int, purpose: int, *place: int) -> int:
    """A seed for one purpose of a run at one place; no two of them have anything in common."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, *place))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(seed: int, purpose: int, *place: int) -> Generator:
    """A generator on the CPU seeded by `stream`: the same numbers, whatever device they are used on."""
    return Generator().manual_seed(stream(seed, purpose, *place))


class BatchRandom:
    """Numbers for a batch of n images, of which this process may hold only some rows.

    All n are drawn, so that the parts of a batch that is split over several devices get what they get in one.
    """

    def __init__(self, generator: Generator, n: int, rows: Tensor | None = None) -> None:
        self._generator, self._n, self._rows = generator, n, rows

    def uniform(self, low: float, high: float, count: int = 1) -> Tensor:
        """`count` numbers in [low, high) for every row, shape (count, rows)."""
        return self._own(torch.empty(count, self._n).uniform_(low, high, generator=self._generator))

    def integers(self, high: int, count: int = 1) -> Tensor:
        """`count` whole numbers from 0 to high − 1 for every row, shape (count, rows)."""
        return self._own(torch.randint(0, high, (count, self._n), generator=self._generator))

    def _own(self, numbers: Tensor) -> Tensor:
        return numbers if self._rows is None else numbers[:, self._rows]
