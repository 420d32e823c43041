"""When to write a checkpoint: every few minutes, and when the process is told to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

import torch

from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.learner import EnsembleRun, Learner, State

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP)
"""What a scheduler sends before it kills a job, and what a person's Ctrl-C and a dropped connection do."""
AGREE_EVERY = 16
"""Steps between two agreements of processes that share a run: they must stop at the same one."""


class Interrupted(BaseException):
    """The process was told to stop, and what it was training has a checkpoint."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class CheckpointTimer:
    """Called after every step; saves when it is time to, and stops training when the process should end.

    `save` stores one member's state. The signals are caught while the watch is entered; a SIGHUP that the process was
    started to ignore (nohup) stays ignored.
    """

    def __init__(self, minutes: float, world: DistributedContext, save: Callable[[EnsembleRun, State], None]) -> None:
        self._seconds, self._world, self._save = 60 * minutes, world, save
        self._signal = 0
        self._last = time.monotonic()
        self._calls = 0
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        heard = [number for number in SIGNALS if not (nohup and number == signal.SIGHUP)]
        self._former = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def __call__(self, learner: Learner) -> None:
        """Save what `learner` trains, if it is time.

        Raises:
            Interrupted: a signal has come; everything is saved.
        """
        due, number = self._agreed(time.monotonic() - self._last >= self._seconds, self._signal)
        if due or number:
            for member, state in learner.states():
                self._save(member, state)
            self._last = time.monotonic()
        if number:
            raise Interrupted(number)

    def _agreed(self, due: bool, number: int) -> tuple[bool, int]:
        if self._world.size == 1:
            return due, number
        self._calls += 1
        if self._calls % AGREE_EVERY:
            return False, 0
        wishes = self._world.highest(torch.tensor([due, number]))
        return bool(wishes[0]), int(wishes[1])

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
