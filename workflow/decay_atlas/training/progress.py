"""How far a pack is: a bar on a terminal, a line a run (and every tenth of a long one) in a file."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

LONG_RUN = 30.0
"""Seconds after which a run reports its epochs in a log file."""


class Progress:
    """Tells on standard error which run of a pack is being trained and what came of each."""

    def __init__(self, runs: int, epochs: int, quiet: bool = False) -> None:
        self._runs, self._epochs, self._done, self._quiet = runs, epochs, 0, quiet
        self._began = self._last = time.monotonic()
        self._name = ""
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("training", total=runs * epochs)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Print one message, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def start(self, name: str) -> None:
        """A run begins, or several at once."""
        self._name = name
        self._last = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, description=self._name, completed=self._done * self._epochs)

    def epoch(self, row: dict[str, float | None]) -> None:
        """A run has finished an epoch."""
        now = time.monotonic()
        if self._bar is not None:
            self._bar.advance(self._task)
        elif now - self._last > LONG_RUN:
            self._last = now
            self.say(
                f"{self._name}: epoch {row['epoch']} of {self._epochs}, "
                f"train loss {_text(row['train_loss'])}, {_test(row['test_accuracy'], row['test_loss'])}"
            )

    def finish(self, name: str, result: dict[str, Any]) -> None:
        """A run is done."""
        self._done += 1
        left = (time.monotonic() - self._began) / self._done * (self._runs - self._done)
        outcome = "diverged" if result["status"] == "diverged" else _test(result["test_best"], result["test_loss_best"])
        self.say(
            f"[{self._done}/{self._runs}] {name}: {outcome}, {result['seconds']:.1f} s"
            + (f", about {left:.0f} s left" if left else "")
        )


def _test(accuracy: float | None, loss: float | None) -> str:
    return f"test loss {_text(loss)}" if accuracy is None else f"test {accuracy:.2f} %"


def _text(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"
