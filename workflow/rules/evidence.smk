# From study sheets to the evidence of every fit.


# The digest of the evidence decides whether this runs again, not the age of the sheets: an edit to one outcome of a
# sheet leaves the evidence of the others, and so their fits, alone.
rule build_evidence:
    input:
        sheets=ancient(lambda w: plan.evidence_sheets(project, w.outcome)),
    output:
        f"{RESULTS}/{{analysis}}/{{outcome}}/evidence.csv",
    log:
        "logs/{analysis}/{outcome}/build_evidence.log",
    conda:
        "../../envs/nma.yaml"
    params:
        config=str(CONFIG),
        digest=lambda w: plan.evidence_digest(project, w.analysis, w.outcome),
    script:
        "../../scripts/build_evidence.py"


rule gather_evidence:
    input:
        sheets=expand(
            "{folder}/{study}.yaml",
            folder=project.config.studies,
            study=project.sheets,
        ),
        config=str(CONFIG),
        treatments=project.config.treatments,
    output:
        expand(
            "{results}/evidence/{table}.csv",
            results=RESULTS,
            table=["effects", "counts", "arms", "settings", "audit"],
        ),
    log:
        "logs/evidence/gather_evidence.log",
    conda:
        "../../envs/nma.yaml"
    params:
        code=code_digest(Path("scripts/gather_evidence.py")),
    script:
        "../../scripts/gather_evidence.py"
