"""`python -m decay_atlas.training.weights`: put a file of pretrained weights where training finds it, by its checksum.

The rule `weights` calls it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from decay_atlas.training.settings.pretrained import STORE, store


def main(arguments: list[str] | None = None) -> int:
    """Store the file and return the exit status, 1 with a message where it is missing or another."""
    parser = argparse.ArgumentParser(prog="python -m decay_atlas.training.weights", description=__doc__)
    parser.add_argument("--path", required=True, type=Path, help="the file")
    parser.add_argument("target", type=Path, help=f"{STORE}/<its SHA-256>")
    options = parser.parse_args(arguments)
    try:
        store(options.path.expanduser(), options.target.name, options.target)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
