"""`python -m decay_atlas.training.prepare`: prepare one data set of the catalogue; the rule `dataset` calls it."""

from __future__ import annotations

import argparse
import json
import sys

from decay_atlas.training.data.datasets import DataError, prepare


def main(arguments: list[str] | None = None) -> int:
    """Prepare the data set and return the exit status, 1 with a message where its source is missing or damaged."""
    parser = argparse.ArgumentParser(prog="python -m decay_atlas.training.prepare", description=__doc__)
    parser.add_argument("--name", required=True, help="the data set's name in the catalogue")
    parser.add_argument("--entry", required=True, help="its catalogue entry as JSON")
    parser.add_argument("--path", default="", help="where its raw images lie, for sources that need it")
    parser.add_argument("folder", help="the folder to prepare it in")
    options = parser.parse_args(arguments)
    entry = json.loads(options.entry)
    if options.path:
        entry["path"] = options.path
    try:
        manifest = prepare(options.name, entry, options.folder)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.name}: {manifest['train']} training and {manifest['test']} test images in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
