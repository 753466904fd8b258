"""What of an evidence table a project file of CINeMA can hold, and why not the rest.

The file holds arms: patients with an event, or means with standard deviations, one treatment each, with a level of risk
of bias and of indirectness for every study. It has odds ratios, risk ratios, risk differences and differences in
means, standardised or not; it has no hazard ratios, no contrasts, no arms of mixed treatments. What it cannot hold is
refused as a whole: CINeMA computes nothing anew, so that a part of the evidence beside the effects of all of it would
be a wrong file.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from secondline.certainty.cinema_names import clean_names
from secondline.certainty.cinema_settings import CinemaSettings
from secondline.certainty.flow_reasons import NO_STUDY, why_no_flows
from secondline.network.arms import Arm, is_contrast, used_arms, used_rows
from secondline.network.graph import parts
from secondline.network.structure import Structure

MEASURES = ("OR", "RR", "RD", "MD", "SMD")
"""Measures that CINeMA's file has."""
TYPES = {("binomial_logit", "OR"): "binary", ("normal", "MD"): "continuous"}
"""Type of its data by likelihood and measure: those of which CINeMA analyses the same figures."""
CONTRASTS = "the evidence has contrasts, and CINeMA's file holds arms alone"
NO_PREDICTION = "one degree of freedom gives no interval for a new study, and CINeMA's file demands one"
COLUMNS = (
    "study",
    "arm",
    "comparator_arm",
    "treatment",
    "written",
    "cinema_id",
    "cinema_study",
    "cinema_treatment",
    "reason",
)
_SHOWN = 5
Row = Mapping[str, str]


def why_no_cinema(evidence: Sequence[Row], settings: CinemaSettings) -> str:
    """Say in one line why CINeMA's file cannot hold a network; empty if it can.

    Parameters
    ----------
    evidence : rows
        Evidence table of a fit.
    settings : CinemaSettings
    """
    likelihood, measure = settings.likelihood, settings.measure
    if measure not in MEASURES:
        return f"CINeMA's file has no {measure}; it has {', '.join(MEASURES)}"
    if any(map(is_contrast, used_rows(evidence))):
        return CONTRASTS
    structure = Structure.of(settings.treatments)
    if reason := why_no_flows(evidence, structure, likelihood, settings.overlaps, settings.bias):
        return reason
    if (likelihood, measure) not in TYPES:
        return f"CINeMA's file has no {measure} of a {likelihood} likelihood; it has {_types()}"
    rows = written_rows(evidence)
    return _structure(rows) or _judgements(rows, settings) if rows else NO_STUDY


def written_rows(evidence: Sequence[Row]) -> list[Row]:
    """Rows that go into the file: those in use, of studies that say something of a comparison."""
    return [row for row in used_rows(evidence) if row["informative"] == "true"]


def listed_rows(evidence: Sequence[Row], reason: str) -> list[dict[str, Any]]:
    """List every row of an evidence table: the names under which it is in the file, or why it is not.

    Parameters
    ----------
    evidence : rows
    reason : str
        Why there is no file, from `why_no_cinema`; empty where there is one.
    """
    names = CinemaNames.of([] if reason else written_rows(evidence))
    return [_listed(row, names, reason) for row in evidence]


class CinemaNames:
    """Names of studies and treatments in a file of CINeMA."""

    def __init__(self, studies: Sequence[str], treatments: Sequence[str]) -> None:
        self.studies = clean_names(studies, between=" ")
        self.treatments = clean_names(treatments)
        self.ids = {study: number for number, study in enumerate(self.studies, 1)}

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "CinemaNames":
        """Name what is in some rows; studies are numbered in their order."""
        arms = used_arms(rows)
        return cls([arm.study for arm in arms], [treatment_of(arm) for arm in arms])


def treatment_of(arm: Arm) -> str:
    """Treatment of an arm that has one."""
    return next(iter(arm.regimens))


def _listed(row: Row, names: CinemaNames, reason: str) -> dict[str, Any]:
    contrast = is_contrast(row)
    arm = "treatment_arm" if contrast else "arm"
    treatment = (row.get("treatment_mix" if contrast else "arm_mix") or "").rpartition(":")[0]
    about = {
        "study": row["study"],
        "arm": row.get(arm),
        "comparator_arm": row.get("comparator_arm"),
        "treatment": None if " " in treatment else treatment,
    }
    own = row["reason"] if row["used"] != "true" or row["informative"] != "true" else ""
    if own or reason:
        return about | {"written": False, "reason": own or reason}
    return about | {
        "written": True,
        "cinema_id": names.ids[row["study"]],
        "cinema_study": names.studies[row["study"]],
        "cinema_treatment": names.treatments[treatment],
    }


def _types() -> str:
    return ", ".join(f"{measure} of {likelihood}" for likelihood, measure in TYPES)


def _structure(rows: Sequence[Row]) -> str:
    """Say what of the arms, or of how they are connected, the file or the analysis of CINeMA does not allow."""
    arms = used_arms(rows)
    for (study, treatment), number in Counter((arm.study, treatment_of(arm)) for arm in arms).items():
        if number > 1:
            return f"{study} has {number} arms of {treatment}, and CINeMA takes one for each treatment of a study"
    for arm in arms:
        if arm.n < 1:
            return f"{study_and_arm(arm)} has no number of patients, which CINeMA's file demands"
    pieces = parts(arms)
    if len(pieces) > 1:
        return f"the network is in {len(pieces)} pieces, and CINeMA takes one that is connected"
    freedom = len(arms) - len({arm.study for arm in arms}) - (len(pieces[0]) - 1)
    return NO_PREDICTION if freedom == 1 else ""


def study_and_arm(arm: Arm) -> str:
    """Name an arm."""
    return f"arm {arm.name} of {arm.study}"


def _judgements(rows: Sequence[Row], settings: CinemaSettings) -> str:
    """Say which studies nobody judged."""
    studies = list(dict.fromkeys(row["study"] for row in rows))
    levels = {"risk of bias": settings.risk_of_bias, "indirectness": settings.indirectness}
    missing = {section: [name for name in studies if name not in level] for section, level in levels.items()}
    said = [f"{section} of {_some(names, len(studies))}" for section, names in missing.items() if names]
    return f"nobody judged the {' and the '.join(said)}, and CINeMA's file demands a level" if said else ""


def _some(names: Sequence[str], number: int) -> str:
    if len(names) == number > 1:
        return f"any of the {number} studies"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
