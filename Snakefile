# secondline: a Bayesian network meta-analysis from study sheets to ranked treatments.
# `snakemake` runs config/config.yaml; `snakemake --configfile my.yaml` runs another configuration instead.
from nma import plan
from nma.start import begin_run, open_project
from nma.provenance import code_digest
from pathlib import Path
import sys

CONFIG, project = open_project(workflow.overwrite_configfiles)
RUN = begin_run(workflow, CONFIG, project)
RESULTS = project.config.results
FITS = list(plan.fits(project.config))
MODELS = list(project.config.models)


wildcard_constraints:
    analysis="|".join(project.config.analyses),
    outcome="|".join(project.config.outcomes),
    model="|".join(MODELS),


# Earlier outputs stay until the new ones are whole, and come back when a job fails.
outputflags:
    update,


# A second of work each: on a cluster not worth a job of their own.
localrules:
    build_evidence,
    gather_evidence,
    summarise_analysis,
    compare_analyses,


# What `snakemake --report` says first: provenance; reading is for report.html.
report: "workflow/report/workflow.rst"


include: "workflow/rules/sources.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/summaries.smk"
include: "workflow/rules/report.smk"


def of_every_fit(outputs):
    """Outputs of a rule for every outcome of every analysis."""
    return [expand(outputs, analysis=a, outcome=o) for a, o in FITS]


def of_outcomes(outputs, analysis):
    """Outputs of a rule that one analysis has, for each of its outcomes."""
    return expand(outputs, outcome=project.config.outcomes_of(analysis))


# Every file of results/README.md, so that one that is missing is made again.
rule all:
    input:
        rules.gather_evidence.output,
        rules.verify_sources.output if project.sheets else [],
        rules.compare_analyses.output,
        (
            of_outcomes(rules.leave_one_out.output, project.config.leave_one_out)
            if project.config.leave_one_out
            else []
        ),
        (
            of_outcomes(
                rules.assess_inconsistency.output, project.config.inconsistency
            )
            if project.config.inconsistency
            else []
        ),
        of_every_fit(rules.build_evidence.output),
        of_every_fit(rules.fit_models.output),
        of_every_fit(rules.summarise_models.output),
        of_every_fit(rules.plot_outcome.output),
        expand(rules.summarise_analysis.output, analysis=project.config.analyses),
        [
            f"{RESULTS}/{analysis}/summary/{figure}.{kind}"
            for analysis in project.config.analyses
            for figure in analysis_figures(project, analysis)
            for kind in [SHOWN, *COPIES]
        ],
        rules.plot_populations.output if has_populations(project) else [],
        expand(rules.write_report.output, analysis=project.config.analyses),


# Snakemake says of a job that failed no more than its command.
onerror:
    print(RUN.failed(), file=sys.stderr)
