"""Risk of bias and indirectness of every study: what was judged, by whom and on which words, and what nobody judged."""

from collections.abc import Iterator, Sequence
from typing import Any

from secondline.cell_values import NOT_JUDGED
from secondline.evidence.records import count_entries, survival_entries
from secondline.project.config import Project
from secondline.project.documents import Path_
from secondline.project.figures import Figure
from secondline.project.once import once_a_project
from secondline.project.risk_of_bias import CONCERNS, WHOLE, Assessment, Indirectness, Judgement, RiskOfBias
from secondline.project.sheets import StudySheet

INDIRECTNESS_COLUMNS = (
    "study",
    "outcome",
    "domain",
    "judgement",
    "level",
    "facts",
    "support",
    "place",
    "judge",
    "second_judge",
    "agreement",
    "direction",
    "source",
)
RISK_OF_BIAS_COLUMNS = (*INDIRECTNESS_COLUMNS[:2], "tool", *INDIRECTNESS_COLUMNS[2:])
TABLE = "table"
"""Tool of a judgement that stands in a table of evidence."""
AGREED = "agreed"
Row = dict[str, Any]


@once_a_project
def risk_of_bias_rows(project: Project) -> list[Row]:
    """One row per study, outcome that it reports and domain of its tool; without a tool, the domain is overall."""
    return _rows(project, "risk_of_bias")


@once_a_project
def indirectness_rows(project: Project) -> list[Row]:
    """One row per study, outcome that it reports and domain of indirectness."""
    return _rows(project, "indirectness")


def _rows(project: Project, section: str) -> list[Row]:
    rows: list[Row] = []
    for study in project.studies:
        for outcome in project.config.outcomes:
            sheet = project.sheets.get(study)
            if sheet and _reports(project, sheet, outcome):
                rows += _of_sheet(sheet, section, outcome)
            rows += _of_tables(project, study, section, outcome)
    return rows


def _reports(project: Project, sheet: StudySheet, outcome: str) -> bool:
    """Say whether a sheet holds any figure of an outcome."""
    responses = bool(project.config.outcomes[outcome].categories)
    return bool(survival_entries(sheet, outcome) or count_entries(sheet, outcome, responses))


def _of_tables(project: Project, study: str, section: str, outcome: str) -> Iterator[Row]:
    for found in project.tables:
        if (found.study, found.outcome) == (study, outcome):
            level = found.concerns.get(section)
            yield {
                "study": study,
                "outcome": outcome,
                "tool": TABLE if level else None,
                "domain": WHOLE,
                "judgement": CONCERNS[level - 1] if level else NOT_JUDGED,
                "level": level,
                "judge": found.judge if level else None,
                "source": f"{found.file}:{found.line}",
            }


def _of_sheet(sheet: StudySheet, section: str, outcome: str) -> Iterator[Row]:
    assessment: RiskOfBias | Indirectness | None = getattr(sheet, section)
    about = {"study": sheet.study, "outcome": outcome}
    if assessment is None:
        yield about | {"domain": WHOLE, "judgement": NOT_JUDGED, "source": _line(sheet, ())}
        return
    tool = assessment.tool if isinstance(assessment, RiskOfBias) else None
    for domain in assessment.all_domains:
        yield about | {"tool": tool, "domain": domain} | _of_domain(sheet, section, assessment, domain, outcome)


def _of_domain(sheet: StudySheet, section: str, assessment: Assessment, domain: str, outcome: str) -> Row:
    """Judgement of a domain with its support, or that nobody judged; and the facts that bear on it."""
    facts = [(i, fact) for i, fact in enumerate(assessment.facts) if fact.domain == domain]
    said = {"facts": " ".join(fact.statement for _, fact in facts) or None}
    found = assessment.judged(domain, outcome)
    if found:
        i, judgement = found
        source = {"source": _line(sheet, (section, "judgements", i))}
        return said | _judged(judgement, assessment) | _quoted(judgement.support) | source
    source = {"source": _line(sheet, (section, "facts", facts[0][0]) if facts else (section,))}
    return said | _quoted([fact for _, fact in facts]) | {"judgement": NOT_JUDGED} | source


def _line(sheet: StudySheet, path: Path_) -> str:
    """File and line of a part of a sheet."""
    return sheet.source(path, "").removesuffix(" ()")


def _judged(judgement: Judgement, assessment: Assessment) -> Row:
    second = judgement.second
    differ = second and second.judgement != judgement.judgement
    agreement = f"{judgement.judgement} and {second.judgement}" if second and differ else AGREED
    return {
        "judgement": judgement.agreed,
        "level": assessment.levels[judgement.agreed],
        "judge": judgement.judge,
        "second_judge": second.judge if second else None,
        "agreement": agreement if second else None,
        "direction": judgement.direction,
    }


def _quoted(figures: Sequence[Figure]) -> Row:
    """Words of the paper and their places, in the same order."""
    support = "; ".join(figure.printed for figure in figures)
    return {"support": support or None, "place": "; ".join(figure.place for figure in figures) or None}
