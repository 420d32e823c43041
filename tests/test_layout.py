"""The rules of dependence, and that nothing lies about unused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import LIBRARY, MODULES, WORKFLOW, imports, packages

ROOT = WORKFLOW.parent
TRAINING = sorted((LIBRARY / "training").rglob("*.py"))
STATISTICS = sorted((LIBRARY / "statistics").rglob("*.py"))
SNAKEFILES = (
    *("grid", "config", "config_limits", "devices", "preflight", "provenance", "records", "recovery", "retrain"),
    *("slurm", "stage", "training.origin", "training.weights"),
)
"""The modules that the workflow's rules import."""
RULES = sorted((WORKFLOW / "rules").glob("*.smk"))


def short(file: Path) -> str:
    return str(file.relative_to(WORKFLOW))


@pytest.mark.parametrize("file", TRAINING, ids=short)
def test_training_knows_neither_statistics_nor_pandas(file: Path) -> None:
    assert "pandas" not in packages(file)
    assert not [name for name in imports(file) if name.startswith("decay_atlas.statistics")]


@pytest.mark.parametrize("file", STATISTICS, ids=short)
def test_statistics_know_neither_training_nor_torch(file: Path) -> None:
    assert not packages(file) & {"torch", "torchvision", "timm"}
    assert not [name for name in imports(file) if name.startswith("decay_atlas.training.")]


@pytest.mark.parametrize("file", MODULES, ids=short)
def test_the_library_does_not_know_snakemake(file: Path) -> None:
    assert not [name for name in packages(file) if name.startswith("snakemake")]


def test_grid_needs_the_standard_library_only() -> None:
    """Every cluster job reads the Snakefile, and with it this module."""
    foreign = packages(LIBRARY / "grid.py") - set(sys.stdlib_module_names)
    assert foreign == {"decay_atlas"}
    ours = {name for name in imports(LIBRARY / "grid.py") if name.startswith("decay_atlas")}
    assert ours == {"decay_atlas.training", "decay_atlas.training.TRAINING_VERSION"}
    assert not imports(LIBRARY / "training/__init__.py")
    assert not imports(LIBRARY / "__init__.py")


@pytest.mark.parametrize("module", SNAKEFILES)
def test_what_the_snakefile_imports_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, decay_atlas.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"decay_atlas.{module}" in loaded
    assert not {"torch", "pandas", "numpy", "scipy", "matplotlib"} & set(loaded)


def test_a_simulated_job_starts_without_pandas() -> None:
    """A study of thousands of them spends most of its time on their starts."""
    code = "import sys, decay_atlas.simulation; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"torch", "pandas", "matplotlib"} & set(loaded)


def test_the_rules_import_just_these_modules() -> None:
    found = {
        name for file in RULES for name in re.findall(r"^ *from (decay_atlas\.\S+) import", file.read_text(), re.M)
    }
    assert found == {f"decay_atlas.{name}" for name in SNAKEFILES}


def test_the_snakefile_fits_on_a_screen() -> None:
    text = (ROOT / "Snakefile").read_text()
    assert len(text.splitlines()) < 50
    included = set(re.findall(r'^ *include: "(.+)"', text, re.M))
    assert included == {str(file.relative_to(ROOT)) for file in RULES}


def test_every_script_belongs_to_a_rule_and_every_rule_finds_its_script() -> None:
    named = re.findall(r'"\.\./scripts/([^"]+)"', "".join(file.read_text() for file in RULES))
    assert sorted(named) == sorted(file.name for file in (WORKFLOW / "scripts").iterdir() if file.is_file())


@pytest.mark.parametrize("call", ["pd.read_csv(", ".to_csv(", "pd.read_parquet("])
def test_tables_are_read_and_written_in_one_way(call: str) -> None:
    """Which names what is damaged, and keeps a network called None a name, and one called =1+1 from being run."""
    files = [*MODULES, *(WORKFLOW / "scripts").glob("*.py")]
    found = {short(file) for file in files if call in file.read_text()} - {"decay_atlas/statistics/import_files.py"}
    assert found == {"decay_atlas/statistics/tables.py"}


def test_scripts_are_thin() -> None:
    for script in (WORKFLOW / "scripts").glob("*.py"):
        assert len(script.read_text().splitlines()) <= 40, f"{script.name}: what it does belongs in the library"


def test_no_module_is_long() -> None:
    assert [short(file) for file in MODULES if len(file.read_text().splitlines()) >= 400] == []
