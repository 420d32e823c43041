"""An archive: the same content, the same bytes, and a study that finds its runs in it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
import yaml

from decay_atlas.execution.archive import write_archive

STUDY = {
    "study": "mine",
    "metric": {"score": "test_best", "name": "accuracy", "unit": "%", "direction": "max", "scale": "linear"},
    "statistics": {"seed": 0},
    "recipes": {"short": {"epochs": 3}},
    "claims": [],
    "datasets": {"digits": {"classes": 10}},
    "grid": [{"lr": 0.1}],
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lock").write_text("numpy==2.2\n")
    paths = ["results/mine/runs.parquet", "results/mine/tables/laws.csv"]
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"content of {path}")
    return paths


def test_the_same_content_makes_the_same_bytes(files: list[str]) -> None:
    write_archive("one.tar.gz", STUDY, files, "lock")
    for file in files:
        os.utime(file, (1, 1))
        Path(file).chmod(0o600)
    write_archive("two.tar.gz", STUDY, list(reversed(files)), "lock")
    assert Path("one.tar.gz").read_bytes() == Path("two.tar.gz").read_bytes()
    Path(files[0]).write_text("other")
    write_archive("two.tar.gz", STUDY, files, "lock")
    assert Path("one.tar.gz").read_bytes() != Path("two.tar.gz").read_bytes()


def test_it_unpacks_into_a_clone_as_a_study_of_its_own(files: list[str], tmp_path: Path) -> None:
    write_archive("one.tar.gz", STUDY, files, "lock")
    with tarfile.open("one.tar.gz") as archive:
        archive.extractall(tmp_path / "clone", filter="data")
    clone = tmp_path / "clone"
    assert (clone / files[1]).read_text() == f"content of {files[1]}"
    assert (clone / "results/mine/requirements.lock").read_text() == "numpy==2.2\n"
    assert yaml.safe_load((clone / "results/mine/study.yaml").read_text()) == STUDY
    again = yaml.safe_load((clone / "studies/mine-archive.yaml").read_text())
    assert again["study"] == "mine-archive"
    assert (clone / again["imports"][0]).exists()
    kept = ("metric", "statistics", "recipes", "claims")
    assert {key: again[key] for key in kept} == {key: STUDY[key] for key in kept}
    assert "grid" not in again


def test_logarithms_are_not_taken_twice(files: list[str]) -> None:
    """The archived runs hold them; the study as it was resolved goes along unchanged."""
    study = {**STUDY, "metric": {**STUDY["metric"], "name": "log10 loss", "scale": "log10"}}
    write_archive("one.tar.gz", study, files, "lock")
    with tarfile.open("one.tar.gz") as archive:
        again, was = (
            yaml.safe_load(archive.extractfile(name))
            for name in ("studies/mine-archive.yaml", "results/mine/study.yaml")
        )
    assert again["metric"] == {**study["metric"], "scale": "linear"}
    assert was == study
