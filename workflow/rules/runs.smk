# Data sets, training, and the table of runs (or the import of runs trained elsewhere).

# Under a cluster's executor only training becomes jobs: data sets may need the network, which nodes often lack, and
# the rest is minutes of work on a processor, here, in tables.smk, recipes.smk and report.smk.
if GRID is None:

    localrules:
        import_runs,

    rule import_runs:
        input:
            STUDY["imports"],
        output:
            runs=f"{RESULTS}/runs.parquet",
        log:
            f"{LOGS}/import_runs.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            columns=STUDY.get("columns", {}),
            fill=STUDY.get("fill", {}),
            metric=METRIC,
            code=lambda wildcards: source_digest(
                "decay_atlas.tables.imports", "decay_atlas.tables.scales"
            ),
        script:
            "../scripts/import_runs.py"

else:

    localrules:
        dataset,
        weights,
        dog,
        collect,
        curves,

    # Nothing here changes for a prepared data set (its folder's name holds its entry's digest; where its raw images
    # lie is a resource), because a data set that is prepared again leaves finished runs alone: they are `ancient` to it.
    rule dataset:
        output:
            manifest="resources/datasets/{dataset}-{digest}/manifest.json",
        log:
            "results/logs/datasets/{dataset}-{digest}.log",
        conda:
            "../../envs/training.yaml"
        resources:
            python=PYTHON,
            source=lambda wildcards: STUDY["datasets"][wildcards.dataset].get(
                "path", ""
            ),
        params:
            entry=lambda wildcards: json.dumps(
                GRID.dataset_entry(wildcards.dataset, wildcards.digest), sort_keys=True
            ),
        shell:
            "{resources.python} -m decay_atlas.training.prepare --name {wildcards.dataset} --entry {params.entry:q} "
            "--path={resources.source:q} $(dirname {output.manifest:q}) > {log:q} 2>&1"

    rule weights:
        output:
            "resources/weights/{sha256}",
        log:
            "results/logs/weights/{sha256}.log",
        wildcard_constraints:
            sha256="[0-9a-f]{64}",
        conda:
            "../../envs/training.yaml"
        resources:
            python=PYTHON,
            source=weights_path,
        shell:
            "{resources.python} -m decay_atlas.training.weights --path={resources.source:q} {output:q} > {log:q} 2>&1"

    # A run is trained once: `update` keeps finished records when their pack runs again, `params` says nothing of
    # the pack, engine and device are resources (which trigger nothing), and the program skips what is done.
    for pack in GRID.pack_rules(STUDY["execution"]["pack"]):

        rule:
            name:
                pack.name
            input:
                manifest=ancient_once_done(manifest_of, records_of(pack)),
                dog=ancient_once_done(dog_of, records_of(pack)),
                weights=ancient_once_done(weights_of, records_of(pack)),
            output:
                [update(record) for record in pack.records],
            log:
                pack.log,
            wildcard_constraints:
                **pack.constraints,
            conda:
                f"../../envs/{'analysis' if 'simulate' in STUDY else 'training'}.yaml"
            threads: STUDY["execution"]["threads"]
            resources:
                python=python_of,
                engine=STUDY["execution"]["engine"],
                device=STUDY["execution"]["device"],
                checkpoint_minutes=str(STUDY["execution"]["checkpoint_minutes"]),
                gpu=gpus_of,
            params:
                settings=lambda wildcards: json.dumps(
                    GRID.settings[wildcards.digest],
                    separators=(",", ":"),
                    sort_keys=True,
                ),
            shell:
                TRAIN

    # The estimates of a recipe's DoG, all in one file: were the fixed runs themselves inputs of a training job, its set
    # of inputs would change with the pack, and Snakemake would run it again. The runs are `ancient` to it: an estimate is
    # made anew for new runs only, and not in a tree that was copied in any order. The manifest is not read.
    rule dog:
        input:
            manifest=ancient_once_done(manifest_of, records_beside),
            runs=ancient_once_done(
                lambda wildcards: [
                    run.path
                    for run in GRID.sources(
                        wildcards.dataset, wildcards.recipe, wildcards.arch
                    )
                ],
                records_beside,
            ),
        output:
            DOG_PATH,
        log:
            DOG_PATH.replace("results/runs", "results/logs/train").replace(
                ".json", ".log"
            ),
        conda:
            "../../envs/analysis.yaml"
        script:
            "../scripts/dog.py"

    rule collect:
        input:
            RECORDS,
        output:
            runs=f"{RESULTS}/runs.parquet",
        log:
            f"{LOGS}/collect.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            score=METRIC["score"],
            scale=METRIC["scale"],
            code=lambda wildcards: source_digest(
                "decay_atlas.tables.collect", "decay_atlas.tables.scales"
            ),
        script:
            "../scripts/collect.py"

    # Reads the records, which the table of runs names: as inputs once more they would take time and memory to plan.
    rule curves:
        input:
            runs=f"{RESULTS}/runs.parquet",
        output:
            curves=f"{RESULTS}/curves.parquet",
        log:
            f"{LOGS}/curves.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            code=lambda wildcards: source_digest("decay_atlas.tables.curves"),
        script:
            "../scripts/curves.py"


rule runs:
    input:
        behind_ancient,
        RECORDS,
        f"{RESULTS}/runs.parquet",


localrules:
    runs,
