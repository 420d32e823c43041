"""Every table and figure is declared once, and what is declared can be made."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from decay_atlas.tables.registry import BOUND_ITEMS, ITEMS, STAGES, Figure, Stage, Table, labelled, made_by, tables


@pytest.mark.parametrize("items", [ITEMS, BOUND_ITEMS])
def test_nothing_is_declared_twice_and_categories_stay_together(items: tuple[Figure | Table, ...]) -> None:
    assert len({(type(item), item.name) for item in items}) == len(items)
    categories = [item.category for item in items]
    assert categories == sorted(categories)


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_a_stage_calls_functions_that_take_its_settings(stage: Stage) -> None:
    for name in stage.calls:
        known = inspect.signature(getattr(import_module(stage.module), name)).parameters
        assert set(stage.settings) <= set(known)
    assert made_by(stage.name)
    assert stage.reads == "runs" or stage.reads in tables()


def test_settings_are_taken_from_the_study_and_left_to_their_defaults_where_it_has_none() -> None:
    stage = Stage("x", {"unit": "metric.unit", "excess": "statistics.valley.excess", "recipes": "recipes"})
    study = {"metric": {"unit": ""}, "statistics": {"valley": {}}, "recipes": {"a": {}}}
    assert stage.arguments(study) == {"unit": "", "recipes": {"a": {}}}


def test_labels_count_within_a_category() -> None:
    assert labelled("landscapes", Figure) == ("2. Which law", "1. Landscapes (figure)")
    assert labelled("deviation_fit", Table) == ("3. What a wrong decay costs", "7. Deviation fit (table)")
    with pytest.raises(KeyError, match="declare the figure 'deviation_fit'"):
        labelled("deviation_fit", Figure)
