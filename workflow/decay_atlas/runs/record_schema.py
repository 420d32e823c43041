"""What the keys of a run record may hold: the one schema that every reader of records goes by.

By hand rather than by a JSON schema, because `collect` reads 100,000 records: this takes a few µs of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SCORES = ("test_best", "test_final", "val_best", "val_final")
_LOSSES = tuple(f"{part}_loss_{when}" for part in ("test", "val") for when in ("best", "final"))
_ENTRIES = {int, float, type(None)}
_LIMIT = 1e300


def fault_of(record: Mapping[str, Any]) -> str | None:
    """What is wrong with a record's first wrong key, in words that name it; None where nothing is.

    Keys that are not known here may hold anything; what older versions did not record may be missing.
    """
    for key, (needed, good, words) in _KEYS.items():
        if key not in record:
            if needed:
                return f"the record lacks {key!r}"
        elif not good(record[key]):
            return f"{key} is {_shown(record[key])}, not {words}"
    if "simulate" in record["settings"]:
        return None  # a simulated score is in the unit of its study
    for key in (*SCORES, "val_robust_best"):
        if not _is_percent(record.get(key)):
            return f"{key} is {_shown(record[key])}, not an accuracy from 0 to 100"
    return None


def _is_number(value: Any) -> bool:
    """Whether it is a number that floats hold, which NaN, the infinities and the truth values are not."""
    return type(value) in (int, float) and -_LIMIT < value < _LIMIT


def _is_score(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_percent(value: Any) -> bool:
    return value is None or -1e-6 <= value <= 100 + 1e-6


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_history(value: Any) -> bool:
    """Whether all of a history's lists have a number, or null, an epoch."""
    if type(value) is not dict or not all(type(numbers) is list for numbers in value.values()):
        return False
    lengths = {len(numbers) for numbers in value.values()}
    return len(lengths) <= 1 and all(_ENTRIES.issuperset(map(type, numbers)) for numbers in value.values())


def _is_device(value: Any) -> bool:
    return type(value) is dict and _is_text(value.get("name")) and _is_count(value.get("count", 1))


def _is_source(value: Any) -> bool:
    if value is None:
        return True
    named = type(value) is dict and type(value.get("revision")) in (str, type(None))
    return named and (value.get("revision") is None or "dirty" in value)


def _is_evaluations(value: Any) -> bool:
    """Whether every number of what evaluations found is one that floats hold, however deep it lies."""
    if type(value) is dict:
        return all(map(_is_evaluations, value.values()))
    return type(value) not in (int, float) or _is_number(value)


def _or_null(good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or good(value)


_TEXT = (True, _is_text, "text")
_SCORE = (_is_score, "a number or null")
_KEYS: dict[str, tuple[bool, Callable[[Any], bool], str]] = {
    **dict.fromkeys(("dataset", "recipe", "arch", "digest"), _TEXT),
    **dict.fromkeys(("lr", "wd", "seed"), (True, _is_number, "a number")),
    "settings": (
        True,
        lambda value: type(value) is dict and type(value.get("training_version")) is int,
        "the settings of a run, with its training_version",
    ),
    "data_checksum": _TEXT,
    "status": (True, lambda value: value in ("ok", "diverged"), "ok or diverged"),
    **dict.fromkeys(SCORES, (True, *_SCORE)),
    **dict.fromkeys((*_LOSSES, "val_robust_best"), (False, *_SCORE)),
    "history": (True, _is_history, "lists of numbers, all of one length"),
    "evaluations": (False, _or_null(lambda value: type(value) is dict and _is_evaluations(value)), "numbers by name"),
    "dog": (
        False,
        _or_null(lambda value: type(value) is dict and _is_score(value.get("dog"))),
        "the estimate of a run's DoG",
    ),
    "seconds": (True, lambda value: _is_number(value) and value >= 0, "a number of 0 or more"),
    "device": (True, _is_device, "a device with a name, and a count of 1 or more"),
    "node": _TEXT,
    "versions": (
        False,
        lambda value: type(value) is dict and all(map(_is_text, value.values())),
        "versions, as texts, by package",
    ),
    "slurm": (
        False,
        _or_null(lambda value: type(value) is dict and _is_text(value.get("job_id"))),
        "a job with a job_id, or null",
    ),
    "source": (False, _is_source, "the source's digest, revision and whether it was dirty"),
}
"""By key: whether every record has it, what it must fulfil, and that in words."""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
