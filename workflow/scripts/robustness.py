"""Rule robustness: see decay_atlas.statistics.robustness."""

from decay_atlas.claims.claims import published
from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.robustness import robustness
from decay_atlas.tables.files import read_table, write_table

log_to(snakemake.log[0])

ratio, laws = (read_table(path) for path in (snakemake.input.ratio, snakemake.input.laws))
figures = published("coupling")[1]["robustness"]
table = robustness(ratio, laws, recipes=snakemake.params.recipes, published=figures)
write_table(table, snakemake.output.table)
