"""`python -m decay_atlas.training`: train a pack of runs, the ones whose records are not there yet."""

from __future__ import annotations

import argparse
import json
import sys

from decay_atlas.training.pack import ENGINES, train_pack


def main() -> int:
    """Parse the command line, train, and return the exit code: 1 if a run failed, 2 if none could start."""
    parser = argparse.ArgumentParser(prog="python -m decay_atlas.training", description=__doc__)
    parser.add_argument("--settings", required=True, type=json.loads, help="resolved settings, as JSON text")
    parser.add_argument("--data", required=True, help="folder of the prepared data set")
    parser.add_argument("--engine", default="auto", choices=ENGINES)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:0")
    parser.add_argument("--threads", default=1, type=int, help="processor threads (default 1)")
    parser.add_argument("records", nargs="+", metavar="RECORD", help="paths of the records to make")
    options = parser.parse_args()
    try:
        failed = train_pack(
            options.settings, options.records, options.data, options.engine, options.device, options.threads
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if failed:
        print(
            f"error: {len(failed)} of {len(options.records)} runs failed: {', '.join(failed)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
