"""Which analyses answer a finding: those that read a study the other way."""

from collections.abc import Callable
from dataclasses import dataclass

from secondline.cell_values import see_analyses
from secondline.evidence.contrasts import Effect
from secondline.project.config import Project
from secondline.project.config_parts import Selection


@dataclass(frozen=True)
class OtherReading:
    """The analyses that read a study the other way, and what a finding says of them."""

    analyses: tuple[str, ...]
    words: str


def taking_medians(project: Project, effect: Effect) -> OtherReading:
    """Name the analyses that take a study by its medians, or say that there is none and how to add one."""

    def takes(selection: Selection) -> bool:
        return (selection.method or "").startswith("medians")

    return _answer(project, effect.study, effect.outcome, takes, "{method: medians_events}")


def reading_as_printed(project: Project, study: str, outcome: str) -> OtherReading:
    """Name the analyses that read the ratios of a study by their labels, or say that there is none."""

    def reads(selection: Selection) -> bool:
        return selection.reading == "as_printed"

    return _answer(project, study, outcome, reads, "{reading: as_printed}")


def _answer(project: Project, study: str, outcome: str, fits: Callable[[Selection], bool], how: str) -> OtherReading:
    config = project.config
    names = tuple(
        name
        for name, analysis in config.analyses.items()
        if study in analysis.select and fits(analysis.select[study]) and outcome in config.outcomes_of(name)
    )
    if names:
        return OtherReading(names, see_analyses(names))
    return OtherReading((), f"no analysis uses the alternative; to add one, set select: {{{study}: {how}}}")
