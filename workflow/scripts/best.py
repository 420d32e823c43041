"""Rule best: see decay_atlas.statistics.best."""

from decay_atlas.claims.claims import published
from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.best import best
from decay_atlas.tables.files import read_runs, write_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
cells = {
    name: cell for source in snakemake.params.sources for name, cell in published(source)[1].get("settings", {}).items()
}
write_table(best(runs, **snakemake.params.settings, published=cells), snakemake.output.table)
