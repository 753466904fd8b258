"""The studies at a glance: designs, the outcomes they are used for, and risk flags."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from secondline.cell_values import FOUND, NOT_LOOKED_UP, SEVERITIES
from secondline.network.arms import is_contrast, used_rows
from secondline.report.settings import StudyFacts
from secondline.report.tables.results import Table, trimmed
from secondline.report.words import Names, Row, listed, plural

FINDINGS = {"error": "error", "warning": "warning", "info": "note"}


def studies_table(
    studies: Mapping[str, StudyFacts],
    evidence: Mapping[str, Sequence[Row]],
    audit: Sequence[Row],
    verdicts: Sequence[Row],
    names: Names,
) -> Table:
    """Tabulate the studies: name and sheet, design, uses, and risk flags (adjustment, assumptions, audit findings).

    Parameters
    ----------
    studies : mapping
        Design and source by study, from `secondline.jobs.report_settings.report_settings`.
    evidence : mapping
        evidence.csv by outcome.
    audit, verdicts : rows
        evidence/audit.csv and evidence/sources.csv; the latter may be empty.
    """
    used = {outcome: used_rows(rows) for outcome, rows in evidence.items()}
    return trimmed(
        "Studies, what they are used for, and risk flags",
        (
            "Study",
            "Sheet",
            "Design",
            "Used for",
            "Adjusted or crude",
            "Based on an assumption",
            "Findings of the audit",
            "Figures found in the paper",
            "Source",
        ),
        [
            [
                names.study(study),
                study if study in names.labels.studies else "",
                facts.design.replace("_", " ") or "not declared",
                _uses(study, used, names),
                _adjustment(study, used, names),
                _labels((o for o, rows in used.items() if _assumed(study, rows)), names) or "–",
                _findings(study, audit),
                _found(study, verdicts),
                facts.citation,
            ]
            for study, facts in studies.items()
        ],
        list(studies),
    )


def _of(study: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["study"] == study]


def _labels(outcomes: Iterable[str], names: Names) -> str:
    return ", ".join(map(names.label_of_outcome, outcomes))


def _uses(study: str, used: Mapping[str, Sequence[Row]], names: Names) -> str:
    outcomes = [outcome for outcome, rows in used.items() if _of(study, rows)]
    if 1 < len(used) == len(outcomes):
        return f"all {len(outcomes)} outcomes"
    return _labels(outcomes, names) or "not used"


def _adjustment(study: str, used: Mapping[str, Sequence[Row]], names: Names) -> str:
    """Say which contrasts are adjusted; figures by arm never are."""
    kinds: dict[str, list[str]] = {}
    for outcome, rows in used.items():
        for kind in dict.fromkeys(row["adjustment"] for row in _of(study, rows) if is_contrast(row)):
            kinds.setdefault(kind, []).append(outcome)
    return "; ".join(f"{kind}: {_labels(members, names)}" for kind, members in kinds.items() if kind) or "–"


def _assumed(study: str, rows: Sequence[Row]) -> bool:
    return any(row.get("assumed") == "true" for row in _of(study, rows))


def _findings(study: str, audit: Sequence[Row]) -> str:
    counts = Counter(row["severity"] for row in audit if row["study"] == study)
    return listed(plural(counts[kind], FINDINGS[kind]) for kind in SEVERITIES if counts[kind]) or "none"


def _found(study: str, verdicts: Sequence[Row]) -> str:
    """Count the figures found at their stated place; a dash where none was checked."""
    looked_up = [row["status"] for row in verdicts if row["study"] == study and row["status"] not in NOT_LOOKED_UP]
    return f"{looked_up.count(FOUND)} of {len(looked_up)}" if looked_up else "–"
