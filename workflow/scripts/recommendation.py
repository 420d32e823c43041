"""Rule recommendation: see decay_atlas.statistics.recommendation."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve
from decay_atlas.statistics.tables import write_table

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
write_table(recommendation(runs, **snakemake.params.settings), snakemake.output.table)
write_table(recommendation_curve(runs, **snakemake.params.settings), snakemake.output.curve)
