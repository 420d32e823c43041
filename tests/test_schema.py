"""The names that the schema offers are those that the training program knows."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from decay_atlas.config import SCHEMA
from decay_atlas.statistics.collect import COLUMNS
from decay_atlas.training.augment import AUGMENTATIONS
from decay_atlas.training.engines import ENGINES
from decay_atlas.training.optimizers import OPTIMIZERS
from decay_atlas.training.schedules import SHAPES
from decay_atlas.training.sources import SOURCES

RULES = yaml.safe_load(SCHEMA.read_bytes())
RECIPE = RULES["$defs"]["recipe"]["properties"]


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (RULES["$defs"]["augmentations"]["items"], AUGMENTATIONS),
        (RECIPE["optimizer"]["properties"]["name"]["anyOf"][0], OPTIMIZERS),
        (RECIPE["schedule"]["properties"]["name"], SHAPES),
        (RULES["$defs"]["dataset"]["properties"]["source"], SOURCES),
        (RULES["properties"]["execution"]["properties"]["engine"], ENGINES),
    ],
    ids=["augmentations", "optimizers", "schedules", "sources", "engines"],
)
def test_every_name_offered_is_known_and_every_name_known_is_offered(offered: dict[str, Any], known: list[str]) -> None:
    assert sorted(offered["enum"]) == sorted(known)


def test_imported_columns_are_columns_of_the_table_of_runs() -> None:
    assert set(RULES["$defs"]["run_column"]["enum"]) <= COLUMNS.keys()
