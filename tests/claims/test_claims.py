"""Claims: what the source contradicts by itself, and what tables of known content say."""

import io
from itertools import product

import numpy as np
import pandas as pd
import pytest

from decay_atlas.claims.claims import claims, parse, published
from decay_atlas.schedules.lookahead_tables import last_horizons, lookahead, lookahead_fits
from decay_atlas.simulation.simulator import simulate
from decay_atlas.statistics.deviation import deviation
from decay_atlas.statistics.laws import laws
from decay_atlas.statistics.optima import optima
from decay_atlas.statistics.ratio import ratio
from decay_atlas.statistics.tuning import tuning
from decay_atlas.statistics.universality import universality

ADAMW = {"published": {"optimizer": {"name": "adamw"}, "schedule": {"name": "cosine"}, "batch_size": 128}}


def ratio_rows(estimates, recipe="published", **more):
    """A ratio table of one row per (dataset, arch): (estimate, low, high)."""
    rows = [
        {
            "dataset": dataset,
            "recipe": recipe,
            "arch": arch,
            "rho": rho,
            "rho_smooth": rho,
            "rho_lo_cal": low,
            "rho_hi_cal": high,
            "n_lr": 6,
            "n_edge": 0,
            "p_reference": 0.5,
            "intercept_p": 0.5,
            "r2_centred": 0.97,
        }
        | more
        for (dataset, arch), (rho, low, high) in estimates.items()
    ]
    return pd.DataFrame(rows)


def gap_rows(*gaps, missed=0):
    rows = [
        {"arch": f"net{i}", "strategy": "ratio-1d", "gap": gap, "gap_lo": gap - 0.05, "gap_hi": gap + 0.05}
        for i, gap in enumerate(gaps)
    ]
    return pd.DataFrame(rows).assign(dataset="digits", recipe="published", missed=missed)


def law_rows(*verdicts, method="censored"):
    rows = [{"arch": f"net{i}", "verdict": verdict} for i, verdict in enumerate(verdicts)]
    table = pd.DataFrame(rows).assign(dataset="digits", recipe="published", method=method)
    return table.assign(slope=0.0, slope_lo=-1.0, slope_hi=1.0)


def judge(identity, recipes=ADAMW, unit="%", **tables):
    table = claims(tables, recipes, unit).set_index("id")
    return table.loc[identity]


def verdict(identity, **tables):
    return judge(identity, **tables)["verdict"]


def test_every_reported_figure_is_a_claim():
    found = {claim.id: claim for claim in published()[0]}
    for dataset, arch in product(
        ["cifar100", "imagenet"], ["resnet50", "vit_small", "convnext_tiny", "mixer_small", "swin_tiny"]
    ):
        for name in ("rho", "rho-p", "slope", "r2"):
            assert f"{name}-{dataset}-{arch}" in found
    assert found["rho-imagenet-vit_small"].reported == "0.112 (0.093, 0.131)"
    assert found["rho-imagenet-vit_small"].accept == [0.093, 0.131]
    assert sum(name.startswith("drop-") for name in found) == 13
    assert sum(name.startswith("asymmetry-") for name in found) == 6


def test_without_any_data_claims_are_inconsistent_or_not_testable():
    table = claims({}).set_index("id")
    found = table.index[table["verdict"] == "inconsistent"]
    assert set(table["verdict"]) == {"inconsistent", "not-testable"}
    slopes = {name for name in table.index if name.startswith("slope-")}
    assert set(found) == slopes | {"gap-every", "cost-runs", "cost-sixth"}
    assert "6 of 6 optima would lie at or below the smallest" in table.loc["slope-cifar100-resnet50", "why"]
    assert "0.34" in table.loc["gap-every", "why"]
    assert "2,400 runs, not 1,200" in table.loc["cost-runs", "why"]
    assert "a factor of 8, not 6" in table.loc["cost-sixth", "why"]
    assert (table[["statement", "reported", "why"]] != "").all(axis=None)


