"""The columns of the tables of what laws and deviations from them cost, as the page shows them."""

from __future__ import annotations

from decay_atlas.reporting.column import COMBINATION, ONE_SEED, WHERE, Column

COLUMNS: dict[str, tuple[Column, ...]] = {
    "law_costs": (
        *COMBINATION,
        Column("law", "law", "Ratio keeps λ/η, decoupled keeps λ, product keeps ηλ.", reason="blank"),
        Column("eta_from", "from η", "Learning rate of the study's best setting.", "axis", reason="blank"),
        Column("wd_from", "and λ", "Its weight decay.", "axis", reason="blank"),
        Column("eta_to", "to η", "Another learning rate.", "axis", reason="blank"),
        Column("wd_to", "λ by the law", "What the law makes of the weight decay there.", "axis", reason="blank"),
        Column(
            "loss",
            "lost ({pp})",
            "Against the best λ there, which other seeds chose than score it; may be negative by chance.",
            "loss",
            reason="blank",
        ),
        Column(
            "loss_lo",
            "95 % interval",
            "Against the truly best λ, by t over the differences within seeds.",
            "loss",
            "too few seeds",
            ("loss_lo", "loss_hi"),
            "blank",
        ),
        Column("n", "seeds", "Seeds that score it.", "count"),
        Column(
            "within",
            "within tolerance",
            "Can: the interval ends within the tolerance; cannot: it begins beyond; open: neither.",
            reason="blank",
        ),
        Column("tolerance", "tolerance ({pp})", "The study's, or the seed noise of the best cells.", "significant"),
        Column(
            "follow",
            "the law as a whole",
            "Can be followed to every η; cannot to one or more; else open.",
            reason="blank",
        ),
        Column(
            "factor_lo",
            "can be followed over η ×",
            "How far η may go down and up from the best setting's.",
            "significant",
            bounds=("factor_lo", "factor_hi"),
            reason="blank",
        ),
    ),
    "deviation": (
        *WHERE,
        Column(
            "centre", "about", "What κ multiplies: the published ratio law, the measured optimum, or the product law."
        ),
        Column("kappa", "κ", "Deviation factor.", "axis"),
        Column(
            "drop",
            "lost ({pp})",
            "Quality at λ*(η) less that at κ times the centre, chosen and scored on different "
            "seeds; may be negative by chance.",
            "loss",
            reason="blank",
        ),
        Column("lo", "95 % interval", "By t over seeds × architectures.", "loss", ONE_SEED, ("lo", "hi"), "blank"),
        Column("p_holm", "p Holm", "Test of no loss, corrected over κ.", "p", ONE_SEED, reason="blank"),
        Column(
            "drop_centre",
            "against κ = 1",
            "The same loss against the centre itself.",
            "loss",
            "κ = 1 is not reached",
            reason="blank",
        ),
        Column("drop_published", "published (pp)", "Table 2 of the published study.", "fixed", "not published"),
        Column("reached", "reached", "Share of η × architectures that the grid reaches at this κ.", "percent"),
        Column("n", "n", "Seeds × architectures averaged.", "count"),
        Column("blank", "why blank", "Why there is no figure."),
    ),
    "deviation_fit": (
        *WHERE,
        Column("centre", "about", "What κ multiplies."),
        Column("side", "side", "Fitted to κ below 1, above 1, or both."),
        Column("delta", "δ", "Half-width of the tolerance zone in ln κ.", "fixed", reason="blank"),
        Column("gamma", "γ ({pp})", "Curvature of the loss outside the zone.", "significant", reason="blank"),
        Column("r2", "R²", "Share of the drops' variance explained.", "fixed", reason="blank"),
    ),
}
