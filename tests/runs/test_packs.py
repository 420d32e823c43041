"""What is finished is found again, whatever became of its place."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from decay_atlas.runs import packs
from decay_atlas.runs.grid import Run, digest_of
from decay_atlas.runs.packs import claimed, close, missing_members, put
from decay_atlas.runs.records import is_whole, staged
from tests.recorded import record_of

SETTINGS: dict[str, Any] = {"recipe": {"epochs": 3}, "training_version": 2}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three runs of one pack, the first two finished."""
    monkeypatch.chdir(tmp_path)
    paths = [Run("d", "r", "a", digest_of(SETTINGS), 0.1, 0.0, seed).path for seed in range(3)]
    for path in paths[:2]:
        put(Path(path), record_of(Run.from_path(path), SETTINGS))
    return paths


def missing(paths: list[str]) -> list[str]:
    return [str(path) for path, _ in missing_members(SETTINGS, paths)]


def test_a_record_that_snakemake_removed_is_taken_from_where_it_was_staged(paths: list[str]) -> None:
    Path(paths[0]).unlink()
    assert missing(paths) == paths[2:]
    assert is_whole(paths[0], SETTINGS)


def test_a_closed_record_that_is_removed_is_made_again(paths: list[str]) -> None:
    close(paths)
    Path(paths[0]).unlink()
    assert missing(paths) == [paths[0], paths[2]]


def test_closing_leaves_nothing_behind_but_what_is_others(paths: list[str]) -> None:
    folder = staged(paths[0]).parent
    for name in (Path(paths[0]).name, "lr7_wd0_seed0.json"):
        (folder / f".{name}.4711.part").write_text("half")
    other = folder.parent / "lr7_wd0_seed0.json"
    put(other, record_of(Run.from_path(str(other)), SETTINGS))
    close(paths)
    assert {file.name for file in folder.iterdir()} == {"lr7_wd0_seed0.json", ".lr7_wd0_seed0.json.4711.part"}
    assert all(is_whole(path, SETTINGS) for path in paths[:2])


def test_closing_what_was_never_staged_does_nothing(tmp_path: Path) -> None:
    close([tmp_path / "results/run.json"])
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sys
from decay_atlas.runs.packs import claimed
with claimed(sys.argv[1:]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(paths: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that has claimed these runs and lives; it dies with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def held(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "held\n"


def test_who_claims_runs_that_another_process_makes_waits_for_its_end(paths: list[str]) -> None:
    with another_process(paths[1:]) as first:
        assert held(first)
        with another_process(paths[:2]) as second:  # in another pack, one of them is the same
            assert second.stderr is not None
            assert second.stderr.readline() == f"{paths[1]}: another process trains it; waiting for its end\n"
            os.kill(first.pid, signal.SIGKILL)
            assert held(second)


def test_other_runs_of_the_same_network_wait_for_nobody(paths: list[str]) -> None:
    with another_process(paths[:1]) as first:
        assert held(first)
        with another_process(paths[1:]) as second:
            assert held(second)


def test_without_locks_nobody_waits(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(packs.fcntl, "lockf", none)
    with claimed(paths), claimed(paths):
        pass
