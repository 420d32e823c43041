"""Rule archive: see decay_atlas.execution.archive."""

from decay_atlas.execution.archive import write_archive
from decay_atlas.execution.scripting import log_to

log_to(snakemake.log[0])

write_archive(snakemake.output.archive, snakemake.params.study, snakemake.input.results, snakemake.input.lock)
