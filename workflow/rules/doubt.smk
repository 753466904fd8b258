# How far the answer can be trusted: other defensible analyses, by the exact engine alone.
from secondline.evidence.alternatives import alternatives_digest
from secondline.evidence.held_out import unused_digest
from secondline.evidence.spread import derivation_digest
from secondline.jobs import doubt_settings
from secondline.jobs.bias_settings import bias_settings
from secondline.layout import (
    BIAS_TABLES,
    HELD_OUT_TABLES,
    NEXT_STUDY_TABLE,
    OVERLAP_TABLE,
    PRIOR_FAN_TABLE,
    SPECIFICATION_TABLES,
    THRESHOLD_TABLES,
)

BASE = project.config.base


# The digest of the figures decides whether this runs again, as for the evidence itself.
rule list_held_out:
    input:
        sources=ancient(lambda w: settings.evidence_files(project, None, w.outcome)),
    output:
        f"{RESULTS}/{BASE}/{{outcome}}/doubt/unused_figures.csv",
    log:
        f"logs/{BASE}/{{outcome}}/list_held_out.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        analysis=BASE,
        config=OPENED.copy,
        digest=lambda w: unused_digest(project, BASE, w.outcome),
    script:
        "../../scripts/list_held_out.py"


rule assess_held_out:
    input:
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        unused=rules.list_held_out.output[0],
    output:
        expand(
            f"{RESULTS}/{BASE}/{{{{outcome}}}}/doubt/{{table}}.csv",
            table=HELD_OUT_TABLES,
        ),
    log:
        f"logs/{BASE}/{{outcome}}/assess_held_out.log",
    group:
        OUTCOME.replace("{analysis}", BASE)
    conda:
        "../../envs/secondline.yaml"
    resources:
        mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
    params:
        model=project.config.headline,
        fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
        summary=lambda w: [settings.summary_settings(project, w.outcome)],
        code=code_behind("assess_held_out"),
    script:
        "../../scripts/assess_held_out.py"


if project.config.overlaps:

    rule explore_overlap:
        input:
            evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        output:
            f"{RESULTS}/{BASE}/{{outcome}}/doubt/{OVERLAP_TABLE}.csv",
        log:
            f"logs/{BASE}/{{outcome}}/explore_overlap.log",
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
            runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            declared=lambda w: [
                settings.overlaps_of(project, BASE, w.outcome, how_many)
                for how_many in ("best", "bound")
            ],
            code=code_behind("explore_overlap"),
        script:
            "../../scripts/explore_overlap.py"


if project.config.specifications:

    # The digest of the alternatives decides whether this runs again, as for the evidence itself.
    rule list_alternatives:
        input:
            sources=ancient(lambda w: settings.evidence_files(project, None, w.outcome)),
        output:
            f"{RESULTS}/{project.config.doubted}/{{outcome}}/doubt/alternatives.csv",
        log:
            f"logs/{project.config.doubted}/{{outcome}}/list_alternatives.log",
        localrule: True
        conda:
            "../../envs/secondline.yaml"
        params:
            config=OPENED.copy,
            digest=lambda w: alternatives_digest(project, w.outcome),
        script:
            "../../scripts/list_alternatives.py"

    rule explore_specifications:
        input:
            evidence=f"{RESULTS}/{project.config.doubted}/{{outcome}}/evidence.csv",
            alternatives=rules.list_alternatives.output[0],
        output:
            expand(
                f"{RESULTS}/{project.config.doubted}/{{{{outcome}}}}/doubt/{{table}}",
                table=SPECIFICATION_TABLES,
            ),
        log:
            f"logs/{project.config.doubted}/{{outcome}}/explore_specifications.log",
        conda:
            "../../envs/secondline.yaml"
        threads: 2
        resources:
            mem_mb=lambda w, attempt: memory(project.config.doubted, w.outcome)
            * attempt,
            runtime=lambda w, attempt: fit_minutes(
                arms(project.config.doubted, w.outcome)
            )
            * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [
                settings.fit_settings(project, project.config.doubted, w.outcome)
            ],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            specifications=lambda w: [
                doubt_settings.specification_settings(project, w.outcome)
            ],
            code=code_behind("explore_specifications"),
        script:
            "../../scripts/explore_specifications.py"


# The digest of what the effects of the outcome are derived from decides whether this runs again.
rule list_derivation:
    input:
        sources=ancient(lambda w: settings.evidence_files(project, None, w.outcome)),
    output:
        f"{RESULTS}/{BASE}/{{outcome}}/doubt/derivation.csv",
    log:
        f"logs/{BASE}/{{outcome}}/list_derivation.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        config=OPENED.copy,
        digest=lambda w: derivation_digest(project, w.outcome),
    script:
        "../../scripts/list_derivation.py"


rule find_thresholds:
    input:
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        derivation=rules.list_derivation.output[0],
    output:
        expand(
            f"{RESULTS}/{BASE}/{{{{outcome}}}}/doubt/{{table}}.csv",
            table=THRESHOLD_TABLES,
        ),
    log:
        f"logs/{BASE}/{{outcome}}/find_thresholds.log",
    conda:
        "../../envs/secondline.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
    params:
        model=project.config.headline,
        fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
        summary=lambda w: [settings.summary_settings(project, w.outcome)],
        code=code_behind("find_thresholds"),
    script:
        "../../scripts/find_thresholds.py"


if project.config.bias:

    rule fan_bias:
        input:
            evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        output:
            expand(
                f"{RESULTS}/{BASE}/{{{{outcome}}}}/doubt/{{table}}.csv",
                table=BIAS_TABLES,
            ),
        log:
            f"logs/{BASE}/{{outcome}}/fan_bias.log",
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
            runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            bias=lambda w: [bias_settings(project, w.outcome)],
            code=code_behind("fan_bias"),
        script:
            "../../scripts/fan_bias.py"


if project.config.prior_fan:

    rule fan_priors:
        input:
            evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        output:
            f"{RESULTS}/{BASE}/{{outcome}}/doubt/{PRIOR_FAN_TABLE}.csv",
        log:
            f"logs/{BASE}/{{outcome}}/fan_priors.log",
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
            runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            priors=lambda w: [doubt_settings.prior_fan_settings(project, w.outcome)],
            code=code_behind("fan_priors"),
        script:
            "../../scripts/fan_priors.py"


if project.config.next_study:

    rule value_next_study:
        input:
            evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
        output:
            f"{RESULTS}/{BASE}/{{outcome}}/doubt/{NEXT_STUDY_TABLE}.csv",
        log:
            f"logs/{BASE}/{{outcome}}/value_next_study.log",
        conda:
            "../../envs/secondline.yaml"
        resources:
            mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
            runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
        params:
            model=project.config.headline,
            fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
            summary=lambda w: [settings.summary_settings(project, w.outcome)],
            asked=lambda w: [settings.next_study_settings(project)],
            code=code_behind("value_next_study"),
        script:
            "../../scripts/value_next_study.py"
