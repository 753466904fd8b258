"""The typed configuration: what to run, on which treatments, with which priors."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from nma.characteristics import Characteristics
from nma.documents import Document, Strict, fail, read_yaml, validate
from nma.evidence.reconstruction import check_curves
from nma.evidence.table_lines import COLUMNS, EvidenceTable, Vocabulary
from nma.evidence.tables import TableStudy, read_studies
from nma.outcomes import RESPONSE, Outcome, Scale
from nma.sheets import Identifier, StudySheet, Text, read_sheets
from nma.treatments import Treatments

Method = Literal["adjusted_hr", "crude_hr", "hr_p", "logrank_p", "km_reconstruction", "medians_ci", "medians_events"]


class Covariate(Strict):
    """A covariate of the studies, and its value at which effects are given: by default its mean over the studies."""

    name: Identifier
    centre: float | None = None

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
    settings: bool = False
    classes: bool = False
    interactions: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    covariate: Covariate | None = None

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
    tau: Scale
    omega: Scale
    baseline: Scale = 2.5
    slope: Scale | None = None
    cutpoint: Scale = 1.5


class Retry(Strict):
    """The longer and more careful sampler settings of a second attempt."""

    draws: Annotated[int, Field(ge=100)]
    tune: Annotated[int, Field(ge=100)]
    target_accept: Annotated[float, Field(gt=0, lt=1)]


class Sampler(Retry):
    """Sampler settings."""

    chains: Annotated[int, Field(ge=2)]
    retry: Retry


class Selection(Strict):
    """What an analysis uses of a study instead of the default."""

    contrast_set: Identifier | None = None
    method: Method | None = None


class Analysis(Strict):
    """A selection of studies, outcomes and figures."""

    label: Text
    outcomes: list[Identifier] = Field(default_factory=list)
    exclude: dict[Text, Text] = Field(default_factory=dict)
    select: dict[Identifier, Selection] = Field(default_factory=dict)


class SourceCopies(Strict):
    """The user's own copies of the papers: a folder with one file a study, ``<study>.txt``, ``.html`` or ``.pdf``."""

    folder: Text


