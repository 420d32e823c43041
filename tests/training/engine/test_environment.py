"""What a record says of its device, machine, job, software and sources."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from decay_atlas.training.engine.environment import about, choose_device, slurm_job, source, versions
from tests.imports import WORKFLOW

CPU = torch.device("cpu")


def source_of(library: Path) -> dict:
    """What `source` says in a fresh process that imports the library from a folder."""
    code = "import json; from decay_atlas.training.engine.environment import source; print(json.dumps(source()))"
    environment = {"PYTHONPATH": str(library), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@e"]
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the library in no repository."""
    copy = tmp_path / "project/workflow"
    shutil.copytree(WORKFLOW / "decay_atlas", copy / "decay_atlas", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_a_record_says_where_and_with_what_it_was_made() -> None:
    said = about(CPU, 2)
    assert said.keys() == {"device", "versions", "node", "slurm", "source"}
    assert said["device"]["type"] == "cpu"
    assert said["device"]["threads"] == 2
    assert said["device"]["name"]
    assert torch.__version__.startswith(said["versions"]["torch"])
    assert len(said["source"]["digest"]) == 16


def test_versions_name_every_package_that_training_rests_on() -> None:
    assert versions().keys() >= {"python", "decay-atlas", "torch", "timm", "torchvision", "numpy"}


def test_the_slurm_job_is_named_inside_one_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SLURM_JOB_ID", "SLURM_JOB_PARTITION", "SLURM_CLUSTER_NAME"):
        monkeypatch.delenv(variable, raising=False)
    assert slurm_job() is None
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert slurm_job() == {"job_id": "17"}
    monkeypatch.setenv("SLURM_JOB_PARTITION", "gpu")
    assert slurm_job() == {"job_id": "17", "partition": "gpu"}


def test_sources_outside_git_have_a_digest_that_follows_the_training_only(library: Path) -> None:
    said = source_of(library)
    assert said == {"digest": source()["digest"], "revision": None, "dirty": None}
    with (library / "decay_atlas/statistics/laws.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert source_of(library)["digest"] == said["digest"]
    with (library / "decay_atlas/training/loop.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert source_of(library)["digest"] != said["digest"]


def test_sources_in_git_name_the_commit_and_whether_they_differ(library: Path) -> None:
    root = library.parent
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "all")
    clean = source_of(library)
    assert clean["revision"] == git(root, "rev-parse", "HEAD")
    assert clean["dirty"] is False
    (root / "config.yaml").write_text("study: mine\n")
    assert source_of(library)["dirty"] is False, "a study of one's own is no change of the library"
    (library / "decay_atlas/training/new.py").write_text("NEW = True\n")
    assert source_of(library)["dirty"] is True


def test_a_repository_that_only_surrounds_the_library_is_not_taken_for_it(library: Path) -> None:
    git(library.parents[1], "init", "--quiet")
    git(library.parents[1], "commit", "--quiet", "--allow-empty", "-m", "home")
    assert source_of(library)["revision"] is None


@pytest.mark.parametrize(
    ("name", "said"), [("abacus", "torch knows no such device"), ("cuda", "there is no usable GPU")]
)
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(ValueError, match=said):
        choose_device(name)
