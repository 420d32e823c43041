"""The rules of dependence, and that nothing lies about unused."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.imports import LIBRARY, MODULES, WORKFLOW, imports, packages, room_of

ROOT = WORKFLOW.parent
TRAINING = sorted((LIBRARY / "training").rglob("*.py"))
STATISTICS = sorted((LIBRARY / "statistics").rglob("*.py"))
SNAKEFILES = (
    "execution.devices",
    "execution.preflight",
    "execution.provenance",
    "execution.recovery",
    "execution.retrain",
    "execution.scripting",
    "execution.slurm",
    "runs.grid",
    "runs.records",
    "study.config",
    "study.limits",
    "tables.registry",
    "training.data.origin",
    "training.settings.pretrained",
)
"""The modules that the workflow's rules import."""
ARROWS: dict[str, tuple[str, ...]] = {
    "runs": (),
    "schedules": (),
    "statistics.methods": (),
    "execution": ("runs",),
    "tables": ("runs", "statistics.methods"),
    "statistics": ("statistics.methods",),
    "claims": ("statistics.methods",),
    "training.settings": ("runs", "schedules"),
    "training.data": ("runs",),
    "training.optimizers": ("training.settings",),
    "training.networks": ("training.settings",),
    "training.engine": ("execution", "training.data", "training.networks", "training.optimizers", "training.settings"),
    "training.evaluations": ("training.data", "training.engine"),
    "training": (
        "runs",
        "execution",
        "training.data",
        "training.engine",
        "training.evaluations",
        "training.networks",
        "training.optimizers",
        "training.settings",
    ),
    "study": ("runs", "training.data", "training.settings"),
    "simulation": ("runs", "execution", "study", "tables", "statistics", "statistics.methods"),
    "reporting": ("runs", "tables", "statistics", "statistics.methods", "claims", "simulation"),
    "status": ("runs", "execution", "study", "simulation"),
    "cli": (
        "runs",
        "execution",
        "study",
        "tables",
        "statistics",
        "statistics.methods",
        "simulation",
        "reporting",
        "status",
    ),
}
"""From which rooms each room of the library may import; in an order in which none imports from a later one."""
BEGIN, END = "<!-- rooms: made by `python -m tests.test_layout` -->", "<!-- end of rooms -->"
"""Where the README draws them."""
RULES = sorted((WORKFLOW / "rules").glob("*.smk"))


def short(file: Path) -> str:
    return str(file.relative_to(WORKFLOW))


@pytest.mark.parametrize("file", TRAINING, ids=short)
def test_training_knows_neither_statistics_nor_pandas(file: Path) -> None:
    assert "pandas" not in packages(file)
    assert not [name for name in imports(file) if name.startswith("decay_atlas.statistics")]


@pytest.mark.parametrize("file", STATISTICS, ids=short)
def test_statistics_know_no_training_files_or_configuration(file: Path) -> None:
    assert not packages(file) & {"torch", "torchvision", "timm", "pathlib", "yaml", "pyarrow"}
    assert not [name for name in imports(file) if name.startswith(("decay_atlas.training", "decay_atlas.study"))]


@pytest.mark.parametrize("file", MODULES, ids=short)
def test_the_library_does_not_know_snakemake(file: Path) -> None:
    assert not [name for name in packages(file) if name.startswith("snakemake")]


def test_grid_needs_the_standard_library_only() -> None:
    """Every cluster job reads the Snakefile, and with it this module."""
    assert not packages(LIBRARY / "runs/grid.py") - set(sys.stdlib_module_names)
    for package in (
        "",
        "runs/",
        "study/",
        "execution/",
        "tables/",
        "training/",
        "training/data/",
        "training/settings/",
    ):
        assert not imports(LIBRARY / f"{package}__init__.py")


@pytest.mark.parametrize("module", SNAKEFILES)
def test_what_the_snakefile_imports_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, decay_atlas.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"decay_atlas.{module}" in loaded
    assert not {"torch", "pandas", "numpy", "scipy", "matplotlib"} & set(loaded)


def test_a_simulated_job_starts_without_pandas() -> None:
    """A study of thousands of them spends most of its time on their starts."""
    code = "import sys, decay_atlas.simulation.job; print(*sys.modules)"
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
    found = {short(file) for file in files if call in file.read_text()} - {"decay_atlas/tables/import_files.py"}
    assert found == {"decay_atlas/tables/files.py"}


def test_scripts_are_thin() -> None:
    for script in (WORKFLOW / "scripts").glob("*.py"):
        assert len(script.read_text().splitlines()) <= 40, f"{script.name}: what it does belongs in the library"


def test_no_module_is_long() -> None:
    assert [short(file) for file in MODULES if len(file.read_text().splitlines()) >= 400] == []


def arrows(file: Path) -> set[tuple[str, str]]:
    """The rooms that a file is in and imports from, in pairs."""
    own = room_of(".".join(file.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__"), ARROWS)
    known = {
        ".".join(module.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__") for module in MODULES
    }
    used = {name.removeprefix("decay_atlas.") for name in imports(file) if name.startswith("decay_atlas.")} & known
    # `from decay_atlas.training import models` imports the package too, and nothing of it.
    used = {name for name in used if not any(other.startswith(f"{name}.") for other in used)}
    return {(own, room_of(name, ARROWS)) for name in used} - {(own, own)}


@pytest.mark.parametrize("file", [file for file in MODULES if file.parent != LIBRARY or file.stem == "cli"], ids=short)
def test_rooms_import_only_along_the_arrows(file: Path) -> None:
    assert [f"{room} → {other}" for room, other in arrows(file) if other not in ARROWS[room]] == []


def test_no_import_runs_up_and_every_arrow_is_used() -> None:
    rooms = list(ARROWS)
    assert [room for room, to in ARROWS.items() if any(rooms.index(one) >= rooms.index(room) for one in to)] == []
    used = {arrow for file in MODULES if file.parent != LIBRARY or file.stem == "cli" for arrow in arrows(file)}
    assert {(room, one) for room, to in ARROWS.items() for one in to} == used


def drawn() -> str:
    """The rooms as the README draws them: what stands higher imports from what stands lower."""
    width = max(map(len, ARROWS))
    gap = "\n" + " " * (width + 4)
    rows = [
        f"{room:<{width}}  → {gap.join(textwrap.wrap(', '.join(to), 116 - width))}" if to else room
        for room, to in reversed(ARROWS.items())
    ]
    return "\n".join([BEGIN, "```", *rows, "```", END])


def test_the_readme_draws_the_rooms() -> None:
    assert drawn() in (ROOT / "README.md").read_text(), "run: python -m tests.test_layout"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(before + drawn() + rest.split(END)[1])
