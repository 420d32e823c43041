"""The tables and figures of a study, each declared once: its name, where a reader finds it, and what computes it.

From here follow the rules of all stages that are computed alike, what a study's targets are, the order of
`snakemake --report` and the titles of the page. Standard library only, because every cluster job reads the Snakefile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LAW = "2. Which law"
COST = "3. What a wrong decay costs"
SETTING = "4. What to set, how to search"
RECIPES = "5. Recipes compared"
CLAIMS = "6. Published claims"
BOUNDS = "7. Bounds of schedules"

RUNS = "runs"
"""What a stage reads that does not read a table."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report: results/{study}/figures/{name}.svg."""

    name: str
    category: str


@dataclass(frozen=True)
class Table:
    """A table of the report: results/{study}/tables/{name}.csv; the page shows it under `title`, where it has one.

    `stage` makes it: the one of its own name, where none is given.
    """

    name: str
    category: str
    title: str = ""
    stage: str = ""

    @property
    def made_by(self) -> str:
        """The name of the stage that makes it."""
        return self.stage or self.name


@dataclass(frozen=True)
class Stage:
    """A rule of the statistics that needs no script of its own.

    It calls `functions` of its module (the one of its own name, where none is given) with what it `reads`, the runs or
    a table, and with `settings`: the argument's name, and the dotted key of the study that holds its value. A function
    returns a table, or several, in the order in which ITEMS has them.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    reads: str = RUNS
    functions: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule's name: Snakemake keeps `rules` for itself."""
        return {"rules": "batch_rules"}.get(self.name, self.name)

    @property
    def module(self) -> str:
        """The module whose functions it calls."""
        return f"decay_atlas.statistics.{self.name}"

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of these functions."""
        return self.functions or (self.name,)

    def arguments(self, study: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that its functions are called with, of a resolved study; keys that it lacks are left out."""
        found = {argument: _value(study, key) for argument, key in self.settings.items()}
        return {argument: value for argument, value in found.items() if value is not None}


def _value(study: Mapping[str, Any], key: str) -> Any:
    value: Any = study
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


ITEMS: tuple[Figure | Table, ...] = (
    Figure("landscapes", LAW),
    Figure("optima", LAW),
    Figure("slopes", LAW),
    Figure("ratio", LAW),
    Table("optima", LAW, "Optima"),
    Table("laws", LAW, "Laws"),
    Table("ratio", LAW, "Ratio"),
    Table("universality", LAW, "Universality"),
    Figure("law_costs", COST),
    Figure("deviation", COST),
    Figure("importance", COST),
    Figure("valley", COST),
    Table("law_costs", COST, "What each law costs"),
    Table("deviation", COST, "Deviation"),
    Table("deviation_fit", COST, "Tolerance zone", stage="deviation"),
    Table("valley", COST, "Valleys of the learning rate"),
    Table("importance", COST, "Shares of variance"),
    Table("recommendation", SETTING, "Recommended weight decay"),
    Table("recommendation_curve", SETTING, stage="recommendation"),
    Figure("tuning", SETTING),
    Figure("performance_profile", SETTING),
    Table("tuning", SETTING, "Tuning strategies"),
    Table("performance_profile", SETTING, "Performance profiles"),
    Figure("best", RECIPES),
    Figure("training_loss", RECIPES),
    Figure("epochs_law", RECIPES),
    Figure("rules", RECIPES),
    Figure("robustness", RECIPES),
    Figure("adaptive", RECIPES),
    Table("best", RECIPES, "Recipes at their best"),
    Table("epochs_law", RECIPES, "Weight decay against epochs"),
    Table("rules", RECIPES, "Rules for a larger batch"),
    Table("robustness", RECIPES, "Variants of a recipe"),
    Table("evaluations", RECIPES, "Evaluations"),
    Table("adaptive", RECIPES, "Adaptive against fixed weight decay"),
    Table("label_noise", RECIPES, "Noisy labels"),
    Table("trap", RECIPES, "Alternating searches"),
    Table("claims", CLAIMS, "Published claims"),
)
"""Every figure and table of a study of runs, in the order in which a reader asks."""

