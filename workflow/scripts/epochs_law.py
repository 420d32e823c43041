"""Rule epochs_law: see decay_atlas.statistics.epochs_law."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.epochs_law import epochs_law
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(epochs_law(runs, **snakemake.params.settings), snakemake.output.table)
