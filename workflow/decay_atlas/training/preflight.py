"""`python -m decay_atlas.training.preflight ENTRIES`: hold optimizers and models to the libraries that have them."""

from __future__ import annotations

import json
import sys

from decay_atlas.preflight import REFUSED
from decay_atlas.training import models, optimizers


def main(entries: str) -> int:
    """Check the JSON of `preflight.asked`, print what is wrong by its key, and return the exit status."""
    given = json.loads(entries)
    problems = []
    for name, entry in given["recipes"].items():
        try:
            optimizers.check(entry)
        except ValueError as error:
            problems.append(f"key recipes.{name}.optimizer: {error}")
    for name, entry in given["archs"].items():
        try:
            models.check(entry)
        except ValueError as error:
            problems.append(f"key archs.{name}.model: {error}")
    print("\n".join(problems), file=sys.stderr)
    return REFUSED if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
