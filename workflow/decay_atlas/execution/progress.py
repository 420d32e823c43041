"""A bar on a terminal for what takes longer than one likes to wait without a word."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def watched(parts: Iterable[T], total: int, what: str) -> Iterator[T]:
    """`parts`, `total` of them, as they come: with a bar on standard error that goes when all are there.

    Nothing is drawn where standard error is no terminal, as under Snakemake, whose rules write to logs.
    """
    if not sys.stderr.isatty():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(parts, what, total, console=Console(stderr=True), transient=True)
