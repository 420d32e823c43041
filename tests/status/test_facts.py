"""The state of every run, from what a study leaves on disk."""

from __future__ import annotations

import json
import math
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from decay_atlas.runs.grid import Run, dataset_folder
from decay_atlas.runs.records import staged
from decay_atlas.status import facts
from decay_atlas.status.facts import Reader, status_of
from decay_atlas.status.jobs import Jobs
from decay_atlas.status.logs import Point
from decay_atlas.study.config import ConfigError, grid_of, load
from decay_atlas.training import prepare
from tests.recorded import record_of
from tests.status.conftest import Folder

FAILED = "resnet50 lr 0.001 wd 0.1 seed 1: failed\nOSError: no space\nerror: 2 of 3 runs failed: a, b\n"
KILLED = "slurmstepd: error: Detected 1 oom_kill event in StepId=17.0. Some of the step tasks have been OOM Killed.\n"
CELL = {"arch": "resnet50", "lr": 0.001, "wd": 0.1}


def known(monkeypatch: pytest.MonkeyPatch, *paths: str, doubt: str = "") -> None:
    """Let these runs be trained by a process of this machine."""
    monkeypatch.setattr(facts, "jobs_of", lambda folder: Jobs(frozenset(paths), frozenset(), {}, doubt))


def test_with_no_results_all_is_missing(folder: Folder) -> None:
    status = folder.status()
    assert [(row.arch, row.states["missing"], row.runs) for row in status.rows] == [
        ("resnet50", 12, 12),
        ("vit_small", 12, 12),
    ]
    assert math.isnan(status.rows[0].hours_left)
    assert not status.complete


def test_states_add_up_and_hours_are_those_of_like_runs(folder: Folder) -> None:
    folder.train(folder.runs(arch="resnet50", lr=0.001), seconds=1800)
    folder.train(folder.runs(arch="resnet50", lr=0.001, wd=1.0, seed=2), seconds=900, status="diverged")
    row, other = folder.status().rows
    assert row.states == {"done": 5, "running": 0, "failed": 0, "diverged": 1, "missing": 6}
    assert row.hours == pytest.approx((5 * 1800 + 900) / 3600)
    assert row.hours_left == pytest.approx(6 * 1800 / 3600)
    assert math.isnan(other.hours_left)


