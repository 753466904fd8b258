# From tables to figures and to the report of each analysis. Nothing here computes a statistic.
from nma.report.settings import (
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    POPULATION_TABLES,
    figure_labels,
    figures_of,
    has_populations,
    population_settings,
    report_inputs,
    report_settings,
    template_files,
)

FORMATS = ["svg", "png"]
LABELS = figure_labels(project)


rule plot_outcome:
    input:
        evidence=rules.build_evidence.output[0],
        network=rules.summarise_models.output.network,
        tables=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/{{model}}/{{table}}.csv",
            model=MODELS,
            table=[
                "relative_effects",
                "ranking",
                "rank_probabilities",
                "heterogeneity",
                "densities",
                "data_points",
            ],
        ),
    output:
        [
            report(
                f"{RESULTS}/{{analysis}}/{{outcome}}/network/network.{kind}",
                caption="../report/network.rst",
                category="{analysis}",
                subcategory="{outcome}",
                labels={"figure": "network", "model": "all", "format": kind},
            )
            for kind in FORMATS
        ],
        [
            report(
                f"{RESULTS}/{{analysis}}/{{outcome}}/{model}/figures/{figure}.{kind}",
                caption=f"../report/{figure}.rst",
                category="{analysis}",
                subcategory="{outcome}",
                labels={"figure": figure, "model": model, "format": kind},
            )
            for model in MODELS
            for figure in figures_of(project, model)
            for kind in FORMATS
        ],
    log:
        "logs/{analysis}/{outcome}/plot_outcome.log",
    conda:
        "../../envs/nma.yaml"
    params:
        models=MODELS,
        labels=LABELS,
        inconsistency=False,
        code=code_digest(Path("scripts/plot_outcome.py")),
    script:
        "../../scripts/plot_outcome.py"


# The analysis whose inconsistency is assessed has figures of it, drawn in the same job.
if project.config.inconsistency:

    use rule plot_outcome as plot_outcome_and_inconsistency with:
        input:
            evidence=rules.plot_outcome.input.evidence,
            network=rules.plot_outcome.input.network,
            tables=rules.plot_outcome.input.tables,
            inconsistency=expand(
                f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/inconsistency/{{table}}.csv",
                table=INCONSISTENCY_TABLES,
            ),
        output:
            rules.plot_outcome.output,
            [
                report(
                    f"{RESULTS}/{{analysis}}/{{outcome}}/inconsistency/figures/{figure}.{kind}",
                    caption=f"../report/{figure}.rst",
                    category="{analysis}",
                    subcategory="{outcome}",
                    labels={
                        "figure": figure,
                        "model": project.config.headline,
                        "format": kind,
                    },
                )
                for figure in INCONSISTENCY_FIGURES
                for kind in FORMATS
            ],
        wildcard_constraints:
            analysis=project.config.inconsistency,
        params:
            models=MODELS,
            labels=LABELS,
            inconsistency=True,
            code=code_digest(Path("scripts/plot_outcome.py")),

    ruleorder: plot_outcome_and_inconsistency > plot_outcome


rule plot_analysis:
    input:
        f"{RESULTS}/{{analysis}}/summary/ranking.csv",
    output:
        [
            report(
                f"{RESULTS}/{{analysis}}/summary/sucra.{kind}",
                caption="../report/sucra.rst",
                category="{analysis}",
                subcategory="all outcomes",
                labels={
                    "figure": "sucra",
                    "model": project.config.headline,
                    "format": kind,
                },
            )
            for kind in FORMATS
        ],
    log:
        "logs/{analysis}/plot_analysis.log",
    conda:
        "../../envs/nma.yaml"
    params:
        labels=LABELS,
        code=code_digest(Path("scripts/plot_analysis.py")),
    script:
        "../../scripts/plot_analysis.py"


# Where any study describes its patients: one job for all analyses, it takes a second each.
if has_populations(project):

    rule plot_populations:
        input:
            [
                f"{project.config.shared_results}/evidence/{table}.csv"
                for table in POPULATION_TABLES
            ],
        output:
            [
                report(
                    f"{RESULTS}/{analysis}/summary/populations.{kind}",
                    caption="../report/populations.rst",
                    category=analysis,
                    subcategory="all outcomes",
                    labels={
                        "figure": "populations",
                        "model": "all",
                        "format": kind,
                    },
                )
                for analysis in project.config.analyses
                for kind in FORMATS
            ],
        log:
            "logs/plot_populations.log",
        conda:
            "../../envs/nma.yaml"
        params:
            labels={"analyses": LABELS["analyses"]},
            populations={
                analysis: population_settings(project, analysis)
                for analysis in project.config.analyses
            },
            code=code_digest(Path("scripts/plot_populations.py")),
        script:
            "../../scripts/plot_populations.py"


rule write_report:
    input:
        lambda w: report_inputs(project, w.analysis),
        rules.summarise_analysis.output,
        f"{RESULTS}/{{analysis}}/summary/sucra.svg",
        (
            f"{RESULTS}/{{analysis}}/summary/populations.svg"
            if has_populations(project)
            else []
        ),
        evidence=rules.gather_evidence.output,
        sources=rules.verify_sources.output if project.sheets else [],
        sensitivity=rules.compare_analyses.output[0],
        templates=template_files(),
    output:
        f"{RESULTS}/{{analysis}}/report.html",
    log:
        "logs/{analysis}/write_report.log",
    conda:
        "../../envs/nma.yaml"
    params:
        settings=lambda w: report_settings(project, w.analysis),
        code=code_digest(Path("scripts/write_report.py")),
    script:
        "../../scripts/write_report.py"
