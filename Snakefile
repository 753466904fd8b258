# secondline: a Bayesian network meta-analysis from study sheets to ranked treatments.
# `snakemake` runs config/config.yaml; `snakemake --configfile my.yaml` runs another configuration instead.
from nma import plan
from nma.start import open_project
from nma.provenance import code_digest
from pathlib import Path

CONFIG, project = open_project(workflow.overwrite_configfiles)
RESULTS = project.config.results
FITS = list(plan.fits(project.config))
MODELS = list(project.config.models)


wildcard_constraints:
    analysis="|".join(project.config.analyses),
    outcome="|".join(project.config.outcomes),
    model="|".join(MODELS),


# A second of work each: on a cluster not worth a job of their own.
localrules:
    build_evidence,
    gather_evidence,
    gather_timings,
    summarise_analysis,
    compare_analyses,


# What `snakemake --report` says first: provenance; reading is for report.html.
report: "workflow/report/workflow.rst"


include: "workflow/rules/sources.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/summaries.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        rules.gather_evidence.output,
        rules.gather_timings.output,
        rules.compare_analyses.output,
        (
            expand(
                rules.assess_inconsistency.output,
                outcome=project.config.outcomes_of(project.config.inconsistency),
            )
            if project.config.inconsistency
            else []
        ),
        expand(rules.summarise_analysis.output, analysis=project.config.analyses),
        [expand(rules.plot_outcome.output, analysis=a, outcome=o) for a, o in FITS],
        [
            f"{RESULTS}/{analysis}/summary/{figure}.{kind}"
            for analysis in project.config.analyses
            for figure in analysis_figures(project, analysis)
            for kind in [SHOWN, *COPIES]
        ],
        rules.plot_populations.output if has_populations(project) else [],
        expand(rules.write_report.output, analysis=project.config.analyses),
