"""The resolved settings of judgements of certainty."""

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

from secondline.certainty.cinema_evidence import why_no_cinema
from secondline.certainty.cinema_settings import CinemaSettings
from secondline.certainty.order import LEAST_STUDIES, comparisons_tested
from secondline.certainty.settings import (
    HETEROGENEITY,
    IMPRECISION,
    INCOHERENCE,
    INDIRECTNESS,
    OVERALL_CERTAINTY,
    REPORTING,
    START,
    WITHIN,
    CertaintySettings,
    Said,
    TreatmentOrder,
)
from secondline.evidence.judgements import indirectness_rows, risk_of_bias_rows
from secondline.evidence.selection import evidence_rows, reporting_sheets
from secondline.jobs.settings import arms_in_use, bias_of, overlaps_of, treatments_of
from secondline.layout import CINEMA_PROJECT, CINEMA_TABLE
from secondline.project.certainty import Certainty, CertaintyOverride
from secondline.project.config import Project
from secondline.project.evidence_tables import by_outcome
from secondline.project.risk_of_bias import WHOLE

_RANDOMISED = "randomised_trial"


def certainty_settings(project: Project, outcome: str) -> CertaintySettings:
    """Resolve how the certainty of one outcome is judged, in the analysis that the others vary."""
    certainty = project.config.certainty or Certainty()
    versions = certainty.versions
    return CertaintySettings(
        versions={
            START: versions.start,
            WITHIN: certainty.scheme,
            REPORTING: "person",
            INDIRECTNESS: certainty.scheme,
            IMPRECISION: versions.imprecision,
            HETEROGENEITY: versions.heterogeneity,
            INCOHERENCE: versions.incoherence,
            OVERALL_CERTAINTY: versions.overall,
        },
        equivalence=_equivalence(project, certainty, outcome),
        contributions=certainty.contributions,
        said=_said(certainty, outcome),
        risk_of_bias=levels_of_studies(risk_of_bias_rows(project), outcome),
        indirectness=levels_of_studies(indirectness_rows(project), outcome),
        randomised=_randomised(project, certainty, outcome),
    )


def treatment_order(project: Project) -> TreatmentOrder | None:
    """Order of treatments along which small studies are compared with large ones, where one is declared."""
    given = project.config.certainty and project.config.certainty.small_studies
    return TreatmentOrder(treatments=tuple(given.order), reason=given.reason) if given else None


def has_funnel(project: Project, outcome: str) -> bool:
    """Whether enough studies of an outcome stand along the declared order for a funnel plot."""
    order = treatment_order(project)
    modelled = project.config.outcomes[outcome].modelled
    if order is None or modelled.is_ordered or overlaps_of(project, project.config.base, outcome):
        return False
    wholly: dict[str, list[str]] = {}
    for arm in arms_in_use(project, project.config.base, outcome):
        wholly.setdefault(arm.study, []).extend(arm.regimens if len(arm.regimens) == 1 else ())
    return len(comparisons_tested(wholly, order.treatments)) >= LEAST_STUDIES


def cinema_settings(project: Project, outcome: str) -> CinemaSettings:
    """Resolve what a project file of CINeMA for one outcome depends on, in the analysis that the others vary."""
    definition, base = project.config.outcomes[outcome], project.config.base
    return CinemaSettings(
        outcome=outcome,
        likelihood=definition.likelihood,
        measure=definition.measure,
        treatments=treatments_of(project),
        risk_of_bias=levels_of_studies(risk_of_bias_rows(project), outcome),
        indirectness=levels_of_studies(indirectness_rows(project), outcome),
        overlaps=overlaps_of(project, base, outcome),
        bias=bias_of(project, base, outcome),
    )


def cinema_files(project: Project, outcome: str) -> list[str]:
    """Files for CINeMA under certainty/ of an outcome: the list of rows, and the project where it can hold them."""
    settings = cinema_settings(project, outcome)
    rows = evidence_rows(project, project.config.base, outcome)
    return [f"{CINEMA_TABLE}.csv", *([] if why_no_cinema(rows, settings) else [CINEMA_PROJECT])]


def _equivalence(project: Project, certainty: Certainty, outcome: str) -> tuple[float, float]:
    """Range of equivalence on the link scale: as given, or symmetric with the margin at one end."""
    definition = project.config.outcomes[outcome]
    lower, upper = certainty.equivalence.get(outcome, (definition.margin, definition.margin))
    low, high = (log(limit) if definition.is_ratio else limit for limit in (lower, upper))
    return (low, high) if outcome in certainty.equivalence else (-abs(low), abs(high))


def _said(certainty: Certainty, outcome: str) -> tuple[Said, ...]:
    return tuple(
        Said(
            domain=one.domain if isinstance(one, CertaintyOverride) else REPORTING,
            judgement=one.judgement,
            reason=one.reason,
            judge=one.judge,
            treatment=one.treatment,
            comparator=one.comparator,
            setting=one.setting,
        )
        for _, one in certainty.judgements()
        if one.outcome == outcome
    )


def _randomised(project: Project, certainty: Certainty, outcome: str) -> dict[str, bool]:
    """Say which studies were randomised: of sheets by their design, of tables by the one that is given for them."""
    sheets = {name: project.sheets[name].design for name in reporting_sheets(project, outcome)}
    found = {name: design == _RANDOMISED for name, design in sheets.items() if design}
    if certainty.design:
        found |= {study.study: certainty.design == _RANDOMISED for study in by_outcome(project.tables, outcome)}
    return found


def levels_of_studies(rows: Iterable[Mapping[str, Any]], outcome: str) -> dict[str, int]:
    """Take the level of every study as a whole from rows of risk of bias or of indirectness, where it was judged."""
    return {
        row["study"]: int(row["level"])
        for row in rows
        if row["outcome"] == outcome and row["domain"] == WHOLE and row.get("level")
    }


def judged_studies(project: Project, outcome: str) -> tuple[dict[str, str], ...]:
    """List the risk of bias of the studies of an outcome, domain by domain: what figures, page and documents show."""
    return tuple(
        {key: str(row.get(key) or "") for key in ("study", "outcome", "tool", "domain", "level")}
        for row in risk_of_bias_rows(project)
        if row["outcome"] == outcome
    )
