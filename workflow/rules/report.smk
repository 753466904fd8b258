# From tables to figures and to the report of each analysis. Nothing here computes a statistic.
from nma.report.settings import figures_of, report_inputs, report_settings

FORMATS = ["svg", "png"]


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
        labels=plan.label_settings(project),
        code=code_digest(Path("scripts/plot_outcome.py")),
    script:
        "../../scripts/plot_outcome.py"


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
        labels=plan.label_settings(project),
        code=code_digest(Path("scripts/plot_analysis.py")),
    script:
        "../../scripts/plot_analysis.py"


rule write_report:
    input:
        rules.gather_evidence.output,
        rules.summarise_analysis.output,
        rules.compare_analyses.output,
        lambda w: report_inputs(project, w.analysis),
        f"{RESULTS}/{{analysis}}/summary/sucra.svg",
        template="workflow/nma/report/report.html.j2",
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
