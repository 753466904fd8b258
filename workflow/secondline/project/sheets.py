"""Study sheets: what a paper prints, and where it prints it.

One YAML file per study. Nothing in a sheet is computed: hazard ratios keep the printed orientation, counts
and percentages stand as printed, and every figure carries its printed string and its place in the paper.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from secondline.errors import UserError
from secondline.project.documents import (
    Document,
    Strict,
    Text,
    fail,
)
from secondline.project.figures import ALL, Count, Figure, Identifier, resolve_count
from secondline.project.outcome_records import (
    AssumedEvents,
    CharacteristicRecord,
    CountRecord,
    Curve,
    Events,
    HazardRatio,
    LogRank,
    Median,
    Response,
)
from secondline.project.risk_of_bias import DIRECTIONS, Indirectness, RiskOfBias
from secondline.project.study_parts import (
    Acknowledgement,
    Arm,
    Bibliography,
    Comparison,
    ContrastSet,
    Enrolment,
    FailedFirstLine,
    LeastTreatment,
    Population,
    Reprint,
    SecondaryReport,
    Switch,
)


class StudySheet(Strict):
    """Everything that a paper reports about the outcomes of the network."""

    study: Identifier
    """Name of the study, which is the name of this file."""
    secondary_report: SecondaryReport | None = None
    """Only for figures that were taken from another paper."""
    bibliography: Bibliography | None
    """Null only in a secondary report."""
    design: Literal["retrospective_cohort", "prospective_cohort", "randomised_trial"] | None
    """Design of the study; null only in a secondary report."""
    site: Text | None
    """Hospitals that enrolled patients; null only in a secondary report."""
    enrolment: Enrolment | None
    """Null only in a secondary report."""
    endpoints: dict[Identifier, Figure] = Field(default_factory=dict)
    """How the paper defines its endpoints, by outcome."""
    failed_first_line: Annotated[list[FailedFirstLine], Field(min_length=1)]
    """Previous first-line therapy: one entry per setting. The numbers add up to those of the arms of the first contrast
    set."""
    arms: Annotated[dict[Identifier, Arm], Field(min_length=2)]
    """The arms, by a short name of your choice."""
    contrast_sets: Annotated[dict[Identifier, ContrastSet], Field(min_length=1)]
    """Which arms are compared with which; fits use the first set unless an analysis selects another."""
    populations: dict[Identifier, Population] = Field(default_factory=dict)
    """Matched cohorts and subgroups to which the records below refer."""
    covariates: dict[Identifier, float | Text] = Field(default_factory=dict)
    """Study-level covariates for the meta-regressions of the configuration, by name: numbers, or words."""
    hazard_ratios: list[HazardRatio] = Field(default_factory=list)
    """The code resolves their direction; crude and adjusted ratios have separate entries."""
    medians: list[Median] = Field(default_factory=list)
    """One entry per arm."""
    log_rank: list[LogRank] = Field(default_factory=list)
    """One entry per test."""
    events: list[Events] = Field(default_factory=list)
    """One entry per arm, or one for all arms together."""
    assumed_events: list[AssumedEvents] = Field(default_factory=list)
    """One entry per outcome without numbers of events."""
    curves: list[Curve] = Field(default_factory=list)
    """Digitised Kaplan-Meier curves: one entry per figure."""
    responses: list[Response] = Field(default_factory=list)
    """One entry per arm and criterion."""
    counts: list[CountRecord] = Field(default_factory=list)
    """Adverse events and other counts: one entry per arm."""
    comparisons: list[Comparison] = Field(default_factory=list)
    """One entry per printed test or stated direction."""
    characteristics: list[CharacteristicRecord] = Field(default_factory=list)
    """Baseline characteristics: one entry per arm and characteristic."""
    treatment_at_least: LeastTreatment | None = None
    """Minimum amount of the study treatment that patients had to receive in order to be included."""
    switching: list[Switch] = Field(default_factory=list)
    """Subsequent treatments: one entry per arm and regimen."""
    risk_of_bias: RiskOfBias | None = None
    """Judgements of the risk of bias, and facts that bear on it."""
    indirectness: Indirectness | None = None
    """Judgements of the indirectness, and facts that bear on it."""
    reprinted: list[Reprint] = Field(default_factory=list)
    """Quantities that the paper prints more than once, with different values."""
    acknowledged: list[Acknowledgement] = Field(default_factory=list)
    """Known findings of the audit, each with the reason why it is accepted."""
    notes: list[Text] = Field(default_factory=list)
    """Contradictions within the paper, and missing information."""
    _document: Document | None = PrivateAttr(default=None)

    def source(self, path: tuple[str | int, ...], place: str) -> str:
        """Where a figure comes from: file and line of the sheet, and the place in the paper."""
        if self._document is None:
            return f"{self.study} ({place})"
        return f"{self._document.file}:{self._document.line(path)} ({place})"

    def error(self, path: tuple[str | int, ...], value: object, problem: str) -> UserError:
        """Build the one-line error for a value at a path of the sheet."""
        if self._document is None:
            return UserError(problem, self.study, key=".".join(map(str, path)), value=value)
        return self._document.error(path, value, problem)

    @property
    def default_contrast_set(self) -> str:
        """The contrast set used unless an analysis asks for another: the first one."""
        return next(iter(self.contrast_sets))

    def as_printed(self) -> "StudySheet":
        """Take every ratio under the wrong arm's name as its label has it, with the two arms exchanged."""
        ratios = [
            ratio.model_copy(update={"treatment": ratio.comparator, "comparator": ratio.treatment})
            if ratio.label_inverted
            else ratio
            for ratio in self.hazard_ratios
        ]
        return self.model_copy(update={"hazard_ratios": ratios})

    def with_reversed_tests(self) -> "StudySheet":
        """Take every log-rank test of which the paper does not say who did better the other way round."""
        tests = [
            test
            if test.stated
            else test.model_copy(
                update={"favours": test.comparator if test.favours == test.treatment else test.treatment}
            )
            for test in self.log_rank
        ]
        return self.model_copy(update={"log_rank": tests})

    def with_assumed_events(self, end: Literal["low", "high"]) -> "StudySheet":
        """Take the lowest or the highest plausible fraction wherever events are assumed."""
        at = ("low", "high").index(end)
        assumed = [each.model_copy(update={"fraction": each.plausible[at]}) for each in self.assumed_events]
        return self.model_copy(update={"assumed_events": assumed})

    def patients(self, arm: str, population: str = ALL) -> int:
        """Patients of an arm in a population.

        Raises
        ------
        KeyError
            The sheet does not say how many patients of the population are in the arm; see `size`.
        """
        n = self.size(arm, population)
        if n is None:
            raise KeyError(arm)
        return n

    def size(self, arm: str, population: str = ALL) -> int | None:
        """Patients of an arm in a population, where the sheet says how many."""
        return self.arms[arm].n if population == ALL else self.populations[population].n.get(arm)

    def patients_of(self, record: CharacteristicRecord) -> int:
        """Patients that a characteristic describes.

        Raises
        ------
        KeyError
            The population does not say how many of its patients are in an arm.
        """
        arms = [record.arm] if record.arm else self.contrast_sets[self.default_contrast_set].arms
        return record.of or sum(self.patients(arm, record.population) for arm in arms)

    @model_validator(mode="after")
    def _references(self) -> "StudySheet":
        if ALL in self.populations:
            fail(("populations", ALL), None, "this word is reserved for all patients of the arms")
        arms = ", ".join(self.arms)
        for name, contrast_set in self.contrast_sets.items():
            for i, arm in enumerate(contrast_set.arms):
                if arm not in self.arms:
                    fail(("contrast_sets", name, "arms", i), arm, f"unknown arm; allowed: {arms}")
        for path, arm in self._arm_references():
            if arm not in self.arms:
                fail(path, arm, f"unknown arm; allowed: {arms}")
        populations = [ALL, *self.populations]
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                if record.population not in populations:
                    allowed = ", ".join(populations)
                    fail((section, i, "population"), record.population, f"unknown population; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _only_quotations_leave_out(self) -> "StudySheet":
        """Check that null stands only where another paper quotes the study."""
        keys: list[tuple[str | int, ...]] = [("bibliography",), ("design",), ("site",), ("enrolment",)]
        left_out = [path for path in keys if getattr(self, str(path[0])) is None]
        left_out += [("failed_first_line", i, "n") for i, line in enumerate(self.failed_first_line) if line.n is None]
        left_out += [("arms", name, "n") for name, arm in self.arms.items() if arm.n is None]
        for path in left_out:
            if self.secondary_report is None:
                fail(path, None, "null is allowed in a secondary_report only")
            if path[0] == "failed_first_line" and len(self.failed_first_line) > 1:
                fail(path, None, "more than one failed first line; say how many patients each had")
        return self

    @model_validator(mode="after")
    def _patients_add_up(self) -> "StudySheet":
        self._arms_add_up()
        for name, population in self.populations.items():
            for arm, n in population.n.items():
                whole = self.arms[arm].n
                if whole is not None and n > whole:
                    fail(("populations", name, "n", arm), n, f"the whole arm has {whole} patients")
        self._sizes_are_known()
        for path, events, n in self._counts_with_totals():
            if events is not None and events > n:
                fail(path, events, f"more events than patients; allowed: 0 to {n}")
        for i, response in enumerate(self.responses):
            n = self.patients(response.arm, response.population)
            figures = (response.cr, response.pr, response.sd, response.pd)
            total = sum(resolve_count(figure, n) or 0 for figure in figures if figure)
            if total > n:
                fail(("responses", i), None, f"the categories add up to {total}; allowed: 0 to {n} patients")
        return self

    def _arms_add_up(self) -> None:
        """Check the arms against the failed first lines, and every contrast set against the first."""
        total = self._together(self.default_contrast_set)
        lines = [line.n for line in self.failed_first_line if line.n is not None]
        failed = sum(lines)
        if total is not None and lines and failed != total:
            fail("failed_first_line", failed, f"the failed first lines add up to {failed}, the arms to {total}")
        for name in self.contrast_sets:
            n = self._together(name)
            if n is not None and total is not None and n > total:
                fail(("contrast_sets", name, "arms"), n, f"the arms have {n} patients, the study {total}")

    def _together(self, contrast_set: str) -> int | None:
        """Patients of all arms of a contrast set, where the size of each is known."""
        sizes = [self.arms[arm].n for arm in self.contrast_sets[contrast_set].arms]
        known = [n for n in sizes if n is not None]
        return sum(known) if len(known) == len(sizes) else None

    @model_validator(mode="after")
    def _one_figure_a_characteristic(self) -> "StudySheet":
        found: set[tuple[str, str | None, str]] = set()
        for i, record in enumerate(self.characteristics):
            key = (record.characteristic, record.arm, record.population)
            if key in found and not record.not_used:
                problem = "this arm has a figure for it already; say why one of the two is not_used"
                fail(("characteristics", i, "characteristic"), record.characteristic, problem)
            if not record.not_used:
                found.add(key)
        return self

    def _sizes_are_known(self) -> None:
        """Check that the patients by arm are known wherever a derivation needs them."""
        for section in ("events", "assumed_events", "responses", "counts", "characteristics", "switching"):
            for i, record in enumerate(getattr(self, section)):
                arm = getattr(record, "arm", None)
                for name in [arm] if arm else self.contrast_sets[self.default_contrast_set].arms:
                    if self.arms[name].n is None:
                        fail(("arms", name, "n"), None, f"{section}.{i} needs to know how many patients the arm has")
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                population = self.populations.get(record.population)
                sized = section not in ("hazard_ratios", "medians")
                if population is None or not (sized or population.kind == "matched"):
                    continue
                named = (getattr(record, key, None) for key in ("arm", "treatment", "comparator"))
                arms = [name for name in named if name]
                for arm in arms or self.contrast_sets[self.default_contrast_set].arms:
                    if arm not in population.n:
                        path = ("populations", record.population, "n")
                        needed = f"{section}.{i} needs to know how many patients of {arm} are in this population"
                        fail(path, dict(population.n), needed)

    @model_validator(mode="after")
    def _biases_favour_arms(self) -> "StudySheet":
        for section in ("risk_of_bias", "indirectness"):
            assessment: RiskOfBias | Indirectness | None = getattr(self, section)
            for path, arm in assessment.directions_named() if assessment else ():
                if arm not in self.arms:
                    allowed = ", ".join([*self.arms, *DIRECTIONS])
                    fail((section, *path), arm, f"unknown direction; allowed: {allowed}")
        return self

    def _arm_references(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for i, switch in enumerate(self.switching):
            yield ("switching", i, "arm"), switch.arm
        for i, line in enumerate(self.failed_first_line):
            for arm in line.arms:
                yield ("failed_first_line", i, "arms", arm), arm
        for name, population in self.populations.items():
            for arm in population.n:
                yield ("populations", name, "n", arm), arm
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                for key in ("arm", "treatment", "comparator"):
                    named: str | None = getattr(record, key, None)
                    if named is not None:
                        yield (section, i, key), named

    def _counts_with_totals(self) -> Iterator[tuple[tuple[str | int, ...], int | None, int]]:
        for i, response in enumerate(self.responses):
            for category in ("cr", "pr", "sd", "pd", "orr", "dcr"):
                figure: Count | None = getattr(response, category)
                if figure is not None:
                    n = self._total(response.arm, response.population, figure)
                    yield ("responses", i, category, "count"), figure.count, n
        for i, record in enumerate(self.counts):
            yield (
                ("counts", i, "events", "count"),
                record.events.count,
                self._total(record.arm, record.population, record.events),
            )
        for i, row in enumerate(self.events):
            if row.arm is not None:
                n = self._total(row.arm, row.population, row.events)
                yield ("events", i, "events", "count"), row.events.count, n
        for i, described in enumerate(self.characteristics):
            yield ("characteristics", i, "count"), described.count, self.patients_of(described)
        for i, switch in enumerate(self.switching):
            yield ("switching", i, "count"), switch.count, self._total(switch.arm, ALL, switch)

    def _total(self, arm: str, population: str, figure: Count) -> int:
        return figure.of or self.patients(arm, population)


_RECORDS = (
    "hazard_ratios",
    "medians",
    "log_rank",
    "events",
    "assumed_events",
    "curves",
    "responses",
    "counts",
    "comparisons",
    "characteristics",
)
