"""The schema: the names that it offers are those that the library knows, and it describes and obeys itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from decay_atlas.simulation.truth import PARTS, Truth
from decay_atlas.statistics.methods.rivals import LAWS
from decay_atlas.study.config import SCHEMA
from decay_atlas.tables.collect import COLUMNS
from decay_atlas.training.data.augment import AUGMENTATIONS
from decay_atlas.training.data.sources import SOURCES
from decay_atlas.training.engine.choosing import ENGINES
from decay_atlas.training.evaluations import EVALUATIONS
from decay_atlas.training.optimizers import OPTIMIZERS
from decay_atlas.training.settings.schedules import SHAPES

RULES = yaml.safe_load(SCHEMA.read_bytes())
RECIPE = RULES["$defs"]["recipe"]["properties"]
SIMULATE = RULES["properties"]["simulate"]["properties"]


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (RULES["$defs"]["augmentations"]["items"], AUGMENTATIONS),
        (RECIPE["optimizer"]["properties"]["name"]["anyOf"][0], OPTIMIZERS),
        (RECIPE["schedule"]["properties"]["name"], SHAPES),
        (RULES["$defs"]["dataset"]["properties"]["source"], SOURCES),
        (RULES["properties"]["execution"]["properties"]["engine"], ENGINES),
        (RECIPE["evaluations"]["items"], EVALUATIONS),
        (SIMULATE["law"]["anyOf"][0], LAWS),
    ],
    ids=["augmentations", "optimizers", "schedules", "sources", "engines", "evaluations", "laws"],
)
def test_every_name_offered_is_known_and_every_name_known_is_offered(offered: dict[str, Any], known: list[str]) -> None:
    assert sorted(offered["enum"]) == sorted(known)


def test_a_simulated_landscape_has_the_keys_of_the_simulator_and_each_is_understood() -> None:
    assert list(SIMULATE) == [one.name for one in fields(Truth)]
    nested = {
        "curvature": dict.fromkeys(SIMULATE["curvature"]["anyOf"][1]["properties"], 1.0),
        "diverge": dict.fromkeys(SIMULATE["diverge"]["properties"], 1.0),
        "offsets": {"net": dict.fromkeys(SIMULATE["offsets"]["additionalProperties"]["properties"], 1.0)},
    }
    assert Truth.parse(nested).offsets == nested["offsets"]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_simulated_landscape_has_its_fields_as_keys(part: str) -> None:
    assert list(SIMULATE[part]["properties"]) == [one.name for one in fields(PARTS[part])]
    assert SIMULATE[part].get("required", []) == [one.name for one in fields(PARTS[part]) if one.default is MISSING]


def test_imported_columns_are_columns_of_the_table_of_runs() -> None:
    assert set(RULES["$defs"]["run_column"]["enum"]) <= COLUMNS.keys()


def properties(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a study may hold, with its place in the schema."""
    if isinstance(schema, dict):
        for key, part in schema.get("properties", {}).items():
            yield f"{place}/{key}", part
        for key, part in schema.items():
            yield from properties(part, f"{place}/{key}")
    elif isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from properties(part, f"{place}/{number}")


def test_every_property_is_described() -> None:
    described = list(properties(RULES))
    assert len(described) > 50
    assert [place for place, part in described if not part.get("description")] == []


def test_every_default_is_valid_under_its_own_rule() -> None:
    defaults = [(place, part) for place, part in properties(RULES) if "default" in part]
    assert len(defaults) > 10
    for place, part in defaults:
        rule = Draft202012Validator({**part, "$defs": RULES["$defs"]})
        assert rule.is_valid(part["default"]), place
