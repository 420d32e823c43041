"""Rule universality: see decay_atlas.statistics.universality."""

from decay_atlas.stage import log_to
from decay_atlas.statistics.tables import read_runs, write_table
from decay_atlas.statistics.universality import universality

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(universality(runs, **snakemake.params.settings), snakemake.output.table)
