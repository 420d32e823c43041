# What can be said without any training: the plan of a study, and how far verdicts can be trusted. Targets of their
# own, no part of `all`.
import time

from decay_atlas.execution.devices import shortage
from decay_atlas.execution.preflight import asked, refusal

# What the study file alone does not tell, asked before any job, and only where there is something to train. Other
# environments (--sdm) and other machines (a cluster's) are not asked: the first job there tells.
if (
    workflow.is_main_process
    and GRID is not None
    and "simulate" not in STUDY
    and not workflow.deployment_settings.deployment_method
    and not all(os.path.exists(record) for record in RECORDS)
):
    problem = refusal(asked(STUDY), [PYTHON], Path(".snakemake"))
    if problem:
        raise WorkflowError(f"Study {STUDY['study']}:\n{problem}")
    if not workflow.resource_settings.nodes:
        problem = shortage(
            STUDY["execution"]["device"], STUDY["execution"]["gpus"], os.environ
        )
        if problem and workflow.output_settings.dryrun:
            logger.warning(f"Not on this machine: {problem}")
        elif problem and workflow.resource_settings.cores:
            raise WorkflowError(f"Study {STUDY['study']}: {problem}")


# It reads whatever records there are but has no inputs, for nothing need be trained: `asked` differs each time, so
# that a plan that is asked for is made.
rule plan:
    output:
        html=f"{RESULTS}/plan.html",
    log:
        f"{LOGS}/plan.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 4
    params:
        study=STUDY,
        config_files=[
            os.path.relpath(file) for file in CONFIG_FILES if str(file) != BASE
        ],
        asked=time.time(),
        code=lambda wildcards: source_digest(
            "decay_atlas.reporting.plan",
            "decay_atlas.simulation.planning",
            data="reporting/templates/*",
        ),
    message:
        f"Planning study {STUDY['study']}: {{output.html}}"
    script:
        "../scripts/plan.py"


# The same for every study: it tests the statistics, not what they were applied to.
rule coverage:
    input:
        landscapes=sorted(
            Path(workflow.basedir).glob("benchmarks/landscapes/*.parquet")
        ),
    output:
        html="results/coverage/coverage.html",
        verdicts="results/coverage/verdicts.csv",
        intervals="results/coverage/intervals.csv",
        regrets="results/coverage/regrets.csv",
        studies="results/coverage/studies.csv",
        references="results/coverage/references.csv",
    log:
        "results/logs/coverage.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 16
    params:
        repeats=40,
        draws=20,
        code=lambda wildcards: source_digest(
            "decay_atlas.reporting.coverage", data="reporting/templates/*"
        ),
    script:
        "../scripts/coverage.py"


localrules:
    plan,