def test_hours_count_every_device_and_the_time_left_that_of_the_jobs(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = folder.runs(arch="resnet50")
    folder.train([first], seconds=1800, device={"type": "cuda", "name": "A100", "count": 4})
    folder.train(folder.runs(arch="vit_small"))
    known(monkeypatch, *(run.path for run in folder.runs(**CELL)))
    status = folder.status()
    assert [row.hours for row in status.rows] == pytest.approx([2, 12])
    assert [row.hours_left for row in status.rows] == pytest.approx([len(rest) * 2, 0])
    assert status.seconds_left == pytest.approx(len(rest) * 1800)


def test_a_complete_study_has_nothing_left(folder: Folder) -> None:
    folder.train(folder.runs())
    status = folder.status()
    assert status.complete
    assert [row.hours_left for row in status.rows] == [0.0, 0.0]


def test_a_failed_pack_keeps_what_it_finished_and_shows_its_last_words(folder: Folder) -> None:
    folder.train(folder.runs(**CELL, seed=0))
    log = folder.log(folder.runs(**CELL), FAILED)
    status = folder.status()
    assert status.rows[0].states == {"done": 1, "running": 0, "failed": 2, "diverged": 0, "missing": 9}
    (failure,) = status.failures
    assert failure.failed
    assert (folder.root / failure.log) == log
    assert failure.lines[-1] == "error: 2 of 3 runs failed: a, b"


def test_a_pack_that_failed_and_was_made_good_is_no_failure(folder: Folder) -> None:
    folder.log(folder.runs(**CELL), FAILED)
    folder.train(folder.runs(**CELL))
    assert folder.status().failures == []


def test_a_failed_pack_that_runs_again_is_running(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.log(folder.runs(**CELL), FAILED)
    known(monkeypatch, folder.runs(**CELL)[0].path)
    status = folder.status()
    assert status.rows[0].states["running"] == 3
    assert status.failures == []


def test_a_process_that_was_killed_is_no_error_but_its_words_are_shown(folder: Folder) -> None:
    folder.log(folder.runs(**CELL), "[1/3] resnet50 lr 0.001 wd 0.1 seed 0: test 90.00 %, 3.0 s\n")
    status = folder.status()
    assert [failure.failed for failure in status.failures] == [False]
    assert status.rows[0].states["missing"] == 12


def test_of_a_process_that_slurm_killed_the_reason_is_shown(folder: Folder) -> None:
    folder.log(folder.runs(**CELL), "")
    text = f"Building DAG\n{2 * KILLED}srun: error: node1: task 0: Out Of Memory\n" + 999 * "Cannot restore a.json\n"
    log = folder.slurm_log(folder.runs(**CELL), text)
    (failure,) = folder.status().failures
    assert not failure.failed
    assert failure.log == str(log.relative_to(folder.root))
    assert failure.lines == (KILLED.strip(), "srun: error: node1: task 0: Out Of Memory")


def test_what_slurm_said_of_an_earlier_job_is_past(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch)
    folder.slurm_log(folder.runs(**CELL), KILLED, age=100)
    own = folder.log(folder.runs(**CELL), "[1/3] resnet50 lr 0.001 wd 0.1 seed 0: test 90.00 %, 3.0 s\n")
    assert [failure.log for failure in folder.status().failures] == [str(own.relative_to(folder.root))]


def test_a_pack_that_was_told_to_stop_only_waits(folder: Folder) -> None:
    folder.log(folder.runs(**CELL), "stopped by SIGTERM; the next attempt goes on from the checkpoint\n")
    status = folder.status()
    assert (status.stopped, status.failures) == (1, [])


def test_how_far_a_pack_is_comes_from_records_log_and_checkpoints(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = folder.runs(**CELL)
    folder.train([first], seconds=7200)
    known(monkeypatch, first.path)
    folder.log([first], "[1/3] x: test\nresnet50 lr 0.001 wd 0.1 seed 1: epoch 50 of 200, train loss 1, test 9 %\n")
    (work,) = folder.status().work
    assert (work.done, work.runs, work.point) == (1, 3, Point(1, 50, 200))
    assert work.share == pytest.approx((1 + 50 / 200) / 3)
    folder.checkpoint(second, 100)
    status = folder.status()
    assert status.work[0].share == pytest.approx((1 + 100 / 200) / 3)
    assert status.rows[0].hours_left == pytest.approx((12 - 1.5) * 2)


def test_where_others_may_train_fresh_files_count_as_work_and_old_ones_do_not(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, doubt="snakemake was also called on login2")
    young, old = folder.runs(**CELL), folder.runs(**{**CELL, "lr": 0.01})
    folder.log(young, "resnet50 …: epoch 3 of 200, train loss 1, test 9 %\n", age=60)
    folder.log(old, "resnet50 …: epoch 3 of 200, train loss 1, test 9 %\n", age=86_400)
    status = folder.status()
    assert status.rows[0].states["running"] == 3
    assert status.doubt == "snakemake was also called on login2"
    assert len(status.failures) == 1


def test_finished_runs_of_a_pack_that_failed_are_done(folder: Folder) -> None:
    """Snakemake removed their records with the failed one's; they wait staged for the next call."""
    cell = folder.runs(**CELL)
    folder.train(cell[:2])
    for run in cell[:2]:
        path = folder.root / run.path
        staged(path).parent.mkdir(exist_ok=True)
        path.replace(staged(path))
    folder.log(cell, FAILED)
    states = folder.status().rows[0].states
    assert (states["done"], states["failed"], states["missing"]) == (2, 1, 9)


def test_a_damaged_record_is_named_with_the_way_out(folder: Folder) -> None:
    folder.train(folder.runs())
    run = folder.runs(**CELL)[0]
    file = folder.root / run.path
    file.write_bytes(file.read_bytes()[:-30])
    status = folder.status()
    assert status.count("failed") == 1
    assert status.damaged[0].startswith(f"{run.path}: damaged")
    assert "delete it" in status.damaged[0]


def test_a_data_set_that_could_not_be_prepared_is_told_first(folder: Folder) -> None:
    folder.log(folder.runs(**CELL), FAILED)
    digest = next(iter({run.digest for run in folder.runs(arch="resnet50")}))
    entry = grid_of(folder.study).settings[digest]["dataset"]
    place = dataset_folder("digits", entry)
    log = folder.root / f"results/logs/datasets/{Path(place).name}.log"
    log.parent.mkdir(parents=True)
    with log.open("w") as file, redirect_stderr(file):
        assert prepare.main(["--name", "digits", "--entry", json.dumps({**entry, "classes": 11}), place]) == 1
    status = folder.status()
    assert [failure.name.split()[0] for failure in status.failures] == ["data", "digits"]
    assert "datasets.digits.classes" in status.failures[0].lines[-1]


def test_the_cell_that_took_longest_for_its_network_is_named(folder: Folder) -> None:
    folder.train(folder.runs(arch="resnet50"), seconds=100)
    folder.train(folder.runs(arch="vit_small"), seconds=1000)
    folder.train(folder.runs(arch="resnet50", lr=0.01, wd=1.0), seconds=250, node="n7")
    slowest = folder.status().slow[0]
    assert slowest.name == "digits published-cifar resnet50 lr 0.01 wd 1"
    assert (slowest.seconds, slowest.times, slowest.nodes) == (250, 2.5, "n7")


def test_a_reader_reads_a_record_again_only_when_it_has_changed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.train(folder.runs())
    read = []
    monkeypatch.setattr(facts, "read_summary", lambda path: read.append(path) or record_of(Run.from_path(str(path))))
    reader = Reader(folder.root)
    for _ in range(2):
        status_of(folder.study, folder.root, reader)
    assert len(read) == 24
    folder.train(folder.runs()[:1], seconds=77.5)
    status_of(folder.study, folder.root, reader)
    assert len(read) == 25


def test_a_look_ahead_study_has_no_runs(folder: Folder) -> None:
    (folder.root / "studies/lookahead.yaml").write_text("study: lookahead\nlookahead: {last: 401, strides: [100]}\n")
    with pytest.raises(ConfigError, match="nothing is trained"):
        status_of(load("lookahead"), folder.root, Reader(folder.root))
