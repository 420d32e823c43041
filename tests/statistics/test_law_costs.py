import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from decay_atlas.simulation.simulator import Truth, simulate
from decay_atlas.statistics.law_costs import COLUMNS, law_costs, seed_tolerance
from decay_atlas.statistics.methods.landscape import landscapes
from decay_atlas.statistics.methods.rivals import LAWS

LR = np.geomspace(1e-4, 1e-2, 5)
WD = np.geomspace(1e-3, 10, 17)
SETTINGS = {"lr_best": 1e-3, "wd_best": WD[8], "no_decay": 50.0}


def runs(seeds: int = 5, **settings) -> pd.DataFrame:
    return simulate(LR, WD, seeds, **{**SETTINGS, "law": "product", **settings})


def at(table: pd.DataFrame, law: str, factor: float) -> pd.Series:
    return table[(table["law"] == law) & np.isclose(table["factor"], factor)].iloc[0]


def test_there_is_a_row_for_every_law_and_every_other_learning_rate():
    table = law_costs(runs(), "max")
    assert table.columns.tolist() == COLUMNS
    assert table["law"].value_counts().to_dict() == dict.fromkeys(LAWS, 4)
    assert np.allclose(table["wd_to"], table["wd_from"] * table["factor"] ** table["law"].map(LAWS))
    assert np.allclose(table["eta_to"], table["eta_from"] * table["factor"])


@pytest.mark.parametrize("true_law", LAWS)
@pytest.mark.parametrize("law", LAWS)
def test_without_noise_the_loss_is_that_of_the_landscape(law, true_law):
    table = law_costs(runs(law=true_law, seed_sd=1e-9), "max")
    assert (table["eta_from"] == LR[2]).all()
    truth = Truth(**SETTINGS, law=true_law)
    for row in table[(table["law"] == law) & (table["blank"] == "")].to_dict("records"):
        best = min(float(truth.loss(row["eta_to"], wd)) for wd in WD)
        # Linear interpolation cuts the parabola by at most curvature · (step/2)².
        assert row["loss"] == pytest.approx(float(truth.loss(row["eta_to"], row["wd_to"])) - best, abs=0.02)


def test_a_loss_metric_has_the_losses_of_the_quality_it_mirrors():
    data = runs()
    mirrored = law_costs(data.assign(value=-data["value"]), "min")
    pd.testing.assert_frame_equal(mirrored, law_costs(data, "max"))


def test_on_a_plateau_every_law_can_be_followed_within_the_tolerance():
    table = law_costs(runs(seeds=10, curvature=0.0, lr_curvature=1.0, seed_sd=0.2), "max", tolerance=1.0)
    known = table[table["blank"] == ""]
    assert (known["within"] == "can").all()
    # What leaves the grid is not measured, so the ratio and product laws stay open as a whole.
    assert table.groupby("law")["follow"].first().to_dict() == {"decoupled": "can", "product": "open", "ratio": "open"}


def test_a_law_that_costs_more_than_the_tolerance_cannot_be_followed_and_the_reach_ends_before():
    table = law_costs(runs(seeds=10, seed_sd=0.1, curvature=1.0, lr_curvature=1.0), "max", tolerance=0.6)
    verdicts = table.groupby("law")["follow"].first()
    assert verdicts.to_dict() == {"decoupled": "cannot", "product": "can", "ratio": "cannot"}
    step = LR[1] / LR[0]
    product, decoupled = at(table, "product", step), at(table, "decoupled", step)
    assert (product["factor_lo"], product["factor_hi"]) == pytest.approx((step**-2, step**2))
    # Half a decade of η is half a decade of λ: a loss of 0.25, and of 1 at a whole decade.
    assert (decoupled["factor_lo"], decoupled["factor_hi"]) == pytest.approx((1 / step, step))
    assert at(table, "decoupled", step**2)["within"] == "cannot"


def test_on_a_flat_landscape_noise_does_not_pass_for_a_loss():
    flat = {"curvature": 0.0, "lr_curvature": 0.0, "no_decay": 0.0, "seed_sd": 1.0}
    table = pd.concat(law_costs(runs(3, **flat, seed=k), "max") for k in range(25)).dropna(subset="loss")
    assert len(table) > 200
    assert -0.3 < table["loss"].mean() <= 0.1
    assert ((table["loss_lo"] <= 0) & (table["loss_hi"] >= 0)).mean() >= 0.95
    assert (table["within"] == "cannot").mean() <= 0.02


