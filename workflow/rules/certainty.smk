# What the answers rest on, and how certain they are.
from secondline.jobs.certainty_settings import (
    certainty_settings,
    cinema_files,
    cinema_settings,
    treatment_order,
)
from secondline.jobs.decisive_settings import decisive_settings, decisive_words
from secondline.jobs.doubt_facts import doubt_facts, doubt_tables
from secondline.jobs.provenance import package_file
from secondline.jobs.report_settings import figure_labels
from secondline.layout import (
    BEHIND_TABLE,
    CERTAINTY_TABLE,
    CONTRIBUTION_TABLES,
    DECISIVE_TABLE,
    FINDINGS_TABLE,
    FLOW_TABLES,
    SMALL_STUDY_TABLES,
)

DOUBT_FACTS = {
    outcome: doubt_facts(project, BASE, outcome)
    for outcome in project.config.outcomes_of(BASE)
}
CINEMA_FILES = {
    outcome: cinema_files(project, outcome)
    for outcome in project.config.outcomes_of(BASE)
}


rule list_decisive:
    input:
        rules.gather_evidence.output,
        rules.describe_patients.output,
        rules.compare_analyses.output,
        expand(
            f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/{{table}}.csv",
            outcome=project.config.outcomes_of(BASE),
            table=["ranking", "relative_effects"],
        ),
        [
            f"{RESULTS}/{analysis}/{outcome}/evidence.csv"
            for analysis, outcome in [*FITS, *SOLVED]
        ],
        [
            f"{RESULTS}/{BASE}/{outcome}/doubt/{table}"
            for outcome in project.config.outcomes_of(BASE)
            for table in doubt_tables(project, BASE, outcome)
        ],
        expand(
            f"{RESULTS}/{BASE}/{{outcome}}/certainty/{CONTRIBUTION_TABLES[0]}.csv",
            outcome=project.config.outcomes_of(BASE),
        ),
        (
            expand(
                rules.list_alternatives.output, outcome=project.config.doubted_outcomes
            )
            if project.config.specifications
            else []
        ),
    output:
        f"{RESULTS}/{BASE}/{DECISIVE_TABLE}.csv",
    log:
        f"logs/{BASE}/list_decisive.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        results=lambda w: RESULTS,
        shared=lambda w: project.config.shared_results,
        settings=[decisive_settings(project, DOUBT_FACTS)],
        labels=[figure_labels(project)],
        words=[decisive_words(project, DOUBT_FACTS)],
        code=code_behind("list_decisive"),
    script:
        "../../scripts/list_decisive.py"


rule trace_contributions:
    input:
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
    output:
        expand(
            f"{RESULTS}/{BASE}/{{{{outcome}}}}/certainty/{{table}}.csv",
            table=CONTRIBUTION_TABLES,
        ),
    log:
        f"logs/{BASE}/{{outcome}}/trace_contributions.log",
    group:
        OUTCOME.replace("{analysis}", BASE)
    conda:
        "../../envs/secondline.yaml"
    resources:
        mem_mb=lambda w, attempt: memory(BASE, w.outcome) * attempt,
        runtime=lambda w, attempt: fit_minutes(arms(BASE, w.outcome)) * attempt,
    params:
        fit=lambda w: [settings.fit_settings(project, BASE, w.outcome)],
        code=code_behind("trace_contributions"),
    script:
        "../../scripts/trace_contributions.py"


# Contributions as other programs give them; a table that says so where a network is not plain.
rule divide_flows:
    input:
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
    output:
        expand(
            f"{RESULTS}/{BASE}/{{{{outcome}}}}/certainty/{{table}}.csv",
            table=FLOW_TABLES,
        ),
    log:
        f"logs/{BASE}/{{outcome}}/divide_flows.log",
    group:
        OUTCOME.replace("{analysis}", BASE)
    conda:
        "../../envs/secondline.yaml"
    params:
        summary=lambda w: [settings.summary_settings(project, w.outcome, BASE)],
        code=code_behind("divide_flows"),
    script:
        "../../scripts/divide_flows.py"


