"""The typed configuration: what to run, on which treatments, with which priors."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from secondline.errors import UserError
from secondline.project.bias import BiasFans
from secondline.project.certainty import Certainty, check_range
from secondline.project.characteristics import Characteristics
from secondline.project.config_parts import (
    Analysis,
    AuditLimits,
    Model,
    NextStudy,
    Overlap,
    PriorFan,
    Priors,
    Sampler,
    SourceCopies,
)
from secondline.project.covariates import Covariate
from secondline.project.documents import Document, FileName, Question, Strict, Title, fail
from secondline.project.evidence_tables import TableStudy
from secondline.project.figures import Identifier
from secondline.project.outcomes import Baseline, Outcome
from secondline.project.pico import Pico
from secondline.project.references import check_references, known
from secondline.project.sheets import StudySheet
from secondline.project.specifications import Specifications
from secondline.project.table_columns import TableFile
from secondline.project.table_lines import EvidenceTable
from secondline.project.table_treatments import TreatmentsOfTables
from secondline.project.treatments import Treatments

_FOLDERS = ["evidence", "summary"]
# Folders of the project that are no place for results: `make clean`, or the next run, would take one for the other.
_TAKEN = ("config", "docs", "envs", "logs", "profiles", "scripts", "sources", "tests", "workflow")
_LONGEST = 200  # letters of a folder's name; file systems allow 255 bytes


def _place_of_results(value: str) -> str:
    path = Path(value)
    inside = path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path
    if ".." in path.parts or not inside.parts or Path.cwd().is_relative_to(path.absolute()):
        problem = "allowed: a folder below this one, such as results, or somewhere else by its whole path, without .."
        fail((), value, problem)
    if any(part != part.strip() or len(part.encode()) > _LONGEST for part in inside.parts):
        fail((), value, f"allowed: names of up to {_LONGEST} letters, without blanks at their ends")
    if inside.parts[0] in _TAKEN or any(part.startswith(".") for part in inside.parts):
        fail(
            (), value, f"not a place for results; allowed: a folder that is not hidden, nor one of {', '.join(_TAKEN)}"
        )
    return value


ResultsFolder = Annotated[FileName, AfterValidator(_place_of_results)]


def _inline_or_file(value: Any) -> Any:
    if not isinstance(value, str | dict):
        fail((), value, "allowed: the name of a file, or its contents")
    return value


class Config(Strict):
    """The settings of a run.

    Studies come from the sheets in the folder ``studies``, from the tables under ``evidence``, or from both. The
    figures in the sheets are checked against the user's copies of the papers, under ``sources``, if there are any.
    ``treatments`` names a file or contains the treatments; the same holds for ``characteristics``, the baseline
    characteristics that sheets may report. Tables about all analyses are written to ``shared``, by default the results
    folder; configurations that share a results folder need one such folder each. The base analysis, of which the other
    analyses are variations, is the one under ``leave_one_out`` or else the first that is sampled. The report starts
    with the outcomes under ``lead``, by default the first outcome. ``baselines`` are the baselines of single settings,
    by outcome and setting. Each of the ``pairs`` of outcomes is shown together: the first below the diagonal of a
    league table and on the horizontal axis of a scatter plot, the second above the diagonal and on the vertical axis.
    """

    question: Question | None = None
    """The question that the report answers, which is its heading: one sentence that ends in `?`."""
    title: Title | None = None
    """Short title of the project, for documents and the title of the page; by default the question."""
    results: ResultsFolder = "results"
    """Folder of the results."""
    shared: ResultsFolder | None = None
    """Folder of the tables about all analyses; by default the results folder."""
    studies: FileName | None = None
    """Folder of the study sheets."""
    evidence: list[EvidenceTable] = Field(default_factory=list)
    """Tables of evidence."""
    sources: SourceCopies | None = None
    """The user's own copies of the papers."""
    treatments: Annotated[
        FileName | dict[str, Any],
        BeforeValidator(_inline_or_file, json_schema_input_type=FileName | Treatments | TreatmentsOfTables),
    ]
    """File with the treatments, the treatments themselves, or `{from_table: true, reference: Placebo}`."""
    characteristics: (
        Annotated[
            FileName | dict[str, Any],
            BeforeValidator(_inline_or_file, json_schema_input_type=FileName | Characteristics),
        ]
        | None
    ) = None
    """File with the baseline characteristics, or the characteristics themselves."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Seed for all random numbers."""
    outcomes: Annotated[dict[Identifier, Outcome], Field(min_length=1)]
    """Outcomes, by name."""
    baselines: dict[Identifier, dict[Identifier, Baseline]] = Field(default_factory=dict)
    """Baselines of single settings, by outcome and setting."""
    criteria: list[Literal["mrecist", "recist_1_1"]] = Field(default_factory=list)
    """Response criteria in order of preference."""
    models: Annotated[dict[Identifier, Model], Field(min_length=1)]
    """Models of the effects, by name."""
    headline: Identifier
    """The model on which the summaries focus."""
    lead: list[Identifier] = Field(default_factory=list)
    """Outcomes with which the report starts; by default the first outcome."""
    priors: dict[Identifier, Priors]
    """Sets of priors, by name."""
    sampler: Sampler
    """Settings of the sampler."""
    analyses: Annotated[dict[Identifier, Analysis], Field(min_length=1)]
    """Analyses, by name."""
    bias: BiasFans | None = None
    """Biases that are subtracted from the base analysis, to see what they would change."""
    overlaps: list[Overlap] = Field(default_factory=list)
    """Patients whom two studies share; each analysis states whether it takes them into account."""
    leave_one_out: Identifier | None = None
    """The analysis that is refitted with each of its studies left out in turn. It is also the base analysis."""
    inconsistency: Identifier | None = None
    """The analysis that is checked for inconsistency."""
    specifications: Specifications | None = None
    """The specification curve: the choices of an analysis that could have been made differently."""
    next_study: NextStudy | None = None
    """Further studies that could be done, and what each would be worth."""
    prior_fan: PriorFan | None = None
    """Priors for the heterogeneity under which the base analysis is recomputed, to see what they change."""
    certainty: Certainty | None = None
    """How the certainty of the effects is judged."""
    pairs: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    """Pairs of outcomes that are shown together in one league table and one scatter plot, such as benefit and harm."""
    pico: list[Pico] = Field(default_factory=list)
    """Questions of a joint clinical assessment, which select effects from every analysis."""
    audit: AuditLimits = Field(default_factory=AuditLimits)
    """Limits beyond which a difference between two figures of a paper becomes a finding."""

    @model_validator(mode="after")
    def _references(self) -> "Config":
        check_references(self)
        return self

    def prior_of(self, analysis: str, outcome: str) -> str:
        """Name the priors of an outcome in an analysis."""
        return self.analyses[analysis].priors.get(outcome, self.outcomes[outcome].prior)

    @model_validator(mode="after")
    def _something_reported(self) -> "Config":
        if not self.reported:
            fail("analyses", None, "every analysis has engine: exact; allowed: one with engine: sampler at least")
        return self

    @model_validator(mode="after")
    def _reserved_words(self) -> "Config":
        models = ["inconsistency", "network", "frequentist"]
        for key, words in (("models", models), ("outcomes", _FOLDERS), ("analyses", _FOLDERS)):
            for word in words:
                if word in getattr(self, key):
                    fail((key, word), None, "this word is reserved for a folder of results")
        return self

    @model_validator(mode="after")
    def _followed_outcomes(self) -> "Config":
        for i, name in enumerate(self.bias.outcomes if self.bias else ()):
            known(("bias", "outcomes", i), name, self.outcomes_of(self.base), "outcome")
            if self.outcomes[name].modelled.is_ordered:
                fail(("bias", "outcomes", i), name, "allowed: outcomes without ordered categories")
        return self

    @model_validator(mode="after")
    def _common_outcomes(self) -> "Config":
        for i, outcome_id in enumerate(self.bias.common_outcomes if self.bias else ()):
            known(("bias", "common_outcomes", i), outcome_id, self.outcomes, "outcome")
        return self

    @model_validator(mode="after")
    def _schemes(self) -> "Config":
        for name, analysis in self.analyses.items():
            if analysis.bias:
                path = ("analyses", name, "bias", "scheme")
                if self.bias is None:
                    fail(path, analysis.bias.scheme, "unknown scheme; allowed: one declared under `bias: schemes:`")
                known(path, analysis.bias.scheme, self.bias.schemes)
        return self

    @model_validator(mode="after")
    def _certainties(self) -> "Config":
        if self.certainty and self.reported:
            for name, equivalence in self.certainty.equivalence.items():
                known(("certainty", "equivalence", name), name, self.outcomes, "outcome")
                effects = self.outcomes[name].effects
                check_range(("certainty", "equivalence", name), equivalence, effects.is_ratio, effects.none)
            for path, judgement in self.certainty.judgements():
                known(("certainty", *path, "outcome"), judgement.outcome, self.outcomes_of(self.base), "outcome")
        return self

    @model_validator(mode="after")
    def _one_covariate_of_a_name(self) -> "Config":
        first: dict[str, Covariate] = {}
        for path, covariate in self._regressors:
            known = first.setdefault(covariate.name, covariate)
            if set(covariate.levels) != set(known.levels):
                shown = ", ".join(known.levels) or "none"
                fail((*path, "levels"), covariate.levels, f"another model gives this covariate other levels: {shown}")
            if covariate.by != known.by:
                fail((*path, "by"), covariate.by, f"another model gives this covariate by {known.by}")
        return self

    @model_validator(mode="after")
    def _some_evidence(self) -> "Config":
        if self.studies is None and not self.evidence:
            fail("evidence", None, "give a folder of studies, tables of evidence, or both")
        return self

    @property
    def reported(self) -> list[str]:
        """Analyses with fits and a report; the others are solved exactly, and only compared with them."""
        return [name for name, analysis in self.analyses.items() if analysis.engine == "sampler"]

    @property
    def covariates(self) -> list[str]:
        """Covariates that any model uses."""
        return list(dict.fromkeys(covariate.name for _, covariate in self._regressors))

    @property
    def levels(self) -> dict[str, list[str]]:
        """Levels by covariate, of those that are words."""
        return {covariate.name: covariate.levels for _, covariate in self._regressors if covariate.levels}

    @property
    def covariates_by_arm(self) -> list[str]:
        """Covariates that tables give for every arm."""
        return list(dict.fromkeys(covariate.name for _, covariate in self._regressors if covariate.by == "arm"))

    @property
    def _regressors(self) -> list[tuple[tuple[str | int, ...], Covariate]]:
        """Covariates of all models, each with where it stands in the configuration."""
        return [
            (("models", name, *path), covariate)
            for name, model in self.models.items()
            for path, covariate in model.regressors
        ]

    @property
    def base(self) -> str:
        """The base analysis, which the others vary and whose report compares them: that refitted, or else the first."""
        return self.leave_one_out or self.reported[0]

    @property
    def doubted(self) -> str:
        """The analysis from which the specifications depart."""
        chosen = self.specifications and self.specifications.analysis
        return chosen or self.base

    @property
    def doubted_outcomes(self) -> list[str]:
        """Outcomes of the specification curve, in the order of the configuration; none without one."""
        if self.specifications is None:
            return []
        chosen = self.specifications.outcomes
        return [outcome for outcome in self.outcomes_of(self.doubted) if not chosen or outcome in chosen]

    @property
    def bias_outcomes(self) -> list[str]:
        """Outcomes whose answer is followed over the size of a bias, in the order of the configuration."""
        if self.bias is None:
            return []
        gaussian = [name for name, outcome in self.outcomes.items() if outcome.modelled.is_gaussian]
        return [name for name in self.outcomes_of(self.base) if name in (self.bias.outcomes or gaussian)]

    @property
    def next_study_outcomes(self) -> list[str]:
        """Outcomes of which the value of a next study is computed, in the order of the configuration."""
        if self.next_study is None:
            return []
        return [name for name in self.outcomes_of(self.base) if name in (self.next_study.outcomes or self.outcomes)]

    @property
    def prior_fan_outcomes(self) -> list[str]:
        """Outcomes that are solved under several priors, in the order of the configuration."""
        if self.prior_fan is None:
            return []
        return [name for name in self.outcomes_of(self.base) if name in (self.prior_fan.outcomes or self.outcomes)]

    @property
    def shared_results(self) -> str:
        """Folder of the tables about all analyses: evidence/ and summary/."""
        return self.shared or self.results

    def outcomes_of(self, analysis: str) -> list[str]:
        """Outcomes of an analysis, in the order of the configuration."""
        chosen = self.analyses[analysis].outcomes
        return [outcome for outcome in self.outcomes if not chosen or outcome in chosen]

    def baseline_of(self, outcome: str, setting: str) -> Baseline | None:
        """Baseline of a setting: its own, or else that of the outcome."""
        return self.baselines.get(outcome, {}).get(setting, self.outcomes[outcome].baseline)

    def pairs_of(self, analysis: str) -> list[tuple[str, str]]:
        """Pairs of outcomes that an analysis shows against each other: those of which it has both."""
        return [pair for pair in self.pairs if set(pair) <= set(self.outcomes_of(analysis))]

    def lead_of(self, analysis: str) -> list[str]:
        """Outcomes of an analysis that its report answers first."""
        outcomes = self.outcomes_of(analysis)
        return [outcome for outcome in self.lead if outcome in outcomes] or outcomes[:1]


