# The stages of the statistics that are computed alike: a rule for each that decay_atlas.tables.registry declares.
# Each carries a digest of the code behind it (`code`), so that editing that code, and nothing else, computes it anew.

for stage in STAGES.values():

    rule:
        name:
            stage.rule
        input:
            (
                f"{RESULTS}/runs.parquet"
                if stage.reads == RUNS
                else f"{RESULTS}/tables/{stage.reads}.csv"
            ),
        output:
            [table(name) for name in made_by(stage.name)],
        log:
            f"{LOGS}/{stage.name}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            stage=stage.name,
            settings=stage.arguments(STUDY),
            code=code_of(stage.module),
        script:
            "../scripts/table.py"
