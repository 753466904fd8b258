# From tables to figures and to the report of each analysis. Nothing here computes a statistic.
from secondline.layout import (
    CHECKLIST_TABLES,
    FINDINGS_DOCUMENT,
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    PAGE_MODELS,
)
from secondline.jobs.certainty_settings import judged_studies
from secondline.jobs.doubt_facts import (
    doubt_facts,
    doubt_figures,
    doubt_outcomes,
    doubt_tables,
)
from secondline.jobs.provenance import package_file
from secondline.jobs.report_settings import (
    absolute_outcomes,
    analysis_figures,
    analysis_labels,
    behind_tables,
    certainty_figures,
    certainty_tables,
    figure_labels,
    figures_of,
    has_populations,
    judged_outcomes,
    outcome_labels,
    page_model_inputs,
    population_settings,
    report_inputs,
    report_settings,
    solved_outcomes,
    template_files,
)
from secondline.report.settings import Labels

# Figures of an outcome have the names of the studies that report it, so that another study redraws none of them.
LABELS = figure_labels(project)
# Figures are SVG files of the headline model, which page and Snakemake's report show, and for papers PDF and PNG files
# with their captions as a text: of the analysis that the others vary in every run, of the others when asked for. The
# figures of other models are drawn when they are asked for.
SHOWN, COPIES = "svg", ["pdf", "png", "txt"]
HEADLINE = project.config.headline
OTHERS = [model for model in MODELS if model != HEADLINE]


rule plot_outcome:
    input:
        evidence=rules.build_evidence.output[0],
        network=rules.summarise_models.output.network,
        behind=lambda w: behind_tables(project, w.analysis, w.outcome),
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
                f"{RESULTS}/{{analysis}}/{{outcome}}/{HEADLINE}/figures/{figure}.{SHOWN}",
                caption=f"../report/{figure}.rst",
                category="{analysis}",
                subcategory="{outcome}",
                labels={"figure": figure, "model": HEADLINE},
            )
            for figure in figures_of(project, HEADLINE)
        ],
    log:
        "logs/{analysis}/{outcome}/plot_outcome.log",
    group:
        OUTCOME
    conda:
        "../../envs/secondline.yaml"
    params:
        models=[HEADLINE],
        labels=lambda w: [outcome_labels(project, w.outcome)],
        inconsistency=False,
        formats=[SHOWN],
        code=code_behind("plot_outcome"),
    script:
        "../../scripts/plot_outcome.py"


use rule plot_outcome as plot_outcome_for_papers with:
    output:
        [
            f"{RESULTS}/{{analysis}}/{{outcome}}/{file}.{kind}"
            for file in [
                "network/network",
                *(
                    f"{HEADLINE}/figures/{figure}"
                    for figure in figures_of(project, HEADLINE)
                ),
            ]
            for kind in COPIES
        ],
    log:
        "logs/{analysis}/{outcome}/plot_outcome_for_papers.log",
    params:
        models=[HEADLINE],
        labels=lambda w: [outcome_labels(project, w.outcome)],
        inconsistency=False,
        formats=COPIES,
        code=code_behind("plot_outcome"),


if OTHERS:

    use rule plot_outcome as plot_other_models with:
        output:
            [
                f"{RESULTS}/{{analysis}}/{{outcome}}/{model}/figures/{figure}.{SHOWN}"
                for model in OTHERS
                for figure in figures_of(project, model)
            ],
        log:
            "logs/{analysis}/{outcome}/plot_other_models.log",
        params:
            models=OTHERS,
            labels=lambda w: [outcome_labels(project, w.outcome)],
            inconsistency=False,
            formats=[SHOWN],
            code=code_behind("plot_outcome"),


