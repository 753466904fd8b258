"""The typed configuration: what to run, on which treatments, with which priors."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PrivateAttr, model_validator

from nma.characteristics import Characteristics
from nma.documents import Document, FileName, Label, Strict, Text, fail, read_yaml, validate
from nma.errors import Mistakes, UserError
from nma.evidence.reconstruction import check_curves
from nma.evidence.table_lines import COLUMNS, EvidenceTable, Vocabulary
from nma.evidence.tables import TableStudy, read_studies
from nma.outcomes import RESPONSE, Baseline, Outcome, Scale
from nma.sheets import ALL, Average, Identifier, StudySheet, read_sheets
from nma.treatments import Treatments

Method = Literal[
    "adjusted_hr", "crude_hr", "hr_p", "logrank_p", "km_reconstruction", "medians_ci", "medians_events", "medians_p"
]


class Covariate(Strict):
    """A covariate of the studies, and its value at which effects are given: by default its mean over the studies."""

    name: Identifier
    """Name of the covariate in sheets and tables."""
    centre: Average | None = None
    """Value at which effects are given; by default the mean over the studies."""

    @model_validator(mode="after")
    def _no_column(self) -> "Covariate":
        if self.name in COLUMNS:
            fail("name", self.name, "this word is a column of evidence tables; choose another")
        return self


class Model(Strict):
    """A model of the relative effects.

    ``heterogeneity`` between studies; ``settings``, effects of components that differ by setting; ``classes``, effects
    of components exchangeable within their class; ``interactions`` of pairs of components; ``covariate``, effects that
    change with a covariate of the study.
    """

    heterogeneity: bool
    """Whether effects vary between studies, with standard deviation tau."""
    settings: bool = False
    """Whether effects of components differ by setting, with standard deviation omega."""
    classes: bool = False
    """Whether effects of components are exchangeable within their class."""
    interactions: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    """Pairs of components that do not simply add up."""
    covariate: Covariate | None = None
    """A covariate with which effects change."""

    @model_validator(mode="after")
    def _one_omega(self) -> "Model":
        if self.settings and self.classes:
            fail("classes", True, "a model has settings or classes, not both: each needs omega for itself")
        pairs = [frozenset(pair) for pair in self.interactions]
        for i, pair in enumerate(pairs):
            if len(pair) == 1 or pair in pairs[:i]:
                fail(("interactions", i), list(self.interactions[i]), "allowed: two different components, once a pair")
        return self


class Priors(Strict):
    """Prior standard deviations on the link scale.

    Effects, slopes and baselines are normal around 0, tau and omega half-normal, the log distances between the
    cutpoints of an ordered outcome normal. Without ``slope`` a slope has the prior of an effect.
    """

    effect: Scale
    """Standard deviation of component effects."""
    tau: Scale
    """Scale of the half-normal of tau."""
    omega: Scale
    """Scale of the half-normal of omega."""
    baseline: Scale = 2.5
    """Standard deviation of study baselines."""
    slope: Scale | None = None
    """Standard deviation of slopes; by default that of effects."""
    cutpoint: Scale = 1.5
    """Standard deviation of the log distances between cutpoints."""


class Retry(Strict):
    """The longer and more careful sampler settings of a second attempt."""

    draws: Annotated[int, Field(ge=100, le=100_000)]
    """Draws of every chain."""
    tune: Annotated[int, Field(ge=100, le=100_000)]
    """Tuning draws of every chain."""
    target_accept: Annotated[float, Field(gt=0, lt=1)]
    """Target acceptance of the sampler, below 1."""


class Sampler(Retry):
    """Sampler settings."""

    chains: Annotated[int, Field(ge=2, le=64)]
    """Number of chains."""
    retry: Retry
    """Settings of a second attempt."""


class Selection(Strict):
    """What an analysis uses of a study instead of the default."""

    contrast_set: Identifier | None = None
    """A contrast set of the sheet; by default its first."""
    method: Method | None = None
    """A method of the ladder; by default the highest that covers every arm."""
    population: Identifier | None = None
    """A population of the sheet, subgroups included; by default everybody, or a matched cohort where it is adjusted."""
    reading: Literal["as_read", "as_printed"] = "as_read"
    """How ratios under the wrong arm's name (label_inverted) are read: as the sheet reads them, or as printed."""


