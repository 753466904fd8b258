"""Studies that say nothing about an outcome, or nothing to one of the models."""

from collections.abc import Iterator, Sequence

from secondline.cells import merged_categories, parse_categories, parse_values
from secondline.evidence.audit.finding import Finding, on_table
from secondline.evidence.selection import arm_rows, uninformative
from secondline.likelihoods import Likelihood
from secondline.project.config import Project
from secondline.project.evidence_tables import Row, TableStudy
from secondline.project.sheets import StudySheet


def sheet_without_events(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say of a sheet where its counts hold no information on a relative effect."""
    for outcome in [name for name, o in project.config.outcomes.items() if o.is_count or o.is_ordered]:
        rows = arm_rows(project, sheet, outcome, None)
        reason = _nothing(rows, project.config.outcomes[outcome].modelled) if rows else None
        if reason:
            yield Finding(sheet.study, outcome, "no_information", "info", None, None, rows[0]["source"], reason)


def table_without_events(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Say of a study of a table where its counts hold no information on a relative effect."""
    reason = study.nothing or _nothing(study.rows, project.config.outcomes[study.outcome].modelled)
    if reason:
        yield on_table(study, "no_information", "info", study.outcome, reason, study.given[0], "events")


def _nothing(rows: Sequence[Row], likelihood: Likelihood) -> str | None:
    reason = uninformative(rows, likelihood)
    return reason and f"{reason.removeprefix('uninformative: ')}, which gives no information on the relative effect"


def table_without_cutoffs(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Say how a study of a table that does not report every cut-off counts its patients, and where its arms differ."""
    arms = [(row, parse_categories(row["categories"])) for row in study.rows if row.get("categories")]
    without = [tuple(name for name, n in counts.items() if n is None) for _, counts in arms]
    if not any(without):
        return
    alike = len(set(without)) == 1
    counted = "the arms of the study count patients by different categories"
    if alike:
        counted = f"the study counts patients as {', '.join(merged_categories(arms[0][0]['categories']))}"
    first = next(i for i, names in enumerate(without) if names)
    row, name = arms[first][0], without[first][0]
    message = f"{counted}; a category that is not given is counted with the one before it"
    yield on_table(study, "cutoffs_missing", "info" if alike else "warning", study.outcome, message, row, name)


def sheet_without_covariate(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say which models leave a study out because its sheet does not give their covariate."""
    message = _left_out(set(sheet.covariates), project)
    if message:
        source = sheet.source(("covariates",), "sheet")
        yield Finding(sheet.study, "study", "covariate_missing", "warning", None, None, source, message)


def table_without_covariate(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Say which models leave a study out because its table does not give their covariate."""
    numbers = set.intersection(*(set(parse_values(row["covariates"])) for row in study.given))
    given = {number.partition("=")[0] for number in numbers}
    message = _left_out(given, project)
    if message:
        source = f"{study.file}:{study.line}"
        yield Finding(study.study, study.outcome, "covariate_missing", "warning", None, None, source, message)


def _left_out(given: set[str], project: Project) -> str | None:
    needs = {name: [covariate.name for _, covariate in m.regressors] for name, m in project.config.models.items()}
    missing = {name: lacking for name, needed in needs.items() if (lacking := [c for c in needed if c not in given])}
    if not missing:
        return None
    named = ", ".join(dict.fromkeys(name for lacking in missing.values() for name in lacking))
    return f"the study does not report {named} and is omitted from model{'s' * (len(missing) > 1)} {', '.join(missing)}"


CHECKS = (sheet_without_events, sheet_without_covariate)
TABLE_CHECKS = (table_without_events, table_without_cutoffs, table_without_covariate)
