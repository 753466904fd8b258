"""The typed configuration: what to run, on which treatments, with which priors."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nma.documents import Strict, fail, read_yaml, validate
from nma.sheets import Identifier, StudySheet, Text, read_sheets

OVERALL = "overall"  # the reserved name of the setting that stands for no particular setting

Method = Literal["adjusted_hr", "crude_hr", "hr_p", "logrank_p", "medians_ci", "medians_events"]
Scale = Annotated[float, Field(gt=0)]


class Regimen(Strict):
    """A treatment: a set of components given together."""

    label: Text
    components: list[Identifier]


class Setting(Strict):
    """A failed first line, and the regimens that are no candidates after it."""

    label: Text
    not_candidates: list[Identifier] = Field(default_factory=list)


class Treatments(Strict):
    """Components, regimens and settings of a network."""

    reference: Identifier
    components: dict[Identifier, Text]
    regimens: dict[Identifier, Regimen]
    settings: dict[Identifier, Setting]

    @model_validator(mode="after")
    def _references(self) -> "Treatments":
        if self.reference not in self.regimens:
            fail("reference", self.reference, f"unknown regimen; allowed: {', '.join(self.regimens)}")
        for name, regimen in self.regimens.items():
            for i, component in enumerate(regimen.components):
                if component not in self.components:
                    allowed = ", ".join(self.components)
                    fail(("regimens", name, "components", i), component, f"unknown component; allowed: {allowed}")
        if self.regimens[self.reference].components:
            fail(("regimens", self.reference, "components"), self.reference, "the reference has no components")
        for name, setting in self.settings.items():
            if name == OVERALL:
                fail(("settings", name), name, "this word is reserved")
            for i, regimen_id in enumerate(setting.not_candidates):
                if regimen_id not in self.regimens:
                    allowed = ", ".join(self.regimens)
                    fail(("settings", name, "not_candidates", i), regimen_id, f"unknown regimen; allowed: {allowed}")
        return self


class Outcome(Strict):
    """An outcome, its effect measure and which direction favours the patient.

    ``categories`` makes a count outcome from best overall response; without it a count outcome is read from the
    records of that name. ``margin`` is the clinically relevant effect on the natural scale.
    """

    label: Text
    measure: Literal["HR", "OR"]
    better: Literal["lower", "higher"]
    margin: Scale
    prior: Identifier
    categories: list[Literal["cr", "pr", "sd", "pd"]] = Field(default_factory=list)

    @property
    def is_count(self) -> bool:
        """Whether the outcome is modelled from counts of patients by arm, not from contrasts."""
        return self.measure == "OR"

    @model_validator(mode="after")
    def _margin_beyond_no_effect(self) -> "Outcome":
        if (self.margin < 1) != (self.better == "lower"):
            side = "below 1" if self.better == "lower" else "above 1"
            fail("margin", self.margin, f"with better: {self.better} the margin lies {side}")
        if self.categories and not self.is_count:
            fail("categories", self.categories, "only a count outcome (measure: OR) is made of categories")
        return self


class Model(Strict):
    """A model of the relative effects."""

    heterogeneity: bool
    settings: bool


class Priors(Strict):
    """Prior standard deviations on the log scale."""

    effect: Scale
    tau: Scale
    omega: Scale
    baseline: Scale = 2.5


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
    exclude: dict[Identifier, Text] = Field(default_factory=dict)
    select: dict[Identifier, Selection] = Field(default_factory=dict)


class Config(Strict):
    """What to run."""

    results: Text = "results"
    studies: Text
    treatments: Text
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    outcomes: Annotated[dict[Identifier, Outcome], Field(min_length=1)]
    criteria: list[Literal["mrecist", "recist_1_1"]] = Field(default_factory=list)
    models: Annotated[dict[Identifier, Model], Field(min_length=1)]
    headline: Identifier
    priors: dict[Identifier, Priors]
    sampler: Sampler
    analyses: Annotated[dict[Identifier, Analysis], Field(min_length=1)]
    leave_one_out: Identifier | None = None

    @model_validator(mode="after")
    def _references(self) -> "Config":
        def known(path: tuple[str | int, ...], value: str, allowed: dict[str, object] | list[str]) -> None:
            if value not in allowed:
                fail(path, value, f"unknown {path[0] if len(path) == 1 else path[-2]}; allowed: {', '.join(allowed)}")

        known(("headline",), self.headline, dict(self.models))
        if "network" in self.models:
            fail(("models", "network"), None, "this word is reserved for a folder of results")
        for name, outcome in self.outcomes.items():
            if name == "summary":
                fail(("outcomes", name), None, "this word is reserved for a folder of results")
            if outcome.prior not in self.priors:
                fail(("outcomes", name, "prior"), outcome.prior, f"unknown prior; allowed: {', '.join(self.priors)}")
        for name, analysis in self.analyses.items():
            if name in ("evidence", "summary"):
                fail(("analyses", name), None, "this word is reserved for a folder of results")
            for i, outcome_id in enumerate(analysis.outcomes):
                if outcome_id not in self.outcomes:
                    allowed = ", ".join(self.outcomes)
                    fail(("analyses", name, "outcomes", i), outcome_id, f"unknown outcome; allowed: {allowed}")
        if self.leave_one_out is not None:
            known(("leave_one_out",), self.leave_one_out, dict(self.analyses))
        return self

    def outcomes_of(self, analysis: str) -> list[str]:
        """Outcomes of an analysis, in the order of the configuration."""
        chosen = self.analyses[analysis].outcomes
        return [outcome for outcome in self.outcomes if not chosen or outcome in chosen]


class Project(Strict):
    """The configuration together with the treatments and study sheets it names."""

    config: Config
    treatments: Treatments
    sheets: dict[str, StudySheet]


def read_project(file: Path) -> Project:
    """Read and cross-check the configuration, the treatments and every study sheet.

    Raises
    ------
    UserError
        The first mistake found, in one line.
    """
    document = read_yaml(file)
    config = validate(Config, document)
    if not Path(config.treatments).is_file():
        raise document.error(("treatments",), config.treatments, "no such file")
    treatments = validate(Treatments, read_yaml(Path(config.treatments)))
    folder = Path(config.studies)
    if not folder.is_dir():
        raise document.error(("studies",), config.studies, "no such folder")
    sheets = read_sheets(folder)
    for name, analysis in config.analyses.items():
        for key, studies in (("exclude", analysis.exclude), ("select", analysis.select)):
            for study in studies:
                if study not in sheets:
                    allowed = ", ".join(sheets)
                    path = ("analyses", name, key, study)
                    raise document.error(path, study, f"unknown study; allowed: {allowed}")
        if len(analysis.exclude) == len(sheets):
            raise document.error(("analyses", name, "exclude"), None, "every study is excluded")
        for study, selection in analysis.select.items():
            if selection.contrast_set and selection.contrast_set not in sheets[study].contrast_sets:
                allowed = ", ".join(sheets[study].contrast_sets)
                where = ("analyses", name, "select", study, "contrast_set")
                raise document.error(where, selection.contrast_set, f"unknown contrast set; allowed: {allowed}")
    for sheet in sheets.values():
        _check_vocabulary(folder / f"{sheet.study}.yaml", sheet, treatments, config)
    return Project(config=config, treatments=treatments, sheets=sheets)


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
    contrasts = [name for name, outcome in config.outcomes.items() if not outcome.is_count]
    counts = [name for name, outcome in config.outcomes.items() if outcome.is_count]
    recorded = [name for name in counts if not config.outcomes[name].categories]
    time_to_event: list[str] = ["hazard_ratios", "medians", "log_rank", "events", "assumed_events"]
    sections: dict[str, list[str]] = {
        **dict.fromkeys(time_to_event, contrasts),
        "counts": recorded,
        "comparisons": counts,
    }
    for section, allowed in sections.items():
        for i, record in enumerate(getattr(sheet, section)):
            check((section, i, "outcome"), "outcome", record.outcome, allowed)
