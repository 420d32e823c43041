"""Rule import_runs: see decay_atlas.tables.imports."""

import sys

from decay_atlas.execution.scripting import log_to, write_parquet
from decay_atlas.tables.imports import import_runs
from decay_atlas.tables.scales import scaled

log_to(snakemake.log[0])

try:
    runs = import_runs(snakemake.input, snakemake.params.columns, snakemake.params.fill, snakemake.params.metric)
    runs = scaled(runs, snakemake.params.metric["scale"])
except ValueError as error:
    sys.exit(str(error))
write_parquet(runs, snakemake.output.runs)
