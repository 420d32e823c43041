"""Rule importance: see decay_atlas.statistics.importance."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.importance import importance
from decay_atlas.statistics.tables import write_table

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
write_table(importance(runs, **snakemake.params.settings), snakemake.output.table)
