"""Rule deviation: see decay_atlas.statistics.deviation."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.deviation import deviation
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
table, fit = deviation(runs, **snakemake.params.settings)
write_table(table, snakemake.output.table)
write_table(fit, snakemake.output.fit)
