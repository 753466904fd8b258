"""What evidence tables give: tidy CSV files of arms or of contrasts, so that an existing data set runs as it is.

A table with a column ``effect`` or ``estimate`` holds contrasts, any other the arms of the studies, with the figures
that the outcome's likelihood needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import sqrt
from pathlib import Path
from typing import Any

from secondline.cells import mix, values_cell
from secondline.errors import UserError
from secondline.likelihoods import CONTRASTS, NORMAL, Distribution, Likelihood
from secondline.project.arm_contrasts import ArmContrasts, contrasts_of_arms
from secondline.project.arm_variances import PairwiseEffect
from secondline.project.config_parts import AuditLimits
from secondline.project.covariance import solve_covariance
from secondline.project.covariates import numbers_of
from secondline.project.figures import ALL
from secondline.project.formats.base import Left
from secondline.project.table_arms import ALONE, Arms, composition, parts, several_arms
from secondline.project.table_categories import read_categories
from secondline.project.table_columns import TableFile, read_lines
from secondline.project.table_intervals import Interval, read_interval
from secondline.project.table_judgements import concerns_of
from secondline.project.table_lines import (
    AS_PRINTED,
    JUDGED_COLUMNS,
    ON_SCALE,
    Complain,
    EvidenceTable,
    Line,
    Vocabulary,
    kind_of,
    known,
    needed_columns,
)
from secondline.project.table_means import check_changes, read_mean

Row = dict[str, Any]


@dataclass(frozen=True)
class TableStudy:
    """What a table gives on one outcome of one study: rows of an evidence table, each with its source.

    ``printed`` are contrasts that ``rows`` were put together from; ``message`` tells how, and ``flagged`` whether they
    contradict each other: ``loop`` is by how many standard errors their effects fail to add up, ``fold`` the largest
    factor between a standard error and the one that all together imply. ``concerns`` are the levels of concern about
    ``risk_of_bias`` and ``indirectness`` (1 low, 2 some, 3 high) that ``judge`` chose; without one, nobody judged.
    Where the arms say ``nothing`` of the measure there are no rows.
    """

    study: str
    outcome: str
    file: str
    line: int
    rows: tuple[Row, ...]
    printed: tuple[Row, ...] = ()
    message: str | None = None
    flagged: bool = False
    loop: float = 0.0
    fold: float = 1.0
    concerns: Mapping[str, int] = field(default_factory=dict)
    judge: str | None = None
    nothing: str | None = None

    @property
    def given(self) -> tuple[Row, ...]:
        """Rows that say who was in the study, used or not."""
        return self.rows or self.printed

    def contradicts(self, limits: AuditLimits) -> bool:
        """Whether its contrasts contradict each other by more than the limits allow."""
        return self.loop > limits.loop_error or self.fold > limits.fold_error

    def error(self, problem: str) -> UserError:
        """Report a mistake that concerns the whole study."""
        return UserError(problem, self.file, self.line, "study", self.study)


def read_studies(table: EvidenceTable, vocabulary: Vocabulary, complain: Complain) -> list[TableStudy]:
    """Read one table into what it gives on every outcome of every study, in its order; see `read_table`."""
    return read_table(table, vocabulary, complain)[0]


def read_table(table: EvidenceTable, vocabulary: Vocabulary, complain: Complain) -> tuple[list[TableStudy], TableFile]:
    """Read one table into what it gives on every outcome of every study, and say what the file was taken for.

    Parameters
    ----------
    table : EvidenceTable
    vocabulary : Vocabulary
    complain : callable
        Builds the error for a path inside the table's entry in the configuration, a value and a problem.

    Raises
    ------
    UserError
        The first mistake, in one line.
    """
    if not Path(table.file).is_file():
        raise complain(("file",), table.file, "no such file")
    _check_treatments(table, vocabulary, complain)
    lines, file = read_lines(table, vocabulary, complain)
    for line in lines if not table.outcome else ():
        known(line, "outcome", line.text("outcome"), list(vocabulary.likelihoods))
    found = list(dict.fromkeys(line.text("study") for line in lines))
    named: dict[tuple[str | int, ...], str] = {("studies", i): study for i, study in enumerate(table.studies)}
    named |= {("acknowledged", i, "study"): record.study for i, record in enumerate(table.acknowledged)}
    for path, study in named.items():
        if study not in found:
            raise complain(path, study, f"no such study in {table.file}; allowed: {', '.join(found)}")
    others = [
        Left(line.number, "of a study that is not among those named under studies")
        for line in lines
        if table.studies and line.text("study") not in table.studies
    ]
    groups = _groups(lines, table, vocabulary)
    alone = [group for group in groups if group.is_alone]
    studies = [group.read() for group in groups if not group.is_alone or len(alone) == len(groups)]
    others += [Left(group.lines[0].number, ALONE) for group in alone]
    others += [one for group in groups for one in group.arms.left]
    said = several_arms(group.arms.in_words() for group in groups)
    return studies, replace(file, words=f"{file.words}; {said}" if said else file.words).without(others)


def studies_of(lines: Sequence[Line], table: EvidenceTable, vocabulary: Vocabulary) -> list[TableStudy]:
    """Put lines together by outcome and study, in the order of the table; the first mistake is a `UserError`."""
    return [group.read() for group in _groups(lines, table, vocabulary)]


def _groups(lines: Sequence[Line], table: EvidenceTable, vocabulary: Vocabulary) -> list["_Study"]:
    """Lines of every chosen study on every outcome."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((table.outcome or line.text("outcome"), line.text("study")), []).append(line)
    return [
        _Study(outcome, study, members, table, vocabulary, Arms(study, table, vocabulary))
        for (outcome, study), members in groups.items()
        if not table.studies or study in table.studies
    ]


