"""Fine-tuning from a file of weights: the study is told its checksum; touched or moved weights train nothing anew."""

from __future__ import annotations

import re

import timm
import torch

from tests.pipeline.conftest import STUDY, Project


def test_the_chain(project: Project) -> None:
    """In one test, for every call costs seconds."""
    kwargs = {**STUDY["archs"]["tiny_vit"]["kwargs"], "img_size": 8}  # type: ignore[index]
    model = timm.create_model("vit_tiny_patch16_224", num_classes=4, in_chans=1, **kwargs)
    torch.save(model.state_dict(), project.root / "mine.pt")
    entry: dict[str, object] = {"path": "mine.pt", "head_lr": 10}
    recipes = {"quick": {**STUDY["recipes"]["quick"], "pretrained": entry}}  # type: ignore[index]
    grid = [{**STUDY["grid"][0], "lr": [0.001], "wd": [0.1]}]  # type: ignore[dict-item]
    project.write_study(grid=grid, recipes=recipes)
    call = project.snakemake("runs")
    found = re.search(r"sha256: ([0-9a-f]{64})", call.output)
    assert call.status != 0
    assert found, call.output
    entry["sha256"] = found.group(1)
    project.write_study(recipes=recipes)
    call = project.snakemake("runs")
    assert call.status == 0, call.output
    assert call.jobs["weights"] == 1
    assert (project.root / "resources/weights" / found.group(1)).read_bytes() == (project.root / "mine.pt").read_bytes()
    (project.root / "mine.pt").rename(project.root / "moved.pt")
    entry["path"] = "moved.pt"
    project.write_study(recipes=recipes)
    (project.root / "resources/weights" / found.group(1)).touch()
    assert "Nothing to be done" in project.snakemake("runs", "-n").output
