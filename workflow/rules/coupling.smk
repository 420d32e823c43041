# How learning rate and weight decay act together in each recipe: the law, what it costs to be off it, what to set.
# Each rule of the statistics carries a digest of the code behind it (`code`), so that editing that code, and nothing
# else, computes it anew. A function, because every training job reads this file too and has no use for it.


localrules:
    optima,
    ratio,
    laws,
    law_costs,
    universality,
    deviation,
    tuning,
    performance_profile,
    importance,
    valley,
    recommendation,


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


rule law_costs:
    input:
        runs=f"{RESULTS}/runs.parquet",
    output:
        table=table("law_costs"),
    log:
        f"{LOGS}/law_costs.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings={
            "direction": DIRECTION,
            "average": STATISTICS["average"],
            "tolerance": STATISTICS.get("tolerance"),
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.law_costs"),
    script:
        "../scripts/law_costs.py"


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
            "decay_atlas.statistics.performance_profile",
            "decay_atlas.tables.files",
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
            "unit": METRIC["unit"],
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
            "tolerance": STATISTICS.get("tolerance"),
        },
        code=lambda wildcards: source_digest("decay_atlas.statistics.recommendation"),
    script:
        "../scripts/recommendation.py"
