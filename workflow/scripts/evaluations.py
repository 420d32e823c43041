"""Rule evaluations: see decay_atlas.statistics.evaluations, adaptive and label_noise."""

from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.adaptive import adaptive
from decay_atlas.statistics.evaluations import evaluations
from decay_atlas.statistics.label_noise import label_noise
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
direction, recipes = snakemake.params.direction, snakemake.params.recipes
write_table(evaluations(runs), snakemake.output.evaluations)
write_table(adaptive(runs, direction, recipes), snakemake.output.adaptive)
write_table(label_noise(runs, recipes), snakemake.output.label_noise)
