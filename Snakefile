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
FITS = [fit for fit in plan.fits(project.config) if fit[0] in project.config.reported]
SOLVED = [fit for fit in plan.fits(project.config) if fit not in FITS]
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


# Every file of results/README.md, so that one that is missing is made again.
rule all:
    input:
        rules.gather_evidence.output,
        rules.verify_sources.output if project.sheets else [],
        [
            expand(
                [
                    *rules.build_evidence.output,
                    *rules.fit_models.output,
                    *rules.summarise_models.output,
                    *rules.plot_outcome.output,
                ],
                analysis=analysis,
                outcome=outcome,
            )
            for analysis, outcome in FITS
        ],
        (
            expand(
                [
                    *rules.assess_inconsistency.output,
                    *rules.plot_outcome_and_inconsistency.output,
                ],
                analysis=project.config.inconsistency,
                outcome=project.config.outcomes_of(project.config.inconsistency),
            )
            if project.config.inconsistency
            else []
        ),
        (
            expand(
                rules.leave_one_out.output,
                outcome=project.config.outcomes_of(project.config.leave_one_out),
            )
            if project.config.leave_one_out
            else []
        ),
        [
            expand(
                [*rules.build_evidence.output, *rules.solve_exactly.output],
                analysis=analysis,
                outcome=outcome,
            )
            for analysis, outcome in SOLVED
        ],
        rules.compare_analyses.output,
        expand(
            [*rules.summarise_analysis.output, *rules.write_report.output],
            analysis=project.config.reported,
        ),
        [
            f"{RESULTS}/{analysis}/summary/{figure}.{kind}"
            for analysis in project.config.reported
            for figure in analysis_figures(project, analysis)
            for kind in [SHOWN, *COPIES]
        ],
        rules.plot_populations.output if has_populations(project) else [],


# Snakemake says of a job that failed no more than its command.
onerror:
    print(RUN.failed(), file=sys.stderr)
