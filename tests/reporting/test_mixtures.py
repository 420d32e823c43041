"""The report says where a study mixes devices, software or code."""

from __future__ import annotations

import pandas as pd

from decay_atlas.reporting.limits import limits
from decay_atlas.reporting.mixtures import mixtures


def runs(**columns: object) -> pd.DataFrame:
    alike = {
        "device": "Xeon",
        "versions": "numpy 2.2.0, torch 2.9.0",
        "source": "0123456789abcdef (aaaaaaaaaaaa)",
        "training_version": 2,
    }
    return pd.DataFrame({**alike, **columns}, index=range(4))


def test_a_study_from_one_machine_mixes_nothing() -> None:
    assert list(mixtures(runs())) == []


def test_devices_are_named_with_their_runs() -> None:
    ((heading, text),) = mixtures(runs(device=["A100", "A100", "A100", "V100"]))
    assert heading == "Several devices"
    assert "A100 (3 runs)" in text
    assert "V100 (1 run)" in text


def test_only_the_packages_that_differ_are_named() -> None:
    old, new = "numpy 2.2.0, torch 2.9.0", "numpy 2.2.0, torch 2.10.1"
    ((heading, text),) = mixtures(runs(versions=[old, new, new, new]))
    assert heading == "Several versions of the software"
    assert "torch 2.10.1, 2.9.0" in text
    assert "numpy" not in text


def test_training_versions_and_code_are_told_apart() -> None:
    headings = [heading for heading, _ in mixtures(runs(training_version=[1, 2, 2, 2], source=["a", "b", "b", "b"]))]
    assert headings == ["Several training versions", "Several states of the training's code"]


def test_another_commit_with_the_same_training_is_no_mixture() -> None:
    assert list(mixtures(runs(source=["0123 (aaaa)", "0123 (bbbb, edited)", "0123", "0123"]))) == []


def test_runs_that_say_nothing_count_for_none() -> None:
    assert list(mixtures(runs(device=["A100", "", None, "nan"], versions=""))) == []
    assert list(mixtures(pd.DataFrame({"lr": [0.1]}))) == []


def test_the_reports_limits_hold_it() -> None:
    axes = {"dataset": "d", "recipe": "r", "arch": "a", "lr": 0.1, "wd": 0.1, "seed": range(4), "status": "ok"}
    study = {"metric": {"score": "test_best", "name": "accuracy", "unit": "%", "direction": "max"}}
    found = limits(study, runs(**axes, device=["A100", "V100", "V100", "V100"]), {})
    assert "Several devices" in [limit.heading for limit in found]
