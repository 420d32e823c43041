"""Rule batch_rules: see decay_atlas.statistics.rules."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.rules import rules
from decay_atlas.statistics.tables import write_table

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
write_table(rules(runs, **snakemake.params.settings), snakemake.output.table)
