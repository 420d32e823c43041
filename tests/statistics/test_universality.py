import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, kruskal
from statsmodels.stats.oneway import anova_oneway

from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.methods.coupling import choice_per_seed, origin_slope
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.universality import COLUMNS, _detectable, universality

LR = np.geomspace(1e-4, 1e-2, 6)
WD = np.geomspace(1e-4, 10, 11)
ARCHS = ["resnet50", "vit", "convnext", "mixer", "swin"]


def study(datasets=("cifar100", "imagenet"), seeds=5, **settings) -> pd.DataFrame:
    settings = {"wd_best": 0.03, "no_decay": 20.0, "seed_sd": 0.5, **settings}
    return pd.concat(
        [simulate(LR, WD, seeds, archs=ARCHS, dataset=name, seed=k, **settings) for k, name in enumerate(datasets)]
    )


def row(table: pd.DataFrame, test: str, quantity: str = "rho") -> pd.Series:
    return table[(table["test"] == test) & (table["quantity"] == quantity)].iloc[0]


def per_seed_rho(runs: pd.DataFrame) -> list[np.ndarray]:
    samples: dict[str, list[float]] = {}
    for one in landscapes(runs, "max"):
        samples.setdefault(one.arch, []).extend(origin_slope(one.lr, choice_per_seed(one).wd(one.wd)))
    return [np.array(sample) for sample in samples.values()]


def test_the_table_begins_with_the_columns_of_the_contract():
    assert universality(study(), "max").columns[: len(COLUMNS)].tolist() == COLUMNS


def test_the_published_design_is_tested_by_f_4_45():
    runs = study()
    table, samples = universality(runs, "max"), per_seed_rho(runs)
    anova, welch, ranks = (row(table, test) for test in ("anova", "welch", "kruskal-wallis"))
    assert (anova["df1"], anova["df2"], anova["n"]) == (4, 45, 50)
    assert (anova["statistic"], anova["p"]) == pytest.approx(tuple(f_oneway(*samples)))
    assert welch["p"] == pytest.approx(anova_oneway(samples, use_var="unequal").pvalue)
    assert ranks["p"] == pytest.approx(kruskal(*samples).pvalue)


def test_the_two_way_analysis_splits_the_variance_of_balanced_data_as_by_hand():
    runs = study(offsets={"vit": {"wd": 0.4}})
    found = row(universality(runs, "max"), "two-way arch")
    values = np.array([origin_slope(one.lr, choice_per_seed(one).wd(one.wd)) for one in landscapes(runs, "max")])
    values = values.reshape(2, 5, 5)
    between = 10 * ((values.mean(axis=(0, 2)) - values.mean()) ** 2).sum() / 4
    within = ((values - values.mean(axis=2, keepdims=True)) ** 2).sum() / 40
    assert found["statistic"] == pytest.approx(between / within)
    assert (found["df1"], found["df2"]) == (4, 40)


def test_equal_architectures_are_shown_equivalent_where_the_design_is_sharp():
    table = universality(study(seed_sd=0.02), "max")
    for quantity in ("rho", "product"):
        tost = row(table, "tost", quantity)
        assert tost["p"] < 0.05
        assert "is equivalent within ×/÷ 1.25" in tost["conclusion"]
        assert tost["detectable"] < 1.25
        assert tost["margin"] == 1.25


def test_a_noisy_design_shows_neither_a_difference_nor_equivalence():
    table = universality(study(seed_sd=2.0, seeds=3, datasets=["cifar100"]), "max")
    assert row(table, "anova", "product")["p"] > 0.05
    assert "does not show that there is none" in row(table, "anova", "product")["conclusion"]
    tost = row(table, "tost", "product")
    assert tost["p"] > 0.05
    assert "not shown" in tost["conclusion"]


def test_an_architecture_that_differs_is_found_and_named():
    table = universality(study(offsets={"mixer": {"wd": 1.0}}), "max")
    assert row(table, "anova", "product")["p"] < 1e-6
    tost = row(table, "tost", "product")
    assert tost["p"] > 0.5
    assert "mixer" in tost["pair"]


def test_the_equivalence_margin_that_would_just_be_shown_is_just_shown():
    runs = study(seed_sd=1.0)
    smallest = row(universality(runs, "max"), "tost")["detectable"]
    assert row(universality(runs, "max", margin=smallest * 1.001), "tost")["p"] < 0.05
    assert row(universality(runs, "max", margin=smallest / 1.001), "tost")["p"] > 0.05


def test_a_difference_of_the_detectable_size_is_found_in_four_of_five_studies():
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=10) for _ in range(4)]
    span = np.log(_detectable(samples, logarithmic=True))
    sd = np.sqrt(np.mean([sample.var(ddof=1) for sample in samples]))
    shifts = np.array([-span / 2, 0, 0, span / 2])
    found = [f_oneway(*(rng.normal(shift, sd, 10) for shift in shifts)).pvalue < 0.05 for _ in range(1_000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_a_ratio_of_the_detectable_size_is_found_in_four_of_five_studies():
    rng = np.random.default_rng(1)
    samples = [1.5 + rng.normal(size=10) for _ in range(4)]
    factor = _detectable(samples, logarithmic=False)
    mean, sd = np.mean(samples), np.sqrt(np.mean([sample.var(ddof=1) for sample in samples]))
    low = 2 * mean / (1 + factor)  # with `low * factor` as far above the mean as it is below
    found = [
        f_oneway(*(rng.normal(centre, sd, 10) for centre in (low, mean, mean, low * factor))).pvalue < 0.05
        for _ in range(1_000)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_where_the_smaller_ratio_would_be_negative_no_factor_is_detectable():
    rng = np.random.default_rng(2)
    assert _detectable([0.2 + rng.normal(size=5) for _ in range(3)], logarithmic=False) == np.inf


def test_optima_all_at_zero_leave_nothing_to_compare():
    runs = simulate(LR, [0, 0.1, 1, 10], 3, archs=["a", "b"], wd_best=1e-9, no_decay=0.0)
    table = universality(runs, "max")
    assert table["p"].isna().all()
    assert table["conclusion"].str.startswith("not testable").all()


def test_one_architecture_is_not_testable_and_a_margin_below_one_refused():
    table = universality(study()[lambda runs: runs["arch"] == "vit"], "max")
    assert table["conclusion"].str.startswith("not testable").all()
    with pytest.raises(ValueError, match="margin"):
        universality(study(), "max", margin=0.8)
