# Shared by every part of the workflow: the resolved study, its grid, where things lie, and helpers.
import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

if {"{", "}"} & set(str(workflow.basedir)):
    raise WorkflowError(
        f"The project lies in {workflow.basedir}, and Snakemake takes braces in paths for wildcards; move it to a folder "
        "without them"
    )

LIBRARY = Path(workflow.basedir) / "workflow"
sys.path.insert(0, str(LIBRARY))

from decay_atlas.execution.provenance import source_digest
from decay_atlas.execution.recovery import BusyError, engage, recover
from decay_atlas.execution.retrain import put_back
from decay_atlas.execution.scripting import note_sizes, remove_cut_off, share_library
from decay_atlas.execution.slurm import attend
from decay_atlas.runs.grid import (
    DIGEST,
    DOG_PATH,
    GROUP,
    NAME,
    NUMBER,
    as_list,
    dataset_folder,
)
from decay_atlas.runs.records import place_of
from decay_atlas.study.config import ConfigError, grid_of, resolve
from decay_atlas.study.limits import planning
from decay_atlas.tables.registry import (
    RUNS,
    STAGES,
    Figure,
    Table,
    figures,
    labelled,
    made_by,
    stages,
    tables,
)
from decay_atlas.training.data.origin import outdated
from decay_atlas.training.settings.pretrained import STORE

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


# Whatever the reason, a call that leaves out a record it was asked for is no success.
onsuccess:
    if workflow.is_main_process and not workflow.touch:
        asked = workflow.dag.derived_targetfiles
        missing = [
            record
            for record in RECORDS
            if record in asked and not os.path.exists(record)
        ]
        if missing:
            names = "\n".join([*missing[:10], *["…"][: len(missing) > 10]])
            raise WorkflowError(
                f"Study {STUDY['study']}: {len(missing):,} of the records that were asked for are missing, though no job "
                f"failed:\n{names}\nRun the same command again: it trains what is missing. Should it end "
                "like this once more, remove .snakemake/metadata first, and report it as a bug"
            )
        note_sizes(Path(RESULTS), Path(".snakemake"))


# And one that fails says what it leaves: Snakemake lists finished records among the files that it removes.
onerror:
    if workflow.is_main_process and RECORDS:
        logger.error(
            f"Study {STUDY['study']}: {len(RECORDS) - unfinished():,} of {len(RECORDS):,} training runs are finished "
            "and kept; the same command goes on with the others"
        )


# Snakemake lists config.yaml last though it is the base: the files in the order they were merged.
CONFIG_FILES = sorted(workflow.configfiles, key=lambda file: str(file) != BASE)
try:
    STUDY = resolve(config, CONFIG_FILES)
    if {"imports", "lookahead"} & STUDY.keys():
        GRID = None
    else:
        if workflow.is_main_process and planning(STUDY):
            logger.warning(planning(STUDY))
        GRID = grid_of(STUDY)
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
    for cut in remove_cut_off(Path(RESULTS), Path(".snakemake")):
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


def unfinished():
    """How many runs have no record, neither in its place nor staged."""
    return sum(place_of(record) is None for record in RECORDS)


# Records that are not in their place; known to the main process, which plans.
MISSING = set()
if workflow.is_main_process and RECORDS:
    put_back(RECORDS)
    MISSING.update(record for record in RECORDS if not os.path.exists(record))
    logger.info(
        f"Study {STUDY['study']}: {len(RECORDS):,} training runs, {unfinished():,} to do."
    )
    for name, entry in GRID.datasets.items():
        warning = outdated(
            name, STUDY["datasets"].get(name, {}), dataset_folder(name, entry)
        )
        if warning:
            logger.warning(warning)


def manifest_of(wildcards):
    """The prepared data set that the runs of a digest are trained on; none for simulated runs."""
    entry = GRID.settings[wildcards.digest]["dataset"]
    if entry["source"] == "simulated":
        return []
    return f"{dataset_folder(wildcards.dataset, entry)}/manifest.json"


