# From posteriors to tables. Nothing here samples.

from secondline.jobs.manifest_settings import manifest_setup
from secondline.layout import FINDINGS_TABLE, MANIFEST, PICO_TABLE

SUMMARY_TABLES = [
    "relative_effects",
    "rank_probabilities",
    "coefficients",
    "heterogeneity",
    "densities",
    "mixtures",
    "absolute_effects",
    "conversions",
]
# Of the tables of a model, those in Snakemake's own report.
REPORTED = [
    "ranking",
    "league_table",
]


rule summarise_models:
    input:
        evidence=rules.build_evidence.output[0],
        posteriors=rules.fit_models.output.posteriors,
    output:
        network=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/network/{{table}}.csv",
            table=["edges", "labels", "observed"],
        ),
        frequentist=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/frequentist/{{table}}.csv",
            table=["relative_effects", "ranking", "heterogeneity"],
        ),
        reported=[
            report(
                f"{RESULTS}/{{analysis}}/{{outcome}}/{model}/{table}.csv",
                caption=f"../report/{table}.rst",
                category="{analysis}",
                subcategory="{outcome}, tables",
                labels={"table": table, "model": model},
            )
            for model in MODELS
            for table in REPORTED
        ],
        tables=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/{{model}}/{{table}}.csv",
            model=MODELS,
            table=SUMMARY_TABLES,
        ),
        draws=f"{RESULTS}/{{analysis}}/{{outcome}}/{project.config.headline}/draws.csv.gz",
    log:
        "logs/{analysis}/{outcome}/summarise_models.log",
    group:
        OUTCOME
    conda:
        "../../envs/secondline.yaml"
    resources:
        mem_mb=lambda w, attempt: memory(w.analysis, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(w.analysis, w.outcome)) * attempt,
    params:
        models=MODELS,
        headline=project.config.headline,
        settings=lambda w: [settings.summary_settings(project, w.outcome, w.analysis)],
        code=code_behind("summarise_models"),
    script:
        "../../scripts/summarise_models.py"


rule summarise_analysis:
    input:
        lambda w: expand(
            f"{RESULTS}/{w.analysis}/{{outcome}}/{{model}}/{{file}}",
            outcome=project.config.outcomes_of(w.analysis),
            model=MODELS,
            file=[
                "posterior.nc",
                "diagnostics.csv",
                "relative_effects.csv",
                "ranking.csv",
            ],
        ),
        lambda w: expand(
            f"{RESULTS}/{w.analysis}/{{outcome}}/evidence.csv",
            outcome=project.config.outcomes_of(w.analysis),
        ),
    output:
        expand(
            f"{RESULTS}/{{{{analysis}}}}/summary/{{table}}.csv",
            table=["ranking", "fits", "league_pairs", "models"],
        ),
    log:
        "logs/{analysis}/summarise_analysis.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        outcomes=lambda w: project.config.outcomes_of(w.analysis),
        models=MODELS,
        headline=project.config.headline,
        pairs=lambda w: project.config.pairs_of(w.analysis),
        treatments=list(project.treatments.regimens),
        sampler=project.config.sampler.model_dump(),
        code=code_behind("summarise_analysis"),
    script:
        "../../scripts/summarise_analysis.py"


if project.config.pico:

    rule tabulate_pico:
        input:
            lambda w: [
                f"{RESULTS}/{w.analysis}/{outcome}/{project.config.headline}/relative_effects.csv"
                for outcome in project.config.outcomes_of(w.analysis)
            ],
        output:
            f"{RESULTS}/{{analysis}}/{PICO_TABLE}.csv",
        log:
            "logs/{analysis}/tabulate_pico.log",
        localrule: True
        conda:
            "../../envs/secondline.yaml"
        params:
            folder=lambda w: f"{RESULTS}/{w.analysis}",
            settings=lambda w: [settings.pico_settings(project, w.analysis)],
            code=code_behind("tabulate_pico"),
        script:
            "../../scripts/tabulate_pico.py"


if project.config.leave_one_out:

    rule leave_one_out:
        input:
            evidence=f"{RESULTS}/{project.config.leave_one_out}/{{outcome}}/evidence.csv",
        output:
            f"{RESULTS}/{project.config.leave_one_out}/{{outcome}}/leave_one_out.csv",
        log:
            f"logs/{project.config.leave_one_out}/{{outcome}}/leave_one_out.log",
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(project.config.leave_one_out, w.outcome)
            * attempt,
            runtime=lambda w, attempt: fit_minutes(
                arms(project.config.leave_one_out, w.outcome)
            )
            * attempt,
        params:
            fit=lambda w: [
                settings.fit_settings(project, project.config.leave_one_out, w.outcome)
            ],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            code=code_behind("leave_one_out"),
        script:
            "../../scripts/leave_one_out.py"


