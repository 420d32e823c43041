"""Rule recommendation: see decay_atlas.statistics.recommendation."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
recommendation(runs, **snakemake.params.settings).to_csv(snakemake.output.table, index=False)
recommendation_curve(runs, **snakemake.params.settings).to_csv(snakemake.output.curve, index=False)
