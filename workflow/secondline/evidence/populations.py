"""Who was treated: the baseline characteristics of every arm on one scale, and how far arms and studies differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from math import isinf
from pathlib import Path
from typing import Any

from secondline.project.config import Project
from secondline.project.figures import ALL
from secondline.project.moments import (
    combine,
    difference_of_means,
    difference_of_proportions,
    difference_se,
    quartile_moments,
    range_moments,
)
from secondline.project.outcome_records import CharacteristicRecord
from secondline.project.sheets import StudySheet
from secondline.tables import to_csv, write_table

CHARACTERISTIC_COLUMNS = (
    "study",
    "arm",
    "population",
    "characteristic",
    "n",
    "count",
    "percent",
    "median",
    "lower",
    "upper",
    "interval",
    "proportion",
    "mean",
    "sd",
    "derivation",
    "difference",
    "flag",
    "used",
    "definition",
    "note",
    "source",
)
DIFFERENCE_COLUMNS = (
    "characteristic",
    "level",
    "study_a",
    "arm_a",
    "study_b",
    "arm_b",
    "n_a",
    "n_b",
    "value_a",
    "value_b",
    "difference",
    "se",
    "flag",
)
ARMS, STUDIES = "arms", "studies"  # levels of a difference: between the arms of a study, between studies
Row = dict[str, Any]


@dataclass(frozen=True)
class Described:
    """A characteristic of a group of patients: a proportion, or a mean with its standard deviation."""

    study: str
    arm: str
    """The arm, several joined by +, or nothing for all arms together."""
    n: float
    value: float
    sd: float | None
    binary: bool
    derivation: str = ""


def describe(sheet: StudySheet, record: CharacteristicRecord) -> Described:
    """Put a printed characteristic on the scale of its kind, and say how."""
    n, arm = sheet.patients_of(record), record.arm or ""
    if record.count is not None:
        return Described(sheet.study, arm, n, record.count / n, None, True, "count")
    if record.percent is not None:
        count = round(record.percent / 100 * n)
        return Described(sheet.study, arm, n, count / n, None, True, "count next to the percentage")
    value, sd, derivation = _moments(record, n)
    return Described(sheet.study, arm, n, value, sd, False, derivation)


def _moments(record: CharacteristicRecord, n: int) -> tuple[float, float | None, str]:
    if record.mean is not None:
        return record.mean, record.sd, "mean" if record.sd is None else "mean and standard deviation"
    assert record.median is not None  # a sheet gives one kind of figure
    if record.lower is None or record.upper is None:
        return record.median, None, "median in place of the mean"
    if record.interval == "IQR":
        return *quartile_moments(record.lower, record.median, record.upper, n), "median and quartiles (Wan 2014)"
    return *range_moments(record.lower, record.median, record.upper, n), "median and range (Hozo 2005, Wan 2014)"


def described_groups(sheet: StudySheet, characteristic: str) -> list[Described]:
    """List the groups in which a study describes its patients: its arms, all of them together, or only some arms.

    The arms are those of the first contrast set; figures of subgroups and matched cohorts stay out.
    """
    found = {
        record.arm: describe(sheet, record)
        for record in sheet.characteristics
        if record.characteristic == characteristic and record.population == ALL and not record.not_used
    }
    arms = sheet.contrast_sets[sheet.default_contrast_set].arms
    by_arm = [found[arm] for arm in arms if arm in found]
    return by_arm if len(by_arm) == len(arms) or None not in found else [found[None]]


def together(groups: list[Described], arms: int = 0) -> Described:
    """Take groups of patients together; their names are dropped if they are all of so many arms."""
    if len(groups) == 1:
        return groups[0]
    first = groups[0]
    n, value, sd = combine([(group.n, group.value, group.sd) for group in groups])
    name = "" if len(groups) == arms else "+".join(group.arm for group in groups)
    return replace(first, arm=name, n=n, value=value, sd=None if first.binary else sd)


def describe_study(sheet: StudySheet, characteristic: str) -> Described | None:
    """Describe all patients of a study, or those of the arms that it describes; None where it does not."""
    groups = described_groups(sheet, characteristic)
    return together(groups, len(sheet.contrast_sets[sheet.default_contrast_set].arms)) if groups else None


def standardised_difference(a: Described, b: Described) -> float | None:
    """Difference between two groups in standard deviations: Austin 2009 for proportions, Cohen's d for means."""
    if a.binary:
        return difference_of_proportions(a.value, b.value)
    return difference_of_means((a.n, a.value, a.sd), (b.n, b.value, b.sd))