class Project(Strict):
    """The configuration together with the treatments, study sheets and tables it names."""

    config: Config
    treatments: Treatments
    characteristics: Characteristics = Field(default_factory=Characteristics)
    sheets: dict[str, StudySheet] = Field(default_factory=dict)
    tables: tuple[TableStudy, ...] = ()
    files: tuple[TableFile, ...] = ()
    _document: Document | None = PrivateAttr(default=None)

    def error(self, path: tuple[str | int, ...], value: object, problem: str) -> UserError:
        """Build the one-line error for a value at a path of the configuration."""
        if self._document is None:
            return UserError(problem, key=".".join(map(str, path)), value=value)
        return self._document.error(path, value, problem)

    @property
    def document(self) -> Document | None:
        """The configuration as it was read; None of a project that was not."""
        return self._document

    @property
    def studies(self) -> list[str]:
        """Every study, those of sheets first."""
        return list(dict.fromkeys([*self.sheets, *(study.study for study in self.tables)]))

    def studies_of(self, analysis: str) -> list[str]:
        """Studies that an analysis may use: secondary reports only where it takes them."""
        takes = self.config.analyses[analysis].secondary_reports
        secondary = {name for name, sheet in self.sheets.items() if sheet.secondary_report}
        return [study for study in self.studies if takes or study not in secondary]


def time_to_event_outcomes(config: Config) -> list[str]:
    """Outcomes that the time-to-event records of sheets can be about."""
    return [name for name, outcome in config.outcomes.items() if outcome.is_time_to_event]
