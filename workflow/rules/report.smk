# From tables to figures and to the report of each analysis. Nothing here computes a statistic.
from nma.report.settings import (
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    POPULATION_TABLES,
    absolute_outcomes,
    analysis_figures,
    figure_labels,
    figures_of,
    has_populations,
    population_settings,
    report_inputs,
    report_settings,
)

# Every figure is written in three formats; Snakemake's report shows the first.
SHOWN, COPIES = "svg", ["pdf", "png"]
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
        report(
            f"{RESULTS}/{{analysis}}/{{outcome}}/network/network.{SHOWN}",
            caption="../report/network.rst",
            category="{analysis}",
            subcategory="{outcome}",
            labels={"figure": "network", "model": "all"},
        ),
        [
            report(
                f"{RESULTS}/{{analysis}}/{{outcome}}/{model}/figures/{figure}.{SHOWN}",
                caption=f"../report/{figure}.rst",
                category="{analysis}",
                subcategory="{outcome}",
                labels={"figure": figure, "model": model},
            )
            for model in MODELS
            for figure in figures_of(project, model)
        ],
        [
            f"{RESULTS}/{{analysis}}/{{outcome}}/{file}.{kind}"
            for file in [
                "network/network",
                *(
                    f"{model}/figures/{figure}"
                    for model in MODELS
                    for figure in figures_of(project, model)
                ),
            ]
            for kind in COPIES
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
                    f"{RESULTS}/{{analysis}}/{{outcome}}/inconsistency/figures/{figure}.{SHOWN}",
                    caption=f"../report/{figure}.rst",
                    category="{analysis}",
                    subcategory="{outcome}",
                    labels={"figure": figure, "model": project.config.headline},
                )
                for figure in INCONSISTENCY_FIGURES
            ],
            [
                f"{RESULTS}/{{analysis}}/{{outcome}}/inconsistency/figures/{figure}.{kind}"
                for figure in INCONSISTENCY_FIGURES
                for kind in COPIES
            ],
        wildcard_constraints:
            analysis=project.config.inconsistency,
        params:
            models=MODELS,
            labels=LABELS,
            inconsistency=True,
            code=code_digest(Path("scripts/plot_outcome.py")),

    ruleorder: plot_outcome_and_inconsistency > plot_outcome


# One job for all analyses, whose figures depend on the outcomes that they have: it takes a few seconds.
rule plot_analyses:
    input:
        [
            f"{RESULTS}/{analysis}/summary/ranking.csv"
            for analysis in project.config.analyses
        ],
        [
            f"{RESULTS}/{analysis}/{outcome}/{project.config.headline}/{table}.csv"
            for analysis, outcome in FITS
            for table in ("absolute_effects", "relative_effects", "ranking")
        ],
    output:
        [
            report(
                f"{RESULTS}/{analysis}/summary/{figure}.{SHOWN}",
                caption=f"../report/{figure.partition('_')[0]}.rst",
                category=analysis,
                subcategory="all outcomes",
                labels={"figure": figure, "model": project.config.headline},
            )
            for analysis in project.config.analyses
            for figure in analysis_figures(project, analysis)
        ],
        [
            f"{RESULTS}/{analysis}/summary/{figure}.{kind}"
            for analysis in project.config.analyses
            for figure in analysis_figures(project, analysis)
            for kind in COPIES
        ],
    log:
        "logs/plot_analyses.log",
    conda:
        "../../envs/nma.yaml"
    params:
        results=lambda w: RESULTS,
        labels=LABELS,
        absolute={
            analysis: absolute_outcomes(project, analysis)
            for analysis in project.config.analyses
        },
        pairs={
            analysis: project.config.pairs_of(analysis)
            for analysis in project.config.analyses
        },
        code=code_digest(Path("scripts/plot_analyses.py")),
    script:
        "../../scripts/plot_analyses.py"


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
                    f"{RESULTS}/{analysis}/summary/populations.{SHOWN}",
                    caption="../report/populations.rst",
                    category=analysis,
                    subcategory="all outcomes",
                    labels={"figure": "populations", "model": "all"},
                )
                for analysis in project.config.analyses
            ],
            [
                f"{RESULTS}/{analysis}/summary/populations.{kind}"
                for analysis in project.config.analyses
                for kind in COPIES
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
        (
            f"{RESULTS}/{{analysis}}/summary/populations.svg"
            if has_populations(project)
            else []
        ),
        evidence=rules.gather_evidence.output,
        sources=rules.verify_sources.output if project.sheets else [],
        sensitivity=rules.compare_analyses.output[0],
        templates=sorted(map(str, Path("workflow/nma/report").rglob("*.j2"))),
        checklist="workflow/nma/report/prisma_nma.csv",
    output:
        page=report(
            f"{RESULTS}/{{analysis}}/report.html",
            caption="../report/report.rst",
            category="{analysis}",
            subcategory="report",
            labels={"file": "report"},
        ),
        prisma=report(
            f"{RESULTS}/{{analysis}}/summary/prisma_nma.csv",
            caption="../report/prisma_nma.rst",
            category="{analysis}",
            subcategory="report",
            labels={"file": "PRISMA-NMA checklist"},
        ),
        workbook=f"{RESULTS}/{{analysis}}/tables.xlsx",
        document=f"{RESULTS}/{{analysis}}/league_tables.docx",
    log:
        "logs/{analysis}/write_report.log",
    conda:
        "../../envs/nma.yaml"
    params:
        settings=lambda w: report_settings(project, w.analysis),
        code=code_digest(Path("scripts/write_report.py")),
    script:
        "../../scripts/write_report.py"
