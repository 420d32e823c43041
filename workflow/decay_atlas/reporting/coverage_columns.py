"""The columns of the coverage page's tables."""

from __future__ import annotations

from decay_atlas.reporting.column import Column

_GROUP = Column("group", "designs", "The standard designs, the published grid, or what is special about a landscape.")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "coverage_verdicts": (
        _GROUP,
        Column("design", "design", "Law, seeds, noise and curvature, or what is special about the landscape."),
        Column(
            "law",
            "truth",
            "The law that was simulated, before a bend or a cliff keeps the optima from it; a slope where it is none.",
        ),
        Column("seeds", "seeds", "Seeds a cell.", "count"),
        Column("verdict", "verdict", "What the study said.", "badge"),
        Column("share", "share", "Share of the studies of this design.", "percent"),
        Column("share_lo", "95 % interval", "Binomial interval of the share.", "percent", "", ("share_lo", "share_hi")),
        Column("n", "studies", "Simulated studies of this design.", "count"),
    ),
    "coverage_intervals": (
        Column("quantity", "quantity", "slope b, product ηλ*, rho, or wd: λ* at one learning rate."),
        Column("method", "method", "How it was estimated."),
        _GROUP,
        Column("seeds", "seeds", "Seeds a cell.", "count"),
        Column("covered", "covered", "Share of 95 % intervals that hold the truth.", "percent", "no interval"),
        Column(
            "covered_lo",
            "95 % interval",
            "Binomial interval of that share.",
            "percent",
            "no interval",
            ("covered_lo", "covered_hi"),
        ),
        Column("width", "width", "Median width of the intervals.", "significant", "no interval"),
        Column("n", "intervals", "Studies with an interval.", "count"),
        Column("missing", "without", "Studies without one.", "count"),
    ),
    "coverage_references": (
        Column("landscape", "landscape", "Data set, recipe, network and score of a densely trained grid."),
        Column("seeds", "seeds", "Seeds a cell of the studies drawn from it.", "count"),
        Column("n", "studies", "Studies drawn.", "count"),
        Column(
            "slopes", "slopes", "Studies whose slope can be judged: every optimum seen is one of the whole.", "count"
        ),
        Column("slope_held", "slope held", "Share of 95 % intervals of b that hold the slope of the whole.", "percent"),
        Column(
            "slope_held_lo",
            "95 % interval",
            "Binomial interval of that share.",
            "percent",
            "no interval",
            ("slope_held_lo", "slope_held_hi"),
        ),
        Column("slope_width", "width of b", "Median width of these intervals.", "significant"),
        Column(
            "optima_held", "λ* held", "Share of 95 % intervals of λ*(η) that hold the optimum of the whole.", "percent"
        ),
        Column("optimum_width", "width of ln λ*", "Median width of these intervals.", "significant"),
        Column("decided", "decided", "Share of studies that name a law, or say that it is none.", "percent"),
        Column("wrong", "wrong law", "Share of studies that name a law which the whole excludes.", "percent"),
        Column("contradictory", "contradictory", "Share of pairs of studies that name different laws.", "percent"),
        Column("bands_held", "band held", "Share of bands that hold a λ within the tolerance of the best.", "percent"),
        Column("regret", "recommended λ loses", "On the seeds not used, averaged over η, in its unit.", "significant"),
        Column("regret_naive", "best cell loses", "Likewise by the best cells of the study.", "significant"),
        Column(
            "worst", "at worst", "Largest loss at one η by the recommended λ, averaged over studies.", "significant"
        ),
        Column("worst_naive", "best cell at worst", "Likewise by the best cells of the study.", "significant"),
    ),
    "coverage_regrets": (
        _GROUP,
        Column("seeds", "seeds", "Seeds a cell.", "count"),
        Column("recommended", "recommended λ (pp)", "What it truly loses, over η and studies.", "significant"),
        Column("best_cell", "best cell (pp)", "What the best cell of the same runs truly loses.", "significant"),
        Column(
            "recommended_p95", "1 in 20 (pp)", "One study in twenty loses more by the recommended λ.", "significant"
        ),
        Column("best_cell_p95", "best cell (pp)", "One study in twenty loses more by its best cell.", "significant"),
        Column("n", "studies", "Simulated studies with a recommendation.", "count"),
    ),
}
