"""A bar for people, silence for files; what is watched comes through as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from decay_atlas.execution.progress import watched

CODE = "from decay_atlas.execution.progress import watched; print(list(watched(iter('abc'), 3, 'simulating')))"


def test_without_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(watched(iter("abc"), 3, "simulating")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar() -> None:
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=theirs, env=environment, check=True
    )
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(theirs)
    assert done.stdout == b"['a', 'b', 'c']\n"
    assert "simulating" in drawn
    assert "100%" in drawn