BOUND_ITEMS: tuple[Figure | Table, ...] = (
    Table("claims", CLAIMS),
    Figure("lookahead", BOUNDS),
    Table("lookahead", BOUNDS),
    Table("lookahead_fits", BOUNDS, stage="lookahead"),
)
"""Those of a study of bounds."""

DIRECTION = {"direction": "metric.direction"}
AVERAGED = {**DIRECTION, "average": "statistics.average"}
RECIPES_OF = {**DIRECTION, "recipes": "recipes"}
SEED = {"seed": "statistics.seed"}
TOLERANCE = {"tolerance": "statistics.tolerance"}

STAGES = {
    stage.name: stage
    for stage in (
        Stage("optima", AVERAGED),
        Stage(
            "ratio",
            {**AVERAGED, **SEED, "rho_reference": "statistics.rho_reference", "resamples": "statistics.resamples"},
        ),
        Stage("laws", {**AVERAGED, **SEED}),
        Stage("law_costs", {**AVERAGED, **TOLERANCE}),
        Stage("universality", {**AVERAGED, "margin": "statistics.equivalence_margin"}),
        Stage("deviation", {**AVERAGED, "rho_reference": "statistics.rho_reference", "kappas": "statistics.kappas"}),
        Stage("tuning", {**DIRECTION, "rho": "statistics.rho_reference"}),
        Stage("performance_profile", reads="tuning"),
        Stage("importance", DIRECTION),
        Stage(
            "valley",
            {
                **{**AVERAGED, "unit": "metric.unit"},
                **{key: f"statistics.valley.{key}" for key in ("excess", "starts")},
            },
        ),
        Stage("recommendation", {**AVERAGED, **TOLERANCE}, functions=("recommendation", "recommendation_curve")),
        Stage("epochs_law", {**AVERAGED, **SEED, "recipes": "recipes"}),
        Stage("rules", RECIPES_OF),
        Stage("trap", AVERAGED),
    )
}
"""The stages that are computed alike, by name; the others have rules of their own in workflow/rules/recipes.smk."""


def tables(items: Iterable[Figure | Table] = ITEMS) -> list[str]:
    """The names of the tables among some items."""
    return [item.name for item in items if isinstance(item, Table)]


def figures(items: Iterable[Figure | Table] = ITEMS) -> list[str]:
    """The names of the figures among some items."""
    return [item.name for item in items if isinstance(item, Figure)]


def made_by(stage: str) -> list[str]:
    """The names of the tables that a stage makes, in the order in which it returns them."""
    return [item.name for item in ITEMS if isinstance(item, Table) and item.made_by == stage]


def stages() -> list[str]:
    """The names of all stages that make the tables of a study of runs, each once."""
    return list(dict.fromkeys(item.made_by for item in ITEMS if isinstance(item, Table)))


def titles() -> dict[str, str]:
    """The titles of the tables that the page shows, by name."""
    return {item.name: item.title for item in ITEMS if isinstance(item, Table) and item.title}


def labelled(name: str, kind: type[Figure] | type[Table]) -> tuple[str, str]:
    """The category of a table or figure in `snakemake --report`, and its label with its number among its fellows.

    Raises:
        KeyError: nothing of this kind is declared under the name.
    """
    for items in (ITEMS, BOUND_ITEMS):
        for item in items:
            if isinstance(item, kind) and item.name == name:
                fellows = [one for one in items if one.category == item.category]
                words = name.replace("_", " ").capitalize()
                return item.category, f"{fellows.index(item) + 1}. {words} ({kind.__name__.lower()})"
    raise KeyError(f"declare the {kind.__name__.lower()} {name!r} in decay_atlas.tables.registry")
