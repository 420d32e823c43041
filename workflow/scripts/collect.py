"""Rule collect: see decay_atlas.statistics.collect."""

import sys

from decay_atlas.records import RecordError
from decay_atlas.stage import log_to
from decay_atlas.statistics.collect import collect

log_to(snakemake.log[0])

try:
    collect(snakemake.input, snakemake.params.score).to_parquet(snakemake.output.runs, index=False)
except RecordError as error:
    sys.exit(str(error))
