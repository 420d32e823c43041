"""Rule figures: see decay_atlas.reporting.figures.registry."""

from pathlib import Path

from decay_atlas.execution.scripting import log_to
from decay_atlas.reporting.figures.registry import draw
from decay_atlas.tables.files import read_runs, read_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
tables = {name: read_table(path) for name, path in snakemake.input.items() if name not in ("runs", "curves")}
if snakemake.input.curves:
    tables["curves"] = read_runs(snakemake.input.curves, [])
for name, path in snakemake.output.items():
    Path(path).write_text(draw(name, snakemake.params.study, runs, tables))