def given_characteristics(project: Project) -> list[str]:
    """Characteristics of the patients that any study gives, in the order in which they are declared."""
    given = {record.characteristic for sheet in project.sheets.values() for record in sheet.characteristics}
    declared = project.characteristics.characteristics
    return [name for name in declared if name in given and not declared[name].course]


def characteristic_rows(project: Project) -> list[Row]:
    """Every characteristic of every arm as printed and on one scale, with its difference from all patients together."""
    order = list(project.characteristics.characteristics)
    everybody = {name: _everybody(project, name) for name in given_characteristics(project)}
    rows = []
    for sheet in project.sheets.values():
        records = sorted(enumerate(sheet.characteristics), key=lambda item: order.index(item[1].characteristic))
        for i, record in records:
            if record.characteristic not in everybody:
                continue
            group, whole = describe(sheet, record), everybody[record.characteristic]
            difference = standardised_difference(group, whole) if whole else None
            rows.append(
                {
                    **record.model_dump(exclude={"mean", "sd", "p"}),
                    "study": sheet.study,
                    "n": group.n,
                    "proportion": group.value if group.binary else None,
                    "mean": None if group.binary else group.value,
                    "sd": group.sd,
                    "derivation": record.derived or group.derivation,
                    "difference": difference,
                    "flag": project.characteristics.standardised_difference.flag(difference),
                    "used": not record.not_used,
                    "note": "; ".join(filter(None, [record.not_used, record.note])),
                    "source": sheet.source(("characteristics", i), record.place),
                }
            )
    return rows


def _everybody(project: Project, characteristic: str) -> Described | None:
    groups = [group for sheet in project.sheets.values() for group in described_groups(sheet, characteristic)]
    return together(groups) if groups else None


def difference_rows(project: Project) -> list[Row]:
    """Every standardised difference between two arms of a study, and between two studies."""
    return [
        _difference(project, name, level, a, b)
        for name in given_characteristics(project)
        for level, pairs in ((ARMS, _pairs_of_arms(project, name)), (STUDIES, _pairs_of_studies(project, name)))
        for a, b in pairs
    ]


def _pairs_of_arms(project: Project, characteristic: str) -> Iterator[tuple[Described, Described]]:
    """Pairs of arms within the studies, the comparator of the study second."""
    for sheet in project.sheets.values():
        comparator = sheet.contrast_sets[sheet.default_contrast_set].comparator
        groups = sorted(described_groups(sheet, characteristic), key=lambda group: group.arm == comparator)
        yield from combinations(groups, 2)


def _pairs_of_studies(project: Project, characteristic: str) -> Iterator[tuple[Described, Described]]:
    studies = (describe_study(sheet, characteristic) for sheet in project.sheets.values())
    yield from combinations([study for study in studies if study], 2)


def _difference(project: Project, characteristic: str, level: str, a: Described, b: Described) -> Row:
    difference = standardised_difference(a, b)
    ends = (("a", a), ("b", b))
    return {
        "characteristic": characteristic,
        "level": level,
        **{f"{key}_{end}": getattr(x, key) for key in ("study", "arm", "n", "value") for end, x in ends},
        "difference": difference,
        "se": None if difference is None or isinf(difference) else difference_se(difference, a.n, b.n),
        "flag": project.characteristics.standardised_difference.flag(difference),
    }


def populations_digest(project: Project) -> str:
    """Digest of both tables of patients; two equal digests mean equal figures of them."""
    return sha256("".join(to_csv(rows, columns) for rows, columns in _tables(project)).encode()).hexdigest()[:16]


def write_populations(project: Project, files: Sequence[str | Path]) -> None:
    """Write the tables of `secondline.layout.POPULATION_TABLES` to files, in that order."""
    for file, (rows, columns) in zip(files, _tables(project), strict=True):
        write_table(file, rows, columns)


def _tables(project: Project) -> tuple[tuple[list[Row], Sequence[str]], ...]:
    return (characteristic_rows(project), CHARACTERISTIC_COLUMNS), (difference_rows(project), DIFFERENCE_COLUMNS)
