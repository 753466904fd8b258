"""The arms of a fit: read from its evidence table, one for every arm that enters."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from secondline.cell_values import OVERALL
from secondline.cells import parse_mix, parse_values
from secondline.network.structure import Floats


@dataclass(frozen=True)
class Arm:
    """An arm that enters a fit: its composition, the study's patients by failed first line, and its patients.

    ``n`` counts the patients of the population in use, for example of a matched cohort; the composition is that of the
    whole arm. Contrast tables may leave it out: then it is 0.
    """

    study: str
    name: str
    regimens: dict[str, int]
    settings: dict[str, int]
    n: float
    covariates: dict[str, float] = field(default_factory=dict)
    own_settings: dict[str, int] = field(default_factory=dict)
    """The arm's own patients by failed first line, where the study tells them by arm."""

    def share(self, regimen: str) -> float:
        """Share of the arm's patients who received a regimen."""
        return self.regimens.get(regimen, 0) / sum(self.regimens.values())

    def setting_share(self, setting: str) -> float:
        """Share of the study's patients in a setting; 1 for ``overall``."""
        return 1.0 if setting == OVERALL else self.settings.get(setting, 0) / max(sum(self.settings.values()), 1)

    def own_share(self, setting: str) -> float:
        """Share of the arm's own patients in a setting; that of the study where it is not given by arm."""
        if setting == OVERALL or not self.own_settings:
            return self.setting_share(setting)
        return self.own_settings.get(setting, 0) / sum(self.own_settings.values())

    def patients(self, regimen: str, setting: str) -> float:
        """Patients of the arm who received a regimen in a setting; inside a mixed arm by its shares."""
        return self.share(regimen) * self.n * self.own_share(setting)

    def regimen_shares(self, regimens: Sequence[str]) -> Floats:
        """Shares of the given regimens, (regimens,); they sum to 1."""
        return _shares(self.regimens, regimens)

    def setting_shares(self, settings: Sequence[str]) -> Floats:
        """Shares of the given settings, (settings,); they sum to 1, or are all 0 where the study has no setting."""
        return _shares(self.settings, settings)


def _shares(parts: Mapping[str, int], names: Sequence[str]) -> Floats:
    counts = np.array([parts.get(name, 0) for name in names], float)
    return np.asarray(counts / max(counts.sum(), 1.0))


def is_contrast(row: Mapping[str, str]) -> bool:
    """Whether a row of an evidence table compares two arms, instead of describing one."""
    return bool(row.get("treatment_arm"))


def arms_of(row: Mapping[str, str]) -> list[Arm]:
    """List the arms of one row: itself, or the treatment and the comparator of a contrast."""
    ends = (
        [
            ("treatment_arm", "treatment_mix", "n_treatment", "treatment_settings"),
            ("comparator_arm", "comparator_mix", "n_comparator", "comparator_settings"),
        ]
        if is_contrast(row)
        else [("arm", "arm_mix", "n", "arm_settings")]
    )
    settings, covariates = parse_mix(row["setting_mix"]), parse_values(row.get("covariates", ""))
    return [
        Arm(
            row["study"],
            row[name],
            parse_mix(row[mix]),
            settings,
            float(row.get(n) or 0),
            covariates,
            parse_mix(row.get(own) or ""),
        )
        for name, mix, n, own in ends
    ]


def compared_arms(members: Sequence[Mapping[str, str]]) -> list[tuple[Arm, Arm]]:
    """Arms of one study that are compared: both ends of its contrasts, or every other arm and the first one."""
    if is_contrast(members[0]):
        return [(treatment, comparator) for treatment, comparator in map(arms_of, members)]
    first, *others = (arm for row in members for arm in arms_of(row))
    return [(arm, first) for arm in others]


def used_rows(evidence: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Rows of an evidence table that enter the fit."""
    return [row for row in evidence if row["used"] == "true"]


def rows_with(evidence: Iterable[Mapping[str, str]], covariates: Collection[str]) -> list[Mapping[str, str]]:
    """Rows that enter a model: those in use, of studies of which every arm gives the covariates that it has."""
    rows = used_rows(evidence)
    lacking = {row["study"] for row in rows if not set(covariates) <= parse_values(row.get("covariates", "")).keys()}
    return [row for row in rows if row["study"] not in lacking]


def arms_with(arms: Iterable[Arm], covariates: Collection[str]) -> list[Arm]:
    """Arms that enter a model, as `rows_with`."""
    arms = list(arms)
    lacking = {arm.study for arm in arms if not set(covariates) <= arm.covariates.keys()}
    return [arm for arm in arms if arm.study not in lacking]


def used_arms(evidence: Iterable[Mapping[str, str]]) -> list[Arm]:
    """List the arms of the used rows of an evidence table, each once, in the order of the table."""
    return _each_once(arm for row in used_rows(evidence) for arm in arms_of(row))


def baseline_first(evidence: Iterable[Mapping[str, str]]) -> list[Arm]:
    """List the arms as `used_arms`, but in every study the comparator of its contrasts first."""
    return _each_once(arm for row in used_rows(evidence) for arm in reversed(arms_of(row)))


def _each_once(arms: Iterable[Arm]) -> list[Arm]:
    return list({(arm.study, arm.name): arm for arm in arms}.values())


def mean_covariates(arms: Iterable[Arm], names: Iterable[str]) -> dict[str, float]:
    """Mean of every covariate over the studies of some arms, all of which give it."""
    arms, means = list(arms), {}
    for name in names:
        values = covariate_by_study(arms, name).values()
        means[name] = sum(values) / len(values)
    return means


def covariate_by_study(arms: Iterable[Arm], name: str) -> dict[str, float]:
    """Covariate of every study that gives it; the mean over its arms where these differ."""
    given: dict[str, list[float]] = {}
    for arm in arms:
        if name in arm.covariates:
            given.setdefault(arm.study, []).append(arm.covariates[name])
    return {study: fmean(values) for study, values in given.items()}