def weights_of(wildcards):
    """The pretrained weights that the runs of a digest begin with, under their checksum; most have none."""
    recipe = GRID.settings[wildcards.digest].get("recipe", {})
    return (
        [f"{STORE}/{recipe['pretrained']['sha256']}"] if "pretrained" in recipe else []
    )


def weights_path(wildcards):
    """Where the study says that the weights of a checksum lie."""
    entries = (recipe.get("pretrained", {}) for recipe in STUDY["recipes"].values())
    return next(
        entry["path"] for entry in entries if entry.get("sha256") == wildcards.sha256
    )


def dog_of(wildcards):
    """The estimates of DoG that the runs of a recipe wait for, in one file whatever their pack; most have none."""
    group = {name: getattr(wildcards, name) for name in GROUP}
    *names, _ = group.values()
    return [DOG_PATH.format(**group)] if GRID.sources(*names) else []


def nothing_trained(wildcards):
    """In place of the inputs of a target that a study of bounds cannot have."""
    raise WorkflowError(
        f"Study {STUDY['study']}: bounds are computed and nothing is trained, so it has no runs, plan or archive. "
        f"Call snakemake without this target; that makes {RESULTS}/report.html"
    )


# Snakemake 9.27 passes over all that is downstream of a job that must run, and then goes on from that job through no
# `ancient` input: runs behind it would be forgotten, and the call would end as if all were done. So inputs are ancient
# to finished work alone, and the targets have the data sets and estimates as inputs of their own (`behind_ancient`).
def ancient_once_done(needed, records):
    """The inputs that `needed` names, a function of wildcards, ancient to a job once all its `records` are there."""

    def inputs(wildcards):
        missing = any(record in MISSING for record in records(wildcards))
        return needed(wildcards) if missing else ancient(needed(wildcards))

    return inputs


def records_of(pack):
    """The records of a training job, a function of its wildcards."""
    return lambda wildcards: [record.format(**wildcards) for record in pack.records]


def records_beside(wildcards):
    """The records of one data set, recipe and architecture."""
    return [run.path for run in GRID.runs if run.group() == tuple(wildcards)]


def behind_ancient(wildcards):
    """The data sets and estimates of the study that are there; what is not is made for the runs that miss it."""
    if GRID is None:
        return []
    groups = {run.group(): run for run in GRID.runs}.values()
    files = {
        file
        for group in groups
        for file in [*as_list(manifest_of(group)), *dog_of(group), *weights_of(group)]
    }
    return sorted(file for file in files if os.path.exists(file))


def gpus_of(wildcards):
    """How many GPUs a training job asks for; one where execution.gpus does not name its recipe and it may use any."""
    computed = "simulate" in STUDY or STUDY["execution"]["device"] == "cpu"
    return STUDY["execution"]["gpus"].get(wildcards.recipe, 0 if computed else 1)


def python_of(wildcards):
    """The interpreter of a training job, behind the claim of GPUs of its own where no scheduler gives them."""
    gpus = gpus_of(wildcards)
    return (
        f"{PYTHON} -m decay_atlas.execution.devices {gpus} {PYTHON}" if gpus else PYTHON
    )


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


TABLES = tables()


def code_of(module):
    """The digest of the code behind a module; a function, because training jobs read the rules too and do not need it."""
    return lambda wildcards: source_digest(module)


def reported(path, caption, category, label):
    """An output file, marked for `snakemake --report` with its place there and a caption."""
    return report(
        path,
        caption=f"../report/{caption}.rst",
        category=category,
        labels={"result": label},
    )


def table(name):
    """The output file of a table."""
    path = f"{RESULTS}/tables/{name}.csv"
    return reported(path, f"table_{name}", *labelled(name, Table))


def figure(name):
    """The output file of a figure."""
    path = f"{RESULTS}/figures/{name}.svg"
    return reported(path, f"figure_{name}", *labelled(name, Figure))


def page(caption):
    """The output file of the whole report."""
    return reported(f"{RESULTS}/report.html", caption, "1. Report", "1. Report")