class Analysis(Strict):
    """A selection of studies, outcomes and figures.

    With ``engine: exact`` an analysis is solved without draws, in seconds: it has its evidence, and rows in
    ``summary/sensitivity.csv`` and in every report that compares analyses, but no fits and no report of its own.
    """

    label: Label
    """What figures and reports call it."""
    engine: Literal["sampler", "exact"] = "sampler"
    """`exact` for an analysis that is only compared with the others; without fits and report."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes to analyse; by default all."""
    exclude: dict[Text, Text] = Field(default_factory=dict)
    """Studies left out, each with the reason."""
    select: dict[Identifier, Selection] = Field(default_factory=dict)
    """What to use of a study instead of the default."""
    secondary_reports: bool = False
    """Whether studies known only through another paper's quotation are used."""


class SourceCopies(Strict):
    """The user's own copies of the papers: a folder with one file a study, ``<study>.txt``, ``.html`` or ``.pdf``."""

    folder: FileName
    """The folder."""


Shape = Annotated[float, Field(gt=0, le=20)]


class AuditLimits(Strict):
    """Where a difference between two figures of a paper becomes a finding.

    Figures that are one and the same may differ by rounding and no more. Two estimates of one effect are compared in
    standard errors (``effect_*``), two tests of one difference in normal deviates (``test_*``).
    """

    effect_warning: Scale = 3.0
    """Standard errors between an estimate and another of the same effect: a warning."""
    effect_error: Scale = 4.5
    """The same: an error."""
    subgroup_warning: Scale = 3.5
    """Standard errors between a subgroup and all patients; there are many subgroups."""
    test_warning: Scale = 0.25
    """Normal deviates between two tests of the same patients, but not of the same kind: a warning."""
    test_error: Scale = 2.0
    """The same: an error."""
    asymmetry_error: Scale = 0.5
    """Standard errors between an estimate and the middle of its interval, on the log scale."""
    percentage_error: Scale = 5.0
    """Percentage points between a printed percentage and its count."""
    information_warning: Annotated[float, Field(gt=0, le=1)] = 0.97
    """Share of the standard error below which no analysis of so many events can come."""
    width_warning: Annotated[float, Field(gt=1)] = 4.0
    """Ratio of an interval's width to the width that so many patients or events give."""
    shapes: tuple[Shape, Shape] = (0.5, 2.5)
    """Weibull shapes of survival that are plausible; 1 is a constant hazard."""
    scan_shape: Annotated[float, Field(ge=1, le=20)] = 4.0
    """The largest shape of outcomes seen at scans, whose times cluster."""
    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Two-sided p below which a difference is called significant."""
    ratio_warning: Annotated[float, Field(gt=1)] = 20.0
    """Ratio beyond which, on either side of 1, an effect is taken for a slip."""
    loop_error: Scale = 3.0
    """Standard errors by which the effects of the arms of one study may fail to add up before it is an error."""
    fold_error: Annotated[float, Field(gt=1)] = 2.0
    """Factor between a standard error in a study of several arms and the one that all together imply: an error."""
    setting_mix: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Difference between the arms in the share of a failed first line."""
    events_per_coefficient: Scale = 10.0
    """Events for every coefficient of an adjusted ratio below which it is warned of (Peduzzi 1995)."""

    @model_validator(mode="after")
    def _in_order(self) -> "AuditLimits":
        for kind in ("effect", "test"):
            warning, error = getattr(self, f"{kind}_warning"), getattr(self, f"{kind}_error")
            if error < warning:
                fail(f"{kind}_error", error, f"allowed: {kind}_warning, {warning}, or more")
        if not self.shapes[0] <= 1 <= self.shapes[1]:
            fail("shapes", list(self.shapes), "allowed: two shapes, one on either side of 1")
        return self


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
    """What to run.

    Studies come from the sheets in the folder ``studies``, from the tables under ``evidence``, or both. The figures of
    the sheets are verified against the user's copies of the papers, ``sources``, where there are any. ``treatments``
    names a file, or holds the treatments; so does ``characteristics``, for the baseline characteristics that sheets may
    give. Tables about all analyses go to ``shared``, by default the results folder:
    configurations that share a results folder need one each. The report answers first for the outcomes under ``lead``,
    by default the first one. ``baselines`` are those of single settings, by outcome and setting. ``pairs`` of outcomes
    are shown against each other: the first below the diagonal of a league table and across a scatter plot, the second
    above it and upwards.
    """

    results: ResultsFolder = "results"
    """Folder of the results."""
    shared: ResultsFolder | None = None
    """Folder of the tables about all analyses; by default the results folder."""
    studies: FileName | None = None
    """Folder of the study sheets."""
    evidence: list[EvidenceTable] = Field(default_factory=list)
    """Tidy tables of evidence."""
    sources: SourceCopies | None = None
    """The user's own copies of the papers."""
    treatments: Annotated[
        FileName | dict[str, Any], BeforeValidator(_inline_or_file, json_schema_input_type=FileName | Treatments)
    ]
    """File of the treatments, or the treatments themselves."""
    characteristics: (
        Annotated[
            FileName | dict[str, Any],
            BeforeValidator(_inline_or_file, json_schema_input_type=FileName | Characteristics),
        ]
        | None
    ) = None
    """File of the baseline characteristics, or the characteristics themselves."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Seed of all random numbers."""
    outcomes: Annotated[dict[Identifier, Outcome], Field(min_length=1)]
    """Outcomes, by name."""
    baselines: dict[Identifier, dict[Identifier, Baseline]] = Field(default_factory=dict)
    """Baselines of settings, by outcome and setting."""
    criteria: list[Literal["mrecist", "recist_1_1"]] = Field(default_factory=list)
    """Response criteria in order of preference."""
    models: Annotated[dict[Identifier, Model], Field(min_length=1)]
    """Models of the effects, by name."""
    headline: Identifier
    """The model that leads the summaries."""
    lead: list[Identifier] = Field(default_factory=list)
    """Outcomes that the report answers first; by default the first outcome."""
    priors: dict[Identifier, Priors]
    """Prior scales, by name."""
    sampler: Sampler
    """Settings of the sampler."""
    analyses: Annotated[dict[Identifier, Analysis], Field(min_length=1)]
    """Analyses, by name."""
    leave_one_out: Identifier | None = None
    """The analysis that is refitted without each of its studies."""
    inconsistency: Identifier | None = None
    """The analysis that is checked for inconsistency."""
    pairs: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    """Pairs of outcomes that are shown together: two in one league table, benefit against harm."""
    audit: AuditLimits = Field(default_factory=AuditLimits)
    """Where a difference between two figures of a paper becomes a finding."""

    @model_validator(mode="after")
    def _references(self) -> "Config":
        _known(("headline",), self.headline, self.models)
        for name, outcome in self.outcomes.items():
            _known(("outcomes", name, "prior"), outcome.prior, self.priors)
            for i, part in enumerate(outcome.includes):
                _known(("outcomes", name, "includes", i), part, [*self.outcomes, *sorted(RESPONSE)])
        for name, analysis in self.analyses.items():
            for i, outcome_id in enumerate(analysis.outcomes):
                _known(("analyses", name, "outcomes", i), outcome_id, self.outcomes, "outcome")
        for i, outcome_id in enumerate(self.lead):
            _known(("lead", i), outcome_id, self.outcomes, "outcome")
        for i, table in enumerate(self.evidence):
            if table.outcome is not None:
                _known(("evidence", i, "outcome"), table.outcome, self.outcomes)
        for key in ("leave_one_out", "inconsistency"):
            if getattr(self, key) is not None:
                _known((key,), getattr(self, key), self.reported)
        for name, by_setting in self.baselines.items():
            _known(("baselines", name), name, self.outcomes, "outcome")
            for setting, baseline in by_setting.items():
                baseline.check_measure(self.outcomes[name].measure, ("baselines", name, setting))
        for i, pair in enumerate(self.pairs):
            for k, outcome_id in enumerate(pair):
                _known(("pairs", i, k), outcome_id, self.outcomes, "outcome")
            if pair[0] == pair[1] or set(pair) in map(set, self.pairs[:i]):
                fail(("pairs", i), list(pair), "allowed: two different outcomes, once a pair")
        return self

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
        return list(dict.fromkeys(model.covariate.name for model in self.models.values() if model.covariate))

    @property
    def base(self) -> str:
        """The analysis that the others vary, and whose report compares them: the one refitted, or else the first."""
        return self.leave_one_out or self.reported[0]

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


