"""A step of an ensemble against as many steps of runs alone, for every optimizer; and ours against other libraries'.

    python benchmarks/optimizers.py            about a minute on one core
    python benchmarks/optimizers.py --members 20 --device cuda

Prints one JSON object: milliseconds of the fastest of several rounds, and ratios, above 1 where the ensemble or
our own is faster. The parameters are those of a small residual net.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from decay_atlas.training import optimizers

SHAPES: list[tuple[int, ...]] = [*[(16, 16, 3, 3)] * 30, *[(16,)] * 30]
RIVALS = {"adamw": "torch.AdamW", "radam": "torch.RAdam", "lion": "timm.lion", "lamb": "timm.lamb", "sgdw": "timm.sgdw"}
ROUNDS, STEPS = 7, 20


def stepper(name: str, device: torch.device, members: int = 0) -> Callable[[], object]:
    """A function that takes one step, of an ensemble or, with no members, of a run alone."""
    parameters = [nn.Parameter(torch.randn(*([members] if members else []), *shape, device=device)) for shape in SHAPES]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    lr, wd = (torch.full((members,), value) if members else value for value in (1e-3, 0.1))
    optimizer: Any = optimizers.build(parameters, {"name": name}, lr, wd)
    if getattr(optimizer, "needs_closure", False):
        return lambda: optimizer.step(lambda: None)
    return lambda: optimizer.step()


def milliseconds(step: Callable[[], object], device: torch.device) -> float:
    """Of one step, in the fastest of several rounds."""

    def synchronised() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    step()
    best = float("inf")
    for _ in range(ROUNDS):
        started = synchronised()
        for _ in range(STEPS):
            step()
        best = min(best, (synchronised() - started) / STEPS)
    return 1000 * best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.set_num_threads(1)
    report: dict[str, Any] = {"members": options.members, "device": str(device), "optimizers": {}}
    for name in optimizers.OPTIMIZERS:
        alone = milliseconds(stepper(name, device), device)
        together = milliseconds(stepper(name, device, options.members), device)
        row = {"alone_ms": alone, "ensemble_ms": together, "ensemble_gain": options.members * alone / together}
        if name in RIVALS:
            rival = milliseconds(stepper(RIVALS[name], device), device)
            row |= {f"{RIVALS[name]}_ms": rival, "gain_alone": rival / alone}
        report["optimizers"][name] = {key: round(value, 3) for key, value in row.items()}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
