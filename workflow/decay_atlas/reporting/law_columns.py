"""The columns of the table of what each law costs, as the page shows them."""

from __future__ import annotations

from decay_atlas.reporting.column import COMBINATION, Column

LAW_COSTS: dict[str, tuple[Column, ...]] = {
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
}