@pytest.mark.parametrize(
    ("identity", "dataset", "true", "false"),
    [
        ("beyond-twofold-costs", "imagenet", {0.1: 3.7, 0.2: 2.5, 0.5: 0.8, 2: 1.2, 5: 3.1, 10: 3.6}, {0.1: 0.5}),
        ("asymmetric-imagenet", "imagenet", {0.2: 2.5, 0.5: 0.8, 2: 1.2, 5: 3.1}, {2: 0.4}),
        ("symmetric-cifar100", "cifar100", {0.1: 3.4, 0.2: 2.1, 0.5: 0.6, 2: 0.7, 5: 2.3, 10: 3.2}, {10: 5.0}),
        ("asymmetry-imagenet-5", "imagenet", {0.2: 2.5, 5: 3.1}, {5: 0.5}),
    ],
)
def test_what_the_source_says_of_its_table_2_is_judged_by_drops_at_the_same_factors(identity, dataset, true, false):
    """Drops of table 2 bear out what its text says of them, and are held at the factors it speaks of."""

    def table(drops):
        rows = [{"kappa": kappa, "drop": drop, "lo": drop - 0.05, "hi": drop + 0.05} for kappa, drop in drops.items()]
        frame = pd.DataFrame(rows).assign(dataset=dataset, recipe="published", centre="ratio", p=0.001)
        opposite = frame["kappa"].map(lambda kappa: drops.get(1 / kappa, np.nan) if kappa > 1 else np.nan)
        frame["asymmetry"] = frame["drop"] - opposite
        return frame.assign(asymmetry_lo=frame["asymmetry"] - 0.05, asymmetry_hi=frame["asymmetry"] + 0.05)

    assert verdict(identity, deviation=table(true)) == "supported"
    assert verdict(identity, deviation=table(true | false)) == "contradicted"


def test_specific_claims_need_their_architecture_and_data_set():
    table = ratio_rows({("digits", "net"): (0.1, 0.09, 0.11)})
    row = judge("rho-cifar100-resnet50", ratio=table)
    assert row["verdict"] == "not-testable"
    assert "no runs of resnet50 on cifar100" in row["why"]
    assert verdict("rho-every", ratio=table) == "supported"


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        ((0.1, 0.09, 0.11), "supported"),
        ((0.1, 0.05, 0.15), "inconclusive"),
        ((10.0, 8.0, 12.0), "contradicted"),
        ((0.1, float("nan"), float("nan")), "inconclusive"),
    ],
)
def test_an_estimate_is_judged_by_its_interval(estimate, expected):
    row = judge("rho-cifar100-resnet50", ratio=ratio_rows({("cifar100", "resnet50"): estimate}))
    assert row["verdict"] == expected


def test_figures_are_printed_with_their_interval():
    table = ratio_rows({("cifar100", "resnet50"): (9.96, 8.01, 12.3)})
    assert judge("rho-cifar100-resnet50", ratio=table)["measured"] == "9.96 (8.01, 12.3)"


def test_optima_at_the_edge_judge_nothing():
    table = ratio_rows({("cifar100", "resnet50"): (0.1, 0.09, 0.11)}, n_edge=4)
    row = judge("rho-cifar100-resnet50", ratio=table)
    assert row["verdict"] == "not-testable"
    assert "at most 2 of 6 optima lie inside the grid" in row["why"]


def test_intervals_are_widened_for_the_number_of_rows():
    # Two standard errors above what is allowed: excluded for one combination, not for one of twenty.
    se = 0.01
    outlier = (0.12 + 2.1 * se, 0.12 + 0.14 * se, 0.12 + 4.06 * se)
    assert verdict("rho-every", ratio=ratio_rows({("digits", "a"): outlier})) == "contradicted"
    rest = {("digits", f"net{i}"): (0.1, 0.09, 0.11) for i in range(19)}
    assert verdict("rho-every", ratio=ratio_rows({("digits", "a"): outlier} | rest)) == "inconclusive"
    far = judge("rho-every", ratio=ratio_rows({("digits", "a"): (1.0, 0.9, 1.1)} | rest))
    assert far["verdict"] == "contradicted"
    assert far["why"] == "1 of 20 intervals lie outside 0.08 to 0.12, such as digits / published / a."


def test_the_mean_is_judged_by_the_spread_of_the_rows():
    assert verdict("gap-mean", tuning=gap_rows(0.17, 0.18, 0.19)) == "supported"
    assert verdict("gap-mean", tuning=gap_rows(0.0, 0.18, 0.36)) == "inconclusive"
    assert verdict("gap-mean", tuning=gap_rows(2.0, 2.1, 2.2)) == "contradicted"


