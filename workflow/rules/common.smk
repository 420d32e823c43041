# Shared by every part of the workflow: the resolved study, its grid, where things lie, and helpers.
import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

LIBRARY = Path(workflow.basedir) / "workflow"
sys.path.insert(0, str(LIBRARY))

from decay_atlas.config import ConfigError, grid_of, resolve
from decay_atlas.grid import DIGEST, DOG_PATH, NAME, NUMBER, dataset_folder
from decay_atlas.provenance import source_digest
from decay_atlas.recovery import BusyError, engage, recover
from decay_atlas.slurm import attend
from decay_atlas.stage import remove_cut_off, share_library
from decay_atlas.training.origin import outdated

# Scripts and training run in other processes, under --sdm in other environments.
share_library(LIBRARY)

if workflow.is_main_process:
    recover(Path(".snakemake"))
    # Without cores or jobs nothing is run: --unlock, --summary, --report and the like.
    if not workflow.output_settings.dryrun and (
        workflow.resource_settings.cores or workflow.resource_settings.nodes
    ):
        try:
            engage(Path(".snakemake"))
        except BusyError as error:
            raise WorkflowError(str(error)) from None


# Under the lock of the working directory, and before the first job is submitted.
onstart:
    if workflow.is_main_process and workflow.executor_plugin.name == "slurm":
        attend(Path.cwd(), logger.info)


# Snakemake lists config.yaml last though it is the base: the files in the order they were merged.
CONFIG_FILES = sorted(workflow.configfiles, key=lambda file: str(file) != "config.yaml")
try:
    STUDY = resolve(config, CONFIG_FILES)
    GRID = None if {"imports", "lookahead"} & STUDY.keys() else grid_of(STUDY)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

RECORDS = [] if GRID is None else [run.path for run in GRID.runs]
RESULTS = f"results/{STUDY['study']}"
LOGS = f"results/logs/{STUDY['study']}"
# Under the lock of the working directory, so that nothing is taken for cut off that another snakemake is writing.
if (
    workflow.is_main_process
    and not workflow.output_settings.dryrun
    and (workflow.resource_settings.cores or workflow.resource_settings.nodes)
):
    for cut in remove_cut_off(Path(RESULTS)):
        logger.warning(f"{cut} was empty or cut off: it and the report are made again.")

METRIC = STUDY["metric"]
DIRECTION = METRIC["direction"]
STATISTICS = STUDY["statistics"]
# Environments of --sdm bring their own interpreter; otherwise it is the one that runs Snakemake.
PYTHON = "python" if workflow.deployment_settings.deployment_method else sys.executable


wildcard_constraints:
    dataset=NAME,
    recipe=NAME,
    arch=NAME,
    digest=DIGEST,
    lr=NUMBER,
    wd=NUMBER,
    seed="[0-9]+",


if workflow.is_main_process and RECORDS:
    done = sum(os.path.exists(record) for record in RECORDS)
    logger.info(
        f"Study {STUDY['study']}: {len(RECORDS):,} training runs, {len(RECORDS) - done:,} to do."
    )
    for name, entry in GRID.datasets.items():
        found = outdated(
            name, STUDY["datasets"].get(name, {}), dataset_folder(name, entry)
        )
        if found:
            logger.warning(found)


def manifest_of(wildcards):
    """The prepared data set that the runs of a digest are trained on; none for simulated runs."""
    entry = GRID.settings[wildcards.digest]["dataset"]
    if entry["source"] == "simulated":
        return []
    return f"{dataset_folder(wildcards.dataset, entry)}/manifest.json"


def dog_of(wildcards):
    """The estimates of DoG that the runs of a recipe wait for, in one file whatever their pack; most have none."""
    names = (wildcards.dataset, wildcards.recipe, wildcards.arch)
    return [DOG_PATH.format(**wildcards)] if GRID.sources(*names) else []


def nothing_trained(wildcards):
    """In place of the inputs of a target that a study of bounds cannot have."""
    raise WorkflowError(
        f"Study {STUDY['study']}: bounds are computed and nothing is trained, so it has no runs, plan or archive. "
        f"Call snakemake without this target; that makes {RESULTS}/report.html"
    )


def gpus_of(wildcards):
    """How many GPUs a training job asks for; one where execution.gpus does not name its recipe and it may use any."""
    computed = "simulate" in STUDY or STUDY["execution"]["device"] == "cpu"
    return STUDY["execution"]["gpus"].get(wildcards.recipe, 0 if computed else 1)


def python_of(wildcards):
    """The interpreter of a training job, behind the claim of GPUs of its own where no scheduler gives them."""
    gpus = gpus_of(wildcards)
    return f"{PYTHON} -m decay_atlas.devices {gpus} {PYTHON}" if gpus else PYTHON


# What makes the records of a pack: the training program, or the simulator in its place.
if "simulate" in STUDY:
    TRAIN = (
        "{resources.python} -m decay_atlas.simulation --settings {params.settings:q} "
        "{output:q} > {log:q} 2>&1"
    )
else:
    TRAIN = (
        "{resources.python} -m decay_atlas.training --settings {params.settings:q} "
        "--data $(dirname {input.manifest:q}) --engine {resources.engine} --device {resources.device} "
        "--gpus {resources.gpu} --threads {threads} --checkpoint-minutes {resources.checkpoint_minutes} "
        "{output:q} > {log:q} 2>&1"
    )


# Every table of a study of runs.
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


# What `snakemake --report` shows, in the order a reader asks; it sorts by these texts, hence the numbers.
REPORTED = {
    "1. Report": ["report"],
    "2. Which law": [
        "landscapes figure",
        "optima figure",
        "slopes figure",
        "ratio figure",
        "optima table",
        "laws table",
        "ratio table",
        "universality table",
    ],
    "3. What a wrong decay costs": [
        "deviation figure",
        "importance figure",
        "deviation table",
        "deviation_fit table",
        "valley table",
        "importance table",
    ],
    "4. What to set, how to search": [
        "recommendation table",
        "recommendation_curve table",
        "tuning figure",
        "performance_profile figure",
        "tuning table",
        "performance_profile table",
    ],
    "5. Recipes compared": [
        "best figure",
        "epochs_law figure",
        "rules figure",
        "robustness figure",
        "adaptive figure",
        "best table",
        "epochs_law table",
        "rules table",
        "robustness table",
        "evaluations table",
        "adaptive table",
        "label_noise table",
        "trap table",
    ],
    "6. Published claims": ["claims table"],
    "7. Bounds of schedules": [
        "lookahead figure",
        "lookahead table",
        "lookahead_fits table",
    ],
}


def reported(path, name, kind, caption):
    """An output file, marked for `snakemake --report` with its place in REPORTED and a caption."""
    title = f"{name} {kind}".strip()
    for category, titles in REPORTED.items():
        if title in titles:
            words = name.replace("_", " ").capitalize() + (f" ({kind})" if kind else "")
            return report(
                path,
                caption=f"../report/{caption}.rst",
                category=category,
                labels={"result": f"{titles.index(title) + 1}. {words}"},
            )
    raise WorkflowError(f"Name '{title}' in REPORTED, workflow/rules/common.smk")


def table(name):
    """The output file of a table."""
    return reported(f"{RESULTS}/tables/{name}.csv", name, "table", f"table_{name}")


def figure(name):
    """The output file of a figure."""
    return reported(f"{RESULTS}/figures/{name}.svg", name, "figure", f"figure_{name}")


def page(caption):
    """The output file of the whole report."""
    return reported(f"{RESULTS}/report.html", "report", "", caption)