def _known(path: tuple[str | int, ...], value: str, allowed: Collection[str], kind: str | None = None) -> None:
    if value not in allowed:
        fail(path, value, f"unknown {kind or path[-1]}; allowed: {', '.join(allowed)}")


class Project(Strict):
    """The configuration together with the treatments, study sheets and tables it names."""

    config: Config
    treatments: Treatments
    characteristics: Characteristics = Field(default_factory=Characteristics)
    sheets: dict[str, StudySheet] = Field(default_factory=dict)
    tables: tuple[TableStudy, ...] = ()
    _document: Document | None = PrivateAttr(default=None)

    def error(self, path: tuple[str | int, ...], value: object, problem: str) -> UserError:
        """Build the one-line error for a value at a path of the configuration."""
        if self._document is None:
            return UserError(problem, key=".".join(map(str, path)), value=value)
        return self._document.error(path, value, problem)

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
    return [name for name, outcome in config.outcomes.items() if (outcome.likelihood, outcome.measure) == _HAZARDS]


def read_setup(file: Path) -> tuple[Document, Config, Treatments]:
    """Read and cross-check the configuration and the treatments, without any study.

    Raises
    ------
    UserError
        The first mistake found, in one line.
    """
    document = read_yaml(file)
    config = validate(Config, document)
    treatments = _part("treatments", Treatments, document)
    _check_outcomes(config, treatments, document)
    _check_models(config, treatments, document)
    return document, config, treatments


