"""Attacks on calls: what was killed, forced, moved aside or half-noted, and that the same command still does it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from decay_atlas.execution.retrain import STATE, put_aside, put_back
from decay_atlas.runs.records import staged
from decay_atlas.study.config import grid_of, load
from tests.pipeline.conftest import STUDY, Project, copy_project
from tests.processes import hearing

ENTRY = {"source": "digits", "image_size": 8, "classes": 10, "test_fraction": 0.4, "mean": [0.3053], "std": [0.376]}
QUICK = STUDY["recipes"]["quick"]  # type: ignore[index]
RECIPES = {
    "quick": QUICK,
    "adaptive": {"extends": "quick", "optimizer": {"name": "awd"}, "dog": {"from": "quick", "wd": 0.01}},
}
BLOCK = {"recipe": "quick", "arch": ["tiny_vit"], "lr": [0.001, 0.01], "wd": [0.01], "seed": [0]}
FIXED = {**BLOCK, "dataset": ["mine", "other"]}
ADAPTIVE = {**BLOCK, "dataset": "mine", "recipe": "adaptive", "lr": [0.01], "wd": [0.5, 1]}


STAND_INS = {
    "workflow/decay_atlas/training/prepare.py": """
import pathlib, sys
folder = pathlib.Path(sys.argv[-1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "manifest.json").write_text("{}")
""",
    "workflow/decay_atlas/training/__main__.py": """
import pathlib, sys
for path in (word for word in sys.argv if word.startswith("results/runs/")):
    pathlib.Path(path).write_text("{}")
""",
    "workflow/scripts/dog.py": """
import sys
open(snakemake.output[0], "w").write("{}")
""",
    "workflow/scripts/collect.py": """
open(snakemake.output[0], "w").write("{}")
""",
}
"""Programs that make empty files: a plan goes by their being there, and by what Snakemake noted of their jobs."""


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study that Snakemake has finished with stand-ins for training."""
    project = copy_project(tmp_path_factory.mktemp("finished") / "project")
    for file, text in STAND_INS.items():
        (project.root / file).write_text(text)
    datasets = {"mine": ENTRY, "other": {**ENTRY, "test_fraction": 0.5}}
    project.write_study(grid=[FIXED, ADAPTIVE], recipes=RECIPES, datasets=datasets, execution={"pack": ["wd"]})
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    return project


@pytest.fixture
def finished(finished_once: Project, tmp_path: Path) -> Project:
    return finished_once.copy(tmp_path / "project")


def remove(project: Project, *patterns: str) -> None:
    for pattern in patterns:
        found = list((project.root / "results/runs").glob(pattern))
        assert found, pattern
        for file in found:
            file.unlink()


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def half_noted(project: Project, pattern: str) -> None:
    """Leave a file as a kill does that comes before Snakemake has noted that its job is done."""
    file = next(project.root.glob(pattern)).relative_to(project.root)
    folder = project.root / ".snakemake/incomplete"
    folder.mkdir(exist_ok=True)
    (folder / urlsafe_b64encode(str(file).encode()).decode()).touch()


def reordered(project: Project) -> None:
    datasets = {**project.study["datasets"], "mine": dict(reversed(ENTRY.items()))}
    recipes = {**RECIPES, "quick": dict(reversed(QUICK.items()))}
    project.write_study(datasets=datasets, recipes=recipes)


def shell_of_dataset(project: Project) -> None:
    edit(project, "workflow/rules/runs.smk", "training.prepare --name", "training.prepare  --name")


def more_adaptive(project: Project) -> None:
    """A learning rate whose fixed run, of which its DoG is estimated, is there."""
    project.write_study(grid=[FIXED, {**ADAPTIVE, "lr": [0.001, 0.01]}])


ATTACKS: dict[str, tuple[Callable[[Project], None], int, list[str]]] = {
    "keys of data set and recipe in another order": (reordered, 0, ["runs"]),
    "the same and a record removed": (
        lambda project: (reordered(project), remove(project, "mine/quick/**/lr0.01_*.json")),  # type: ignore[dict-item]
        1,
        ["runs"],
    ),
    "a shell text edited and a record removed": (
        lambda project: (shell_of_dataset(project), remove(project, "other/**/lr0.01_*.json")),  # type: ignore[dict-item]
        1,
        ["runs"],
    ),
    "a script edited and a record removed": (
        lambda project: (  # type: ignore[dict-item]
            edit(project, "workflow/scripts/dog.py", "import sys", "import sys  # edited"),
            remove(project, "mine/adaptive/**/lr0.01_wd1_*.json"),
        ),
        1,
        ["runs"],
    ),
    "killed before the estimates were noted": (
        lambda project: (  # type: ignore[dict-item]
            half_noted(project, "**/dog.json"),
            remove(project, "mine/adaptive/**/lr*.json"),
        ),
        1,
        ["runs"],
    ),
    "killed before one of two data sets was noted": (
        lambda project: (  # type: ignore[dict-item]
            half_noted(project, "resources/datasets/mine-*/manifest.json"),
            remove(project, "other/**/lr*.json"),
        ),
        2,
        ["runs"],
    ),
    "data sets forced": (lambda project: remove(project, "*/*/**/lr*.json"), 5, ["runs", "-R", "dataset"]),
    "data sets forced, nothing missing": (lambda project: None, 0, ["runs", "-R", "dataset"]),
    "new runs of old estimates": (more_adaptive, 1, ["runs"]),
    "new runs of old estimates and the text of training edited": (
        lambda project: (  # type: ignore[dict-item]
            more_adaptive(project),
            edit(
                project,
                "workflow/rules/common.smk",
                "decay_atlas.training --settings",
                "decay_atlas.training  --settings",
            ),
        ),
        5,  # those of quick for their text, the new one for its records
        ["runs"],
    ),
    "new runs of old estimates and a data set forced": (more_adaptive, 1, ["runs", "-R", "dataset"]),
    "a pack asked for by its record": (
        lambda project: (half_noted(project, "**/dog.json"), remove(project, "mine/adaptive/**/lr*.json")),  # type: ignore[dict-item]
        1,
        ["-R", "dataset"],
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_all_that_is_missing_is_planned_and_nothing_else(finished: Project, attack: str) -> None:
    act, jobs, arguments = ATTACKS[attack]
    act(finished)
    if "runs" not in arguments:
        run = next(run for run in grid_of(load("tiny", finished.root)).runs if run.recipe == "adaptive")
        arguments = [run.path, *arguments]
    call = finished.snakemake(*arguments, "-n")
    assert call.status == 0, call.output
    assert sum(count for rule, count in call.jobs.items() if rule.startswith("train")) == jobs, call.output
    if attack.startswith("new runs of old estimates"):
        assert call.jobs["dog"] == 1, "their estimates come first"


def test_a_call_that_ends_without_a_record_it_was_asked_for_fails_and_names_it(finished: Project) -> None:
    """Whatever makes Snakemake forget a run; here the trap, open again."""
    edit(finished, "workflow/rules/common.smk", "return needed(wildcards) if missing else ancient", "return ancient")
    edit(finished, "workflow/rules/common.smk", "if GRID is None:\n        return []", "if True:\n        return []")
    remove(finished, "mine/quick/**/lr0.01_*.json")
    half_noted(finished, "resources/datasets/mine-*/manifest.json")
    call = finished.snakemake("runs")
    assert call.jobs == {"dataset": 1}
    assert call.status == 1, call.output
    assert "Study tiny: 1 of the records that were asked for are missing, though no job failed:" in call.output
    assert "lr0.01_wd0.01_seed0.json\nRun the same command again: it trains what is missing" in call.output
    assert "Traceback" not in call.output


SNAKEMAKE = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Snakemake, which hears no SIGHUP
pathlib.Path("started").touch()
time.sleep(60)
"""
RETRAIN = """
import sys
from decay_atlas.runs.grid import Run
from decay_atlas.execution.retrain import retrain
runs = [Run.from_path(path) for path in sys.argv[1:]]
sys.exit(retrain(runs, runs, ["--cores", "1"], None))
"""
RECORDS = [f"results/runs/digits/quick/net/0123abcd/lr0.01_wd0.1_seed{seed}.json" for seed in range(2)]


@pytest.fixture
def retraining(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A retrain of two finished runs, by a Snakemake that is at work."""
    monkeypatch.chdir(tmp_path)
    Path("snakemake.py").write_text(SNAKEMAKE)
    for record in RECORDS:
        Path(record).parent.mkdir(parents=True, exist_ok=True)
        Path(record).write_text("old")
    with hearing():
        process = subprocess.Popen([sys.executable, "-c", RETRAIN, *RECORDS], stderr=subprocess.PIPE)
    with process:
        wait_for(Path("started").exists)
        assert not [record for record in RECORDS if Path(record).exists()]
        yield process
        process.kill()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def texts() -> list[str]:
    return [Path(record).read_text() for record in RECORDS if Path(record).exists()]


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_retrain_that_is_ended_ends_its_snakemake_and_gives_the_old_records_back(
    retraining: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    (called,) = children(retraining)
    retraining.send_signal(number)
    assert retraining.wait(30) != 0
    assert not Path(f"/proc/{called}").exists()
    assert texts() == ["old", "old"]


def test_old_records_of_a_killed_retrain_come_back_when_its_snakemake_is_dead_too(
    retraining: subprocess.Popen[bytes],
) -> None:
    (called,) = children(retraining)
    assert put_back(RECORDS) == 0, "the retrain lives"
    retraining.kill()
    retraining.wait()
    assert put_back(RECORDS) == 0, "its Snakemake lives"
    assert texts() == []
    os.kill(called, signal.SIGKILL)
    wait_for(lambda: put_back(RECORDS) == 2)
    assert texts() == ["old", "old"]
    assert not put_aside(RECORDS[0]).parent.exists()


def test_what_a_killed_retrain_had_trained_stays(retraining: subprocess.Popen[bytes]) -> None:
    (called,) = children(retraining)
    staged(RECORDS[0]).parent.mkdir()
    staged(RECORDS[0]).write_text("new")
    for process in (retraining.pid, called):
        os.kill(process, signal.SIGKILL)
    retraining.wait()
    wait_for(lambda: put_back(RECORDS) == 1)
    assert texts() == ["old"]
    assert staged(RECORDS[0]).read_text() == "new"


def test_a_start_of_snakemake_gives_old_records_back(finished: Project) -> None:
    record = next((finished.root / "results/runs/mine/adaptive").rglob("lr*.json"))
    put_aside(record).parent.mkdir()
    record.replace(put_aside(record))
    assert "Nothing to be done" in finished.snakemake("runs", "-n").output
    assert record.exists()


def test_nothing_is_looked_for_where_nothing_was_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert put_back(RECORDS) == 0
    assert not STATE.exists()
