"""What planning and running a study cost as it grows, in Snakemake and in this project together.

Studies of the simulated source, whose jobs take no time, at several sizes and ways to pack: seconds and memory of a
plan (`snakemake -n`), of the whole study with statistics and report, and of a second call that finds nothing to do. The
baseline of each size is one job a run. Each figure is the least of `--repeats` calls.

    python benchmarks/planning.py --plan 300 2400 24000 100000
    python benchmarks/planning.py --run 2400 24000
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

ROOT = Path(__file__).parents[1]
SHAPES = {300: (1, 6, 10, 5), 2_400: (10, 6, 8, 5), 24_000: (20, 10, 12, 10), 100_000: (50, 10, 20, 10)}
"""Architectures, learning rates, weight decays and seeds of a study, by its runs."""
PACKS = {"a run": [], "a cell": ["seed"], "a network and seed": ["lr", "wd"], "a network": ["lr", "wd", "seed"]}
"""What shares one job, and the axes packed for it."""


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock, and MB at the peak, of one call."""

    seconds: float
    memory: float


def project(folder: Path, runs: int, pack: list[str]) -> None:
    """A working directory with the project's files and one simulated study, studies/size.yaml."""
    for part in ("Snakefile", "config.yaml", "envs", "profiles", "workflow"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, folder / part)
    archs, lrs, wds, seeds = SHAPES[runs]
    study = {
        "study": "size",
        "simulate": {"law": "product", "wd_best": 0.1},
        "grid": [
            {
                "dataset": "valley",
                "recipe": "adamw",
                "arch": [f"net{number}" for number in range(archs)],
                "lr": [float(f"{1e-5 * 1.7**step:.3g}") for step in range(lrs)],
                "wd": [float(f"{1e-3 * 1.6**step:.3g}") for step in range(wds)],
                "seed": list(range(seeds)),
            }
        ],
        "execution": {"pack": pack},
    }
    (folder / "studies").mkdir()
    (folder / "studies/size.yaml").write_text(yaml.safe_dump(study))


def call(folder: Path, *arguments: str) -> Cost:
    """Call Snakemake in a project and measure it.

    Raises:
        SystemExit: it failed; its output is in snakemake.out.
    """
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--configfile", "studies/size.yaml"]
    with (folder / "snakemake.out").open("w") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{(folder / 'snakemake.out').read_text()[-3000:]}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def jobs_of(runs: int, pack: list[str]) -> int:
    counts = dict(zip(("arch", "lr", "wd", "seed"), SHAPES[runs], strict=True))
    product = 1
    for axis, count in counts.items():
        product *= 1 if axis in pack else count
    return product


def plan(runs: int, repeats: int) -> None:
    baseline: Cost | None = None
    for name, pack in PACKS.items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            project(folder, runs, pack)
            costs = [call(folder, "--dry-run", "--quiet", "rules") for _ in range(repeats)]
        best = Cost(min(cost.seconds for cost in costs), min(cost.memory for cost in costs))
        baseline = baseline or best
        print(
            f"| {runs:,} | {name} | {jobs_of(runs, pack):,} | {best.seconds:.1f} | {best.memory:.0f} "
            f"| ×{baseline.seconds / best.seconds:.1f} |",
            flush=True,
        )


def run(runs: int, packs: list[str], repeats: int) -> None:
    baseline: Cost | None = None
    for name in packs:
        costs, again = [], []
        for _ in range(repeats):
            with TemporaryDirectory() as temporary:
                folder = Path(temporary)
                project(folder, runs, PACKS[name])
                costs.append(call(folder, "--quiet", "all"))
                again.append(call(folder, "--quiet", "all"))
        best = min(costs, key=lambda cost: cost.seconds)
        baseline = baseline or best
        jobs = jobs_of(runs, PACKS[name])
        nothing = min(cost.seconds for cost in again)
        print(
            f"| {runs:,} | {name} | {jobs:,} | {best.seconds:.0f} | {best.seconds / jobs:.2f} | {nothing:.1f} "
            f"| {best.memory:.0f} | ×{baseline.seconds / best.seconds:.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", nargs="*", type=int, choices=SHAPES, default=[], help="sizes to plan")
    parser.add_argument("--run", nargs="*", type=int, choices=SHAPES, default=[], help="sizes to run")
    parser.add_argument("--packs", nargs="*", choices=PACKS, default=list(PACKS), help="packs to run (default: all)")
    parser.add_argument("--repeats", type=int, default=1, help="calls, of which the least counts (default 1)")
    options = parser.parse_args()
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "unknown"
    print(f"{os.cpu_count()} processors, load {load} at the start, {options.repeats} repeats\n")
    if options.plan:
        print("| runs | one job is | jobs | plan s | plan MB | against a run |\n|---|---|---|---|---|---|")
    for runs in options.plan:
        plan(runs, options.repeats)
    if options.run:
        print("\n| runs | one job is | jobs | study s | s a job | nothing to do s | MB | against the first |")
        print("|---|---|---|---|---|---|---|---|")
    for runs in options.run:
        run(runs, options.packs, options.repeats)


if __name__ == "__main__":
    main()
