"""The evidence of an analysis in one line: how many studies of which designs, how many patients, and until when."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isclose

from secondline.network.arms import used_arms, used_rows
from secondline.report.prose.phrases import small
from secondline.report.prose.sentences import RANDOMISED
from secondline.report.settings import StudyFacts
from secondline.report.words import Names, Row, listed, plural

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def evidence_facts(
    evidence: Mapping[str, Sequence[Row]], lead: str, studies: Mapping[str, StudyFacts], names: Names
) -> list[str]:
    """Say how many studies of which designs there are, how many patients, and how recent they are.

    Parameters
    ----------
    evidence : mapping
        evidence.csv by outcome.
    lead : str
        The outcome whose patients are counted.
    studies : mapping
        Design and dates by study, as far as they are known.

    Returns
    -------
    list of str
        Parts of a line; what is not known is left out.
    """
    used = list(dict.fromkeys(row["study"] for rows in evidence.values() for row in used_rows(rows)))
    known = [studies.get(study, StudyFacts()) for study in used]
    designs = designs_counted(facts.design for facts in known)
    return [fact for fact in (designs, _patients(evidence[lead], lead, names), _until(known)) if fact]


def designs_counted(designs: Iterable[str]) -> str:
    """Count studies by design, ``5 retrospective cohorts, no randomised trial``; an empty design is not declared."""
    counts = Counter(designs)
    undeclared = counts.pop("", 0)
    if not counts:
        return f"{plural(undeclared, 'study', 'studies')} (design not declared)" if undeclared else "No study"
    parts = [plural(n, design.replace("_", " ")) for design, n in counts.most_common()]
    parts += [f"{plural(undeclared, 'study', 'studies')} of undeclared design"] if undeclared else []
    return listed(parts) + (", no randomised trial" if not undeclared and RANDOMISED not in counts else "")


def _patients(rows: Sequence[Row], lead: str, names: Names) -> str:
    """Count the patients of the arms in use."""
    counted = patients_counted(rows)
    return f"{counted} ({small(names.label_of_outcome(lead))})" if counted else ""


def patients_counted(rows: Iterable[Row]) -> str:
    """Count the patients of the arms in use, ``371 patients``; nothing where no arm has a number."""
    arms = used_arms(rows)
    total = sum(arm.n for arm in arms)
    if not total:
        return ""
    whole = isclose(total, round(total), abs_tol=1e-9)
    sign = "at least " if not all(arm.n for arm in arms) else "" if whole else "about "
    return f"{sign}{total:,.0f} patients"


def _until(studies: Sequence[StudyFacts]) -> str:
    """Say until when patients were enrolled or, where no study says so, when the last study was published."""
    months = [facts.enrolled_until for facts in studies if facts.enrolled_until]
    if months:
        year, month = max(months).split("-")
        return f"patients enrolled until {_MONTHS[int(month) - 1]} {year}"
    years = [facts.year for facts in studies if facts.year]
    return f"last study published in {max(years)}" if years else ""
