"""Runs trained anew: what Snakemake is asked, and that a record is never lost for nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from decay_atlas.execution import retrain
from decay_atlas.execution.recovery import BusyError
from decay_atlas.runs.grid import Run
from decay_atlas.runs.records import staged

RUNS = [Run("digits", "quick", "net", "0123abcd", 0.01, 0.1, seed) for seed in range(3)]
CHOSEN = RUNS[:2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which all runs were trained."""
    monkeypatch.chdir(tmp_path)
    for run in RUNS:
        Path(run.path).parent.mkdir(parents=True, exist_ok=True)
        Path(run.path).write_text("old")
    return tmp_path


def contents() -> list[str]:
    return [Path(run.path).read_text() if Path(run.path).exists() else "" for run in RUNS]


def called(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object] = lambda: None, status: int = 0) -> list[str]:
    """Retrain the chosen runs by a Snakemake that does `act`; the command that it was given."""
    commands = []

    def snakemake(command: list[str], lock: int) -> int:
        commands.append(command)
        act()
        return status

    monkeypatch.setattr(retrain, "_call", snakemake)
    assert retrain.retrain(CHOSEN, RUNS, ["--cores", "1"], Path("studies/small.yaml")) == status
    return commands[0]


def test_in_a_study_that_is_done_all_that_depends_on_the_runs_follows(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = called(monkeypatch)
    assert command[2:] == ["snakemake", "--cores", "1", "--configfile", "studies/small.yaml"]


def test_of_a_study_that_is_not_just_the_runs_are_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(RUNS[2].path).unlink()
    command = called(monkeypatch)
    assert command[-3:] == ["--", *(run.path for run in CHOSEN)]


def test_new_records_take_the_place_of_the_old(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staged(CHOSEN[0].path).parent.mkdir()
    os.link(CHOSEN[0].path, staged(CHOSEN[0].path))  # or the program would take it for the new one

    def train() -> None:
        assert contents() == ["", "", "old"]
        assert not staged(CHOSEN[0].path).exists()
        for run in CHOSEN:
            Path(run.path).write_text("new")

    called(monkeypatch, train)
    assert contents() == ["new", "new", "old"]
    assert not retrain.put_aside(RUNS[0].path).parent.exists()


def test_what_was_not_trained_keeps_its_record(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(CHOSEN[1].path).stat()
    called(monkeypatch, lambda: Path(CHOSEN[0].path).write_text("new"), status=1)
    assert contents() == ["new", "old", "old"]
    assert Path(CHOSEN[1].path).stat().st_mtime_ns == before.st_mtime_ns, "else all that follows is made again"
    assert capsys.readouterr().err.startswith("1 run(s)")


def test_a_new_record_that_snakemake_took_away_counts_as_trained(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does where another run of the job fails; the next attempt takes the staged one."""

    def train() -> None:
        staged(CHOSEN[0].path).parent.mkdir()
        staged(CHOSEN[0].path).write_text("new")

    called(monkeypatch, train, status=1)
    assert contents() == ["", "old", "old"]
    assert not retrain.put_aside(CHOSEN[0].path).exists()


def test_while_another_snakemake_is_at_work_nothing_is_touched(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".snakemake").mkdir()
    code = "import pathlib, sys; from decay_atlas.execution import recovery; "
    code += "recovery.engage(pathlib.Path('.snakemake')); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError):
            called(monkeypatch, lambda: pytest.fail("called"))
        assert contents() == ["old", "old", "old"]
        other.communicate()
    called(monkeypatch)
