from __future__ import annotations

from typing import Any

import pytest

from decay_atlas.training.networks import NETWORKS, models
from decay_atlas.training.settings.archs import EXAMPLES, check


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_it_prints_are_networks(name: str) -> None:
    assert name in NETWORKS
    check({"model": name, "kwargs": EXAMPLES[name]})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"model": "wide_resnet"},
            r"takes depth and width, no less and no more; write\n\n    kwargs: \{depth: 28, wid",
        ),
        ({"model": "wide_resnet", "kwargs": {"depth": 28}}, r"takes depth and width"),
        ({"model": "cifar_resnet", "kwargs": {"depth": 32, "width": 2}}, r"write\n\n    kwargs: \{depth: 32\}"),
        ({"model": "wide_resnet", "kwargs": {"depth": 28, "width": 0}}, "kwargs.width 0 is no positive whole number"),
        ({"model": "wide_resnet", "kwargs": {"depth": 28, "width": 1.5}}, "kwargs.width 1.5 is no positive"),
        ({"model": "wide_resnet", "kwargs": {"depth": 26, "width": 4}}, r"6n \+ 4, .* kwargs: \{depth: 28, width: 4\}"),
        ({"model": "wide_resnet", "kwargs": {"depth": 4, "width": 4}}, r"kwargs: \{depth: 10, width: 4\}"),
        ({"model": "cifar_resnet", "kwargs": {"depth": 34}}, r"6n \+ 2, .* not 34; write\n\n    kwargs: \{depth: 32\}"),
        ({"model": "cifar_resnet", "kwargs": {"depth": 32}, "stem": "small"}, "leave stem out"),
    ],
)
def test_what_they_cannot_be_built_with_is_refused_with_what_to_write(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){message}"):
        check(entry)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        models.build(entry, 10, 3)


def test_other_libraries_judge_their_own_arguments() -> None:
    check({"model": "resnet50", "kwargs": {"depth": 1}})
