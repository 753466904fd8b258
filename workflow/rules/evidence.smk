# From study sheets and tables to the evidence of every fit.
from nma.evidence.gather import TABLES as EVIDENCE_TABLES


# The digest of the evidence decides whether this runs again, not the age of its sources: an edit to one outcome of a
# sheet leaves the evidence of the others, and so their fits, alone.
rule build_evidence:
    input:
        sources=ancient(lambda w: plan.evidence_files(project, w.analysis, w.outcome)),
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
        sources=plan.input_files(project),
        config=str(CONFIG),
    output:
        [
            report(
                f"{project.config.shared_results}/evidence/{table}.csv",
                caption="../report/evidence.rst",
                category="all analyses",
                labels={"table": table},
            )
            for table in EVIDENCE_TABLES
        ],
    log:
        "logs/evidence/gather_evidence.log",
    conda:
        "../../envs/nma.yaml"
    params:
        code=code_digest(Path("scripts/gather_evidence.py")),
    script:
        "../../scripts/gather_evidence.py"