rule solve_exactly:
    input:
        evidence=f"{RESULTS}/{{analysis}}/{{outcome}}/evidence.csv",
    output:
        f"{RESULTS}/{{analysis}}/{{outcome}}/exact.csv",
    log:
        "logs/{analysis}/{outcome}/solve_exactly.log",
    conda:
        "../../envs/secondline.yaml"
    resources:
        mem_mb=lambda w, attempt: memory(w.analysis, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(w.analysis, w.outcome)) * attempt,
    params:
        fit=lambda w: [settings.fit_settings(project, w.analysis, w.outcome)],
        summary=lambda w: [settings.summary_settings(project, w.outcome)],
        code=code_behind("solve_exactly"),
    script:
        "../../scripts/solve_exactly.py"


if project.config.inconsistency:

    rule assess_inconsistency:
        input:
            evidence=f"{RESULTS}/{project.config.inconsistency}/{{outcome}}/evidence.csv",
            statistics=f"{RESULTS}/{project.config.inconsistency}/{{outcome}}/{project.config.headline}/fit_statistics.csv",
            points=f"{RESULTS}/{project.config.inconsistency}/{{outcome}}/{project.config.headline}/data_points.csv",
        output:
            expand(
                f"{RESULTS}/{project.config.inconsistency}/{{{{outcome}}}}/inconsistency/{{table}}.csv",
                table=[
                    "degrees_of_freedom",
                    "node_splits",
                    "unrelated_effects",
                    "fit_statistics",
                    "data_points",
                ],
            ),
        log:
            f"logs/{project.config.inconsistency}/{{outcome}}/assess_inconsistency.log",
        group:
            OUTCOME.replace("{analysis}", project.config.inconsistency)
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(project.config.inconsistency, w.outcome)
            * attempt,
            runtime=lambda w, attempt: fit_minutes(
                arms(project.config.inconsistency, w.outcome)
            )
            * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [
                settings.fit_settings(project, project.config.inconsistency, w.outcome)
            ],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            code=code_behind("assess_inconsistency"),
        script:
            "../../scripts/assess_inconsistency.py"


rule compare_analyses:
    input:
        tables=[
            f"{RESULTS}/{analysis}/{outcome}/{model}/{table}.csv"
            for analysis, outcome in FITS
            for model in MODELS
            for table in ("relative_effects", "ranking")
        ],
        evidence=[
            f"{RESULTS}/{analysis}/{outcome}/evidence.csv"
            for analysis, outcome in [*FITS, *SOLVED]
        ],
        left_out=(
            [
                f"{RESULTS}/{project.config.leave_one_out}/{outcome}/leave_one_out.csv"
                for outcome in project.config.outcomes_of(project.config.leave_one_out)
            ]
            if project.config.leave_one_out
            else []
        ),
        solved=[
            f"{RESULTS}/{analysis}/{outcome}/exact.csv" for analysis, outcome in SOLVED
        ],
    output:
        report(
            f"{project.config.shared_results}/summary/sensitivity.csv",
            caption="../report/sensitivity.rst",
            category="all analyses",
            labels={"table": "sensitivity"},
        ),
    log:
        "logs/summary/compare_analyses.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        fits=FITS,
        models=MODELS,
        results=lambda w: RESULTS,
        overlaps=[
            (*fit, found)
            for fit in [*FITS, *SOLVED]
            if (found := settings.overlaps_of(project, *fit))
        ],
        biases=[
            (*fit, found)
            for fit in [*FITS, *SOLVED]
            if (found := settings.bias_of(project, *fit))
        ],
        code=code_behind("compare_analyses"),
    script:
        "../../scripts/compare_analyses.py"


# What another run is compared with.
rule write_manifest:
    input:
        rules.compare_analyses.output,
        [
            f"{RESULTS}/{analysis}/summary/fits.csv"
            for analysis in project.config.reported
        ],
        findings=[
            f"{RESULTS}/{project.config.base}/{outcome}/certainty/{FINDINGS_TABLE}.csv"
            for outcome in project.config.outcomes_of(project.config.base)
        ],
    output:
        f"{project.config.shared_results}/{MANIFEST}",
    log:
        "logs/summary/write_manifest.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        results=lambda w: project.config.shared_results,
        setup=lambda w: [
            manifest_setup(
                project, OPENED.document, FITS, SOLVED, code_behind("fit_models")
            )
        ],
        code=code_behind("write_manifest"),
    script:
        "../../scripts/write_manifest.py"