# The analysis whose inconsistency is assessed has figures of it, drawn in the same job; with those for papers, where it is
# the one that has them in every run.
if project.config.inconsistency:
    FOR_PAPERS = project.config.inconsistency == project.config.base

    use rule plot_outcome as plot_outcome_and_inconsistency with:
        input:
            evidence=rules.plot_outcome.input.evidence,
            network=rules.plot_outcome.input.network,
            tables=rules.plot_outcome.input.tables,
            behind=lambda w: behind_tables(project, w.analysis, w.outcome),
            inconsistency=expand(
                f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/inconsistency/{{table}}.csv",
                table=INCONSISTENCY_TABLES,
            ),
        output:
            rules.plot_outcome.output,
            rules.plot_outcome_for_papers.output if FOR_PAPERS else [],
            [
                report(
                    f"{RESULTS}/{{analysis}}/{{outcome}}/inconsistency/figures/{figure}.{SHOWN}",
                    caption=f"../report/{figure}.rst",
                    category="{analysis}",
                    subcategory="{outcome}",
                    labels={"figure": figure, "model": HEADLINE},
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
            models=[HEADLINE],
            labels=lambda w: [outcome_labels(project, w.outcome)],
            inconsistency=True,
            formats=[SHOWN, *(COPIES if FOR_PAPERS else [])],
            code=code_behind("plot_outcome"),

    ruleorder: plot_outcome_and_inconsistency > plot_outcome_for_papers > plot_outcome


# A rule an analysis: its figures depend on the outcomes that it has.
for ANALYSIS in project.config.reported:
    for FOR, KINDS in (
        {"": [SHOWN, *COPIES]}
        if ANALYSIS == BASE
        else {"": [SHOWN], "_for_papers": COPIES}
    ).items():

        rule:
            name:
                f"plot_analysis_{ANALYSIS}{FOR}"
            input:
                f"{RESULTS}/{ANALYSIS}/summary/ranking.csv",
                [
                    f"{RESULTS}/{ANALYSIS}/{outcome}/{HEADLINE}/{table}.csv"
                    for outcome in project.config.outcomes_of(ANALYSIS)
                    for table in ("absolute_effects", "relative_effects", "ranking")
                ],
                [
                    f"{RESULTS}/{ANALYSIS}/{outcome}/network/observed.csv"
                    for outcome in absolute_outcomes(project, ANALYSIS)
                ],
                behind=[
                    table
                    for outcome in absolute_outcomes(project, ANALYSIS)
                    for table in behind_tables(project, ANALYSIS, outcome)
                ],
            output:
                [
                    (
                        report(
                            f"{RESULTS}/{ANALYSIS}/summary/{figure}.{kind}",
                            caption=f"../report/{figure.partition('_')[0]}.rst",
                            category=ANALYSIS,
                            subcategory="all outcomes",
                            labels={
                                "figure": figure,
                                "model": HEADLINE,
                            },
                        )
                        if kind == SHOWN
                        else f"{RESULTS}/{ANALYSIS}/summary/{figure}.{kind}"
                    )
                    for figure in analysis_figures(project, ANALYSIS)
                    for kind in KINDS
                ],
            log:
                f"logs/{ANALYSIS}/plot_analysis{FOR}.log",
            conda:
                "../../envs/secondline.yaml"
            params:
                analysis=ANALYSIS,
                labels=[analysis_labels(project)],
                absolute=absolute_outcomes(project, ANALYSIS),
                pairs=project.config.pairs_of(ANALYSIS),
                formats=KINDS,
                code=code_behind("plot_analysis"),
            script:
                "../../scripts/plot_analysis.py"


# A rule an outcome: its figures depend on what the configuration asks of it.
for ANALYSIS in project.config.reported:
    for NAME in doubt_outcomes(project, ANALYSIS):
        if doubt_figures(project, ANALYSIS, NAME):

            rule:
                name:
                    f"plot_doubt_{ANALYSIS}_{NAME}"
                input:
                    [
                        f"{RESULTS}/{ANALYSIS}/{NAME}/doubt/{table}"
                        for table in doubt_tables(project, ANALYSIS, NAME)
                    ],
                output:
                    [
                        report(
                            f"{RESULTS}/{ANALYSIS}/{NAME}/doubt/figures/{figure}.{SHOWN}",
                            caption=f"../report/{figure}.rst",
                            category=ANALYSIS,
                            subcategory=NAME,
                            labels={
                                "figure": figure,
                                "model": HEADLINE,
                            },
                        )
                        for figure in doubt_figures(project, ANALYSIS, NAME)
                    ],
                    [
                        f"{RESULTS}/{ANALYSIS}/{NAME}/doubt/figures/{figure}.{kind}"
                        for figure in doubt_figures(project, ANALYSIS, NAME)
                        for kind in COPIES
                    ],
                log:
                    f"logs/{ANALYSIS}/{NAME}/plot_doubt.log",
                conda:
                    "../../envs/secondline.yaml"
                params:
                    analysis=ANALYSIS,
                    outcome=NAME,
                    labels=[outcome_labels(project, NAME)],
                    facts=[doubt_facts(project, ANALYSIS, NAME)],
                    code=code_behind("plot_doubt"),
                script:
                    "../../scripts/plot_doubt.py"


# A rule an outcome: the figures of the analysis that the others vary.
for NAME in judged_outcomes(project, BASE):

    rule:
        name:
            f"plot_certainty_{NAME}"
        input:
            certainty_tables(project, BASE, NAME),
        output:
            [
                report(
                    f"{RESULTS}/{BASE}/{NAME}/certainty/figures/{figure}.{SHOWN}",
                    caption=f"../report/{figure}.rst",
                    category=BASE,
                    subcategory=NAME,
                    labels={"figure": figure, "model": HEADLINE},
                )
                for figure in certainty_figures(project, NAME)
            ],
            [
                f"{RESULTS}/{BASE}/{NAME}/certainty/figures/{figure}.{kind}"
                for figure in certainty_figures(project, NAME)
                for kind in COPIES
            ],
        log:
            f"logs/{BASE}/{NAME}/plot_certainty.log",
        conda:
            "../../envs/secondline.yaml"
        params:
            analysis=BASE,
            outcome=NAME,
            judged=[judged_studies(project, NAME)],
            figures=certainty_figures(project, NAME),
            labels=[outcome_labels(project, NAME)],
            code=code_behind("plot_certainty"),
        script:
            "../../scripts/plot_certainty.py"


rule write_findings:
    input:
        f"{RESULTS}/{BASE}/summary/fits.csv",
        [
            table
            for outcome in judged_outcomes(project, BASE)
            for table in certainty_tables(project, BASE, outcome)
        ],
    output:
        f"{RESULTS}/{BASE}/{FINDINGS_DOCUMENT}",
    log:
        f"logs/{BASE}/write_findings.log",
    conda:
        "../../envs/secondline.yaml"
    params:
        settings=[report_settings(project, BASE)],
        code=code_behind("write_findings"),
    script:
        "../../scripts/write_findings.py"


# Where any study describes its patients: one job for all analyses, it takes a second each.
if has_populations(project):

    rule plot_populations:
        input:
            rules.describe_patients.output,
        output:
            [
                report(
                    f"{RESULTS}/{analysis}/summary/populations.{SHOWN}",
                    caption="../report/populations.rst",
                    category=analysis,
                    subcategory="all outcomes",
                    labels={"figure": "populations", "model": "all"},
                )
                for analysis in project.config.reported
            ],
        log:
            "logs/plot_populations.log",
        conda:
            "../../envs/secondline.yaml"
        params:
            labels=[Labels(analyses=LABELS.analyses, studies=LABELS.studies)],
            populations={
                analysis: population_settings(project, analysis)
                for analysis in project.config.reported
            },
            formats=[SHOWN],
            code=code_behind("plot_populations"),
        script:
            "../../scripts/plot_populations.py"

    use rule plot_populations as plot_populations_for_papers with:
        output:
            expand(
                f"{RESULTS}/{{{{analysis}}}}/summary/populations.{{kind}}", kind=COPIES
            ),
        log:
            "logs/{analysis}/plot_populations.log",
        params:
            labels=[Labels(analyses=LABELS.analyses, studies=LABELS.studies)],
            populations=lambda w: {w.analysis: population_settings(project, w.analysis)},
            formats=COPIES,
            code=code_behind("plot_populations"),


# What the page solves by itself; the digest of the other readings decides, where the analysis has any.
rule export_models:
    input:
        unpack(lambda w: page_model_inputs(project, w.analysis, w.outcome)),
    output:
        f"{RESULTS}/{{analysis}}/{{outcome}}/{PAGE_MODELS}",
    log:
        "logs/{analysis}/{outcome}/export_models.log",
    group:
        OUTCOME
    conda:
        "../../envs/secondline.yaml"
    params:
        fit=lambda w: [settings.fit_settings(project, w.analysis, w.outcome)],
        summary=lambda w: [settings.summary_settings(project, w.outcome)],
        code=code_behind("export_models"),
    script:
        "../../scripts/export_models.py"


rule write_report:
    input:
        lambda w: report_inputs(project, w.analysis),
        rules.summarise_analysis.output,
        (
            f"{RESULTS}/{{analysis}}/summary/populations.svg"
            if has_populations(project)
            else []
        ),
        evidence=[*rules.gather_evidence.output, *rules.describe_patients.output],
        sources=rules.verify_sources.output if project.sheets else [],
        sensitivity=lambda w: (
            rules.compare_analyses.output[0]
            if w.analysis == project.config.base
            else f"{RESULTS}/{w.analysis}/summary/models.csv"
        ),
        templates=template_files(),
        checklists=[
            package_file(f"report/tables/{name}.csv")
            for name in ("prisma_nma", *CHECKLIST_TABLES)
        ],
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
        checklists=expand(
            f"{RESULTS}/{{{{analysis}}}}/summary/{{name}}.csv", name=CHECKLIST_TABLES
        ),
        workbook=f"{RESULTS}/{{analysis}}/tables.xlsx",
        document=f"{RESULTS}/{{analysis}}/league_tables.docx",
    log:
        "logs/{analysis}/write_report.log",
    conda:
        "../../envs/secondline.yaml"
    params:
        settings=lambda w: [report_settings(project, w.analysis)],
        code=code_behind("write_report"),
    script:
        "../../scripts/write_report.py"
