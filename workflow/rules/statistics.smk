# From the table of runs to the tables of results. Each rule carries a digest of the code behind it (`code`), so
# that editing the statistics, and nothing else, computes them anew. A function, because every training job reads this
# file too and has no use for it.
STATISTICS = STUDY["statistics"]
DIRECTION = METRIC["direction"]
TABLES = [
    "optima",
    "ratio",
    "laws",
    "universality",
    "deviation",
    "deviation_fit",
    "tuning",
    "performance_profile",
    "importance",
    "valley",
    "recommendation",
    "recommendation_curve",
    "best",
    "epochs_law",
    "rules",
    "robustness",
    "evaluations",
    "adaptive",
    "label_noise",
    "trap",
    "claims",
]
STAGES = [
    f"decay_atlas.statistics.{name.removesuffix('_fit').removesuffix('_curve')}"
    for name in TABLES
]


localrules:
    optima,
    ratio,
    laws,
    universality,
    deviation,
    tuning,
    performance_profile,
    importance,
    valley,
    recommendation,
    best,
    epochs_law,
    batch_rules,
    robustness,
    evaluations,
    trap,
    claims,


rule optima:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("optima"),
    log:
        f"{LOGS}/optima.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.optima"),
    script:
        "../scripts/optima.py"


rule ratio:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("ratio"),
    log:
        f"{LOGS}/ratio.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "rho_reference": STATISTICS["rho_reference"],
            "resamples": STATISTICS["resamples"],
            "seed": STATISTICS["seed"],
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.ratio"),
    script:
        "../scripts/ratio.py"


rule laws:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("laws"),
    log:
        f"{LOGS}/laws.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "seed": STATISTICS["seed"],
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.laws"),
    script:
        "../scripts/laws.py"


rule universality:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("universality"),
    log:
        f"{LOGS}/universality.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "margin": STATISTICS["equivalence_margin"],
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.universality"),
    script:
        "../scripts/universality.py"


rule deviation:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("deviation"),
        fit=table("deviation_fit"),
    log:
        f"{LOGS}/deviation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "rho_reference": STATISTICS["rho_reference"],
            "kappas": STATISTICS["kappas"],
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.deviation"),
    script:
        "../scripts/deviation.py"


rule tuning:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("tuning"),
    log:
        f"{LOGS}/tuning.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "rho": STATISTICS["rho_reference"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.tuning"),
    script:
        "../scripts/tuning.py"


rule performance_profile:
    input:
        tuning=f"{RESULTS}/tables/tuning.csv",
    output:
        table=table("performance_profile"),
    log:
        f"{LOGS}/performance_profile.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=lambda wildcards: source_digest(
            "decay_atlas.statistics.performance_profile"
        ),
    script:
        "../scripts/performance_profile.py"


rule importance:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("importance"),
    log:
        f"{LOGS}/importance.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.importance"),
    script:
        "../scripts/importance.py"


rule valley:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("valley"),
    log:
        f"{LOGS}/valley.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
            **STATISTICS["valley"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.valley"),
    script:
        "../scripts/valley.py"


rule recommendation:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("recommendation"),
        curve=table("recommendation_curve"),
    log:
        f"{LOGS}/recommendation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.recommendation"),
    script:
        "../scripts/recommendation.py"


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
            "decay_atlas.statistics.claims",
            data="statistics/published/*.yaml",
        ),
    script:
        "../scripts/best.py"


rule epochs_law:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("epochs_law"),
    log:
        f"{LOGS}/epochs_law.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "recipes": STUDY["recipes"],
            "seed": STATISTICS["seed"],
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.epochs_law"),
    script:
        "../scripts/epochs_law.py"


# Snakemake keeps the name `rules` for itself.
rule batch_rules:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("rules"),
    log:
        f"{LOGS}/rules.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "recipes": STUDY["recipes"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.rules"),
    script:
        "../scripts/rules.py"


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
            "decay_atlas.statistics.claims",
            data="statistics/published/*.yaml",
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


rule trap:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("trap"),
    log:
        f"{LOGS}/trap.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.trap"),
    script:
        "../scripts/trap.py"


rule claims:
    input:
        **{
            name: f"{RESULTS}/tables/{name}.csv"
            for name in TABLES
            if name
            not in (
                "performance_profile",
                "importance",
                "valley",
                "recommendation",
                "recommendation_curve",
                "robustness",
                "evaluations",
                "adaptive",
                "label_noise",
                "trap",
                "claims",
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
            "decay_atlas.statistics.claims",
            "decay_atlas.statistics.best",
            data="statistics/published/*.yaml",
        ),
    script:
        "../scripts/claims.py"