def _check_treatments(table: EvidenceTable, vocabulary: Vocabulary, complain: Complain) -> None:
    """Check that the treatments of the table are read as regimens of ours."""
    for name, cell in table.treatments.items():
        for part in cell.split() if ":" in cell else [cell]:
            if (part.rpartition(":")[0] or part) not in vocabulary.regimens:
                allowed = ", ".join(vocabulary.regimens)
                raise complain(("treatments", name), cell, f"unknown regimen; allowed: {allowed}")


@dataclass(frozen=True)
class _Study:
    """The lines of one study on one outcome."""

    outcome: str
    study: str
    lines: Sequence[Line]
    table: EvidenceTable
    vocabulary: Vocabulary
    arms: Arms

    @property
    def is_alone(self) -> bool:
        """Whether it is an arm that nothing is compared with."""
        return (
            len(self.lines) == 1 and kind_of(self.outcome, set(self.lines[0].cells), self.vocabulary) is not CONTRASTS
        )

    def read(self) -> TableStudy:
        """Turn the lines into rows of an evidence table."""
        there = set(self.lines[0].cells)
        needed = needed_columns(self.outcome, there, self.vocabulary)
        for column in needed:
            if column not in there:
                problem = f"there is no column {column}; {self.outcome} needs {', '.join(needed)}"
                raise self.lines[0].error("outcome", problem)
        kind = kind_of(self.outcome, there, self.vocabulary)
        return self._contrasts() if kind is CONTRASTS else self._arms(kind)

    def _found(self, rows: Sequence[Row], **more: Any) -> TableStudy:
        for line in self.lines:
            for column in JUDGED_COLUMNS:
                self._agree(line, column)
        more |= {"concerns": concerns_of(self.lines[0]), "judge": self.table.judged_by}
        return TableStudy(self.study, self.outcome, self.table.file, self.lines[0].number, tuple(rows), **more)

    def _common(self, line: Line) -> Row:
        """Return what every row of the study says, of arms or of contrasts."""
        return {
            "study": self.study,
            "outcome": self.outcome,
            "contrast_set": None,
            "population": ALL,
            "setting_mix": self._setting(line),
            "covariates": self._covariates(line),
            "source": line.source,
        }

    def _setting(self, line: Line) -> str:
        self._agree(line, "setting")
        cell = line.cells.get("setting")
        return mix(parts(line, "setting", cell, self.vocabulary.settings)) if cell else ""

    def _covariates(self, line: Line) -> str:
        words, values = self.vocabulary.levels, dict[str, float | str]()
        for name in self.vocabulary.covariates:
            if name not in self.vocabulary.by_arm or line.has("comparator"):
                self._agree(line, name)
            if line.has(name):
                values[name] = line.text(name) if name in words else line.number_in(name)
            if line.has(name) and name in words and values[name] not in words[name]:
                raise line.error(name, f"unknown level; allowed: {', '.join(words[name])}")
        return values_cell(numbers_of(values, values, words))

    def _agree(self, line: Line, column: str) -> None:
        """Check that a fact about the study is the same on all its lines."""
        first = self.lines[0]
        if line.cells.get(column) != first.cells.get(column):
            raise line.error(column, f"must be the same on every line of study {self.study}, as on {first.here}")

    def _arms(self, kind: Likelihood) -> TableStudy:
        rows: list[Row] = []
        if self.table.correlation is not None:
            check_changes(self.lines)
        kept = self.arms.each_once(self.lines, ["treatment"], f"study {self.study} has this arm")
        for line, again in kept:
            regimens, name = self.arms.regimens(line, "treatment"), self.arms.name(line, "treatment", again)
            figures = self._figures(line, kind)
            received = {"arm": name, "arm_mix": composition(regimens, figures.get("n"))}
            rows.append({**self._common(line), **received, "criterion": None, "derived": None, **figures})
        if len(rows) == 1:
            raise self.lines[0].error("study", "this study has one arm; allowed: two or more, on a line each")
        made = self.vocabulary.made_of_arms(self.outcome)
        return self._converted([line for line, _ in kept], rows, made) if made else self._found(rows)

    def _figures(self, line: Line, kind: Likelihood) -> Row:
        """Figures of one arm, by likelihood."""
        if kind is NORMAL:
            return read_mean(line, self.table.correlation)
        return _counted(line, kind, self.vocabulary.categories_of(self.outcome, kind))

    def _converted(self, lines: Sequence[Line], rows: Sequence[Row], made: ArmContrasts) -> TableStudy:
        """Make contrasts of the arms, or say why they say nothing of the measure."""
        for line, row in zip(lines, rows, strict=True):
            if problem := made.problem(row):
                raise line.error(*problem)
        if nothing := made.nothing(rows):
            return self._found((), printed=tuple(rows), nothing=nothing)
        return self._found(contrasts_of_arms(rows, made.name), printed=tuple(rows))

    def _contrasts(self) -> TableStudy:
        what = f"study {self.study} compares these two"
        kept = self.arms.each_once(self.lines, ["treatment", "comparator"], what)
        lines, rows = [line for line, _ in kept], [self._contrast(line, again) for line, again in kept]
        arms = dict.fromkeys(chain.from_iterable((row["comparator_arm"], row["treatment_arm"]) for row in rows))
        self._one_size(lines, rows)
        star = len(rows) == len(arms) - 1 and len({row["comparator_arm"] for row in rows}) == 1
        if len(rows) == 1 or (star and all(row["baseline_se"] for row in rows)):
            if len(rows) > 1:
                self._one_baseline(lines, rows)
            return self._found(rows)
        return self._solved(rows, list(arms))

    def _contrast(self, line: Line, again: int) -> Row:
        row: Row = {**self._common(line), "method": "table", "adjustment": None, "assumed": False, "covariances": None}
        for column in ("treatment", "comparator"):
            regimens, n = self.arms.regimens(line, column), line.size(f"n_{column}")
            row[f"{column}_arm"] = self.arms.name(line, column, again if column == "treatment" else 0)
            row[f"{column}_mix"], row[f"n_{column}"] = composition(regimens, n), n
        if line.text("treatment") == line.text("comparator"):
            raise line.error("comparator", "treatment and comparator are the same")
        row["effect"], row["se"], row["interval"] = self._effect(line)
        row["baseline_se"] = line.positive("comparator_se") if line.has("comparator_se") else None
        if row["baseline_se"] and row["baseline_se"] >= row["se"]:
            raise line.error("comparator_se", f"allowed: less than the standard error of the contrast, {row['se']}")
        return row

    def _effect(self, line: Line) -> tuple[float, float, Interval | None]:
        """Effect and standard error of a contrast, and the interval that gives them where there is one."""
        if line.has(ON_SCALE[0]) and line.has(AS_PRINTED[0]):
            raise line.error("estimate", "allowed: an effect with se, or an estimate with its limits, not both")
        if line.has(ON_SCALE[0]) or AS_PRINTED[0] not in line.cells:
            return line.number_in("effect"), line.positive("se"), None
        interval = read_interval(line, is_ratio=self.vocabulary.measure(self.outcome).is_ratio)
        return interval.effect, interval.se, interval

    def _one_size(self, lines: Sequence[Line], rows: Sequence[Row]) -> None:
        sizes: dict[str, tuple[int, str]] = {}
        for line, row in zip(lines, rows, strict=True):
            for end in _ENDS:
                n = row[f"n_{end}"]
                if n is not None:
                    expected, there = sizes.setdefault(row[f"{end}_arm"], (n, line.here))
                    if n != expected:
                        raise line.error(f"n_{end}", f"allowed: {expected}, as on {there}: it is the same arm")

    def _one_baseline(self, lines: Sequence[Line], rows: Sequence[Row]) -> None:
        for line, row in zip(lines, rows, strict=True):
            if row["baseline_se"] != rows[0]["baseline_se"]:
                allowed = f"{rows[0]['baseline_se']}, as on {self.lines[0].here}: it is the same arm"
                raise line.error("comparator_se", f"allowed: {allowed}")

    def _solved(self, rows: Sequence[Row], arms: Sequence[str]) -> TableStudy:
        """Put pairwise intervals together into contrasts against the first comparator, with their covariance."""
        ends = [(row[f"{end}_arm"], row[f"{end}_mix"], row[f"n_{end}"]) for row in rows for end in _ENDS]
        sizes = {name: n for name, _, n in ends if n}
        mixes = {name: received for name, received, _ in ends}
        pairs = [PairwiseEffect(r["treatment_arm"], r["comparator_arm"], r["effect"], r["se"]) for r in rows]
        arm_se = {row["comparator_arm"]: row["baseline_se"] for row in rows if row["baseline_se"]}
        try:
            solved = solve_covariance(arms, pairs, arm_se=arm_se, sizes=sizes)
        except ValueError as error:
            raise self.lines[0].error("study", str(error)) from None
        contrasts = [
            {
                **rows[0],
                "treatment_arm": treatment,
                "comparator_arm": solved.comparator,
                "treatment_mix": mixes[treatment],
                "comparator_mix": mixes[solved.comparator],
                "n_treatment": sizes.get(treatment),
                "n_comparator": sizes.get(solved.comparator),
                "effect": float(solved.effects[k]),
                "se": sqrt(solved.covariance[k, k]),
                "baseline_se": None,
                "interval": None,
                "covariances": " ".join(repr(float(value)) for value in solved.covariance[k, :k]) or None,
                "method": solved.method,
                "assumed": bool(solved.assumptions),
                "source": "; ".join(row["source"] for row in rows),
            }
            for k, treatment in enumerate(solved.treatments)
        ]
        contradiction = {"flagged": solved.flagged, "loop": solved.loop_in_se, "fold": solved.inconsistency}
        return self._found(contrasts, printed=tuple(rows), message=solved.message, **contradiction)


_ENDS = ("treatment", "comparator")


def _counted(line: Line, kind: Likelihood, categories: Sequence[str]) -> Row:
    """Read the counts of one arm, by likelihood."""
    if kind.is_ordered:
        return read_categories(line, categories)
    row: Row = {"events": line.whole("events"), "n": line.size("n")}
    if kind.distribution is not Distribution.POISSON:
        row["n"] = line.whole("n", 1)
        if row["events"] > row["n"]:
            raise line.error("events", f"more events than patients; allowed: 0 to {row['n']}")
    return {**row, "time": line.positive("time")} if kind.takes_time else row


def by_outcome(studies: Sequence[TableStudy], outcome: str) -> Iterator[TableStudy]:
    """Iterate over the studies that give an outcome."""
    return (study for study in studies if study.outcome == outcome)
