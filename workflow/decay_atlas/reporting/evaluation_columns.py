"""The columns of the tables about evaluations, adaptive weight decay and noise, as the page shows them."""

from __future__ import annotations

from decay_atlas.reporting.column import COMBINATION, ONE_SEED, Column

EVALUATIONS: dict[str, tuple[Column, ...]] = {
    "adaptive": (
        Column("dataset", "data set", "Data set the runs were trained on."),
        Column("recipe", "adaptive", "The recipe whose weight decay follows the gradients."),
        Column("fixed", "fixed", "The recipe that it is held against, and that its DoG is estimated from."),
        Column("arch", "architecture", "Architecture, as named in the study."),
        Column("lr", "η", "Learning rate.", "axis"),
        Column("dog", "DoG", "Mean over seeds of ‖λw‖/‖∇w‖ of the fixed runs up to their plateau.", "significant"),
        Column("value", "{metric} ({unit})", "With DoG as estimated.", "value", "no seed that both have"),
        Column("value_fixed", "at fixed λ", "Of the fixed runs on the same seeds.", "value", "no seed that both have"),
        Column("gain", "won ({pp})", "Mean over seeds; positive where adaptive is better.", "loss", ONE_SEED),
        Column("gain_lo", "95 % interval", "By t over seeds.", "loss", ONE_SEED, ("gain_lo", "gain_hi")),
        Column("weight_norm", "‖w‖", "At the end of training.", "significant", "not recorded"),
        Column("weight_norm_fixed", "‖w‖ fixed", "Of the fixed runs.", "significant", "not recorded"),
        Column("best", "best", "Over all weight decays of the adaptive recipe.", "value", "no runs"),
        Column("best_fixed", "best fixed", "Over all λ of the fixed one.", "value", "no runs"),
        Column("wd_best_fixed", "at λ", "Where that is.", "axis", "no runs"),
    ),
    "evaluations": (
        *COMBINATION,
        Column("lr", "η", "Learning rate.", "axis"),
        Column("wd", "λ", "Weight decay; of a recipe whose DoG is estimated, the factor on it.", "axis"),
        Column("evaluation", "evaluation", "What was measured on the trained network; all but norms in percent."),
        Column("mean", "mean", "Over seeds.", "value"),
        Column("sd", "sd", "Over seeds.", "significant", ONE_SEED),
        Column("n_seeds", "seeds", "Seeds that have it.", "count"),
    ),
    "label_noise": (
        Column("dataset", "data set", "Data set the runs were trained on."),
        Column("recipe", "noisy", "The recipe with noisy labels."),
        Column("clean", "clean", "The one that differs in nothing else."),
        Column("arch", "architecture", "Architecture, as named in the study."),
        Column("label_noise", "flipped", "Share of training labels flipped.", "percent"),
        Column("lr", "η", "Learning rate.", "axis"),
        Column("wd", "λ", "Weight decay; of a recipe whose DoG is estimated, the factor on it.", "axis"),
        Column("value", "{metric} ({unit})", "With noise.", "value"),
        Column("value_clean", "without noise", "Of the same cell.", "value"),
        Column("n_seeds", "seeds", "Seeds that both have.", "count"),
    ),
    "trap": (
        *COMBINATION,
        Column("lr_start", "from η", "Where the search begins.", "axis", reason="note"),
        Column("wd_start", "and λ", "Where the search begins.", "axis", reason="note"),
        Column("lr_end", "to η", "Where neither search moves any more.", "axis", reason="note"),
        Column("wd_end", "and λ", "Where neither search moves any more.", "axis", reason="note"),
        Column("value_end", "{metric} there ({unit})", "Average over seeds.", "value", reason="note"),
        Column("value_best", "best", "Of the landscape.", "value", reason="note"),
        Column("lost", "lost ({pp})", "Against the best cell.", "loss", reason="note"),
        Column("tried", "cells tried", "That the search looked at.", "count", reason="note"),
    ),
}
