"""docs/methods.md: what docstrings name as their source is there, and what it names is in the library."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import MODULES

PAGE = (Path(__file__).parents[1] / "docs/methods.md").read_text()
PARTS = dict(re.findall(r"^## (C|S|D|L|A|Ours|References)\b.*?\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
SOURCE = re.compile(r"Source: ((?:et al\. |[^.]|\.(?! |$))+)")
"""Up to the end of its sentence."""


def titles(part: str) -> set[str]:
    """What can be cited of a part: its headings, and what it has in bold."""
    return {heading or bold for heading, bold in re.findall(r"^### (.+)$|\*\*(.+?)\*\*", PARTS[part], re.M)}


def cited() -> Iterator[str]:
    """Every source that a docstring of the library names, without what stands in brackets."""
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                for sources in SOURCE.findall(" ".join(node.value.value.split())):
                    yield from (re.sub(r" \((?!L2\)).*?\)", "", one.strip()) for one in sources.split("; "))


@pytest.mark.parametrize("source", sorted(set(cited())))
def test_a_source_is_a_heading_or_a_reference(source: str) -> None:
    part, _, title = source.partition(", ")
    if part in PARTS:
        assert title in titles(part)
    else:
        assert f"\n- {source}: " in PAGE


@pytest.mark.parametrize("module", sorted(set(re.findall(r"`(decay_atlas\.[\w.]+)`", PAGE))))
def test_a_module_that_the_page_names_is_there(module: str) -> None:
    assert importlib.util.find_spec(module)


def test_every_table_of_the_statistics_has_its_method() -> None:
    tables = {file.stem for file in MODULES if file.parent.name == "statistics"} - {"__init__"}
    assert tables - set(re.findall(r"`decay_atlas\.statistics\.(\w+)`", PAGE)) == set()
