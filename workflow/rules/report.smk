# From tables to figures and to the report of each analysis. Nothing here computes a statistic.
from nma.report.settings import figures_of, report_settings


def labelled(file, name, model, kind, outcome="{outcome}"):
    """A figure as an output that `snakemake --report` collects."""
    return report(
        file,
        caption=f"../report/{name}.rst",
        category="{analysis}",
        subcategory=outcome,
        labels={"figure": name, "model": model, "format": kind},
    )


def tables_of(wildcards, outcomes, models, tables):
    return expand(
        f"{RESULTS}/{wildcards.analysis}/{{outcome}}/{{model}}/{{table}}.csv",
        outcome=outcomes,
        model=models,
        table=tables,
    )


def tables_of_report(wildcards):
    """Everything a report reads, but for the tables that all analyses share."""
    outcomes, headline = (
        project.config.outcomes_of(wildcards.analysis),
        project.config.headline,
    )
    folder = f"{RESULTS}/{wildcards.analysis}"
    return [
        *tables_of(
            wildcards,
            outcomes,
            MODELS,
            ["heterogeneity", "fit_statistics", "exact_check"],
        ),
        *tables_of(
            wildcards,
            outcomes,
            headline,
            ["ranking", "relative_effects", "league_table", "mixtures"],
        ),
        *expand(f"{folder}/{{outcome}}/evidence.csv", outcome=outcomes),
        *expand(f"{folder}/{{outcome}}/network/network.svg", outcome=outcomes),
        *expand(
            f"{folder}/{{outcome}}/{headline}/figures/{{figure}}.svg",
            outcome=outcomes,
            figure=figures_of(project, headline),
        ),
    ]


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
            ],
        ),
    output:
        [
            labelled(
                f"{RESULTS}/{{analysis}}/{{outcome}}/network/network.{kind}",
                "network",
                "all",
                kind,
            )
            for kind in ("svg", "png")
        ],
        [
            labelled(
                f"{RESULTS}/{{analysis}}/{{outcome}}/{model}/figures/{figure}.{kind}",
                figure,
                model,
                kind,
            )
            for model in MODELS
            for figure in figures_of(project, model)
            for kind in ("svg", "png")
        ],
    log:
        "logs/{analysis}/{outcome}/plot_outcome.log",
    conda:
        "../../envs/nma.yaml"
    params:
        models=MODELS,
        labels=plan.label_settings(project),
        code=code_digest(Path("scripts/plot_outcome.py")),
    script:
        "../../scripts/plot_outcome.py"


rule plot_analysis:
    input:
        f"{RESULTS}/{{analysis}}/summary/ranking.csv",
    output:
        [
            labelled(
                f"{RESULTS}/{{analysis}}/summary/sucra.{kind}",
                "sucra",
                project.config.headline,
                kind,
                "all outcomes",
            )
            for kind in ("svg", "png")
        ],
    log:
        "logs/{analysis}/plot_analysis.log",
    conda:
        "../../envs/nma.yaml"
    params:
        labels=plan.label_settings(project),
        code=code_digest(Path("scripts/plot_analysis.py")),
    script:
        "../../scripts/plot_analysis.py"


rule write_report:
    input:
        rules.gather_evidence.output,
        rules.summarise_analysis.output,
        rules.compare_analyses.output,
        f"{RESULTS}/{{analysis}}/summary/sucra.svg",
        tables_of_report,
        "workflow/nma/report/report.html.j2",
    output:
        f"{RESULTS}/{{analysis}}/report.html",
    log:
        "logs/{analysis}/write_report.log",
    conda:
        "../../envs/nma.yaml"
    params:
        results=RESULTS,
        settings=lambda w: report_settings(project, w.analysis),
        code=code_digest(Path("scripts/write_report.py")),
    script:
        "../../scripts/write_report.py"
