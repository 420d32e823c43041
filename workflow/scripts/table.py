"""Rules of rules/tables.smk: see decay_atlas.tables.registry and the module of the stage's name in statistics."""

from importlib import import_module

from decay_atlas.execution.scripting import log_to
from decay_atlas.tables.files import read_runs, read_table, write_table
from decay_atlas.tables.registry import RUNS, STAGES

log_to(snakemake.log[0])

stage = STAGES[snakemake.params.stage]
data = (read_runs if stage.reads == RUNS else read_table)(snakemake.input[0])
made = []
for name in stage.calls:
    result = getattr(import_module(stage.module), name)(data, **snakemake.params.settings)
    made += result if isinstance(result, tuple) else [result]
for table, path in zip(made, snakemake.output, strict=True):
    write_table(table, path)
