"""Digests of the library's own sources, so that a stage is computed anew when the code behind it changes."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "decay_atlas"
_LIBRARY = Path(__file__).parents[2]


def source_digest(*modules: str, data: str | None = None) -> str:
    """A digest of modules and of every module of this package that they import, directly or not.

    Comments and layout do not count: the sources are compared as syntax trees. `data` is a glob pattern,
    relative to the package, of data files that count too.

    Raises:
        FileNotFoundError: a module is not in this package, or `data` matches nothing.
    """
    found: set[Path] = set()
    waiting = [_file(module) for module in modules]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _parse(file)[1]
    digests = [f"{file.relative_to(_LIBRARY)}:{_parse(file)[0]}" for file in sorted(found)]
    if data is not None:
        files = sorted(path for path in (_LIBRARY / PACKAGE).glob(data) if path.is_file() and path.suffix != ".pyc")
        if not files:
            raise FileNotFoundError(f"{PACKAGE}/{data}: no such data file")
        digests += [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


@cache
def _parse(file: Path) -> tuple[str, tuple[Path, ...]]:
    """The digest of one module, and the files of the package's modules it imports."""
    tree = ast.parse(file.read_bytes())
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    imported = tuple(_file(name) for name in names if name.split(".")[0] == PACKAGE and _exists(name))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _path(module: str) -> Path:
    return _LIBRARY.joinpath(*module.split("."))


def _exists(module: str) -> bool:
    return _path(module).with_suffix(".py").exists() or (_path(module) / "__init__.py").exists()


def _file(module: str) -> Path:
    path = _path(module)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
