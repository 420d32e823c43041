"""`python -m decay_atlas.training.preflight < ENTRIES`: hold a study to the libraries that will train it."""

from __future__ import annotations

import json
import sys

import torch

from decay_atlas.execution.preflight import REFUSED
from decay_atlas.training import optimizers
from decay_atlas.training.data.datasets import channels_of, outputs_of, size_of
from decay_atlas.training.networks import models


def main(entries: str) -> int:
    """Check the JSON of `preflight.asked`, print what is wrong by its key, and return the exit status.

    Networks are built, and shown an image, on torch's meta device, which has shapes and no memory.
    """
    given = json.loads(entries)
    problems = []
    for name, entry in given["recipes"].items():
        try:
            optimizers.check(entry)
        except ValueError as error:
            problems.append(f"key recipes.{name}.optimizer: {error}")
    for network in given["networks"]:
        arch, dataset = network["arch"], network["dataset"]
        try:
            models.check(arch)
            with torch.device("meta"):
                shape = outputs_of(dataset), channels_of(dataset)
                models.show(models.build(arch, *shape), arch, *shape, size_of(dataset))
        except ValueError as error:
            problems.append(f"key archs.{network['name']}: {error}")
    print("\n".join(dict.fromkeys(problems)))  # an arch may be wrong with every data set
    return REFUSED if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.read()))
