"""Which analyses answer a finding: those that read a study the other way."""

from collections.abc import Callable

from nma.config import Project, Selection
from nma.evidence.contrasts import Effect


def taking_medians(project: Project, effect: Effect) -> str:
    """Name the analyses that take a study by its medians, or say that there is none and how to add one."""

    def takes(selection: Selection) -> bool:
        return (selection.method or "").startswith("medians")

    return _answer(project, effect.study, effect.outcome, takes, "{method: medians_events}")


def reading_as_printed(project: Project, study: str, outcome: str) -> str:
    """Name the analyses that read the ratios of a study by their labels, or say that there is none."""

    def reads(selection: Selection) -> bool:
        return selection.reading == "as_printed"

    return _answer(project, study, outcome, reads, "{reading: as_printed}")


def _answer(project: Project, study: str, outcome: str, fits: Callable[[Selection], bool], how: str) -> str:
    config = project.config
    names = [
        name
        for name, analysis in config.analyses.items()
        if study in analysis.select and fits(analysis.select[study]) and outcome in config.outcomes_of(name)
    ]
    if names:
        return f"see {' and '.join(names)} in summary/sensitivity.csv"
    return f"no analysis takes it the other way; one would with select: {{{study}: {how}}}"