def test_a_protocol_that_was_partly_off_the_grid_cannot_be_contradicted():
    row = judge("one-dimension-suffices", tuning=gap_rows(2.0, 2.1, 2.2, missed=3))
    assert row["verdict"] == "inconclusive"
    assert "off the grid" in row["why"]
    assert verdict("one-dimension-suffices", tuning=gap_rows(0.0, 0.01, 0.02, missed=3)) == "supported"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["ratio", "ratio", "ratio"], "supported"),
        (["product"], "contradicted"),
        (["ratio"] * 9 + ["other"], "supported"),
        (["ratio"] * 7 + ["product"] * 3, "contradicted"),
        (["undetermined", "undetermined", "ratio"], "inconclusive"),
        (["undetermined", "not-identifiable"], "inconclusive"),
        (["not-identifiable", "not-identifiable"], "not-testable"),
    ],
)
def test_proportionality_is_judged_by_the_laws(verdicts, expected):
    assert verdict("proportional", laws=law_rows(*verdicts)) == expected
    assert verdict("proportional", laws=law_rows(*verdicts, method="ols")) == "not-testable"


def test_the_pooled_verdict_stands_for_its_architectures():
    table = law_rows("undetermined", "undetermined", "product")
    table.loc[2, "arch"] = "(all)"
    row = judge("proportional", laws=table)
    assert (row["measured"], row["verdict"]) == ("product 1", "contradicted")


def test_where_slopes_differ_every_architecture_stands_for_itself():
    table = law_rows("ratio", "ratio", "undetermined").assign(p_heterogeneity=[np.nan, np.nan, 0.001])
    table.loc[2, "arch"] = "(all)"
    assert judge("proportional", laws=table)["measured"] == "ratio 2"
    table.loc[2, "p_heterogeneity"] = 0.5
    assert judge("proportional", laws=table)["measured"] == "undetermined 1"


@pytest.mark.parametrize(
    ("anova", "tost", "expected"),
    [(0.6, 0.01, "supported"), (0.6, 0.4, "inconclusive"), (0.001, 0.4, "contradicted")],
)
def test_no_difference_found_is_not_equality(anova, tost, expected):
    table = pd.DataFrame({"test": ["anova", "tost"], "p": [anova, tost]})
    table = table.assign(recipe="published", quantity="rho")
    assert verdict("universal", universality=table) == expected


def test_p_values_are_corrected_by_holm():
    def rows(*p):
        names = {("digits", f"net{i}"): (0.1, 0.09, 0.11) for i in range(len(p))}
        return ratio_rows(names).assign(intercept_p=p)

    assert verdict("no-intercept", ratio=rows(0.03)) == "contradicted"
    # What is not significant is not shown to be nothing.
    assert verdict("no-intercept", ratio=rows(0.03, 0.5, 0.5)) == "inconclusive"
    deviation = pd.DataFrame(
        {"dataset": ["digits"], "recipe": "published", "centre": "ratio", "kappa": 0.5, "p": 0.4}
    ).assign(drop=0.1, lo=-0.1, hi=0.3, asymmetry=np.nan, asymmetry_lo=np.nan, asymmetry_hi=np.nan)
    assert verdict("drop-half-p", deviation=deviation) == "inconclusive"


def test_percentage_points_are_not_tested_on_a_loss():
    row = judge("gap-mean", unit="nats", tuning=gap_rows(0.1))
    assert row["verdict"] == "not-testable"
    assert "percentage points" in row["why"]


def test_recipes_are_found_by_their_settings():
    recipes = ADAMW | {
        "sgd": {"optimizer": {"name": "sgd"}, "schedule": {"name": "cosine"}, "batch_size": 128},
        "large": {"optimizer": {"name": "adamw"}, "schedule": {"name": "cosine"}, "batch_size": 1024},
    }
    one = ratio_rows({("digits", "net"): (0.1, 0.09, 0.11)})
    assert judge("robust-sgd", ratio=one)["verdict"] == "not-testable"
    assert "differ in batch_size" in judge("robust-batch", recipes, ratio=one)["why"]
    sgd = ratio_rows({("digits", "net"): (0.005, 0.004, 0.006)}, recipe="sgd")
    large = ratio_rows({("digits", "net"): (0.5, 0.4, 0.6)}, recipe="large")
    every = pd.concat([one, sgd, large], ignore_index=True)
    assert judge("robust-sgd", recipes, ratio=every)["verdict"] == "supported"
    assert judge("robust-batch", recipes, ratio=every)["verdict"] == "contradicted"
    # Imported runs come without settings and are taken to follow the published protocol.
    assert judge("rho-every", {}, ratio=one)["verdict"] == "supported"
    assert judge("robust-sgd", {}, ratio=one)["verdict"] == "not-testable"


