"""What is wrong with a configuration, in words that name the file and key and print the correction."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from decay_atlas.study.files import Key, dotted, plain, read

Files = Sequence[str | Path]

LARGEST = 2**53 - 1
"""Beyond it a page's script takes two seeds for one, and tables none from 2⁶³ on."""
_NUMBER_TEXT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TEXT_KEYS = {"study", "dataset", "recipe", "arch", "extends", "fill", "columns", "imports", "path"}
"""Keys below which a text that looks like a number is meant as text."""
_KINDS = {
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "object": "keys with values",
    "string": "text",
}


def first_problem(config: dict[str, Any], schema: dict[str, Any], files: Files) -> str | None:
    """The message for the most telling problem of `config` under `schema`, or None where it is valid."""
    for key, value in _leaves(config):
        if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value) and not _TEXT_KEYS & set(key):
            return _number_as_text(key, value, config, files)
        if isinstance(value, float) and not math.isfinite(value):
            return f"{where('.'.join(map(str, key)), files)}: {_yaml(value)} is no finite number; write one"
        if isinstance(value, int) and abs(value) > LARGEST:
            text = str(value) if abs(value) < LARGEST**2 else "this"
            return f"{where('.'.join(map(str, key)), files)}: {text} is beyond {LARGEST}, the largest whole number here"
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    return None if error is None else _explain(_deepest(error), files)


def choices(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the known ones, and the one that was probably meant."""
    names = [str(one) for one in known]
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"; there are: {', '.join(names)}.{hint}"


def where(key: str, files: Files) -> str:
    """Name the last file that holds the longest part of a dotted key, and the key."""
    parts = key.split(".") if key else []
    label = f"key {dotted(tuple(int(part) if part.isdigit() else part for part in parts))}" if parts else "top level"
    contents = [(file, plain(read(file))) for file in reversed(files)]
    for length in range(len(parts), 0, -1):
        for file, content in contents:
            if _holds(content, parts[:length]):
                return f"{file}: {label}"
    return f"{files[-1]}: {label}" if files else label


def _number_as_text(key: Key, value: str, config: dict[str, Any], files: Files) -> str:
    named = key
    while isinstance(named[-1], int):
        named = named[:-1]
    whole: Any = config
    for part in named:
        whole = whole[part]
    fixed = [_number(item) for item in whole] if isinstance(whole, list) else _number(whole)
    return (
        f"{where('.'.join(map(str, key)), files)}: {value!r} is text, not a number (without a dot YAML reads "
        f"1e-4 as text, and so it reads anything in quotes); write\n\n    {named[-1]}: {_yaml(fixed)}"
    )


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _deepest(error: ValidationError) -> ValidationError:
    """The most telling error below an anyOf: that of the branch whose type the value has."""
    while error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for child in error.context:
            branches.setdefault(child.schema_path[0], []).append(child)
        fitting = [
            errors
            for errors in branches.values()
            if not any(child.validator == "type" and not child.path for child in errors)
        ]
        if not fitting:
            return error
        error = min(fitting, key=len)[0]
    return error


def _explain(error: ValidationError, files: Files) -> str:
    path = [str(part) for part in error.absolute_path]
    place = where(".".join(path), files)
    value: Any = error.instance
    rule, bound = error.validator, cast(Any, error.validator_value)
    schema = error.schema if isinstance(error.schema, dict) else {}
    description = str(schema.get("description", ""))
    if rule == "not":
        return f"{place}: this comes from the grid, not from here; remove it"
    if rule == "additionalProperties":
        known = list(schema["properties"])
        extra = next(key for key in value if key not in known)
        return f"{place}: unknown key {extra!r}{choices(extra, known)}"
    if rule == "required":
        lines = "\n".join(f"    {key}: …" for key in bound if key not in value)
        return f"{place}: something is missing; add\n\n{lines}"
    if rule == "uniqueItems":
        once = [item for position, item in enumerate(value) if item not in value[:position]]
        return f"{place}: a value stands twice; write\n\n    {path[-1]}: {_yaml(once)}"
    if rule == "enum":
        return f"{place}: no {_yaml(value)} here{choices(str(value), bound)}"
    if rule == "const":
        return f"{place}: write {_yaml(bound)}, or leave it out"
    if rule == "maxLength":
        return f"{place}: {value[:bound]!r}… has {len(value)} characters, and at most {bound} are possible"
    if rule == "pattern":
        return f"{place}: {value!r} does not fit the pattern {bound}. {description}".rstrip()
    if rule in ("exclusiveMinimum", "minimum", "exclusiveMaximum", "maximum"):
        word = {"ex": "greater than" if "Min" in rule else "less than", "mi": "at least", "ma": "at most"}[rule[:2]]
        return f"{place}: {value} must be {word} {bound}"
    if rule == "type" and bound == "array" and not isinstance(value, dict) and value is not None:
        return f"{place}: this is a list; write\n\n    {path[-1]}: {_yaml([value])}"
    if rule == "type" and bound == "string" and isinstance(value, bool | int | float):
        sense = "true or false, as it does yes, no, on and off" if isinstance(value, bool) else "a number"
        return f"{place}: YAML reads {_yaml(value)} as {sense}; a name that looks like that is put in quotes"
    if rule in ("anyOf", "type"):
        kind = f"; it takes {_KINDS[bound]}" if rule == "type" and bound in _KINDS else ""
        return f"{place}: {_yaml(value)} does not fit here{kind}. {description}".rstrip()
    return f"{place}: {error.message}. {description}".rstrip()


def _leaves(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield key, value
    else:
        for part, inner in items:
            yield from _leaves(inner, (*key, part))


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")


def _holds(content: Any, parts: list[str]) -> bool:
    for part in parts:
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in content:
            content = content[part]
        else:
            return False
    return True
