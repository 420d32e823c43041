"""Rule batch_rules: see decay_atlas.statistics.rules."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.rules import rules

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
rules(runs, **snakemake.params.settings).to_csv(snakemake.output.table, index=False)