@pytest.mark.parametrize(("law", "expected"), [("ratio", "supported"), ("product", "contradicted")])
def test_a_whole_study_is_judged_by_its_law_from_its_files(law, expected):
    wd_best = 1e-4 if law == "ratio" else 0.1
    wd = [0.0, *np.geomspace(1e-6, 10, 43)]
    runs = simulate(
        np.geomspace(1e-4, 1e-2, 5), wd, 5, archs=["a", "b"], law=law, wd_best=wd_best, no_decay=20.0, seed_sd=0.05
    )
    tables = {
        "optima": optima(runs, "max"),
        "ratio": ratio(runs, "max"),
        "laws": laws(runs, "max"),
        "universality": universality(runs, "max"),
        "deviation": deviation(runs, "max")[0],
        "tuning": tuning(runs, "max"),
    }
    read = {name: pd.read_csv(io.StringIO(table.to_csv(index=False))) for name, table in tables.items()}
    found = claims(read).set_index("id")["verdict"]
    for name in ("proportional", "tolerance-zone"):
        assert found[name] == expected
    # ρ within a tenth, and equal within a quarter, takes more than these studies know of λ*.
    assert found["rho-every"] in (expected, "inconclusive")
    assert found["one-dimension-suffices"] != ("contradicted" if law == "ratio" else "supported")
    assert found["universal"] in ("supported", "inconclusive")


def test_a_table_without_its_columns_is_named():
    with pytest.raises(ValueError, match=r"ratio lacks the column.*rho_smooth"):
        claims({"ratio": pd.DataFrame({"dataset": ["digits"], "recipe": "published", "arch": "net"})})


def test_a_claims_file_with_a_slip_is_refused():
    entry = {"id": "a", "statement": "s", "reported": "r", "rule": "within"}
    with pytest.raises(ValueError, match=r"unknown field.*colour"):
        parse({"claims": [entry | {"colour": 1}], "source": {}})
    with pytest.raises(ValueError, match="rule 'guess'"):
        parse({"claims": [entry | {"rule": "guess"}], "source": {}})
    with pytest.raises(ValueError, match="share the id"):
        parse({"claims": [entry, entry], "source": {}})


def best_rows(**scores):
    """The columns of the table `best` that claims about a better recipe need: {recipe: (scored, sd, n)}."""
    rows = [
        {"recipe": name, "scored": scored, "scored_sd": sd, "n_scored": n, "value": scored}
        for name, (scored, sd, n) in scores.items()
    ]
    return pd.DataFrame(rows).assign(dataset="digits", arch="net")


def optimizers(*names, **more):
    return {name: {"optimizer": {"name": name}, "epochs": 20, **more.get(name, {})} for name in names}


def stable(identity, tables, recipes, unit="%", direction="max"):
    return claims(tables, recipes, unit, ["stable-weight-decay"], direction).set_index("id").loc[identity]


@pytest.mark.parametrize(
    ("adams", "adam", "expected"),
    [
        ((90.0, 0.5, 3), (85.0, 0.5, 3), "supported"),
        ((85.0, 0.5, 3), (90.0, 0.5, 3), "contradicted"),
        ((85.2, 0.5, 3), (85.0, 0.5, 3), "inconclusive"),
        ((90.0, float("nan"), 1), (85.0, float("nan"), 1), "inconclusive"),
    ],
)
def test_one_recipe_is_better_than_another_beyond_seed_noise(adams, adam, expected):
    table = best_rows(adams=adams, adam=adam)
    assert stable("stable-adams-beats-adam", {"best": table}, optimizers("adams", "adam"))["verdict"] == expected


def test_recipes_that_differ_in_more_than_the_optimizer_are_not_held_against_each_other():
    table = best_rows(adams=(90.0, 0.5, 3), adam=(85.0, 0.5, 3))
    row = stable("stable-adams-beats-adam", {"best": table}, optimizers("adams", "adam", adam={"epochs": 40}))
    assert (row["verdict"], "differ in optimizer alone" in row["why"]) == ("not-testable", True)


