"""The studies of the other sources, from their file to their figures."""

from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest

from tests.pipeline.conftest import Project


def study(project: Project, name: str, *arguments: str) -> str:
    """Run a study of the project's own; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--configfile", f"studies/{name}.yaml"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_pytorchs_adamw_couples_the_rates_and_the_decoupled_one_does_not(project: Project) -> None:
    tables = "results/small-decoupling/tables"
    study(project, "small-decoupling", f"{tables}/laws.csv", f"{tables}/valley.csv")
    laws = pd.read_csv(project.root / tables / "laws.csv").set_index(["recipe", "method"])
    assert laws.loc[("small-pt", "ols"), "nearest"] == "product"
    assert laws.loc[("small-lh", "ols"), "nearest"] == "decoupled"
    decades = pd.read_csv(project.root / tables / "valley.csv").set_index(["recipe", "sweep"])["decades"]
    gain = decades.xs("product", level="sweep") - decades.xs("wd", level="sweep")
    assert gain["small-lh"] < gain["small-pt"]  # keeping ηλ pays for PyTorch's alone


def test_a_study_of_bounds_trains_nothing_and_has_a_page(project: Project) -> None:
    file = project.root / "studies/lookahead.yaml"
    file.write_text(file.read_text().replace("[20, 100, 500]", "[50]").replace("10001", "501"))
    output = study(project, "lookahead")
    assert "rule train" not in output
    folder = project.root / "results/lookahead"
    tables = sorted(path.name for path in (folder / "tables").iterdir())
    assert tables == ["claims.csv", "lookahead.csv", "lookahead_fits.csv"]
    assert (pd.read_csv(folder / "tables/claims.csv")["verdict"] == "supported").any()
    assert "Look-ahead" in (folder / "report.html").read_text()
    assert "Nothing to be done" in study(project, "lookahead")


@pytest.mark.parametrize("target", ["archive", "plan", "runs"])
def test_bounds_have_no_target_of_a_study_of_runs(project: Project, target: str) -> None:
    command = [sys.executable, "-m", "snakemake", target, "-n", "--configfile", "studies/lookahead.yaml"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Study lookahead: bounds are computed and nothing is trained" in done.stdout + done.stderr


def test_a_stage_too_long_for_the_horizon_is_refused_with_the_line_to_write(project: Project) -> None:
    file = project.root / "studies/lookahead.yaml"
    file.write_text(file.read_text().replace("10001", "1000"))
    command = [sys.executable, "-m", "snakemake", "-n", "--configfile", "studies/lookahead.yaml"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "studies/lookahead.yaml: key lookahead.last: a stride of 500 needs 4 horizons" in done.stdout
    assert "last: 2001" in done.stdout


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("decoupling", 5700),
        ("small-decoupling", 96),
        ("lion", 88),
        ("robustness", 3120),
        ("small-robustness", 594),
        ("stable-weight-decay", 1242),
        ("small-stable-weight-decay", 708),
        ("adaptive-weight-decay", 1644),
        ("small-adaptive-weight-decay", 288),
    ],
)
def test_a_study_is_as_many_runs_as_its_head_says(project: Project, name: str, runs: int) -> None:
    output = study(project, name, "-n", "--quiet", "rules")
    assert f"Study {name}: {runs:,} training runs, {runs:,} to do." in output
    assert re.search(rf"# +cost +{runs:,} runs", (project.root / f"studies/{name}.yaml").read_text())
