"""Rule recommendation: see decay_atlas.statistics.recommendation."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.recommendation import recommendation, recommendation_curve
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
write_table(recommendation(runs, **snakemake.params.settings), snakemake.output.table)
write_table(recommendation_curve(runs, **snakemake.params.settings), snakemake.output.curve)