@pytest.mark.parametrize(("unit", "direction"), [("", "max"), ("%", "min")])
def test_a_claim_about_an_accuracy_needs_one(unit, direction):
    table = best_rows(adams=(90.0, 0.5, 3), adam=(85.0, 0.5, 3))
    row = stable("stable-adams-beats-adam", {"best": table}, optimizers("adams", "adam"), unit, direction)
    assert row["verdict"] == "not-testable"


def test_a_reported_error_is_held_against_the_cell_of_the_sources_settings():
    recipe = {"optimizer": {"name": "adamw"}, "epochs": 200, "batch_size": 128, "schedule": {"name": "step"}}
    table = pd.DataFrame(
        {
            "dataset": "cifar10",
            "recipe": "mine",
            "arch": "resnet18",
            "lr": [0.001, 0.001],
            "wd": [0.5, 0.05],
            "value": [94.9, 50.0],
            "lo": [94.8, 49],
            "hi": [95.0, 51],
            "sd": 0.1,
            "n_seeds": 3,
        }
    )
    row = stable("error-cifar10-resnet18-adamw", {"cells": table}, {"mine": recipe})
    assert (row["verdict"], row["measured"]) == ("supported", "94.9 (94.8, 95)")
    assert stable("error-cifar10-resnet18-adam", {"cells": table}, {"mine": recipe})["verdict"] == "not-testable"


def test_a_study_is_held_against_the_sources_it_names():
    assert claims({}, sources=[]).empty
    both = claims({}, sources=["coupling", "stable-weight-decay"])
    assert both["id"].is_unique
    assert len(both) == len(claims({})) + len(claims({}, sources=["stable-weight-decay"]))
    with pytest.raises(
        ValueError, match="no source 'none'; there are adaptive-weight-decay, coupling, decoupling, lookahead, stable"
    ):
        claims({}, sources=["none"])


def test_every_figure_of_the_stable_study_is_a_claim():
    ids = [claim.id for claim in published("stable-weight-decay")[0]]
    assert sum(name.startswith("error-") for name in ids) == 45 + 12
    assert sum(name.startswith("epochs-") for name in ids) == 15
    assert sum(name.startswith("basin-") for name in ids) == 7
    assert sum(name.startswith("large-") for name in ids) == 2 * 7
    assert "figure-15-adams" in ids


def rule_rows(rule_1, rule_2):
    rows = [{"rule": name, "loss": loss} for name, loss in (("rule 1", rule_1), ("rule 2", rule_2))]
    table = pd.DataFrame(rows).assign(
        dataset="digits", recipe="small", recipe_large="large", arch="net", n=3, loss_sd=0.1
    )
    return table.assign(loss_lo=table["loss"] - 0.25, loss_hi=table["loss"] + 0.25)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [((5.0, 0.1), ["supported"] * 3), ((0.1, 5.0), ["contradicted"] * 3)],
)
def test_rules_for_a_larger_batch_are_judged_with_the_sources_sign(losses, expected):
    """Rule 1 is invalid, Rule 2 is as good as tuning anew, and the second beats the first."""
    names = ["stable-rule-1", "stable-rule-2", "stable-rule-2-beats-rule-1"]
    found = claims({"rules": rule_rows(*losses)}, {}, "%", ["stable-weight-decay"]).set_index("id")
    assert found.loc[names, "verdict"].tolist() == expected


def test_the_large_batch_is_judged_at_the_sources_own_cells():
    recipe = {"optimizer": {"name": "adam"}, "batch_size": 16384}
    cells = [(0.001, 1e-4, 85.0), (0.016, 1e-4, 80.0), (0.128, 1e-4, 40.0), (0.001, 0.0128, 92.0)]
    table = pd.DataFrame(cells, columns=["lr", "wd", "value"]).assign(sd=0.1, n_seeds=3, lo=np.nan, hi=np.nan)
    table = table.assign(dataset="cifar10", recipe="large", arch="resnet18")
    row = stable("large-rules-resnet18-adam", {"cells": table}, {"large": recipe})
    assert (row["verdict"], row["measured"].split()[0]) == ("supported", "52")
    row = stable("large-lr-harms-resnet18-adam", {"cells": table}, {"large": recipe})
    assert (row["verdict"], row["measured"].split()[0]) == ("supported", "5")
    assert stable("large-rules-vgg16_bn-adam", {"cells": table}, {"large": recipe})["verdict"] == "not-testable"