class AuditLimits(Strict):
    """Where a difference between two figures of a paper becomes a finding.

    Figures that are one and the same may differ by rounding and no more. Two estimates of one effect are compared in
    standard errors (``effect_*``), two tests of one difference in normal deviates (``test_*``).

    effect_warning, effect_error : standard errors between an estimate and another of the same effect.
    subgroup_warning : standard errors between a subgroup and all patients; there are many subgroups.
    test_warning, test_error : normal deviates between two tests, of the same patients but not of the same kind.
    asymmetry_error : standard errors between an estimate and the middle of its interval, on the log scale.
    percentage_error : percentage points between a printed percentage and its count.
    information_warning : share of the standard error below which no analysis of so many events can come.
    width_warning : ratio of an interval's width to the width that so many patients or events give.
    shapes : Weibull shapes of survival that are plausible; 1 is a constant hazard.
    scan_shape : the largest shape of outcomes seen at scans, whose times cluster.
    significance : two-sided p below which a difference is called significant.
    setting_mix : difference between the arms in the share of a failed first line.
    """

    effect_warning: Scale = 3.0
    effect_error: Scale = 4.5
    subgroup_warning: Scale = 3.5
    test_warning: Scale = 0.25
    test_error: Scale = 2.0
    asymmetry_error: Scale = 0.5
    percentage_error: Scale = 5.0
    information_warning: Annotated[float, Field(gt=0, le=1)] = 0.97
    width_warning: Annotated[float, Field(gt=1)] = 4.0
    shapes: tuple[Scale, Scale] = (0.5, 2.5)
    scan_shape: Annotated[float, Field(ge=1)] = 4.0
    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    setting_mix: Annotated[float, Field(gt=0, lt=1)] = 0.05

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
    by default the first one.
    """

    results: Text = "results"
    shared: Text | None = None
    studies: Text | None = None
    evidence: list[EvidenceTable] = Field(default_factory=list)
    sources: SourceCopies | None = None
    treatments: Annotated[
        Text | dict[str, Any], BeforeValidator(_inline_or_file, json_schema_input_type=Text | Treatments)
    ]
    characteristics: (
        Annotated[
            Text | dict[str, Any], BeforeValidator(_inline_or_file, json_schema_input_type=Text | Characteristics)
        ]
        | None
    ) = None
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    outcomes: Annotated[dict[Identifier, Outcome], Field(min_length=1)]
    criteria: list[Literal["mrecist", "recist_1_1"]] = Field(default_factory=list)
    models: Annotated[dict[Identifier, Model], Field(min_length=1)]
    headline: Identifier
    lead: list[Identifier] = Field(default_factory=list)
    priors: dict[Identifier, Priors]
    sampler: Sampler
    analyses: Annotated[dict[Identifier, Analysis], Field(min_length=1)]
    leave_one_out: Identifier | None = None
    inconsistency: Identifier | None = None
    audit: AuditLimits = Field(default_factory=AuditLimits)

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
                _known((key,), getattr(self, key), self.analyses)
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
    def covariates(self) -> list[str]:
        """Covariates that any model uses."""
        return list(dict.fromkeys(model.covariate.name for model in self.models.values() if model.covariate))

    @property
    def shared_results(self) -> str:
        """Folder of the tables about all analyses: evidence/ and summary/."""
        return self.shared or self.results

    def outcomes_of(self, analysis: str) -> list[str]:
        """Outcomes of an analysis, in the order of the configuration."""
        chosen = self.analyses[analysis].outcomes
        return [outcome for outcome in self.outcomes if not chosen or outcome in chosen]

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

    @property
    def studies(self) -> list[str]:
        """Every study, those of sheets first."""
        return list(dict.fromkeys([*self.sheets, *(study.study for study in self.tables)]))


def read_project(file: Path) -> Project:
    """Read and cross-check the configuration, the treatments, every study sheet and every table.

    Raises
    ------
    UserError
        The first mistake found, in one line.
    """
    document = read_yaml(file)
    config = validate(Config, document)
    treatments = _part("treatments", Treatments, document)
    characteristics = (
        _part("characteristics", Characteristics, document) if config.characteristics else Characteristics()
    )
    _check_outcomes(config, treatments, document)
    _check_models(config, treatments, document)
    sheets: dict[str, StudySheet] = {}
    if config.studies is not None:
        folder = Path(config.studies)
        if not folder.is_dir():
            raise document.error(("studies",), config.studies, "no such folder")
        sheets = read_sheets(folder)
        for sheet in sheets.values():
            file_of_sheet = folder / f"{sheet.study}.yaml"
            _check_vocabulary(file_of_sheet, sheet, treatments, config)
            _check_characteristics(file_of_sheet, sheet, characteristics)
            check_curves(sheet)
    tables = _tables(config, treatments, document)
    project = Project(
        config=config, treatments=treatments, characteristics=characteristics, sheets=sheets, tables=tables
    )
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
        if outcome.baseline and outcome.baseline.regimen not in treatments.regimens:
            allowed, path = ", ".join(treatments.regimens), ("outcomes", name, "baseline", "regimen")
            raise document.error(path, outcome.baseline.regimen, f"unknown regimen; allowed: {allowed}")


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
        for key, studies, allowed in (
            ("exclude", analysis.exclude, project.studies),
            ("select", analysis.select, list(sheets)),
        ):
            for study in studies:
                if study not in allowed:
                    path = ("analyses", name, key, study)
                    raise document.error(path, study, f"unknown study; allowed: {', '.join(allowed)}")
        if len(analysis.exclude) == len(project.studies):
            raise document.error(("analyses", name, "exclude"), None, "every study is excluded")
        for study, selection in analysis.select.items():
            sets = sheets[study].contrast_sets
            if selection.contrast_set and selection.contrast_set not in sets:
                where = ("analyses", name, "select", study, "contrast_set")
                problem = f"unknown contrast set; allowed: {', '.join(sets)}"
                raise document.error(where, selection.contrast_set, problem)


def _tables(config: Config, treatments: Treatments, document: Document) -> tuple[TableStudy, ...]:
    """Read every table, and check that no study gives one outcome twice."""
    vocabulary = Vocabulary(
        regimens=list(treatments.regimens),
        settings=list(treatments.settings),
        covariates=config.covariates,
        likelihoods={name: outcome.likelihood for name, outcome in config.outcomes.items()},
        categories={name: o.categories for name, o in config.outcomes.items() if o.is_ordered},
    )
    found: dict[tuple[str, str], TableStudy] = {}
    for i, table in enumerate(config.evidence):
        section = document.section("evidence").section(i)
        for study in read_studies(table, vocabulary, section.error):
            key = (study.outcome, study.study)
            if key in found:
                there = f"{found[key].file}:{found[key].line}"
                raise study.error(f"this study gives {study.outcome} already, in {there}; allowed: one source")
            found[key] = study
    return tuple(found.values())


_HAZARDS = ("contrasts", "HR")  # what the time-to-event records of a sheet turn into


def _check_vocabulary(file: Path, sheet: StudySheet, treatments: Treatments, config: Config) -> None:
    """Check regimens, settings and outcomes of a sheet against the treatments and the configuration."""

    def check(path: tuple[str | int, ...], kind: str, value: str, allowed: list[str]) -> None:
        if value not in allowed:
            raise read_yaml(file).error(path, value, f"unknown {kind}; allowed: {', '.join(allowed)}")

    for name, arm in sheet.arms.items():
        for regimen in arm.regimens:
            check(("arms", name, "regimens", regimen), "regimen", regimen, list(treatments.regimens))
    for i, line in enumerate(sheet.failed_first_line):
        check(("failed_first_line", i, "setting"), "setting", line.setting, list(treatments.settings))
    contrasts = [n for n, outcome in config.outcomes.items() if (outcome.likelihood, outcome.measure) == _HAZARDS]
    counts = [name for name, outcome in config.outcomes.items() if outcome.is_count]
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


def _check_characteristics(file: Path, sheet: StudySheet, vocabulary: Characteristics) -> None:
    """Check that the characteristics of a sheet are declared, and that their figures are of the declared kind."""
    known = vocabulary.characteristics
    for i, record in enumerate(sheet.characteristics):
        path = ("characteristics", i, "characteristic")
        if record.characteristic not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "the configuration declares no characteristics"
            raise read_yaml(file).error(path, record.characteristic, f"unknown characteristic; {allowed}")
        if record.is_binary != (known[record.characteristic].kind == "binary"):
            figures = "a mean or a median" if record.is_binary else "a count or a percent"
            problem = f"this characteristic is {known[record.characteristic].kind}; give {figures}"
            raise read_yaml(file).error(path, record.characteristic, problem)
