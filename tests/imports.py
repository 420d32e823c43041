"""What modules of the library import, read from their sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).parents[1] / "workflow"
LIBRARY = WORKFLOW / "decay_atlas"
MODULES = sorted(LIBRARY.rglob("*.py"))


@cache
def imports(file: Path) -> frozenset[str]:
    """The dotted names that a file imports anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: provenance follows absolute imports only"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def packages(file: Path) -> set[str]:
    """The top-level packages that a file imports."""
    return {name.split(".")[0] for name in imports(file)}


def reached(*starts: Path) -> set[Path]:
    """The files themselves and every module of the library that they import, directly or not."""
    files: set[Path] = set()
    waiting = list(starts)
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            waiting += [path for name in imports(file) if (path := _file(name))]
    return files


def _file(module: str) -> Path | None:
    path = WORKFLOW.joinpath(*module.split("."))
    candidates = [path / "__init__.py", path.with_suffix(".py")]
    return next((file for file in candidates if file.is_relative_to(LIBRARY) and file.exists()), None)


def room_of(module: str, rooms: Collection[str]) -> str:
    """The innermost of `rooms` that a module of the library, by its name below the package, is in.

    Raises:
        ValueError: it is in none.
    """
    parts = module.split(".")
    for n in range(len(parts), 0, -1):
        if (room := ".".join(parts[:n])) in rooms:
            return room
    raise ValueError(f"{module} is in no room")
