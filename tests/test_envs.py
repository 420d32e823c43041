"""The lock is complete and names no registry; the conda environments agree with it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.imports import LIBRARY, WORKFLOW, packages, reached

ENVS = Path(__file__).parents[1] / "envs"
LOCK = (ENVS / "requirements.lock").read_text()
CONDA = sorted(ENVS.glob("*.yaml"))
PYPI_NAMES = {"pytorch": "torch"}


def locked(python: str, system: str = "linux") -> dict[str, str]:
    """The versions that the lock installs for one Python and system."""
    where = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    where["platform_system"] = {"linux": "Linux", "darwin": "Darwin"}[system]
    versions = {}
    for line in re.sub(r" \\\n +--hash=\S+", "", LOCK).splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(where):
                assert requirement.name not in versions, f"{requirement.name} is locked twice"
                versions[requirement.name] = str(requirement.specifier).removeprefix("==")
    return versions


def dependencies(file: Path) -> dict[str, str]:
    """The versions that a conda environment asks for, by the names that PyPI knows."""
    pairs = [entry.split(" =") for entry in yaml.safe_load(file.read_text())["dependencies"]]
    return {PYPI_NAMES.get(name, name): version for name, version in pairs}


def test_both_environments_are_there() -> None:
    assert [file.name for file in CONDA] == ["analysis.yaml", "training.yaml"]


@pytest.mark.parametrize("file", CONDA, ids=lambda file: file.stem)
def test_conda_environments_agree_with_the_lock(file: Path) -> None:
    asked = dependencies(file)
    assert asked.pop("python") == "3.11"
    versions = locked("3.11")
    assert asked == {name: versions.get(name) for name in asked}


MODULE_NAMES = {"pillow": "PIL", "scikit-learn": "sklearn", "pyyaml": "yaml"}
STARTS = {
    "training": [LIBRARY / "training/__main__.py", LIBRARY / "training/prepare.py"],
    "analysis": [LIBRARY / "simulation/__main__.py", *sorted((WORKFLOW / "scripts").glob("*.py"))],
}


@pytest.mark.parametrize("file", CONDA, ids=lambda file: file.stem)
def test_conda_environments_hold_what_their_rules_import(file: Path) -> None:
    used = set().union(*map(packages, reached(*STARTS[file.stem])))
    foreign = used - set(sys.stdlib_module_names) - {"decay_atlas"}
    assert foreign <= {MODULE_NAMES.get(name, name) for name in dependencies(file)}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_the_lock_serves_every_python_and_system(python: str, system: str) -> None:
    versions = locked(python, system)
    assert {"torch", "torchvision", "timm", "pandas", "snakemake", "pytest", "ruff", "mypy"} <= versions.keys()
    assert all(re.fullmatch(r"[0-9][0-9a-z.+]*", version) for version in versions.values())


def test_every_locked_package_has_hashes() -> None:
    packages = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE).rstrip())
    assert len(packages) > 50
    for package in packages:
        first, *hashes = package.splitlines()
        assert first.endswith(" \\"), first
        assert hashes, first
        assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes), first


def test_the_lock_names_no_registry() -> None:
    assert "://" not in LOCK