def read_project(file: Path) -> Project:
    """Read and cross-check the configuration, the treatments, every study sheet and every table.

    Raises
    ------
    UserError
        The mistake found, or the first of every sheet and table that has one, in one line each.
    """
    document, config, treatments = read_setup(file)
    mistakes = Mistakes()
    characteristics = (
        _part("characteristics", Characteristics, document) if config.characteristics else Characteristics()
    )
    sheets: dict[str, StudySheet] = {}
    if config.studies is not None:
        folder = Path(config.studies)
        if not folder.is_dir():
            raise document.error(("studies",), config.studies, "no such folder")
        sheets = read_sheets(folder)
        for sheet in sheets.values():
            with mistakes.noted():
                check_vocabulary(sheet, treatments, config)
                _check_characteristics(sheet, characteristics)
                _check_quotation(sheet, sheets)
                check_curves(sheet)
    tables = _tables(config, treatments, document, mistakes)
    mistakes.tell()
    project = Project(
        config=config, treatments=treatments, characteristics=characteristics, sheets=sheets, tables=tables
    )
    project._document = document
    _check_analyses(project, document)
    return project


def _part[M: BaseModel](key: str, model: type[M], document: Document) -> M:
    """Read a part of the configuration from the file it names, or from the configuration itself."""
    value = document.data[key]
    if not isinstance(value, str):
        return validate(model, document.section(key))
    if not Path(value).is_file():
        raise document.error((key,), value, "no such file")
    return validate(model, read_yaml(Path(value)))


def _check_outcomes(config: Config, treatments: Treatments, document: Document) -> None:
    for name, outcome in config.outcomes.items():
        declared = {("outcomes", name, "baseline"): outcome.baseline} if outcome.baseline else {}
        for setting, baseline in config.baselines.get(name, {}).items():
            declared["baselines", name, setting] = baseline
            if setting not in treatments.settings:
                allowed = ", ".join(treatments.settings) or "none, the treatments have no settings"
                raise document.error(("baselines", name, setting), None, f"unknown setting; allowed: {allowed}")
        for path, baseline in declared.items():
            if baseline.regimen not in treatments.regimens:
                allowed = ", ".join(treatments.regimens)
                raise document.error((*path, "regimen"), baseline.regimen, f"unknown regimen; allowed: {allowed}")


def _check_models(config: Config, treatments: Treatments, document: Document) -> None:
    """Check that the treatments have what the models ask for."""
    for name, model in config.models.items():
        if model.classes and not treatments.classes:
            raise document.error(("models", name, "classes"), True, "the treatments have no classes")
        for i, pair in enumerate(model.interactions):
            path = ("models", name, "interactions", i)
            for k, component in enumerate(pair):
                if component not in treatments.components:
                    allowed = ", ".join(treatments.components)
                    raise document.error((*path, k), component, f"unknown component; allowed: {allowed}")
            if not any(set(pair) <= set(regimen.components) for regimen in treatments.regimens.values()):
                raise document.error(path, list(pair), "no regimen holds both components")


def _check_analyses(project: Project, document: Document) -> None:
    """Check the studies that analyses name."""
    sheets = project.sheets
    for name, analysis in project.config.analyses.items():
        pool = project.studies_of(name)
        for key, studies, allowed in (
            ("exclude", analysis.exclude, pool),
            ("select", analysis.select, [study for study in sheets if study in pool]),
        ):
            for study in studies:
                if study not in allowed:
                    path = ("analyses", name, key, study)
                    raise document.error(path, study, f"unknown study; allowed: {', '.join(allowed)}")
        if len(analysis.exclude) == len(pool):
            raise document.error(("analyses", name, "exclude"), None, "every study is excluded")
        for study, selection in analysis.select.items():
            for key, there in (
                ("contrast_set", list(sheets[study].contrast_sets)),
                ("population", [ALL, *sheets[study].populations]),
            ):
                asked = getattr(selection, key)
                if asked and asked not in there:
                    problem = f"unknown {key.replace('_', ' ')}; allowed: {', '.join(there)}"
                    raise document.error(("analyses", name, "select", study, key), asked, problem)
            if selection.reading == "as_printed" and sheets[study].as_printed() == sheets[study]:
                problem = "no ratio of this sheet has label_inverted; allowed: as_read"
                raise document.error(("analyses", name, "select", study, "reading"), selection.reading, problem)


