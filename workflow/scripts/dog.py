"""Rule dog: see decay_atlas.dog."""

import sys

from decay_atlas.dog import gather
from decay_atlas.stage import log_to

log_to(snakemake.log[0])

try:
    gather(snakemake.input.runs, snakemake.output[0])
except ValueError as error:
    sys.exit(str(error))
