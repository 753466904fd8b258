# From study sheets and tables to the evidence of every fit.
from secondline.evidence.gather import TABLES as EVIDENCE_TABLES
from secondline.evidence.populations import populations_digest
from secondline.evidence.selection import evidence_digest
from secondline.layout import POPULATION_TABLES


# The digest of the evidence decides whether this runs again, not the age of its sources: an edit to one outcome of a
# sheet leaves the evidence of the others, and so their fits, alone.
rule build_evidence:
    input:
        sources=ancient(
            lambda w: settings.evidence_files(project, w.analysis, w.outcome)
        ),
    output:
        f"{RESULTS}/{{analysis}}/{{outcome}}/evidence.csv",
    log:
        "logs/{analysis}/{outcome}/build_evidence.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        config=OPENED.copy,
        digest=lambda w: evidence_digest(project, w.analysis, w.outcome),
    script:
        "../../scripts/build_evidence.py"


rule gather_evidence:
    input:
        sources=settings.input_files(project),
        config=OPENED.own_files,
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
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        config=lambda w: OPENED.copy,
        changes=OPENED.changes,
        code=code_behind("gather_evidence"),
    script:
        "../../scripts/gather_evidence.py"


# As with the evidence of fits, the digest of the tables decides: the figure of them is drawn again if they change.
rule describe_patients:
    input:
        sources=ancient(settings.input_files(project)),
    output:
        [
            report(
                f"{project.config.shared_results}/evidence/{table}.csv",
                caption="../report/evidence.rst",
                category="all analyses",
                labels={"table": table},
            )
            for table in POPULATION_TABLES
        ],
    log:
        "logs/evidence/describe_patients.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        config=lambda w: OPENED.copy,
        digest=populations_digest(project),
    script:
        "../../scripts/describe_patients.py"