@pytest.mark.parametrize("seeds", [3, 10])
def test_intervals_hold_the_loss_against_the_truly_best_λ_on_a_plateau_with_a_cliff(seeds):
    """The seeds of a cell at the cliff are five times as far apart as those of the plateau."""
    rng = np.random.default_rng(0)
    decades = np.log10(WD)[None, :] + 0.5 * np.log10(LR / 1e-3)[:, None]
    quality = (
        90 + 0.5 * np.minimum(decades, 0.3) - 20 * np.maximum(decades - 0.3, 0) - np.log10(LR / 1e-3)[:, None] ** 2
    )
    sd = 1 + 0.2 * (quality.max() - quality).clip(max=20)
    lr, wd = np.meshgrid(LR, WD, indexing="ij")
    held, n = 0, 0
    for _ in range(25):
        drawn = quality[..., None] + sd[..., None] * rng.standard_normal((*quality.shape, seeds))
        data = pd.DataFrame({"lr": lr.repeat(seeds), "wd": wd.repeat(seeds), "value": drawn.ravel()})
        data = data.assign(dataset="d", recipe="r", arch="a", seed=np.tile(np.arange(seeds), quality.size))
        for row in law_costs(data, "max").dropna(subset=["loss"]).to_dict("records"):
            i = int(np.flatnonzero(np.isclose(LR, row["eta_to"]))[0])
            loss = quality[i].max() - np.interp(np.log(row["wd_to"]), np.log(WD), quality[i])
            held, n = held + (row["loss_lo"] <= loss <= row["loss_hi"]), n + 1
    assert n > 200
    assert 0.93 <= held / n <= 0.99


def test_seeds_that_all_choose_the_same_λ_are_no_proof_that_it_is_the_best():
    table = law_costs(runs(curvature=20.0), "max")
    row = at(table, "product", (LR[1] / LR[0]))
    assert row["loss"] == 0
    (one,) = landscapes(runs(curvature=20.0), "max")
    error = seed_tolerance(one) * (2 / 5) ** 0.5
    assert row["loss_lo"] == pytest.approx(-t.ppf(0.975, 4 * 5) * error)
    assert row["loss_hi"] == pytest.approx(-row["loss_lo"])


def test_the_tolerance_is_the_seed_noise_of_the_best_cells_unless_it_is_given():
    data = runs(seeds=200, seed_sd=0.7)
    assert law_costs(data, "max")["tolerance"].tolist() == pytest.approx([0.7] * 12, rel=0.1)
    assert set(law_costs(data, "max", tolerance=2.5)["tolerance"]) == {2.5}
    with pytest.raises(ValueError, match=r"statistics\.tolerance must be greater than 0, not 0"):
        law_costs(data, "max", tolerance=0)


APART = runs().query("seed == 0 or wd < 0.002")
"""Most cells have the first seed alone, so that no other can choose for it."""


def blanks(data: pd.DataFrame) -> dict[str, int]:
    table = law_costs(data, "max")
    assert (table["loss"].notna() == (table["blank"] == "")).all()
    return table["blank"].value_counts().to_dict()


def test_one_seed_says_nothing_of_chance_and_names_no_law():
    table = law_costs(runs(seeds=1), "max")
    assert table["loss"].isna().all()
    assert table["tolerance"].isna().all()
    assert (table["follow"] == "open").all()
    assert set(table["blank"]) == {"one seed: none is left to choose the best λ by"}


@pytest.mark.parametrize(
    ("data", "blank", "n"),
    [
        (runs(wd_best=WD[1]), "beyond the grid's weight decays at this η", 2),
        (runs(diverge={"lr": 5e-3}), "every run diverged at this η", 3),
        (runs().query("lr > 2e-4 or wd < 0.003"), "fewer than three weight decays at this η", 3),
        (simulate(LR, [0, 1], 3), "no learning rate has three weight decays, so there is no best one to start from", 3),
        (simulate(LR[:1], WD, 3), "", 0),
        (APART, "no seed has runs about this λ and fellows that choose the best one", 12),
    ],
    ids=["off the grid", "diverged", "ragged", "two weight decays", "one η", "seeds apart"],
)  # fmt: skip
def test_what_is_not_measured_is_blank_with_the_reason(data, blank, n):
    assert blanks(data).get(blank, 0) == n


def test_values_that_are_all_the_same_have_no_interval():
    table = law_costs(runs().assign(value=50.0), "max", tolerance=1.0)
    assert (table["loss"].dropna() == 0).all()
    assert table["loss_hi"].isna().all()
    assert (table["follow"] == "open").all()
