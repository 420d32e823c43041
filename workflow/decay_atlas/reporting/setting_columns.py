"""The columns of the table of recommended weight decays, as the page shows them."""

from __future__ import annotations

from decay_atlas.reporting.column import COMBINATION, ONE_SEED, Column
from decay_atlas.reporting.setting import BASES

RECOMMENDATION: dict[str, tuple[Column, ...]] = {
    "recommendation": (
        *COMBINATION,
        Column("lr", "η", "Learning rate.", "axis"),
        Column("wd", "set λ to", "The one λ to set at this η.", "axis", reason="note"),
        Column(
            "wd_lo", "95 % interval", "Holds the best λ at this η.", "axis", ONE_SEED, ("wd_lo", "wd_hi"), reason="note"
        ),
        Column(
            "band_lo",
            "within tolerance",
            "Every λ here is expected to lose no more than the tolerance.",
            "axis",
            ONE_SEED,
            ("band_lo", "band_hi"),
            "note",
        ),
        Column(
            "band_lo_loss",
            "lost at its ends ({pp})",
            "Measured at the ends of the band, against the best λ there, scored on other seeds.",
            "loss",
            "off the grid, or one seed",
            ("band_lo_loss", "band_hi_loss"),
            "note",
        ),
        Column(
            "err",
            "err",
            "Low: a λ twice as large costs more than one half as large; high: the other way round.",
            "text",
            "neither side is known to cost more",
        ),
        Column("law", "by", f"Grid: {BASES['grid']}; measured: {BASES['measured']}.", reason="note"),
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
        Column(
            "tolerance",
            "tolerance ({pp})",
            "The study's, or the seed noise of the best cells.",
            "significant",
            ONE_SEED,
            reason="note",
        ),
        Column("note", "note", "Why there is no figure, or what to know of it."),
    )
}
