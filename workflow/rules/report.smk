# Figures, and the one page that shows everything.
FIGURES = figures()
# The modules behind the tables.
MODULES = [
    (
        f"decay_atlas.claims.{name}"
        if name == "claims"
        else f"decay_atlas.statistics.{name}"
    )
    for name in stages()
]


localrules:
    archive,
    figures,
    report,


rule figures:
    input:
        **{name: f"{RESULTS}/tables/{name}.csv" for name in TABLES},
        runs=f"{RESULTS}/runs.parquet",
        curves=[] if GRID is None else f"{RESULTS}/curves.parquet",
    output:
        **{name: figure(name) for name in FIGURES},
    log:
        f"{LOGS}/figures.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=STUDY,
        code=lambda wildcards: source_digest(
            "decay_atlas.reporting.figures.registry", "decay_atlas.tables.files"
        ),
    script:
        "../scripts/figures.py"


rule report:
    input:
        **{name: f"{RESULTS}/tables/{name}.csv" for name in TABLES},
        runs=f"{RESULTS}/runs.parquet",
        figures=expand(f"{RESULTS}/figures/{{name}}.svg", name=FIGURES),
        curves=[] if GRID is None else f"{RESULTS}/curves.parquet",
    output:
        html=page("page"),
    log:
        f"{LOGS}/report.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=STUDY,
        provenance=lambda wildcards: {
            "Digest of the statistics": source_digest(*MODULES)
        },
        code=lambda wildcards: source_digest(
            "decay_atlas.reporting.page",
            "decay_atlas.tables.files",
            data="reporting/templates/**/*",
        ),
    script:
        "../scripts/report.py"


# Not part of `all`: snakemake archive --cores 2 --configfile studies/demo.yaml
rule archive:
    input:
        results=[
            f"{RESULTS}/runs.parquet",
            f"{RESULTS}/report.html",
            *expand(f"{RESULTS}/tables/{{name}}.csv", name=TABLES),
        ],
        lock=Path(workflow.basedir) / "envs/requirements.lock",
    output:
        archive=f"{RESULTS}/{STUDY['study']}.tar.gz",
    log:
        f"{LOGS}/archive.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        study=STUDY,
        code=lambda wildcards: source_digest("decay_atlas.execution.archive"),
    script:
        "../scripts/archive.py"
