"""An archive reproduces the report elsewhere."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.conftest import Project, copy_project

STUDY = {
    "simulate": {"law": "product", "wd_best": 0.1},
    "execution": {"pack": ["lr", "wd", "seed"]},
    "statistics": {"rho_reference": 0.2, "resamples": 200},
    "grid": [
        {
            "dataset": "valley",
            "recipe": "adamw",
            "arch": ["a", "b"],
            "lr": [1.0e-4, 3.0e-4, 1.0e-3],
            "wd": [0.01, 0.03, 0.1, 0.3, 1],
            "seed": [0, 1],
        }
    ],
}
LOGARITHMS = {
    "metric": {"score": "test_final", "scale": "log10", "name": "log10 loss", "unit": "", "direction": "min"},
    "simulate": {"law": "product", "wd_best": 0.1, "best": 2, "chance": 200},
    "claims": [],
}


@pytest.mark.parametrize("changes", [{}, LOGARITHMS], ids=["published claims", "logarithms without claims"])
def test_the_archive_of_a_study_gives_the_same_tables_in_a_clean_clone(
    project: Project, tmp_path: Path, changes: dict
) -> None:
    project.write_study(**{**STUDY, **changes})
    call = project.snakemake("archive")
    assert call.status == 0, call.output
    clone = copy_project(tmp_path / "clone")
    (clone.root / "studies/tiny.yaml").unlink()
    with tarfile.open(project.root / "results/tiny/tiny.tar.gz") as archive:
        archive.extractall(clone.root, filter="data")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "studies/tiny-archive.yaml"]
    done = subprocess.run(command, cwd=clone.root, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    theirs = sorted((project.root / "results/tiny/tables").glob("*.csv"))
    assert len(theirs) > 8
    for table in theirs:
        unpacked, again = (clone.root / "results" / study / "tables" / table.name for study in ("tiny", "tiny-archive"))
        assert unpacked.read_bytes() == table.read_bytes()
        pd.testing.assert_frame_equal(pd.read_csv(again), pd.read_csv(table), check_exact=True)
    assert (clone.root / "results/tiny-archive/report.html").exists()
