from __future__ import annotations

import sys
from typing import Any

import pytest

from decay_atlas.training import progress
from decay_atlas.training.progress import Progress

RUN = "tiny lr 1e-05 wd 0.1 seed 3"
OK = {"status": "ok", "test_best": 81.25, "test_loss_best": 0.5, "seconds": 1.5}
ROW: dict[str, Any] = {"epoch": 7, "train_loss": 0.5, "test_loss": 0.6, "test_accuracy": 80.0}


def test_a_log_file_gets_a_line_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(runs=2, epochs=10) as bar:
        for result in (OK, {**OK, "status": "diverged"}):
            bar.start(RUN)
            bar.epoch(ROW)
            bar.finish(RUN, result)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("[1/2] tiny lr 1e-05 wd 0.1 seed 3: test 81.25 %, 1.5 s")
    assert second.startswith("[2/2] tiny lr 1e-05 wd 0.1 seed 3: diverged")


def test_only_the_first_of_several_processes_tells(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(runs=1, epochs=2, quiet=True) as bar:
        bar.start(RUN)
        bar.finish(RUN, OK)
    assert capsys.readouterr().err == ""


def test_a_long_run_reports_its_epochs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 0.0, 10.0, 31.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress(runs=1, epochs=10) as bar:
        bar.start(RUN)
        for loss in (0.5, None, 0.5):
            bar.epoch({**ROW, "train_loss": loss})
    assert capsys.readouterr().err.splitlines() == [
        "tiny lr 1e-05 wd 0.1 seed 3: epoch 7 of 10, train loss not finite, test 80.00 %"
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with Progress(runs=1, epochs=2) as bar:
        bar.start(RUN)
        bar.epoch(ROW)
        bar.finish(RUN, OK)
    assert "[1/1] tiny lr 1e-05 wd 0.1 seed 3: test 81.25 %, 1.5 s" in capsys.readouterr().err


def test_a_run_without_classes_tells_its_loss(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(runs=1, epochs=2) as bar:
        bar.start(RUN)
        bar.finish(RUN, {**OK, "test_best": None})
    assert "seed 3: test loss 0.5, 1.5 s" in capsys.readouterr().err