def test_sgd_without_momentum_is_not_taken_for_the_sources_sgd():
    recipes = optimizers("sgds", "sgd") | {"vanilla": {"optimizer": {"name": "sgd", "momentum": 0}, "epochs": 20}}
    recipes["sgd"]["optimizer"]["momentum"] = 0.9
    table = best_rows(sgds=(90.0, 0.5, 3), sgd=(85.0, 0.5, 3), vanilla=(99.0, 0.5, 3))
    row = stable("stable-sgds-beats-sgd", {"best": table}, recipes)
    assert (row["verdict"], row["why"]) == ("supported", "All 1 differences are positive beyond seed noise.")


# Sources D and L


def ridge_recipes():
    return {name: {"optimizer": {"name": name}, "schedule": {"name": "constant"}} for name in ("adamw", "adamw-lh")}


def valleys(**decades):
    """Widths by recipe and sweep: (pt_wd, pt_product, lh_wd, lh_product), three seeds that differ by 0.1 decades."""
    rows = [
        {"recipe": {"pt": "adamw", "lh": "adamw-lh"}[name[:2]], "sweep": name[3:], "decades": width}
        for name, width in decades.items()
    ]
    return pd.DataFrame(rows).assign(dataset="ridge", arch="linear", decades_sd=0.1, n_seeds=3)


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ({"pt_wd": 1.0, "pt_product": 3.0, "lh_wd": 3.1, "lh_product": 1.2}, ["supported"] * 3),
        ({"pt_wd": 3.0, "pt_product": 1.0, "lh_wd": 3.1, "lh_product": 4.2}, ["contradicted"] * 3),
    ],
)
def test_the_width_of_a_valley_is_held_against_that_of_another_sweep_or_optimizer(widths, expected):
    table = claims({"valley": valleys(**widths)}, ridge_recipes(), "", ["decoupling"], "min").set_index("id")
    names = ["decoupling-as-wide", "decoupling-wider-pytorch", "decoupling-wider-decoupled"]
    assert table.loc[names, "verdict"].tolist() == expected
    assert "3 differences" not in table.loc["decoupling-as-wide", "why"], "one pair is compared, not every sweep"


def test_widths_that_all_reach_the_ends_of_the_grid_are_compared_without_noise():
    table = valleys(pt_wd=1.0, pt_product=3.0).assign(decades_sd=0.0)
    row = claims({"valley": table}, ridge_recipes(), "", ["decoupling"], "min").set_index("id")
    assert row.loc["decoupling-wider-pytorch", ["verdict", "measured"]].tolist() == ["supported", "2"]


def test_slopes_of_the_ridge_problem_have_a_sign():
    rows = [("adamw", -0.9), ("adamw-lh", 0.1)]
    laws = pd.DataFrame(rows, columns=["recipe", "slope"]).assign(dataset="ridge", arch="linear", method="ols")
    laws = laws.assign(slope_lo=laws["slope"] - 0.05, slope_hi=laws["slope"] + 0.05)
    table = claims({"laws": laws}, ridge_recipes(), "", ["decoupling"], "min").set_index("id")["verdict"]
    assert (table["decoupling-slope-pytorch"], table["decoupling-slope-decoupled"]) == ("supported", "supported")
    swapped = laws.assign(recipe=["adamw-lh", "adamw"])
    table = claims({"laws": swapped}, ridge_recipes(), "", ["decoupling"], "min").set_index("id")["verdict"]
    assert (table["decoupling-slope-pytorch"], table["decoupling-slope-decoupled"]) == ("contradicted", "contradicted")


def test_claims_about_bounds_are_judged_at_the_last_horizon():
    table = lookahead([20, 100], 2001)
    tables = {"lookahead": table, "lookahead_fits": lookahead_fits(table), "last": last_horizons(table)}
    found = claims(tables, sources=["lookahead"]).set_index("id")
    assert len(found) == 4
    assert found["verdict"].eq("supported").all()
    worse = {**tables, "last": tables["last"].assign(improvement=-1.0, ratio=0.9)}
    assert claims(worse, sources=["lookahead"])["verdict"].tolist() == ["contradicted"] * 3 + ["supported"]
