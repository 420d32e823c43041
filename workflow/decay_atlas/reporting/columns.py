"""The columns of every table as the page shows them."""

from __future__ import annotations

from decay_atlas.reporting import coverage_columns, law_columns, recipe_columns
from decay_atlas.reporting.column import COMBINATION as _COMBINATION
from decay_atlas.reporting.column import NO_RHO as _NO_RHO
from decay_atlas.reporting.column import NO_SLOPE as _NO_SLOPE
from decay_atlas.reporting.column import ONE_SEED as _ONE_SEED
from decay_atlas.reporting.column import Column
from decay_atlas.reporting.evaluation_columns import EVALUATIONS

COLUMNS: dict[str, tuple[Column, ...]] = {
    **recipe_columns.COLUMNS,
    **coverage_columns.COLUMNS,
    **law_columns.COLUMNS,
    "optima": (
        *_COMBINATION,
        Column("lr", "η", "Learning rate.", "axis"),
        Column("wd_opt", "λ*", "Weight decay of the best average over seeds.", "axis", reason="note"),
        Column(
            "wd_smooth",
            "smooth λ*",
            "The optimum between grid points, by a local curve in log λ.",
            "axis",
            "no curve: the optimum is at an edge, or no valley can be seen",
        ),
        Column("edge", "edge", "Whether λ* is the first or last weight decay: then it may lie beyond.", reason="note"),
        Column(
            "rival_low",
            "as good as λ*",
            "The weight decays that seed noise cannot tell from the best.",
            "axis",
            bounds=("rival_low", "rival_high"),
            reason="note",
        ),
        Column("value", "{metric} ({unit})", "Average over seeds at λ*.", "value", reason="note"),
        Column("sd", "sd ({pp})", "Standard deviation over seeds at λ*.", "significant", _ONE_SEED),
        Column("n_seeds", "seeds", "Seeds at λ*.", "count"),
        Column("tied", "tied", "Whether another weight decay is exactly as good.", "yes"),
    ),
    "laws": (
        *_COMBINATION,
        Column(
            "method",
            "method",
            "Censored regression knows that an optimum at an edge may lie beyond, and carries the "
            "verdict; ols and theil-sen use interior grid optima alone; published is the source's "
            "regression, through every λ* > 0.",
        ),
        Column("slope", "slope b", "Log–log slope of λ* on η: +1 ratio, 0 decoupled, −1 product.", "fixed", _NO_SLOPE),
        Column(
            "slope_lo",
            "95 % interval",
            "Interval of the slope, with the uncertainty of choosing the optima.",
            "fixed",
            _NO_SLOPE,
            ("slope_lo", "slope_hi"),
        ),
        Column("p_ratio", "p ratio", "Two-sided test of b = 1 (λ* ∝ η).", "p", _NO_SLOPE),
        Column("p_decoupled", "p decoupled", "Two-sided test of b = 0 (λ* does not depend on η).", "p", _NO_SLOPE),
        Column("p_product", "p product", "Two-sided test of b = −1 (ηλ* constant).", "p", _NO_SLOPE),
        Column(
            "product",
            "ηλ*",
            "Geometric mean of the product over the located optima.",
            "significant",
            "no optimum located",
        ),
        Column(
            "n_interior",
            "located",
            "Optima that the slope goes through: of the censored method those located between grid points, of the "
            "others those inside the grid.",
            "count",
        ),
        Column("n_censored", "censored", "Optima at an edge, which bound but do not locate.", "count"),
        Column(
            "verdict",
            "verdict",
            "The law whose slope alone lies in the interval.",
            "badge",
            "none of the published line",
        ),
    ),
    "ratio": (
        *_COMBINATION,
        Column("rho", "ρ", "Slope through the origin of λ* on η, as published.", "significant", "no optimum"),
        Column(
            "rho_lo",
            "95 % as published",
            "Percentiles over resampled seeds; too narrow with few seeds.",
            "significant",
            _ONE_SEED,
            ("rho_lo", "rho_hi"),
        ),
        Column("rho_smooth", "ρ smooth", "The same through the smooth interior optima.", "significant", _NO_RHO),
        Column(
            "rho_lo_cal",
            "95 % calibrated",
            "Interval of ρ smooth from pooled seed noise; carries the conclusions.",
            "significant",
            _NO_RHO,
            ("rho_lo_cal", "rho_hi_cal"),
        ),
        Column(
            "p_reference",
            "p (ρ = ref.)",
            "t test of the published ratio, with the bootstrap standard error.",
            "p",
            "no standard error",
            reason="note",
        ),
        Column(
            "p_holm",
            "p Holm",
            "The same, corrected for the number of combinations.",
            "p",
            "no standard error",
            reason="note",
        ),
        Column(
            "intercept_p",
            "p intercept",
            "t test that the line of λ* on η passes the origin.",
            "p",
            "fewer than three learning rates",
        ),
        Column(
            "r2_centred",
            "R² centred",
            "1 − SS residual / SS about the mean, of the line through the origin; may be negative.",
            "fixed",
            "all λ* are equal",
        ),
        Column("r2_uncentred", "R² uncentred", "1 − SS residual / SS about zero.", "fixed", "all λ* are 0"),
        Column(
            "leverage", "leverage", "Share of Ση² that the largest η carries: how far one point decides ρ.", "percent"
        ),
        Column("n_edge", "at edge", "Optima at an edge, of those below.", "count"),
        Column("n_lr", "η", "Learning rates with an optimum.", "count"),
    ),
    "ratio_published": (
        *_COMBINATION,
        Column("rho_smooth", "ρ here", "This study's ratio, through the smooth optima.", "significant", _NO_RHO),
        Column(
            "rho_lo_cal",
            "95 % calibrated",
            "This study's calibrated interval.",
            "significant",
            _NO_RHO,
            ("rho_lo_cal", "rho_hi_cal"),
        ),
        Column("rho_published", "ρ published", "Table 1 of the published study.", "significant"),
        Column(
            "rho_lo_published",
            "95 % published",
            "Its interval.",
            "significant",
            "",
            ("rho_lo_published", "rho_hi_published"),
        ),
        Column("slope_here", "slope here", "This study's log–log slope.", "fixed", _NO_SLOPE),
        Column("slope", "slope published", "Its log–log slope.", "fixed"),
    ),
    "universality": (
        Column("recipe", "recipe", "Recipe."),
        Column("quantity", "quantity", "ρ = λ*/η, or the product ηλ*."),
        Column(
            "test", "test", "anova (as published), welch and kruskal-wallis test for a difference; tost for equality."
        ),
        Column("statistic", "statistic", "Test statistic.", "significant", reason="conclusion"),
        Column("df1", "df 1", "Degrees of freedom.", "count"),
        Column("df2", "df 2", "Degrees of freedom.", "significant"),
        Column(
            "p",
            "p",
            "Probability of such a statistic if there is no difference (tost: no equality).",
            "p",
            reason="conclusion",
        ),
        Column("margin", "margin", "Ratios within ×/÷ this factor count as equal.", "significant"),
        Column(
            "detectable", "detectable", "Smallest difference this design would find four times of five.", "significant"
        ),
        Column("conclusion", "conclusion", "What may be concluded."),
    ),
    "tuning": (
        *_COMBINATION,
        Column("strategy", "strategy", "How (η, λ) is searched. 1d protocols tie λ to η; tied: really trained."),
        Column("budget", "cells", "Distinct (η, λ) cells trained.", "significant", reason="blank"),
        Column(
            "device_hours",
            "device-hours",
            "Measured time of those cells, of all devices.",
            "significant",
            "no timings",
            reason="blank",
        ),
        Column("value", "{metric} ({unit})", "What it would have found.", "value", reason="blank"),
        Column("gap", "lost ({pp})", "Against the full grid on the same seeds.", "loss", reason="blank"),
        Column("gap_lo", "95 % interval", "By t over seeds.", "loss", _ONE_SEED, ("gap_lo", "gap_hi"), "blank"),
        Column("points", "cells are", "Trained, or interpolated between trained ones."),
        Column("missed", "missed η", "Learning rates it cannot reach on this grid.", "count"),
        Column(
            "optimism",
            "optimism ({pp})",
            "What selecting and reporting on the same runs would add.",
            "loss",
            "needs two seeds or validation scores",
            reason="blank",
        ),
        Column("blank", "why blank", "Why there is no figure."),
    ),
    "performance_profile": (
        Column("strategy", "strategy", "How (η, λ) is searched; random and quasi-random once for each budget."),
        Column(
            "budget",
            "cells",
            "Distinct (η, λ) cells trained, the mean over combinations.",
            "significant",
            reason="blank",
        ),
        Column("constant", "constant", "What a protocol that was really trained holds.", "significant", "not trained"),
        Column("gap", "lost at most ({pp})", "Loss against the full grid.", "loss", reason="blank"),
        Column("share", "on", "Share of the combinations on which it loses no more.", "percent"),
        Column("n_combinations", "of", "Combinations that it was replayed on.", "count"),
    ),
    "importance": (
        *_COMBINATION,
        Column("region", "region", "All runs, or the learning rates in the better half."),
        Column("source", "source", "Where the variance comes from."),
        Column("share", "share", "ω²: share of the variance that it explains.", "percent", reason="blank"),
        Column("p", "p", "F test against the residual.", "p", "no residual", reason="blank"),
    ),
    "valley": (
        *_COMBINATION,
        Column("sweep", "held fixed", "What stays while η is swept: wd is λ, product is ηλ."),
        Column("decades", "decades of η", "Width of the valley on a logarithmic scale.", "fixed", reason="note"),
        Column(
            "decades_lo",
            "of single seeds",
            "The narrowest and the widest valley of a seed alone.",
            "fixed",
            _ONE_SEED,
            ("decades_lo", "decades_hi"),
        ),
        Column("lr_lo", "from η … to", "Where the valley ends.", "axis", bounds=("lr_lo", "lr_hi"), reason="note"),
        Column("edge", "open at", "The end of the measured rates at which it may go on."),
        Column(
            "excess",
            "within ({pp})",
            "What is this much worse than the best is still in the valley.",
            "significant",
            reason="note",
        ),
        Column("best", "best {metric} ({unit})", "Of the sweep.", "value", reason="note"),
        Column("lr_start", "through η", "The cell that both sweeps go through.", "axis", reason="note"),
        Column("wd_start", "and λ", "The cell that both sweeps go through.", "axis", reason="note"),
    ),
    "recommendation": (
        *_COMBINATION,
        Column("lr", "η", "Learning rate.", "axis"),
        Column(
            "wd", "set λ to", "From the law where one is established, else the measured optimum.", "axis", reason="note"
        ),
        Column(
            "wd_lo",
            "95 % interval (by grid: as good within noise)",
            "Of λ; where the best λ of the grid is given, the weight decays that seed noise cannot tell from it.",
            "axis",
            "needs two seeds",
            ("wd_lo", "wd_hi"),
            "note",
        ),
        Column(
            "law",
            "by",
            "The law it follows; measured: the smooth optimum at this η; grid: the best λ of the grid itself.",
        ),
        Column(
            "loss",
            "lost on the grid ({pp})",
            "Against the best λ there, scored on other seeds.",
            "loss",
            "off the grid, or one seed",
            reason="note",
        ),
        Column(
            "loss_lo", "95 % interval ({pp})", "Over seeds.", "loss", "too few seeds", ("loss_lo", "loss_hi"), "note"
        ),
        Column("note", "note", "Why there is no figure, or why the law was not followed."),
    ),
    **EVALUATIONS,
    "claims": (
        Column("verdict", "verdict", "What this study's tables say of the claim.", "badge"),
        Column("statement", "claim", "What the published study says."),
        Column("reported", "reported", "Its figure."),
        Column("measured", "measured", "This study's figure.", reason="why"),
        Column("why", "because", "The reason."),
    ),
    "cost": (
        *_COMBINATION,
        Column("runs", "runs", "Runs in the table.", "count"),
        Column("diverged", "diverged", "Runs that diverged.", "count"),
        Column("minutes", "minutes a run", "Mean time of a run.", "significant", "no timings were recorded"),
        Column(
            "device_hours",
            "device-hours",
            "Sum over runs and their devices.",
            "significant",
            "no timings were recorded",
        ),
        Column("devices", "device", "Where they ran."),
    ),
    "plan_cost": (
        *_COMBINATION,
        Column("runs", "runs", "Training runs of the combination.", "count"),
        Column("done", "done", "Those that are recorded already.", "count"),
        Column("minutes", "minutes a run", "Median of like runs.", "significant", "no like run was recorded"),
        Column(
            "hours",
            "device-hours left",
            "Of the runs that are not done, of all devices.",
            "significant",
            "no like run was recorded",
        ),
        Column("basis", "known from", "Which recorded runs the time comes from."),
    ),
    "plan_power": (
        Column("question", "if the truth were", "The law, and where it puts λ* at the middle learning rate."),
        Column("inside", "optima inside", "Learning rates whose optimum would lie inside the grid, not at an edge."),
        Column("right", "found", "Share of simulated studies that give the right verdict.", "percent"),
        Column("wrong", "wrong law", "Share that name another law.", "percent"),
        Column("silent", "no law named", "Share that say undetermined, other or not identifiable.", "percent"),
    ),
}
