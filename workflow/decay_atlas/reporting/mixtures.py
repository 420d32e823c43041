"""What a study mixes that may change its numbers or its times: devices, software, states of the training's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from decay_atlas.reporting.words import counted, listed


def mixtures(runs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """A heading and a sentence for everything of which the table of runs names more than one.

    Columns `device`, `versions`, `source` and `training_version` are looked at where they are there; runs that say
    nothing count for none.
    """
    devices = _counts(runs, "device")
    if len(devices) > 1:
        yield (
            "Several devices",
            f"The runs come from {_named(devices)}. Their times cannot be compared, and rounding differs a little "
            "from one to the other.",
        )
    packages = _versions(_counts(runs, "versions"))
    if packages:
        named = listed(f"{name} {', '.join(versions)}" for name, versions in packages.items())
        yield (
            "Several versions of the software",
            f"Not all runs were trained with the same: {named}. The same settings may give slightly other numbers.",
        )
    trainings = _counts(runs, "training_version")
    if len(trainings) > 1:
        yield (
            "Several training versions",
            f"The runs come from training versions {_named(trainings)}, whose numbers are known to differ. Train the "
            "older ones anew before comparing them.",
        )
    sources = _counts(runs, "source")
    if len({source.split(" ")[0] for source in sources}) > 1:
        yield (
            "Several states of the training's code",
            f"The code differed between runs, {_named(sources)}, though not in the training version, which is raised "
            "whenever numbers are meant to change.",
        )


def _counts(runs: pd.DataFrame, column: str) -> dict[str, int]:
    """How many runs have each value, the most frequent first."""
    if column not in runs:
        return {}
    values = runs[column].dropna().astype(str)
    return {str(value): int(n) for value, n in values[~values.isin(["", "nan"])].value_counts().items()}


def _named(counts: Mapping[str, int]) -> str:
    return listed(f"{value} ({counted(n, 'run')})" for value, n in counts.items())


def _versions(texts: Iterable[str]) -> dict[str, list[str]]:
    """The packages of which several versions are named, from texts like "numpy 2.2.0, torch 2.9.0"."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for package in text.split(", "):
            name, _, version = package.partition(" ")
            found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items() if len(versions) > 1}
