"""Rule evaluations: see decay_atlas.statistics.evaluations, adaptive and label_noise."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.adaptive import adaptive
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.label_noise import label_noise

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
direction, recipes = snakemake.params.direction, snakemake.params.recipes
evaluations(runs).to_csv(snakemake.output.evaluations, index=False)
adaptive(runs, direction, recipes).to_csv(snakemake.output.adaptive, index=False)
label_noise(runs, recipes).to_csv(snakemake.output.label_noise, index=False)
