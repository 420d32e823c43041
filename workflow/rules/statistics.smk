# From the table of runs to the tables of results. Each rule carries a digest of the code behind it (`code`), so
# that editing the statistics, and nothing else, computes them anew.
STATISTICS = STUDY["statistics"]
DIRECTION = METRIC["direction"]
TABLES = [
    "optima",
    "ratio",
    "laws",
    "universality",
    "deviation",
    "deviation_fit",
]


rule optima:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=report(
            f"{RESULTS}/tables/optima.csv",
            caption="../report/optima.rst",
            category="Tables",
            labels={"table": "optima"},
        ),
    log:
        f"{LOGS}/optima.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
            "resamples": STATISTICS["resamples"],
            "seed": STATISTICS["seed"],
        },
        code=source_digest("decay_atlas.statistics.optima"),
    script:
        "../scripts/optima.py"
