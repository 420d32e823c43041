"""Beside a Snakemake that runs its jobs on SLURM: nothing is trained twice at once, and nothing waits for ever.

The executor plugin (seen with 2.8.0) knows no jobs but those it submitted itself: after a `kill -9` it would submit
a pack anew while the old job still trains it. And it waits without end for a job that it sees as PREEMPTED or NODE_FAIL
and that SLURM does not run again, or that SLURM has forgotten.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

INTERVAL = 60.0
"""Seconds between two looks at the jobs."""
PATIENCE = 15
"""Looks in a row with nothing alive after which waiting is given up."""
ENDING = 180.0
"""Seconds that cancelled jobs are given to end: they write their checkpoints."""
ENDED_WITHOUT_WORD = ("PREEMPTED", "NODE_FAIL")
_RUN_ID = re.compile(r"(?:[A-Za-z0-9_-]+_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The name that the executor gives all jobs of one call of Snakemake."""
Say = Callable[[str], object]


def attend(folder: Path, say: Say) -> None:
    """Cancel what an earlier Snakemake left running for `folder`, then watch over the jobs of this one.

    To be called by a main process that holds the folder's lock, before it submits anything. `say` prints a line.
    """
    try:
        _cancel(_jobs(folder), folder, say)
        past = frozenset(_jobs(folder, "all"))
    except (OSError, subprocess.SubprocessError) as error:
        say(f"SLURM does not answer ({error}): jobs of an earlier snakemake are not looked for")
        return
    threading.Thread(target=_watch, args=(folder, past, say), daemon=True).start()


def _cancel(jobs: dict[str, str], folder: Path, say: Say) -> None:
    if not jobs:
        return
    say(f"Cancelling {len(jobs)} SLURM job(s) of an earlier snakemake, {', '.join(jobs)}; what they train is resumed")
    _call("scancel", *jobs)
    deadline = time.monotonic() + ENDING
    while jobs.keys() & _jobs(folder).keys():
        if time.monotonic() > deadline:
            say(f"They still have not ended after {ENDING:.0f} s: look at  squeue --me")
            return
        time.sleep(1)


def _watch(folder: Path, past: frozenset[str], say: Say) -> None:
    """Look at the jobs again and again: have ended ones requeued, and end the wait where nothing is alive."""
    before: frozenset[str] = frozenset()
    refused: set[str] = set()
    idle, submitted = 0, False
    while True:
        time.sleep(INTERVAL)
        try:
            jobs = {job: state for job, state in _jobs(folder, "all").items() if job not in past}
            alive = _jobs(folder)
        except (OSError, subprocess.SubprocessError):
            continue  # a controller that restarts; the next look will tell
        ended = frozenset(job for job, state in jobs.items() if state in ENDED_WITHOUT_WORD and job not in alive)
        for job in sorted((ended & before) - refused):  # seen twice: SLURM does not do it by itself
            try:
                _call("scontrol", "requeue", job)
                say(f"SLURM job {job} ended as {jobs[job]} and was not run again: requeued")
            except subprocess.SubprocessError:
                refused.add(job)
                say(f"SLURM job {job} ended as {jobs[job]} and cannot be requeued")
        before = ended
        submitted = submitted or bool(jobs)
        idle = 0 if alive or _children() else idle + 1
        if idle >= PATIENCE and submitted:
            say("No job of this study is left in SLURM, yet Snakemake waits for one: stopping. Call it again")
            # What a script puts into the background ignores SIGINT.
            ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM if ignored else signal.SIGINT)
            return


def _jobs(folder: Path, states: str = "") -> dict[str, str]:
    """The states of the jobs that Snakemake submitted from `folder`, by id: those not ended yet, or of all `states`."""
    chosen = [f"--states={states}"] if states else []
    lines = _call("squeue", "--me", "--noheader", "--format=%A|%T|%j|%Z", *chosen).splitlines()
    found = [line.split("|", 3) for line in lines]
    return {job: state for job, state, name, place in found if _RUN_ID.fullmatch(name) and place == str(folder)}


def jobs_by_wildcards(folder: Path) -> dict[str, str]:
    """The states of the jobs not ended yet that Snakemake submitted from `folder`, by their joined wildcards.

    Raises:
        OSError: there is no SLURM on this machine.
        subprocess.SubprocessError: it does not answer.
    """
    lines = _call("squeue", "--me", "--noheader", "--format=%T|%j|%k|%Z").splitlines()
    found = [line.split("|", 3) for line in lines]
    return {
        comment.partition("_wildcards_")[2]: state
        for state, name, comment, place in found
        if _RUN_ID.fullmatch(name) and place == str(folder)
    }


def _children() -> bool:
    """Whether this process has others at work for it: local jobs."""
    return any(file.read_text().strip() for file in Path("/proc/self/task").glob("*/children"))


def _call(*command: str) -> str:
    """What a client of SLURM prints.

    Raises:
        OSError: there is no such client.
        subprocess.SubprocessError: it failed or did not answer.
    """
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