# Effects against their standard errors; a table that says so where there are too few studies, or no order.
rule compare_small_studies:
    input:
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
    output:
        expand(
            f"{RESULTS}/{BASE}/{{{{outcome}}}}/certainty/{{table}}.csv",
            table=SMALL_STUDY_TABLES,
        ),
    log:
        f"logs/{BASE}/{{outcome}}/compare_small_studies.log",
    group:
        OUTCOME.replace("{analysis}", BASE)
    conda:
        "../../envs/secondline.yaml"
    params:
        summary=lambda w: [settings.summary_settings(project, w.outcome, BASE)],
        order=[treatment_order(project)],
        code=code_behind("compare_small_studies"),
    script:
        "../../scripts/compare_small_studies.py"


# Which rows of the evidence are in the project file of CINeMA, and the file itself where it can hold them.
for NAME, FILES in CINEMA_FILES.items():

    rule:
        name:
            f"export_cinema_{NAME}"
        input:
            evidence=f"{RESULTS}/{BASE}/{NAME}/evidence.csv",
        output:
            [f"{RESULTS}/{BASE}/{NAME}/certainty/{file}" for file in FILES],
        log:
            f"logs/{BASE}/{NAME}/export_cinema.log",
        localrule: True
        conda:
            "../../envs/secondline.yaml"
        params:
            settings=[cinema_settings(project, NAME)],
            code=code_behind("export_cinema"),
        script:
            "../../scripts/export_cinema.py"


# The levels of the studies are among the settings: the tables of all of them would judge everything again.
rule judge_certainty:
    input:
        contributions=rules.trace_contributions.output[0],
        effects=f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/relative_effects.csv",
        draws=f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/draws.csv.gz",
        edges=f"{RESULTS}/{BASE}/{{outcome}}/network/edges.csv",
        heterogeneity=f"{RESULTS}/{BASE}/{{outcome}}/frequentist/heterogeneity.csv",
        splits=(
            f"{RESULTS}/{BASE}/{{outcome}}/inconsistency/node_splits.csv"
            if project.config.inconsistency == BASE
            else []
        ),
        flows=(
            rules.divide_flows.output[0]
            if project.config.certainty
            and project.config.certainty.contributions != "regression"
            else []
        ),
        rules=package_file("certainty/cinema.csv"),
    output:
        f"{RESULTS}/{BASE}/{{outcome}}/certainty/{CERTAINTY_TABLE}.csv",
    log:
        f"logs/{BASE}/{{outcome}}/judge_certainty.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        model=project.config.headline,
        settings=lambda w: [certainty_settings(project, w.outcome)],
        code=code_behind("judge_certainty"),
    script:
        "../../scripts/judge_certainty.py"


# Figures say the share of direct evidence: not in the job that summarises, which waits for every judgement.
rule list_studies_behind:
    input:
        contributions=rules.trace_contributions.output[0],
        evidence=f"{RESULTS}/{BASE}/{{outcome}}/evidence.csv",
    output:
        f"{RESULTS}/{BASE}/{{outcome}}/certainty/{BEHIND_TABLE}.csv",
    log:
        f"logs/{BASE}/{{outcome}}/list_studies_behind.log",
    group:
        OUTCOME.replace("{analysis}", BASE)
    conda:
        "../../envs/secondline.yaml"
    params:
        code=code_behind("list_studies_behind"),
    script:
        "../../scripts/list_studies_behind.py"


rule summarise_findings:
    input:
        behind=rules.list_studies_behind.output[0],
        effects=f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/relative_effects.csv",
        absolute=f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/absolute_effects.csv",
        ranking=f"{RESULTS}/{BASE}/{{outcome}}/{project.config.headline}/ranking.csv",
        certainty=rules.judge_certainty.output[0],
    output:
        f"{RESULTS}/{BASE}/{{outcome}}/certainty/{FINDINGS_TABLE}.csv",
    log:
        f"logs/{BASE}/{{outcome}}/summarise_findings.log",
    localrule: True
    conda:
        "../../envs/secondline.yaml"
    params:
        model=project.config.headline,
        code=code_behind("summarise_findings"),
    script:
        "../../scripts/summarise_findings.py"