def _tables(config: Config, treatments: Treatments, document: Document, mistakes: Mistakes) -> tuple[TableStudy, ...]:
    """Read every table, and check that no study gives one outcome twice."""
    vocabulary = Vocabulary(
        regimens=list(treatments.regimens),
        settings=list(treatments.settings),
        covariates=config.covariates,
        likelihoods={name: outcome.likelihood for name, outcome in config.outcomes.items()},
        categories={name: o.categories for name, o in config.outcomes.items() if o.is_ordered},
        ratios=[name for name, outcome in config.outcomes.items() if outcome.is_ratio],
        measures={name: outcome.measure for name, outcome in config.outcomes.items()},
    )
    found: dict[tuple[str, str], TableStudy] = {}
    for i, table in enumerate(config.evidence):
        section = document.section("evidence").section(i)
        with mistakes.noted():
            for study in read_studies(table, vocabulary, section.error):
                key = (study.outcome, study.study)
                if key in found:
                    there = f"{found[key].file}:{found[key].line}"
                    raise study.error(f"this study gives {study.outcome} already, in {there}; allowed: one source")
                found[key] = study
    return tuple(found.values())


def _check_quotation(sheet: StudySheet, sheets: Mapping[str, StudySheet]) -> None:
    """Check that the paper in which a secondary report was read has a sheet of its own."""
    papers = [name for name, other in sheets.items() if not other.secondary_report]
    if sheet.secondary_report and sheet.secondary_report.quoted_by not in papers:
        path, problem = ("secondary_report", "quoted_by"), f"unknown study; allowed: {', '.join(papers)}"
        raise sheet.error(path, sheet.secondary_report.quoted_by, problem)


_HAZARDS = ("contrasts", "HR")  # what the time-to-event records of a sheet turn into


def check_vocabulary(sheet: StudySheet, treatments: Treatments, config: Config) -> None:
    """Check regimens, settings and outcomes of a sheet against the treatments and the configuration.

    Raises
    ------
    UserError
        The first word that they do not know.
    """

    def check(path: tuple[str | int, ...], kind: str, value: str, allowed: list[str]) -> None:
        if value not in allowed:
            raise sheet.error(path, value, f"unknown {kind}; allowed: {', '.join(allowed)}")

    for name, arm in sheet.arms.items():
        for regimen in arm.regimens:
            check(("arms", name, "regimens", regimen), "regimen", regimen, list(treatments.regimens))
    for i, switch in enumerate(sheet.switching):
        if switch.to is not None:
            check(("switching", i, "to"), "regimen", switch.to, list(treatments.regimens))
    for i, line in enumerate(sheet.failed_first_line):
        check(("failed_first_line", i, "setting"), "setting", line.setting, list(treatments.settings))
    for name, population in sheet.populations.items():
        if population.setting is not None:
            check(("populations", name, "setting"), "setting", population.setting, list(treatments.settings))
    contrasts, counts = time_to_event_outcomes(config), [name for name, o in config.outcomes.items() if o.is_count]
    recorded = [name for name in counts if not config.outcomes[name].categories]
    time_to_event: list[str] = ["hazard_ratios", "medians", "log_rank", "events", "assumed_events", "curves"]
    sections: dict[str, list[str]] = {
        **dict.fromkeys(time_to_event, contrasts),
        "counts": recorded,
        "comparisons": [*counts, *contrasts, *sorted(RESPONSE)],
        "reprinted": list(config.outcomes),
    }
    for section, allowed in sections.items():
        for i, record in enumerate(getattr(sheet, section)):
            if record.outcome is not None:
                check((section, i, "outcome"), "outcome", record.outcome, allowed)


def _check_characteristics(sheet: StudySheet, vocabulary: Characteristics) -> None:
    """Check that the characteristics of a sheet are declared, and that their figures are of the declared kind."""
    known = vocabulary.characteristics
    for i, record in enumerate(sheet.characteristics):
        path = ("characteristics", i, "characteristic")
        if record.characteristic not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "the configuration declares no characteristics"
            raise sheet.error(path, record.characteristic, f"unknown characteristic; {allowed}")
        if record.is_binary != (known[record.characteristic].kind == "binary"):
            figures = "a mean or a median" if record.is_binary else "a count or a percent"
            problem = f"this characteristic is {known[record.characteristic].kind}; give {figures}"
            raise sheet.error(path, record.characteristic, problem)
