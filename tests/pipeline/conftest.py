"""A copy of the project that the pipeline tests run Snakemake in, with a study that trains in seconds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "config.yaml", "envs", "profiles", "studies", "workflow"]

STUDY = {
    "study": "tiny",
    "grid": [
        {
            "dataset": "digits",
            "recipe": "quick",
            "arch": ["tiny_vit"],
            "lr": [0.001, 0.01],
            "wd": [0.01, 0.1, 1.0],
            "seed": [0, 1],
        }
    ],
    "execution": {"pack": ["lr", "wd", "seed"]},
    "recipes": {
        "quick": {
            "epochs": 2,
            "batch_size": 64,
            "optimizer": {"name": "adamw"},
            "schedule": {"name": "cosine", "warmup_epochs": 1},
            "train_size": 128,
            "val_fraction": 0.2,
        }
    },
    "archs": {
        "tiny_vit": {
            "model": "vit_tiny_patch16_224",
            "family": "transformer",
            "kwargs": {
                "img_size": "image_size",
                "patch_size": 4,
                "embed_dim": 16,
                "depth": 1,
                "num_heads": 2,
            },
        }
    },
}


@dataclass
class Call:
    """What one call of Snakemake did: its exit status, the jobs it ran by rule, and all it printed."""

    status: int
    jobs: dict[str, int]
    output: str


@dataclass
class Project:
    """A working directory of its own with the project's files and one study, studies/tiny.yaml."""

    root: Path
    study: dict = field(default_factory=dict)

    def write_study(self, **changes: object) -> None:
        """Write studies/tiny.yaml with top-level keys changed."""
        self.study = {**self.study, **changes}
        (self.root / "studies/tiny.yaml").write_text(yaml.safe_dump(self.study, sort_keys=False))

    def grid(self, **axes: object) -> None:
        """Write the study with axes of its one block changed."""
        self.write_study(grid=[{**self.study["grid"][0], **axes}])

    def command(self, *arguments: str) -> list[str]:
        return [
            sys.executable, "-m", "snakemake", *arguments,
            "--cores", "2", "--configfile", "studies/tiny.yaml",
        ]  # fmt: skip

    def snakemake(self, *arguments: str, **environment: str) -> Call:
        """Call Snakemake and wait; no exit status raises."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", done.stdout, re.MULTILINE | re.DOTALL)
        lines = table.group(1).split("\n") if table else []
        jobs = {line.split()[0]: int(line.split()[1]) for line in lines if line.strip()}
        return Call(done.returncode, jobs, done.stdout)

    def copy(self, target: Path) -> Project:
        """A copy in a new folder, modification times and Snakemake's memory included."""
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target, dict(self.study))

    def records(self) -> dict[str, bytes]:
        """The content of every record by file name: equal bytes mean that a run was not trained again."""
        files = sorted((self.root / "results/runs").rglob("lr*_seed*.json"))
        return {file.name: file.read_bytes() for file in files if ".staged" not in file.parts}

    def find(self, name: str) -> Path:
        """The record with a file name."""
        return next(file for file in (self.root / "results/runs").rglob(name) if ".staged" not in file.parts)


def copy_project(target: Path) -> Project:
    """The project's own files in a new folder, with the tiny study."""
    target.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, target / part)
    project = Project(target, dict(STUDY))
    project.write_study()
    return project


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study with its 12 runs trained and collected; tests take copies of it."""
    project = copy_project(tmp_path_factory.mktemp("trained") / "project")
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    return project


@pytest.fixture
def trained(trained_once: Project, tmp_path: Path) -> Project:
    """A copy of the trained project, modification times and Snakemake's memory included."""
    return trained_once.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def reported_once(trained_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = trained_once.copy(tmp_path_factory.mktemp("reported") / "project")
    call = project.snakemake()
    assert call.status == 0, call.output
    return project


@pytest.fixture
def reported(reported_once: Project, tmp_path: Path) -> Project:
    """A copy of the project with its report made."""
    return reported_once.copy(tmp_path / "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing was trained."""
    return copy_project(tmp_path / "fresh")
