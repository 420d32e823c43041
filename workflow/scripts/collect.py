"""Rule collect: see decay_atlas.statistics.collect."""

import sys

from decay_atlas.packs import close
from decay_atlas.stage import log_to, write_parquet
from decay_atlas.statistics.collect import collect
from decay_atlas.statistics.scales import scaled

log_to(snakemake.log[0])

# First, so that a record that is refused below and deleted is trained again, not taken from where it was staged.
close(snakemake.input)
try:
    runs = scaled(collect(snakemake.input, snakemake.params.score), snakemake.params.scale)
except ValueError as error:
    sys.exit(str(error))
write_parquet(runs, snakemake.output.runs)
