"""After a kill, what is dead is cleared; what is alive, here or on another host, is left alone."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from decay_atlas.execution import recovery
from decay_atlas.execution.recovery import BusyError, disengage, engage, hosts, recover


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What Snakemake leaves when it is killed: its locks."""
    monkeypatch.chdir(tmp_path)
    state = Path(".snakemake")
    state.mkdir()
    leave_locks(state)
    yield state
    if recovery._presence is not None:
        recovery._presence.close()
    if recovery._work is not None:
        recovery._work.close()


def leave_locks(state: Path) -> None:
    (state / "locks").mkdir(exist_ok=True)
    for name in ("0.input.lock", "0.output.lock"):
        (state / "locks" / name).write_text("something\n")


def locks(state: Path) -> int:
    return len(list((state / "locks").glob("*.lock")))


@contextmanager
def another_process(state: Path, call: str = "recover") -> Iterator[subprocess.Popen[str]]:
    """A process that called `recover`, or another function, and lives."""
    code = (
        f"import sys, pathlib; from decay_atlas.execution import recovery; recovery.{call}(pathlib.Path(sys.argv[1]));"
    )
    code += "print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_dead_are_cleared(state: Path) -> None:
    recover(state)
    assert locks(state) == 0


def test_the_living_are_respected_until_they_die(state: Path) -> None:
    with another_process(state):
        leave_locks(state)
        recover(state)
        assert locks(state) == 2
    recover(state)
    assert locks(state) == 0


def test_the_calling_process_counts_as_living_from_then_on(state: Path) -> None:
    recover(state)
    leave_locks(state)
    with another_process(state):
        assert locks(state) == 2


def test_locks_of_another_host_stay(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host b cannot see a's process: however often it tries, a's locks stay."""
    monkeypatch.setattr(socket, "gethostname", lambda: "a")
    recover(state)
    leave_locks(state)
    monkeypatch.setattr(socket, "gethostname", lambda: "b")
    for _ in range(3):
        recover(state)
        assert locks(state) == 2


def test_a_person_who_unlocks_puts_it_right_again(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "decay-atlas.lock").write_text("elsewhere\n")
    recover(state)
    assert locks(state) == 2
    for lock in (state / "locks").iterdir():
        lock.unlink()
    recover(state)
    leave_locks(state)
    recover(state)
    assert locks(state) == 0


def test_a_file_system_without_locks_clears_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(recovery.fcntl, "flock", none)
    recover(state)
    assert locks(state) == 2


def test_a_folder_is_taken_by_one_call_at_a_time(state: Path) -> None:
    with (
        another_process(state, "engage") as process,
        pytest.raises(BusyError, match=rf"process {process.pid} on {socket.gethostname()}.*dry run \(-n\)"),
    ):
        engage(state)
    engage(state)
    engage(state)  # again in one process, as a program that uses Snakemake's API may


def test_a_folder_that_was_let_go_is_free_for_the_next_call(state: Path) -> None:
    engage(state)
    disengage()
    with another_process(state, "engage"), pytest.raises(BusyError):
        engage(state)


def test_a_file_system_without_locks_refuses_nobody(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(recovery.fcntl, "flock", none)
    engage(state)


def test_a_first_run_has_nothing_to_recover(tmp_path: Path) -> None:
    recover(tmp_path / ".snakemake")
    assert (tmp_path / ".snakemake/decay-atlas.lock").read_text() == f"{socket.gethostname()}\n"


def test_the_machines_that_worked_in_a_folder_are_known(tmp_path: Path) -> None:
    assert hosts(tmp_path / ".snakemake") == set()
    recover(tmp_path / ".snakemake")
    assert hosts(tmp_path / ".snakemake") == {socket.gethostname()}
