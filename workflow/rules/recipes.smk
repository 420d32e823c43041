# Tables with a script of their own: recipes compared, and the study with the figures that its sources published.


localrules:
    best,
    robustness,
    evaluations,
    claims,


rule best:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("best"),
    log:
        f"{LOGS}/best.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "recipes": STUDY["recipes"],
        },
        sources=STUDY["claims"],
        code=lambda wildcards: source_digest(
            "decay_atlas.statistics.best",
            "decay_atlas.claims.claims",
            data="claims/published/*.yaml",
        ),
    script:
        "../scripts/best.py"


rule robustness:
    input:
        ratio=f"{RESULTS}/tables/ratio.csv",
        laws=f"{RESULTS}/tables/laws.csv",
    output:
        table=table("robustness"),
    log:
        f"{LOGS}/robustness.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        recipes=STUDY["recipes"],
        code=lambda wildcards: source_digest(
            "decay_atlas.statistics.robustness",
            "decay_atlas.claims.claims",
            "decay_atlas.tables.files",
            data="claims/published/*.yaml",
        ),
    script:
        "../scripts/robustness.py"


rule evaluations:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        evaluations=table("evaluations"),
        adaptive=table("adaptive"),
        label_noise=table("label_noise"),
    log:
        f"{LOGS}/evaluations.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        direction=DIRECTION,
        recipes={} if "simulate" in STUDY else STUDY["recipes"],
        code=lambda wildcards: source_digest(
            "decay_atlas.statistics.evaluations",
            "decay_atlas.statistics.adaptive",
            "decay_atlas.statistics.label_noise",
        ),
    script:
        "../scripts/evaluations.py"


rule claims:
    input:
        **{
            name: f"{RESULTS}/tables/{name}.csv"
            for name in (
                "optima",
                "ratio",
                "laws",
                "universality",
                "deviation",
                "tuning",
                "valley",
                "best",
                "epochs_law",
                "rules",
                "evaluations",
                "adaptive",
                "trap",
            )
        },
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("claims"),
    log:
        f"{LOGS}/claims.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "recipes": STUDY["recipes"],
            "unit": METRIC["unit"],
            "sources": STUDY["claims"],
            "direction": DIRECTION,
        },
        code=lambda wildcards: source_digest(
            "decay_atlas.claims.claims",
            "decay_atlas.statistics.best",
            "decay_atlas.tables.files",
            data="claims/published/*.yaml",
        ),
    script:
        "../scripts/claims.py"
