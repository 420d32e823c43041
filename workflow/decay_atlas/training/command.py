"""What `python -m decay_atlas.training` does: train a pack of runs, the ones whose records are not there yet."""

from __future__ import annotations

import argparse
import json
import os
import sys

import torch

from decay_atlas.training.checkpoint_timer import Interrupted
from decay_atlas.training.engine.choosing import ENGINES
from decay_atlas.training.job import CHECKPOINT_MINUTES, train_pack


def main() -> int:
    """Parse the command line, train, and return the exit code.

    It is 1 if a run failed, 2 if none could start, and 128 + n if signal n ended training, which goes on
    from checkpoints the next time.
    """
    parser = argparse.ArgumentParser(
        prog="python -m decay_atlas.training",
        description="Train a pack of runs, the ones whose records are not there yet.",
    )
    parser.add_argument("--settings", required=True, type=json.loads, help="resolved settings, as JSON text")
    parser.add_argument("--data", required=True, help="folder of the prepared data set")
    parser.add_argument("--engine", default="auto", choices=ENGINES)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:0")
    parser.add_argument("--gpus", default=1, type=int, help="GPUs that share the batches of a run (default 1)")
    parser.add_argument("--threads", default=1, type=int, help="processor threads (default 1)")
    parser.add_argument(
        "--checkpoint-minutes", default=CHECKPOINT_MINUTES, type=float, help="between two checkpoints (default 10)"
    )
    parser.add_argument("records", nargs="+", metavar="RECORD", help="paths of the records to make")
    options = parser.parse_args()
    gpus = min(options.gpus, torch.cuda.device_count()) if options.device in ("auto", "cuda") else 1
    if gpus > 1 and "WORLD_SIZE" not in os.environ:
        _under_torchrun(gpus)
    try:
        failed = train_pack(
            options.settings,
            options.records,
            options.data,
            options.engine,
            options.device,
            options.threads,
            options.checkpoint_minutes,
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as signal:
        print(f"stopped by {signal}; the next attempt goes on from the checkpoint", file=sys.stderr)
        return 128 + signal.number
    if failed:
        print(
            f"error: {len(failed)} of {len(options.records)} runs failed: {', '.join(failed)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _under_torchrun(processes: int) -> None:
    """Become torchrun, which starts this program once for every GPU."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    os.execv(sys.executable, [sys.executable, *launcher, "-m", "decay_atlas.training", *sys.argv[1:]])
