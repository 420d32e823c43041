"""Which packs are known to be at work: processes of this machine, SLURM jobs, and when that cannot be known."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from decay_atlas.runs.grid import Pack, Run
from decay_atlas.status import jobs
from decay_atlas.status.jobs import Jobs, jobs_of, last_written
from decay_atlas.study.config import grid_of
from tests.status.conftest import Folder

UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"


def pack_of(folder: Folder, **axes: object) -> Pack:
    run = folder.runs(**axes)[0]
    return next(pack for pack in grid_of(folder.study).packs(["seed"]) if run in pack.runs)


def queue(folder: Folder, *lines: str) -> None:
    (folder.root / "queue").write_text("".join(f"{line}\n" for line in lines))
    folder.program("squeue", f'cat "{folder.root}/queue"')


def test_nothing_is_at_work_in_a_new_folder(folder: Folder) -> None:
    assert jobs_of(folder.root) == Jobs(frozenset(), frozenset(), {}, "")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
def test_a_training_process_of_this_folder_is_seen_and_none_of_another(folder: Folder, tmp_path: Path) -> None:
    (folder.root / "decay_atlas").mkdir()
    (folder.root / "decay_atlas/__init__.py").touch()
    (folder.root / "decay_atlas/training.py").write_text("print(flush=True)\nimport time; time.sleep(60)")
    pack = pack_of(folder, lr=0.001, wd=0.1)
    command = [sys.executable, "-m", "decay_atlas.training", "--settings", "{}", pack.runs[0].path]
    environment = {"PYTHONPATH": str(folder.root)}
    with subprocess.Popen(command, cwd=folder.root, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found, elsewhere = jobs_of(folder.root), jobs_of(folder.root / "bin")
        process.kill()
    assert found.state(pack) == "running"
    assert found.state(pack_of(folder, lr=0.01, wd=0.1)) == ""
    assert elsewhere.training == frozenset()


def test_a_process_that_waits_for_a_device_is_queued(folder: Folder) -> None:
    run = folder.runs(lr=0.001, wd=0.1)[0]
    known = Jobs(frozenset(), frozenset({run.path}), {}, "")
    assert known.state(pack_of(folder, lr=0.001, wd=0.1)) == "waiting"


def test_slurm_jobs_are_known_by_folder_name_and_comment(folder: Folder) -> None:
    running, waiting, other = (pack_of(folder, lr=lr, wd=wd) for lr, wd in ((0.001, 0.1), (0.01, 0.1), (0.01, 1.0)))
    queue(
        folder,
        f"RUNNING|{UUID}|rule_train_wildcards_{'_'.join(running.wildcards)}|{folder.root}",
        f"PENDING|{UUID}|rule_train_3_wildcards_{'_'.join(waiting.wildcards)}|{folder.root}",
        f"RUNNING|{UUID}|rule_train_wildcards_{'_'.join(other.wildcards)}|/another/folder",
        f"RUNNING|interactive|(null)|{folder.root}",
    )
    found = jobs_of(folder.root)
    assert [found.state(pack) for pack in (running, waiting, other)] == ["running", "waiting", ""]
    assert found.doubt == ""


def test_a_slurm_that_was_used_and_does_not_answer_is_a_doubt(folder: Folder) -> None:
    folder.program("squeue", "exit 1")
    assert jobs_of(folder.root).doubt == ""
    (folder.root / ".snakemake/slurm_logs").mkdir(parents=True)
    assert jobs_of(folder.root).doubt == "SLURM, which was used here, does not answer"


def test_another_machine_is_a_doubt_and_this_one_is_none(folder: Folder) -> None:
    (folder.root / ".snakemake").mkdir()
    lock = folder.root / ".snakemake/decay-atlas.lock"
    lock.write_text(f"{socket.gethostname()}\n")
    assert jobs_of(folder.root).doubt == ""
    lock.write_text(f"{socket.gethostname()}\nlogin2\n")
    assert jobs_of(folder.root).doubt == "snakemake was also called on login2"


def test_a_system_that_lists_no_processes_is_a_doubt(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PROCESSES", folder.root / "proc")
    assert jobs_of(folder.root).doubt == "this system does not list its processes"


def test_the_last_write_of_a_pack_is_the_youngest_of_log_records_and_checkpoints(folder: Folder) -> None:
    pack = pack_of(folder, lr=0.001, wd=0.1)
    assert last_written(pack, folder.root) == float("inf")
    folder.log(list(pack.runs), "x", age=500)
    folder.checkpoint(pack.runs[1], 3, age=100)
    folder.checkpoint(Run(*pack.wildcards[:4], 0.01, 1.0, 0), 3, age=1)  # of another pack
    assert last_written(pack, folder.root) == pytest.approx(100, abs=20)
