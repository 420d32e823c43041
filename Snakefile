# decay-atlas: from a study's grid to its report. README.md says how to use it.
import os

from snakemake.utils import min_version

min_version("9.27")

# It lies beside this file, wherever the working directory is.
BASE = os.path.relpath(os.path.join(workflow.basedir, "config.yaml"))


configfile: BASE


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


if "lookahead" in STUDY:

    include: "workflow/rules/lookahead.smk"

else:

    include: "workflow/rules/runs.smk"
    include: "workflow/rules/tables.smk"
    include: "workflow/rules/recipes.smk"
    include: "workflow/rules/report.smk"
    include: "workflow/rules/preflight.smk"


# The records are targets of their own: without them, a record that was removed would not be missed.
rule all:
    default_target: True
    input:
        behind_ancient,
        RECORDS,
        f"{RESULTS}/report.html",


localrules:
    all,
