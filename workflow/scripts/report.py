"""Rule report: see decay_atlas.reporting.page."""

from pathlib import Path

from decay_atlas.execution.scripting import log_to
from decay_atlas.reporting.page import render
from decay_atlas.reporting.svg import read_plate
from decay_atlas.tables.curves import CELL
from decay_atlas.tables.files import read_runs, read_table

log_to(snakemake.log[0])

runs = read_runs(snakemake.input.runs)
curves = read_runs(snakemake.input.curves, [*CELL, "epoch"]) if snakemake.input.curves else None
others = ("runs", "figures", "curves")
tables = {name: read_table(path) for name, path in snakemake.input.items() if name not in others}
figures = {Path(path).stem: read_plate(path) for path in snakemake.input.figures}
page = render(snakemake.params.study, runs, tables, figures, snakemake.params.provenance, curves)
Path(snakemake.output.html).write_text(page)
