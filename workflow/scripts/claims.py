"""Rule claims: see decay_atlas.claims.claims."""

from decay_atlas.claims.claims import claims
from decay_atlas.execution.scripting import log_to
from decay_atlas.statistics.best import cells
from decay_atlas.tables.files import read_runs, read_table, write_table

log_to(snakemake.log[0])

tables = {name: read_table(path) for name, path in snakemake.input.items() if name != "runs"}
settings = snakemake.params.settings
tables["cells"] = cells(read_runs(snakemake.input.runs), settings["direction"])
write_table(claims(tables, **settings), snakemake.output.table)
