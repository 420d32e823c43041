"""What is done beside a Snakemake on SLURM, against clients of SLURM that are scripts and a table of jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from decay_atlas.execution import slurm

RUN = "0a1b2c3d-0000-4000-8000-0123456789ab"

# The table has a line a job: id|state|name|folder.
SQUEUE = """#!/bin/sh
for argument; do [ "$argument" = --states=all ] && exec cat "{table}"; done
grep -E '^[0-9]+[|](PENDING|RUNNING|COMPLETING)[|]' "{table}"
exit 0
"""
SCANCEL = """#!/bin/sh
echo "scancel $*" >> "{calls}"
sed -i 's/|RUNNING|/|CANCELLED|/' "{table}"
"""
SCONTROL = """#!/bin/sh
echo "scontrol $*" >> "{calls}"
[ "$2" = 13 ] && exit 1
sed -i "s/^$2|[A-Z_]*|/$2|PENDING|/" "{table}"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scripts in bin/, on PATH."""
    (tmp_path / "bin").mkdir()
    for name, text in {"squeue": SQUEUE, "scancel": SCANCEL, "scontrol": SCONTROL}.items():
        program = tmp_path / "bin" / name
        program.write_text(text.format(table=tmp_path / "table", calls=tmp_path / "calls"))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "calls").touch()
    return tmp_path


def table(place: Path, *jobs: tuple[int, str] | str) -> None:
    """Write the table: jobs of this folder by id and state, or whole lines."""
    lines = [job if isinstance(job, str) else f"{job[0]}|{job[1]}|{RUN}|{place}" for job in jobs]
    (place / "table").write_text("".join(f"{line}\n" for line in lines))


def calls(place: Path) -> list[str]:
    return (place / "calls").read_text().splitlines()


def watcher(place: Path, seconds: float) -> subprocess.Popen[str]:
    """A process that attends to the folder, looking twenty times a second, and waits as Snakemake would."""
    code = (
        "import time; from pathlib import Path; from decay_atlas.execution import slurm\n"
        "slurm.INTERVAL, slurm.PATIENCE = 0.05, 5\n"
        f"slurm.attend(Path({str(place)!r}), lambda line: print(line, flush=True))\n"
        f"print('attended', flush=True); time.sleep({seconds})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline() != "attended\n":
        assert process.poll() is None
    return process


def test_live_jobs_of_an_earlier_snakemake_are_cancelled_and_no_others(place: Path) -> None:
    table(
        place,
        (1, "RUNNING"),
        (2, "COMPLETED"),
        f"3|RUNNING|mine_{RUN}|{place}",
        f"4|RUNNING|{RUN}|/another/study",
        f"5|RUNNING|interactive|{place}",
    )
    said: list[str] = []
    slurm.attend(place, said.append)
    assert calls(place) == ["scancel 1 3"]
    assert said == ["Cancelling 2 SLURM job(s) of an earlier snakemake, 1, 3; what they train is resumed"]


def test_without_an_earlier_one_nothing_is_cancelled(place: Path) -> None:
    table(place, (1, "COMPLETED"))
    slurm.attend(place, pytest.fail)
    assert calls(place) == []


def test_a_cluster_that_does_not_answer_stops_nothing(place: Path) -> None:
    (place / "bin/squeue").write_text("#!/bin/sh\nexit 1\n")
    said: list[str] = []
    slurm.attend(place, said.append)
    assert "SLURM does not answer" in said[0]


@pytest.mark.parametrize("state", slurm.ENDED_WITHOUT_WORD)
def test_a_job_that_slurm_ended_and_does_not_run_again_is_requeued(place: Path, state: str) -> None:
    table(place, (1, "PREEMPTED"))  # of an earlier snakemake: nobody waits for it
    process = watcher(place, 20)
    table(place, (1, "PREEMPTED"), (7, state), (8, "COMPLETED"), (9, "RUNNING"))
    deadline = time.monotonic() + 20
    while not calls(place) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    assert calls(place) == ["scontrol requeue 7"]


@pytest.mark.parametrize(
    ("handler", "ended"),
    [(signal.default_int_handler, signal.SIGINT), (signal.SIG_IGN, signal.SIGTERM)],
    ids=["in a terminal", "in a script's background"],
)
def test_waiting_for_jobs_that_are_gone_ends(place: Path, handler: Any, ended: signal.Signals) -> None:
    """A pre-empted job that SLURM refuses to requeue, and nothing else alive."""
    table(place)
    before = signal.signal(signal.SIGINT, handler)  # what is ignored here is ignored by those that are started here
    process = watcher(place, 60)
    signal.signal(signal.SIGINT, before)
    table(place, (13, "PREEMPTED"))
    said, _ = process.communicate(timeout=30)
    assert process.returncode == -ended
    assert "SLURM job 13 ended as PREEMPTED and cannot be requeued" in said
    assert "stopping" in said
    assert len(calls(place)) == 1


def test_waiting_goes_on_while_a_job_is_alive_or_none_was_submitted(place: Path) -> None:
    table(place)
    idle = watcher(place, 2)
    assert idle.wait(30) == 0
    working = watcher(place, 2)
    table(place, (7, "PENDING"))
    assert working.wait(30) == 0
