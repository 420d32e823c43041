# A study of bounds in place of runs: two tables, a figure and a page of their own.


localrules:
    lookahead,
    lookahead_claims,
    lookahead_report,


rule lookahead:
    output:
        table=table("lookahead"),
        fits=table("lookahead_fits"),
    log:
        f"{LOGS}/lookahead.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        settings=STUDY["lookahead"],
        code=lambda wildcards: source_digest("decay_atlas.schedules.lookahead_tables"),
    script:
        "../scripts/lookahead.py"


rule lookahead_claims:
    input:
        table=f"{RESULTS}/tables/lookahead.csv",
        fits=f"{RESULTS}/tables/lookahead_fits.csv",
    output:
        table=table("claims"),
    log:
        f"{LOGS}/lookahead_claims.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        sources=STUDY["claims"],
        code=lambda wildcards: source_digest(
            "decay_atlas.claims.claims",
            "decay_atlas.schedules.lookahead_tables",
            "decay_atlas.tables.files",
            data="claims/published/*.yaml",
        ),
    script:
        "../scripts/lookahead_claims.py"


rule lookahead_report:
    input:
        table=f"{RESULTS}/tables/lookahead.csv",
        fits=f"{RESULTS}/tables/lookahead_fits.csv",
        claims=f"{RESULTS}/tables/claims.csv",
    output:
        figure=figure("lookahead"),
        html=page("page_lookahead"),
    log:
        f"{LOGS}/lookahead_report.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=STUDY,
        code=lambda wildcards: source_digest(
            "decay_atlas.reporting.lookahead",
            "decay_atlas.tables.files",
            data="reporting/templates/*",
        ),
    script:
        "../scripts/lookahead_report.py"


# Targets that only a study of runs has.
for target in ["archive", "plan", "runs"]:

    rule:
        name:
            target
        input:
            nothing_trained,
