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
    conda:
        "../../envs/nma.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2500 * attempt,
        runtime=60,
    params:
        settings=lambda w: plan.fit_settings(project, w.analysis, w.outcome),
        code=code_digest(Path("scripts/fit_models.py")),
    script:
        "../../scripts/fit_models.py"
