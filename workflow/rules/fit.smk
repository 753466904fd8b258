# All models of one outcome of one analysis in one job: import and compilation cost more than the draws.


rule fit_models:
    input:
        evidence=rules.build_evidence.output[0],
    output:
        posteriors=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/{{model}}/posterior.nc",
            model=MODELS,
        ),
        tables=expand(
            f"{RESULTS}/{{{{analysis}}}}/{{{{outcome}}}}/{{model}}/{{table}}.csv",
            model=MODELS,
            table=[
                "diagnostics",
                "exact_check",
                "fit_statistics",
                "loo",
                "data_points",
            ],
        ),
        timings=f"{RESULTS}/{{analysis}}/{{outcome}}/timings.csv",
    log:
        "logs/{analysis}/{outcome}/fit_models.log",
    benchmark:
        "logs/{analysis}/{outcome}/fit_models.benchmark.tsv"
    conda:
        "../../envs/secondline.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: memory(w.analysis, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(w.analysis, w.outcome)) * attempt,
    params:
        settings=lambda w: [settings.fit_settings(project, w.analysis, w.outcome)],
        code=code_behind("fit_models"),
    script:
        "../../scripts/fit_models.py"
