"""Rule collect: see decay_atlas.tables.collect."""

import sys

from decay_atlas.execution.scripting import log_to, write_parquet
from decay_atlas.runs.packs import close
from decay_atlas.tables.collect import collect
from decay_atlas.tables.scales import scaled

log_to(snakemake.log[0])

# First, so that a record that is refused below and deleted is trained again, not taken from where it was staged.
close(snakemake.input)
try:
    runs = scaled(collect(snakemake.input, snakemake.params.score), snakemake.params.scale)
except ValueError as error:
    sys.exit(str(error))
write_parquet(runs, snakemake.output.runs)
