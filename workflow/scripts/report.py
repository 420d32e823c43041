"""Rule report: see decay_atlas.reporting.page."""

from pathlib import Path

import pandas as pd

from decay_atlas.reporting.page import render
from decay_atlas.stage import log_to
from decay_atlas.statistics.tables import read_table

log_to(snakemake.log[0])

runs = pd.read_parquet(snakemake.input.runs)
curves = pd.read_parquet(snakemake.input.curves) if snakemake.input.curves else None
others = ("runs", "figures", "curves")
tables = {name: read_table(path) for name, path in snakemake.input.items() if name not in others}
figures = {Path(path).stem: Path(path).read_text() for path in snakemake.input.figures}
page = render(snakemake.params.study, runs, tables, figures, snakemake.params.provenance, curves)
Path(snakemake.output.html).write_text(page)
