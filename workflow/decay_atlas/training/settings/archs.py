"""What an arch entry must say, told before anything is trained. Standard library only: studies are read with it too."""

from __future__ import annotations

from typing import Any

EXAMPLES: dict[str, dict[str, int]] = {"wide_resnet": {"depth": 28, "width": 10}, "cifar_resnet": {"depth": 32}}
"""The arguments of the residual networks of our own, as the sources have them."""


def check(arch: dict[str, Any]) -> None:
    """Refuse arguments that a network of our own cannot be built with; other libraries judge theirs.

    Raises:
        ValueError: naming the key and what to write.
    """
    name, given = arch["model"], arch.get("kwargs", {})
    if name not in EXAMPLES:
        return
    example = EXAMPLES[name]
    if "stem" in arch:
        raise ValueError(f"{name} is made for small images as it is; leave stem out")
    if given.keys() != example.keys():
        raise ValueError(f"{name} takes {' and '.join(example)}, no less and no more; write\n\n    {_line(example)}")
    for key, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"kwargs.{key} {value!r} is no positive whole number; write\n\n    {_line(example)}")
    rest = example["depth"] % 6
    if given["depth"] % 6 != rest or given["depth"] < 6:
        fitting = max(6 + rest, round((given["depth"] - rest) / 6) * 6 + rest)
        raise ValueError(
            f"the depth of {name} is 6n + {rest}, three stages of n blocks, and not {given['depth']}; "
            f"write\n\n    {_line({**given, 'depth': fitting})}"
        )


def _line(kwargs: dict[str, int]) -> str:
    return f"kwargs: {{{', '.join(f'{key}: {value}' for key, value in kwargs.items())}}}"
