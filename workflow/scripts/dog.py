"""Rule dog: see decay_atlas.runs.dog."""

import sys

from decay_atlas.execution.scripting import log_to
from decay_atlas.runs.dog import gather

log_to(snakemake.log[0])

try:
    gather(snakemake.input.runs, snakemake.output[0])
except ValueError as error:
    sys.exit(str(error))
