"""What only the libraries that train can judge of a study, asked of them once and before any job.

They take seconds to load, so it is a process of their own that is asked, by the main process alone, and what they
agreed to is remembered.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from decay_atlas.runs.grid import combinations, digest_of, settings_of

MEMORY = "decay-atlas.checked"
"""File in Snakemake's state folder: a digest a line of what was found right."""
REFUSED = 2
"""Exit status of `decay_atlas.training.preflight`; any other failure is not the study's."""
LIBRARIES = ("torch", "timm", "torchvision")
PATIENCE = 300
"""Seconds, after which training itself will tell."""


def asked(config: dict[str, Any]) -> dict[str, Any]:
    """The optimizers of the grid's recipes, by name, and its archs with the data set of each, of a resolved study."""
    names = [names for block in config["grid"] for names in combinations(block)]
    networks = {}
    for dataset, recipe, arch in names:
        if (arch, dataset) not in networks:
            settings = settings_of(config["datasets"][dataset], config["recipes"][recipe], config["archs"][arch])
            networks[arch, dataset] = {"name": arch, "arch": settings["arch"], "dataset": settings["dataset"]}
    return {
        "recipes": {recipe: config["recipes"][recipe]["optimizer"] for _, recipe, _ in names},
        "networks": list(networks.values()),
    }


def refusal(entries: dict[str, Any], command: Sequence[str], state: Path) -> str | None:
    """What the libraries say against the `entries` of `asked`, or None; `command` starts their Python.

    `state` is Snakemake's folder. Where the libraries cannot be asked nothing is said: the first job will.
    """
    digest = digest_of({"entries": entries, "versions": [_version(name) for name in LIBRARIES]})
    memory = state / MEMORY
    try:
        if digest in memory.read_text().split():
            return None
    except (OSError, ValueError):
        pass
    module = ["-m", "decay_atlas.training.preflight"]
    given = json.dumps(entries)
    try:
        done = subprocess.run(
            [*command, *module], input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == REFUSED:
        return done.stdout.strip()  # a library may warn on stderr
    if done.returncode == 0:
        try:
            with memory.open("a") as file:
                file.write(f"{digest}\n")
        except OSError:
            pass  # it is asked again the next time
    return None


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
