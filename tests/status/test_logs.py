"""How a pack ended and how far it is, by its log; the lines are those that training prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from decay_atlas.status.logs import TAIL, Point, last_lines, outcome, point
from decay_atlas.training.progress import Progress

RUN = "tiny_vit lr 0.01 wd 0.1 seed 0"


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("", "none"),
        (f"[1/2] {RUN}: test 91.00 %, 3.0 s, about 3 s left\n[2/2] {RUN}: test 91.00 %, 3.0 s\n", "finished"),
        (f"[1/2] {RUN}: test 91.00 %, 3.0 s, about 3 s left\n", "silent"),
        (
            f"{RUN}: failed\nTraceback (most recent call last):\n  …\nOSError: x\nerror: 1 of 2 runs failed: a\n",
            "failed",
        ),
        ("error: device cuda: there is no usable GPU here; leave execution.device at auto or cpu\n", "failed"),
        ("usage: python -m decay_atlas.training\npython -m decay_atlas.training: error: unknown option\n", "failed"),
        ("Traceback (most recent call last):\n  File x\nModuleNotFoundError: No module named 'torch'\n", "failed"),
        ("stopped by SIGTERM; the next attempt goes on from the checkpoint\n", "stopped"),
        # a run of the pack failed, and the next one was being trained when the process was killed
        (f"{RUN}: failed\nTraceback (most recent call last):\nOSError: x\n[1/2] {RUN}: test 9.00 %, 3.0 s\n", "silent"),
    ],
)
def test_how_it_ended(tmp_path: Path, text: str, ended: str) -> None:
    (tmp_path / "log").write_text(text)
    assert outcome(last_lines(tmp_path / "log")) == ended


def test_no_log_is_no_outcome(tmp_path: Path) -> None:
    assert outcome(last_lines(tmp_path / "log")) == "none"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("error: one\n" + "x" * TAIL + "\nlast\n\n")
    assert last_lines(tmp_path / "log") == ["last"]


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        ([], None),
        ([f"{RUN}: epoch 37 of 200, train loss 1.2, test 88.00 %"], Point(1, 37, 200)),
        ([f"{RUN} and 14 more: epoch 3 of 20, train loss 1.2, test 88.00 %"], Point(15, 3, 20)),
        ([f"{RUN}: resumed at epoch 8 of 20, step 12"], Point(1, 7, 20)),
        ([f"{RUN}: epoch 19 of 20, train loss 1", f"[1/2] {RUN}: test 90.00 %, 3.0 s, about 3 s left"], None),
        ([f"[1/2] {RUN}: test 90.00 %, 3.0 s", f"{RUN}: epoch 2 of 20, train loss 1"], Point(1, 2, 20)),
    ],
)
def test_how_far_it_is(lines: list[str], at: Point | None) -> None:
    assert point(lines) == at


def test_what_training_prints_is_understood(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two modules agree: the lines are made by the class that writes the logs."""
    monkeypatch.setattr("decay_atlas.training.progress.LONG_RUN", -1.0)
    progress = Progress(runs=1, epochs=20)
    progress.start(RUN)
    progress.epoch({"epoch": 5, "train_loss": 1.0, "test_accuracy": 50.0, "test_loss": 1.0})
    assert point(capsys.readouterr().err.splitlines()) == Point(1, 5, 20)
    progress.finish(RUN, {"status": "ok", "test_best": 90.0, "test_loss_best": 0.1, "seconds": 3.0})
    assert outcome(capsys.readouterr().err.splitlines()) == "finished"
