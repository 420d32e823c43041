from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from decay_atlas.training.data.datasets import MANIFEST, prepare
from decay_atlas.training.data.origin import outdated
from tests.training.data.test_datasets import image_tree


def later(folder: Path) -> None:
    """Date a folder's last change a second later: the test may be quicker than the file system's clock."""
    at = folder.stat().st_mtime + 1
    os.utime(folder, (at, at))


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, Any]:
    return image_tree(tmp_path / "raw")


@pytest.fixture
def prepared(entry: dict[str, Any], tmp_path: Path) -> str:
    prepare("pets", entry, tmp_path / "pets-0123")
    return str(tmp_path / "pets-0123")


def add(root: Path) -> None:
    shutil.copy(root / "train/cat/0.jpg", root / "train/cat/new.jpg")
    later(root / "train/cat")


def remove(root: Path) -> None:
    (root / "test/dog/0.jpg").unlink()
    later(root / "test/dog")


def add_class(root: Path) -> None:
    shutil.copytree(root / "train/cat", root / "train/bird")
    later(root / "train")


@pytest.mark.parametrize("change", [add, remove, add_class])
def test_images_that_came_or_went_are_told_of(
    entry: dict[str, Any], prepared: str, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    assert outdated("pets", entry, prepared) is None
    change(tmp_path / "raw")
    said = outdated("pets", entry, prepared)
    assert said
    assert "\n" not in said
    for part in (entry["path"], f"delete {prepared} and results/runs/pets"):
        assert part in said


def test_another_path_is_told_of_and_the_same_written_otherwise_is_not(
    entry: dict[str, Any], prepared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = outdated("pets", {**entry, "path": "/elsewhere"}, prepared)
    assert said
    assert f"from {entry['path']}, not from /elsewhere" in said
    monkeypatch.setenv("HOME", str(tmp_path))
    assert outdated("pets", {**entry, "path": "~/raw/"}, prepared) is None


def test_nothing_is_told_where_nothing_can_be_known(entry: dict[str, Any], prepared: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "raw")  # decoded, it is not needed any more
    assert outdated("pets", entry, prepared) is None
    assert outdated("pets", entry, str(tmp_path / "not-yet")) is None
    manifest = tmp_path / "pets-0123" / MANIFEST
    content = json.loads(manifest.read_text())
    del content["origin"]  # prepared before this was noted
    manifest.write_text(json.dumps(content))
    assert outdated("pets", {**entry, "path": "/elsewhere"}, prepared) is None


def test_data_that_are_no_files_note_no_place(digits: Path) -> None:
    assert "origin" not in json.loads((digits / MANIFEST).read_text())
