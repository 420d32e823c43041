"""Where output goes and where a checkout lies: no traceback, no endless wait, no other result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from decay_atlas.execution import recovery
from decay_atlas.execution.scripting import write_parquet
from tests.processes import hearing

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "import sys; from decay_atlas.cli import main; sys.exit(main())"]
STUDY = {
    "study": "mine",
    "grid": [{"dataset": "d", "recipe": "r", "arch": "a", "lr": [0.1, 1], "wd": [0, 1], "seed": 0}],
    "simulate": {"law": "ratio"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "studies").mkdir(parents=True)
    (root / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (root / "studies/mine.yaml").write_text(yaml.safe_dump(STUDY))
    return root


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_without_a_traceback(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "status", "--study", "mine"], cwd=project, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.stderr == "decay-atlas: the output could not be written (No space left on device)\n"
    assert done.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_is_full_ends_a_table_of_runs_in_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"/dev/full: cannot be written \(No space left on device\); make room"):
        write_parquet(pd.DataFrame({"value": range(100_000)}), "/dev/full")
    write_parquet(pd.DataFrame({"value": [1]}), tmp_path / "runs.parquet")
    assert pd.read_parquet(tmp_path / "runs.parquet")["value"].tolist() == [1]


def test_a_terminal_without_greek_letters_gets_all_that_it_can_show(project: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "status", "--study", "mine"],
        cwd=project,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Study mine: 4 runs, 0 finished" in done.stdout


def test_a_live_view_ends_with_its_reader(project: Path) -> None:
    live = subprocess.Popen(
        [*COMMAND, "status", "--study", "mine", "--live"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert live.stdout is not None
    assert live.stderr is not None
    assert live.stdout.readline() == "Study mine: 4 runs, 0 finished\n", "the first look comes at once"
    live.stdout.close()
    assert live.wait(timeout=60) == 0
    assert live.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_libraries_load_is_a_stop_and_no_failure(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(  # in place of the library that takes seconds
        "import pathlib, time\npathlib.Path('loading').touch()\ntime.sleep(60)\n"
    )
    with hearing():
        job = subprocess.Popen(
            [sys.executable, "-m", "decay_atlas.training", "--help"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'workflow'}"},
            stderr=subprocess.PIPE,
            text=True,
        )
    while not (tmp_path / "loading").exists():
        assert job.poll() is None
        time.sleep(0.02)
    job.send_signal(number)
    assert job.wait(timeout=60) == 128 + number
    assert job.stderr is not None
    assert job.stderr.read() == f"stopped by {number.name}; the next attempt goes on from what there is\n"


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"\x80" * 100, b"a b c\n\n\n", b"{}\n", "größe\n".encode()])
def test_a_lock_file_with_garbage_hinders_nobody(garbage: bytes, tmp_path: Path) -> None:
    state = tmp_path / ".snakemake"
    (state / "locks").mkdir(parents=True)
    (state / "locks/0.input.lock").touch()
    (state / recovery.PRESENCE).write_bytes(garbage)
    (state / "decay-atlas.work").write_bytes(garbage)
    recovery.recover(state)
    assert not list((state / "locks").iterdir()), "garbage is no other machine"
    recovery.engage(state)
    recovery.disengage()
    assert recovery.hosts(state) != set()


def test_who_is_at_work_is_not_told_in_garbage(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from decay_atlas.execution import recovery; recovery.engage(pathlib.Path('.'));"
        "pathlib.Path('decay-atlas.work').write_bytes(b'\\x1b[31m\\xff'); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(recovery.BusyError, match="it has just begun"):
        recovery.engage(tmp_path)
    other.communicate("")


def elsewhere(root: Path, checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Snakemake called with the Snakefile of a copy of the project, in another working directory."""
    checkout.mkdir()
    (root / "elsewhere").mkdir()
    for part in ("Snakefile", "config.yaml", "profiles", "envs", "workflow"):
        (checkout / part).symlink_to(ROOT / part)
    (root / "elsewhere/mine.yaml").write_text(yaml.safe_dump(STUDY))
    command = [sys.executable, "-m", "snakemake", *arguments, "-s", checkout / "Snakefile", "--directory", "elsewhere"]
    return subprocess.run(
        [*command, "--cores", "2", "--configfile", "elsewhere/mine.yaml"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def test_the_base_configuration_is_that_beside_the_snakefile(tmp_path: Path) -> None:
    done = elsewhere(tmp_path, tmp_path / "checkout", "runs")
    assert done.returncode == 0, done.stdout
    assert len(list((tmp_path / "elsewhere/results/runs").rglob("lr*.json"))) == 4
    assert (tmp_path / "elsewhere/results/mine/runs.parquet").exists()


@pytest.mark.parametrize("name", ["a {x} b", "}"])
def test_a_checkout_with_braces_in_its_path_is_refused_by_name(name: str, tmp_path: Path) -> None:
    done = elsewhere(tmp_path, tmp_path / name, "-n")
    assert done.returncode == 1
    assert f"The project lies in {tmp_path / name}, and Snakemake takes braces" in done.stdout
    assert "Traceback" not in done.stdout
