"""Two runs compared: statements, figures beyond Monte Carlo error, and the causes of their changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from secondline.changes.causes import (
    CHANCE,
    Cause,
    Places,
    code_causes,
    evidence_causes,
    gathered,
    settings_causes,
    where,
)
from secondline.changes.manifest import FitRecord, Manifest
from secondline.changes.numbers import Shifts, compare_fit
from secondline.changes.statements import Row, Statements, Subject, grouped
from secondline.tables import read_table

Fit = tuple[str, str]


@dataclass(frozen=True)
class ChangedStatement:
    """A statement of one run that the other does not make, or makes otherwise; empty where there is none."""

    subject: Subject
    before: str
    after: str


@dataclass(frozen=True)
class FitChange:
    """One fit in two runs."""

    fit: Fit
    statements: Sequence[ChangedStatement]
    shifts: Shifts
    causes: Sequence[Cause]

    @property
    def explained(self) -> bool:
        """Whether the fit was made from something else: evidence, settings beside those of chance, code or packages."""
        return any(cause.part not in CHANCE for cause in self.causes)

    @property
    def is_change(self) -> bool:
        """Whether anything differs that chance does not explain."""
        return bool(self.shifts.beyond or (self.explained and self.statements))


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two runs."""

    fits: Sequence[FitChange]
    added: Sequence[Fit]
    gone: Sequence[Fit]

    @property
    def nothing(self) -> bool:
        """Whether the runs say the same, apart from Monte Carlo error."""
        return not (self.added or self.gone or any(fit.is_change for fit in self.fits))


def compare(before: Manifest, after: Manifest) -> Difference:
    """Compare two runs.

    A statement that changes although evidence, settings, code and packages are the same, and no figure by more than
    Monte Carlo error, changes by chance alone: it stood on its limit, and is not counted.

    Raises
    ------
    FileNotFoundError
        A table of one of the runs is missing.
    """
    records = [records_of(run) for run in (before, after)]
    rows = [contrasts_of(run) for run in (before, after)]
    figures = [gathered(run.folder) for run in (before, after)]

    @cache
    def places(outcome: str) -> Places:
        return Places(*(where(found, outcome) for found in figures))

    fits = []
    for fit in (fit for fit in records[1] if fit in records[0]):
        one, other = records[0][fit], records[1][fit]
        old, new = evidence_of(before, fit), evidence_of(after, fit)
        causes = [
            *(evidence_causes(old, new, places(fit[1])) if old != new else ()),
            *settings_causes(before.setup, after.setup, one, other),
            *code_causes(before, after, one, other),
        ]
        draws = {
            model: (before.draws[name], after.draws[name])
            for model in {row["model"] for row in rows[1].get(fit, ())}
            if (name := "/".join((*fit, model))) in before.draws and name in after.draws
        }
        measure = after.setup.labels["measures"][fit[1]]
        shifts = compare_fit(rows[0].get(fit, ()), rows[1].get(fit, ()), measure, draws)
        fits.append(FitChange(fit, changed(before.said, after.said, fit), shifts, causes))
    return Difference(
        fits=fits,
        added=[fit for fit in records[1] if fit not in records[0]],
        gone=[fit for fit in records[0] if fit not in records[1]],
    )


def records_of(run: Manifest) -> dict[Fit, FitRecord]:
    """Find what every fit of a run was made from, by analysis and outcome."""
    return {(fit.analysis, fit.outcome): fit for fit in run.setup.fits}


def evidence_of(run: Manifest, fit: Fit) -> list[Row]:
    """Read the evidence of one fit of a run."""
    return list(read_table(run.analysis_folder(fit[0]) / fit[1] / "evidence.csv"))


def contrasts_of(run: Manifest) -> dict[tuple[str, ...], list[Row]]:
    """Read the contrasts of a run, by analysis and outcome."""
    return grouped(read_table(run.folder / "summary" / "sensitivity.csv"), "analysis", "outcome")


def changed(before: Statements, after: Statements, fit: Fit) -> list[ChangedStatement]:
    """List the statements of one fit that differ, in the order of their subjects."""
    subjects = [subject for subject in {**before, **after} if subject.fit == fit]
    subjects.sort(key=lambda subject: subject.place)
    pairs = [(subject, before.get(subject, ""), after.get(subject, "")) for subject in subjects]
    return [ChangedStatement(*pair) for pair in pairs if pair[1] != pair[2]]
