"""The YAML files of a study, read so that nothing in them is lost or changed without a word.

Snakemake reads them too, and first: of a key that stands twice it takes the last, and 010 it takes for 8. What it makes
of the files is therefore only used after they were read here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

Config = dict[str, Any]
Key = tuple[str | int, ...]

DEPTH = 50
"""Levels of a study file; the schema has nine."""
VALUES = 200_000
"""Values of a study file, with what its anchors repeat."""
SHOWN = 100
"""Characters of a line or value that a message repeats."""
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml; every cluster job reads the study."""
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_READ = {
    f"tag:yaml.org,2002:{kind}": word for kind, word in (("int", "number"), ("float", "number"), ("timestamp", "date"))
}
"""Tags of plain texts that YAML takes for something else."""


class ConfigError(ValueError):
    """A study cannot be used as written; the message names the file and key and prints the correction."""


def read(file: str | Path) -> Config:
    """The content of a study file.

    Raises:
        ConfigError: the file cannot be read, is no YAML in UTF-8, holds no keys, says something twice, or says what
            YAML takes for something else; the message names the line.
    """
    data = _bytes(Path(file))
    loader = LOADER(data)
    try:
        _check_depth(file, data)
        root = loader.get_single_node()
        if root is not None:
            _check(file, root, (), {})
        content = loader.construct_document(root) if root is not None else None
    except yaml.reader.ReaderError as error:
        line = data.decode("utf-8-sig")[: error.position].count("\n") + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise ConfigError(f"{file}: not YAML: line {line} has the character U+{code:04X}; remove it") from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{file}: not YAML: {_problem(data, error)}") from None
    finally:
        loader.dispose()
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: holds no keys; a study file begins with\n\n    study: {Path(file).stem}")
    return content


def _bytes(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        kind = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "not in UTF-8"
        raise ConfigError(
            f"{file}: line {line} has the byte {data[error.start]:#x}, so the file is {kind}; save it in UTF-8"
        ) from None
    return data


def _problem(data: bytes, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return problem
    lines = data.decode("utf-8-sig").splitlines()
    text = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in text[: mark.column + 1]:
        problem = "a tab, where YAML takes spaces only; replace it by spaces"
    return f"line {mark.line + 1}: {problem}" + (f"\n\n    {text[:SHOWN]}" if text.strip() else "")


def _check_depth(file: str | Path, data: bytes) -> None:
    """Composing goes down level by level, so the levels are counted first."""
    depth = 0
    for event in yaml.parse(data, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                raise ConfigError(
                    f"{file}: line {_line(event)}: more than {DEPTH} levels; no key of a study has so many"
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check(file: str | Path, node: yaml.Node, key: Key, known: dict[int, tuple[int, int] | None]) -> tuple[int, int]:
    """How many values a node has with what its anchors repeat, and how many levels.

    `known` has both for the nodes that were seen, None for those that are being looked into.
    """
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise ConfigError(
                f"{file}: line {_line(node)}: an anchor that holds itself; remove the alias (*) within it"
            )
        return found
    known[id(node)] = None
    values, levels = 1, 0
    for name, inner in _parts(file, node, key):
        more, below = _check(file, inner, (*key, name), known)
        values, levels = values + more, max(levels, below)
    levels += 1
    if values > VALUES or levels > DEPTH:
        much = f"{VALUES:,} values" if values > VALUES else f"{DEPTH} levels"
        raise ConfigError(
            f"{file}: line {_line(node)}: what begins here has more than {much}, with what its aliases (*) repeat; no "
            "study needs so many"
        )
    known[id(node)] = values, levels
    return values, levels


def _parts(file: str | Path, node: yaml.Node, key: Key) -> list[tuple[str | int, yaml.Node]]:
    """What lies in a node, by key or number; a scalar is looked at itself."""
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(file, node, key)
        return []
    if isinstance(node, yaml.SequenceNode):
        return list(enumerate(node.value))
    lines: dict[str, int] = {}
    for name, _ in node.value:
        text, line = str(name.value), _line(name)
        _check_scalar(file, name, (*key, text))
        if text in lines:
            both = f"twice in line {line}" if lines[text] == line else f"in line {lines[text]} and again in line {line}"
            raise ConfigError(
                f"{file}: key {dotted((*key, text))} stands {both}, and YAML takes the last; write it once, with all "
                "that it is to say"
            )
        lines[text] = line
    return [(str(name.value), value) for name, value in node.value]


def _check_scalar(file: str | Path, node: yaml.Node, key: Key) -> None:
    if node.tag not in _READ or not isinstance(node, yaml.ScalarNode):
        return
    text, kind = str(node.value), _READ[node.tag]
    try:
        value = LOADER.yaml_constructors[node.tag](yaml.SafeLoader(""), node)
    except (ValueError, OverflowError):
        problem = f"{text[:SHOWN]} is no {kind}, though YAML takes it for one"
    else:
        base = 60 if ":" in text else 8 if _OCTAL.fullmatch(text) else 10
        if kind == "date" or base == 10:
            return
        meant = f"{value}, or " if base == 60 else f"{text.lstrip('+-0_') or 0}, or {value}, or "
        problem = f'YAML reads {text} as {value}, a number to base {base}; write {meant}for a name "{text}"'
    raise ConfigError(f"{file}: key {dotted(key)[:SHOWN]}, line {_line(node)}: {problem}")


def plain(value: Any) -> Any:
    """What YAML made of a study as JSON has it: dates as the texts that they were written as."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str | int | float | None) else str(key): plain(inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def dotted(key: Key) -> str:
    """A key as messages name it: grid[0].lr."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def _line(node: yaml.Node | yaml.Event) -> int:
    mark = node.start_mark
    return int(mark.line) + 1 if mark else 0
