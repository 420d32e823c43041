"""Evaluations a recipe may ask for at the end of training (`evaluations: [name, …]`), by name.

An evaluation is a function of the trained network and the data set's parts that returns JSON; what it
returns lands in the record's `evaluations` under its name. The network is the run's last, or in
adversarial training its most robust (see `loop`); an evaluation that changes it works on a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from decay_atlas.training.data.batches import Data
from decay_atlas.training.evaluations.autoattack import autoattack
from decay_atlas.training.evaluations.pgd import pgd
from decay_atlas.training.evaluations.pruning import pruning
from decay_atlas.training.evaluations.train import train

Evaluation = Callable[[nn.Module, Data], Any]
EVALUATIONS: dict[str, Evaluation] = {"autoattack": autoattack, "pgd": pgd, "pruning": pruning, "train": train}


def check(names: list[str]) -> None:
    """Refuse, before anything is trained, names that are no evaluation.

    Raises:
        ValueError: naming the first of them.
    """
    for name in names:
        if name not in EVALUATIONS:
            raise ValueError(f"evaluations: unknown {name!r}; there are {', '.join(EVALUATIONS)}")


def run(names: list[str], model: nn.Module, data: Data) -> dict[str, Any]:
    """What the named evaluations say about a trained network."""
    return {name: EVALUATIONS[name](model, data) for name in names}
