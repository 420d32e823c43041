"""A stage's digest follows the code behind it, through imports, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from decay_atlas.execution import provenance
from decay_atlas.execution.provenance import source_digest

SOURCES = {
    "__init__.py": "",
    "stage.py": "from decay_atlas import near\nfrom decay_atlas.inner import value\n\nx = value(near)\n",
    "near.py": "import numpy\nimport decay_atlas.far\n",
    "far.py": "def late():\n    from decay_atlas.lazy import z\n    return z\n",
    "lazy.py": "import decay_atlas.stage\nz = 1\n",
    "inner/__init__.py": "def value(module):\n    return module\n",
    "other.py": "y = 1\n",
    "page/a.html": "<p>",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small library whose stage imports near and inner, near far, and far lazy, which imports stage."""
    root = tmp_path / "decay_atlas"
    for name, text in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(provenance, "_LIBRARY", tmp_path)
    yield root
    provenance._parse.cache_clear()


def digest(**options: str) -> str:
    """The stage's digest as a new process finds it."""
    provenance._parse.cache_clear()
    return source_digest("decay_atlas.stage", **options)


def test_comments_and_layout_do_not_count(package: Path) -> None:
    before = digest()
    text = SOURCES["stage.py"].replace("x = value(near)", "# why\nx = value(\n    near,\n)  # what")
    (package / "stage.py").write_text(text)
    assert digest() == before


@pytest.mark.parametrize("file", ["stage.py", "near.py", "far.py", "lazy.py", "inner/__init__.py"])
def test_code_counts_wherever_it_is_imported_from(package: Path, file: str) -> None:
    before = digest()
    (package / file).write_text(SOURCES[file] + "more = 2\n")
    assert digest() != before


def test_code_that_is_not_imported_does_not_count(package: Path) -> None:
    before = digest()
    (package / "other.py").write_text("y = 2\n")
    assert digest() == before


def test_two_modules_differ_and_their_order_does_not_matter(package: Path) -> None:
    both = source_digest("decay_atlas.stage", "decay_atlas.other")
    assert both == source_digest("decay_atlas.other", "decay_atlas.stage")
    assert both not in (source_digest("decay_atlas.stage"), source_digest("decay_atlas.other"))


def test_data_files_count_where_asked(package: Path) -> None:
    before, without = digest(data="page/*"), digest()
    (package / "page/a.html").write_text("<b>")
    assert digest(data="page/*") != before
    assert digest() == without


def test_what_is_not_there_is_named(package: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        source_digest("decay_atlas.nowhere")
    with pytest.raises(FileNotFoundError, match=r"nothing/.*: no such data file"):
        digest(data="nothing/*")
