"""Rule epochs_law: see decay_atlas.statistics.epochs_law."""

import pandas as pd

from decay_atlas.stage import log_to
from decay_atlas.statistics.epochs_law import epochs_law
from decay_atlas.statistics.tables import write_table

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
write_table(epochs_law(runs, **snakemake.params.settings), snakemake.output.table)
