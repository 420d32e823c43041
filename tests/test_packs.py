"""What is finished is found again, whatever became of its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decay_atlas.grid import Run, digest_of
from decay_atlas.packs import close, missing_members, put
from decay_atlas.records import is_whole, staged
from tests.recorded import record_of

SETTINGS: dict[str, Any] = {"recipe": {"epochs": 3}, "training_version": 2}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three runs of one pack, the first two finished."""
    monkeypatch.chdir(tmp_path)
    paths = [Run("d", "r", "a", digest_of(SETTINGS), 0.1, 0.0, seed).path for seed in range(3)]
    for path in paths[:2]:
        put(Path(path), record_of(Run.from_path(path), SETTINGS))
    return paths


def missing(paths: list[str]) -> list[str]:
    return [str(path) for path, _ in missing_members(SETTINGS, paths)]


def test_a_record_that_snakemake_removed_is_taken_from_where_it_was_staged(paths: list[str]) -> None:
    Path(paths[0]).unlink()
    assert missing(paths) == paths[2:]
    assert is_whole(paths[0], SETTINGS)


def test_a_closed_record_that_is_removed_is_made_again(paths: list[str]) -> None:
    close(paths)
    Path(paths[0]).unlink()
    assert missing(paths) == [paths[0], paths[2]]


def test_closing_leaves_nothing_behind_but_what_is_others(paths: list[str]) -> None:
    folder = staged(paths[0]).parent
    for name in (Path(paths[0]).name, "lr7_wd0_seed0.json"):
        (folder / f".{name}.4711.part").write_text("half")
    other = folder.parent / "lr7_wd0_seed0.json"
    put(other, record_of(Run.from_path(str(other)), SETTINGS))
    close(paths)
    assert {file.name for file in folder.iterdir()} == {"lr7_wd0_seed0.json", ".lr7_wd0_seed0.json.4711.part"}
    assert all(is_whole(path, SETTINGS) for path in paths[:2])


def test_closing_what_was_never_staged_does_nothing(tmp_path: Path) -> None:
    close([tmp_path / "results/run.json"])
    assert list(tmp_path.iterdir()) == []
