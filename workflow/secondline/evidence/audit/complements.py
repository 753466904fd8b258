"""What all patients and a subgroup together imply for the patients who are not in the subgroup."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, sqrt

from secondline.evidence.audit.finding import Finding, Severity, found, item_of
from secondline.evidence.audit.printed import ratio_log
from secondline.evidence.audit.ratios import ratio_se, same_pair, with_intervals
from secondline.normal_deviate import two_sided_z
from secondline.project.config import Project
from secondline.project.figures import ALL
from secondline.project.outcome_records import HazardRatio
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Comparison

# Least share of the information of all patients that the rest must have: less is lost in rounding.
_LEAST = 0.05


@dataclass(frozen=True)
class _Rest:
    """The patients outside a subgroup: their log hazard ratio and its standard error, and how many they are by arm."""

    log_ratio: float
    se: float
    n: dict[str, int]

    def deviate(self) -> float:
        return self.log_ratio / self.se

    def shown(self) -> str:
        half = 1.96 * self.se
        low, high = exp(self.log_ratio - half), exp(self.log_ratio + half)
        return f"{exp(self.log_ratio):.2g} (95% CI {low:.2g} to {high:.2g})"


def complements(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find what the ratio of a subgroup implies for all other patients, where it is against the whole or the text.

    Information adds up over patients: with weights 1 / se^2 the log hazard ratio of all patients is the average of that
    of the subgroup and that of the rest, up to the shape of the curves. A rest whose ratio points the other way is
    an info; one that is significant although the text says that these patients did not benefit is a warning.
    """
    deviate = two_sided_z(project.config.audit.significance)
    for i, part in with_intervals(sheet):
        population = sheet.populations.get(part.population)
        if population is None or population.kind != "subgroup":
            continue
        for _, whole in with_intervals(sheet):
            rest = _rest(sheet, part, whole)
            if rest is None:
                continue
            told, apart = _denial(sheet, part, rest), _apart(part, whole, rest)
            turned = rest.log_ratio * ratio_log(whole, part.treatment).middle < 0
            severity: Severity | None = "warning" if told and abs(rest.deviate()) > deviate else None
            severity = severity or ("info" if turned and apart > deviate else None)
            if severity:
                message = _message(part, whole, rest, told if severity == "warning" else None)
                path, values = ("hazard_ratios", i), (whole.value, exp(rest.log_ratio))
                yield found(sheet, "subgroup_complement", severity, item_of(part), message, path, part.place, *values)


def _estimate(ratio: HazardRatio, treatment: str) -> tuple[float, float]:
    """Log hazard ratio for a treatment, and its information."""
    return ratio_log(ratio, treatment).middle, 1 / ratio_se(ratio) ** 2


def _rest(sheet: StudySheet, part: HazardRatio, whole: HazardRatio) -> _Rest | None:
    """Compute the ratio of the patients outside a subgroup; none where the subgroup is nearly everybody."""
    if whole.population != ALL or whole.adjustment != part.adjustment or not same_pair(whole, part):
        return None
    (a, precision), (b, total) = _estimate(part, part.treatment), _estimate(whole, part.treatment)
    left = total - precision
    if left < _LEAST * total:
        return None
    inside = sheet.populations[part.population].n
    n = {arm: size - k for arm, k in inside.items() if (size := sheet.arms[arm].n) is not None}
    return _Rest((total * b - precision * a) / left, 1 / sqrt(left), n)


def _apart(part: HazardRatio, whole: HazardRatio, rest: _Rest) -> float:
    """Count the standard errors between a subgroup and the rest."""
    log_ratio, precision = _estimate(part, part.treatment)
    return abs(log_ratio - rest.log_ratio) / sqrt(1 / precision + rest.se**2)


def _denial(sheet: StudySheet, part: HazardRatio, rest: _Rest) -> Comparison | None:
    """Find where the text denies a benefit to the very patients who are not in the subgroup."""
    for record in sheet.comparisons:
        population = sheet.populations.get(record.population)
        if population and population.n == rest.n and record.significant is False and same_pair(record, part):
            return record
    return None


def _message(part: HazardRatio, whole: HazardRatio, rest: _Rest, told: Comparison | None) -> str:
    others = " and ".join(map(str, rest.n.values()))
    who = f"the remaining {others} patients" if others else "the remaining patients"
    implied = (
        f"{whole.printed} in all patients and {part.printed} in the subgroup {part.population} imply a hazard ratio of "
        f"{rest.shown()} in {who}"
    )
    if told is None:
        return f"{implied}, in the opposite direction"
    words = f", '{told.prose.printed}'" if told.prose else ""
    return f"{implied}; the text says that they did not benefit{words}"


CHECKS = (complements,)
