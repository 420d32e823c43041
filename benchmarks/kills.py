"""Kill training at random moments, again and again: do its records end up with the same bits?

    python benchmarks/kills.py --kills 200

A pack is trained by each engine undisturbed, then with kills: `kill -9` in the middle of whatever it does, `kill -9` of
one of two processes that have the same pack (as where Snakemake alone was killed and called again), and SIGTERM or
SIGHUP, which leave a checkpoint. After each kill the next attempt goes on, with a checkpoint after every step. A kill
is survived where the pack ends in the numbers of the undisturbed one and nothing is left over. Prints a table and exits
with 1 where one was not. Some ten minutes on two cores for 200.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from itertools import cycle, product
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from decay_atlas.runs.grid import Run, digest_of, settings_of
from decay_atlas.runs.packs import close
from decay_atlas.runs.records import read_record
from decay_atlas.study.config import load
from decay_atlas.training.checkpoint_timer import Interrupted
from decay_atlas.training.data import datasets
from decay_atlas.training.job import train_pack

DIGITS = load("demo", Path(__file__).parents[1])["datasets"]["digits"]
RECIPE = {
    "epochs": 4,
    "batch_size": 32,
    "optimizer": {"name": "adamw"},
    "schedule": {"name": "cosine", "warmup_epochs": 1},
    "precision": "fp32",
    "augment": ["crop", "jitter"],
    "mixup": 0.2,
    "train_size": 128,
    "val_fraction": 0.1,
}
NETWORK = {"img_size": 8, "patch_size": 4, "embed_dim": 8, "num_blocks": 2, "drop_path_rate": 0.3}
DROPOUT = {"serial": 0.2, "fused": 0.0}  # an ensemble knows no dropout
SAME = ("status", "test_best", "test_final", "val_best", "val_final", "history")
ENGINES = ("serial", "fused")
ATTACKS = ("kill -9", "kill -9 of one of two", "SIGTERM or SIGHUP")
Numbers = list[dict[str, Any]]


@dataclass
class Pack:
    """Three runs of one engine, their numbers undisturbed and the processor's seconds that they take."""

    engine: str
    settings: dict[str, Any]
    data: Path

    def __post_init__(self) -> None:
        digest = digest_of(self.settings)
        self.records = [Run("digits", self.engine, "mixer", digest, 0.01, 0.1, seed).path for seed in range(3)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = self.start()
        process.join()
        assert process.exitcode == 0, "the pack cannot be trained"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.numbers = self.found()

    def start(self, number: int = signal.SIGPROF, after: float = 0.0) -> BaseProcess:
        """A training process that gets a signal `after` so many seconds of its processor's time; 0 is never."""

        def run() -> None:
            if number != signal.SIGPROF:  # whose default it is to end a process wherever it is, as SIGKILL does
                signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), number))
            signal.setitimer(signal.ITIMER_PROF, after)
            sys.stderr = Path(f"{self.engine}.log").open("a")  # noqa: SIM115 - for the life of the process
            try:
                failed = train_pack(self.settings, self.records, self.data, self.engine, "cpu", 1, 0.0)
            except Interrupted:
                os._exit(128)
            os._exit(len(failed))

        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        return process

    def found(self) -> Numbers:
        """What the records say of training."""
        records = [read_record(path) for path in self.records]
        return [{name: record[name] for name in SAME} for record in records]

    def fault(self) -> str:
        """What is left over, or how the records differ from those of the undisturbed pack; empty where nothing is."""
        close(self.records)  # as `collect` does, for the jobs have ended well
        left = [str(file) for kind in ("*.ckpt", "*.part", "*.unusable") for file in Path("results").rglob(kind)]
        if left:
            return f"left over: {', '.join(left)}"
        pairs = zip(self.found(), self.numbers, strict=True)
        other = [f"{name} of seed {seed}" for seed, (a, b) in enumerate(pairs) for name in SAME if a[name] != b[name]]
        return f"other numbers: {', '.join(other)}" if other else ""


def attacked(pack: Pack, attack: str, chance: random.Random) -> tuple[int, str]:
    """Train a pack anew under an attack: how many kills came, and what is wrong at its end; empty for nothing."""
    shutil.rmtree("results")
    kills = 0
    while True:
        number = signal.SIGPROF if attack.startswith("kill") else chance.choice([signal.SIGTERM, signal.SIGHUP])
        processes = [pack.start(number, chance.uniform(0.05, 0.95) * pack.seconds)]
        if attack.endswith("two"):
            processes.append(pack.start())
        for process in processes:
            process.join()
        kills += processes[0].exitcode != 0
        if 0 in [process.exitcode for process in processes]:
            return kills, pack.fault()
        codes = [process.exitcode for process in processes]
        if any(code not in (0, 128, -signal.SIGPROF, -number) for code in codes):
            return kills, f"ended with {codes}:\n{Path(f'{pack.engine}.log').read_text()[-2000:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many at least (default 200)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        data = Path(folder) / "digits"
        datasets.prepare("digits", DIGITS, data)
        packs = {}
        for engine in ENGINES:
            kwargs = {**NETWORK, "proj_drop_rate": DROPOUT[engine]}
            arch = {"model": "MlpMixer", "family": "transformer", "kwargs": kwargs}
            packs[engine] = Pack(engine, settings_of(DIGITS, RECIPE, arch), data)
        groups = list(product(ENGINES, ATTACKS))
        tried, survived = (dict.fromkeys(groups, 0) for _ in range(2))
        for engine, attack in cycle(groups):
            if sum(tried.values()) >= options.kills:
                break
            kills, fault = attacked(packs[engine], attack, chance)
            tried[engine, attack] += kills
            survived[engine, attack] += 0 if fault else kills
            if fault:
                print(f"{engine}, {attack}, {kills} kills: {fault}", file=sys.stderr)
        os.chdir("/")
    print(f"{'group':32} {'tried':>6} {'survived':>9}")
    for engine, attack in groups:
        print(f"{f'{engine}, {attack}':32} {tried[engine, attack]:6} {survived[engine, attack]:9}")
    print(f"{'all':32} {sum(tried.values()):6} {sum(survived.values()):9}")
    sys.exit(tried != survived)


if __name__ == "__main__":
    main()
