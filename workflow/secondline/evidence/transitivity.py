"""Are the patients of the network alike? Characteristics by setting and by comparison, for every analysis.

A network meta-analysis assumes that the patients of one comparison could have stood in any other (transitivity). This
table lays out what the studies say about that: average, range over studies, and largest standardised differences.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from secondline.evidence.populations import (
    ARMS,
    STUDIES,
    Described,
    described_groups,
    difference_rows,
    given_characteristics,
    together,
)
from secondline.project.config import Project
from secondline.project.sheets import StudySheet

OVERALL, SETTING, COMPARISON = "overall", "setting", "comparison"
TRANSITIVITY_COLUMNS = (
    "analysis",
    "group",
    "name",
    "characteristic",
    "kind",
    "studies",
    "of_studies",
    "patients",
    "value",
    "lowest",
    "lowest_study",
    "highest",
    "highest_study",
    "partial",
    "within",
    "within_study",
    "within_flag",
    "between",
    "between_studies",
    "between_flag",
)
Row = dict[str, Any]


@dataclass
class _Group:
    """Studies that are laid side by side, and the share of each of their arms that belongs there."""

    kind: str
    name: str
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    """By study and arm; patients of arms that are not named do not belong to the group."""

    def weight(self, described: Described) -> float:
        """Patients of a described group of patients who belong here."""
        shares = self.shares[described.study]
        if described.arm:
            return described.n * shares.get(described.arm, 0.0)
        return described.n * shares[""]

    def holds(self, row: Row) -> bool:
        """Whether both ends of a difference belong here."""
        if row["level"] == ARMS:
            return all(self.shares.get(row[f"study_{end}"], {}).get(row[f"arm_{end}"]) for end in "ab")
        return row["study_a"] in self.shares and row["study_b"] in self.shares


def transitivity_rows(project: Project) -> list[Row]:
    """Characteristics over all studies, by setting and by comparison, for every analysis."""
    names, differences = given_characteristics(project), difference_rows(project)
    return [
        {
            "analysis": analysis,
            **_summary(project, group, name, [r for r in differences if r["characteristic"] == name]),
        }
        for analysis in (project.config.reported if names else ())
        for group in _groups(project, _used(project, analysis, project.config.analyses[analysis].exclude))
        for name in names
    ]


def _used(project: Project, analysis: str, excluded: Collection[str]) -> list[StudySheet]:
    """Sheets that an analysis uses."""
    return [project.sheets[s] for s in project.studies_of(analysis) if s in project.sheets and s not in excluded]


def _groups(project: Project, sheets: Sequence[StudySheet]) -> Iterator[_Group]:
    yield _Group(OVERALL, OVERALL, {sheet.study: dict.fromkeys(["", *_arms(sheet)], 1.0) for sheet in sheets})
    for setting in project.treatments.settings:
        shares = {sheet.study: _setting_shares(sheet, setting) for sheet in sheets}
        shares = {study: by_arm for study, by_arm in shares.items() if by_arm[""]}
        if shares:
            yield _Group(SETTING, setting, shares)
    comparisons: dict[str, _Group] = {}
    for sheet in sheets:
        for a, b in combinations(_arms(sheet), 2):
            name = _comparison(project, sheet, a, b)
            group = comparisons.setdefault(name, _Group(COMPARISON, name))
            group.shares.setdefault(sheet.study, {"": 1.0}).update({a: 1.0, b: 1.0})
    yield from comparisons.values()


def _arms(sheet: StudySheet) -> list[str]:
    return list(sheet.contrast_sets[sheet.default_contrast_set].arms)


def _setting_shares(sheet: StudySheet, setting: str) -> dict[str, float]:
    """Share of the study, and of each arm as far as the sheet gives it, that is in a setting."""
    whole = sum(line.n or 1 for line in sheet.failed_first_line if line.setting == setting)
    share = whole / sum(line.n or 1 for line in sheet.failed_first_line)  # a single line may be of unknown size
    by_arm = {"": share}
    for arm in _arms(sheet):
        told = all(arm in line.arms for line in sheet.failed_first_line)
        patients = sum(line.arms[arm] for line in sheet.failed_first_line if line.setting == setting) if told else 0
        total = sum(line.arms[arm] for line in sheet.failed_first_line) if told else 0
        by_arm[arm] = patients / total if total else share
    return by_arm


def _comparison(project: Project, sheet: StudySheet, a: str, b: str) -> str:
    """Name a comparison by what its arms received, the one that stands first among the regimens as the comparator."""
    order = list(project.treatments.regimens)
    nodes = [sorted(sheet.arms[arm].regimens, key=order.index) for arm in (a, b)]
    comparator, treatment = sorted(nodes, key=lambda node: [order.index(regimen) for regimen in node])
    return " against ".join("+".join(node) for node in (treatment, comparator))


def _summary(project: Project, group: _Group, characteristic: str, differences: Sequence[Row]) -> Row:
    """One characteristic of one group of studies."""
    studies = [s for study in group.shares if (s := _in_group(project.sheets[study], group, characteristic))]
    patients = sum(study.n for study in studies)
    row: Row = {
        "group": group.kind,
        "name": group.name,
        "characteristic": characteristic,
        "kind": project.characteristics.characteristics[characteristic].kind,
        "studies": len(studies),
        "of_studies": len(group.shares),
        "patients": round(patients) if abs(patients - round(patients)) < 1e-9 else patients,
        "partial": " ".join(study.study for study in studies if study.arm),
    }
    if not studies:
        return row
    lowest, highest = (pick(studies, key=lambda study: study.value) for pick in (min, max))
    here = [row for row in differences if row["difference"] is not None and group.holds(row)]
    within = _largest([row for row in here if row["level"] == ARMS])
    between = _largest([row for row in here if row["level"] == STUDIES])
    return {
        **row,
        "value": sum(study.n * study.value for study in studies) / patients,
        "lowest": lowest.value,
        "lowest_study": lowest.study,
        "highest": highest.value,
        "highest_study": highest.study,
        "within": within and within["difference"],
        "within_study": within and within["study_a"],
        "within_flag": within and within["flag"],
        "between": between and between["difference"],
        "between_studies": between and f"{between['study_a']} against {between['study_b']}",
        "between_flag": between and between["flag"],
    }


def _in_group(sheet: StudySheet, group: _Group, characteristic: str) -> Described | None:
    """Describe the patients of a study who belong to a group; None where it does not describe them."""
    described = described_groups(sheet, characteristic)
    members = [replace(d, n=weight, sd=None) for d in described if (weight := group.weight(d))]
    arms = [arm for arm, share in group.shares[sheet.study].items() if arm and share]
    return together(members, len(arms)) if members else None


def _largest(rows: Sequence[Row]) -> Row | None:
    return max(rows, key=lambda row: abs(row["difference"]), default=None)
