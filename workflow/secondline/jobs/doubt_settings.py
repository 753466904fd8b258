"""The resolved settings of analyses under doubt: the axes of the specification curve of one outcome."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from secondline.doubt.prior_fan_choices import usual_priors
from secondline.doubt.settings import MOST_COUNTS, MOST_GAUSSIAN, Axis, Level, SpecificationSettings
from secondline.evidence.alternatives import (
    EVIDENCE_KINDS,
    EvidenceAxis,
    automatic_evidence,
    decides_on,
    evidence_axes,
    weightless,
)
from secondline.evidence.options import Option, axes_of, for_outcome, in_words, options_of
from secondline.jobs.settings import model_settings
from secondline.likelihoods import LIKELIHOODS
from secondline.network.predictor import Effects
from secondline.project import specifications as given
from secondline.project.config import Project
from secondline.project.evidence_tables import by_outcome
from secondline.project.once import once_a_project
from secondline.project.specifications import DoubtAxis
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior

_NOTHING = Level(name="")
Options = dict[str, Option[Level]]


@once_a_project
def specification_settings(project: Project, outcome: str) -> SpecificationSettings:
    """Resolve the axes of the specification curve of one outcome, and how many specifications are computed.

    Raises
    ------
    UserError
        A level of the declared analysis has weight 0.
    """
    wanted = project.config.specifications
    gaussian = LIKELIHOODS[project.config.outcomes[outcome].likelihood].is_gaussian
    chosen = wanted.limit if wanted else None
    return SpecificationSettings(
        axes=tuple(_axes(project, outcome)),
        limit=chosen or (MOST_GAUSSIAN if gaussian else MOST_COUNTS),
        seed=project.config.seed,
        classes=project.treatments.class_of,
    )


def _axes(project: Project, outcome: str) -> list[Axis]:
    """Resolve the axes that have more than one level, in the order of the configuration."""
    of_evidence = {axis.name: _from_evidence(axis) for axis in evidence_axes(project, outcome)}
    found = []
    for name, whole in axes_of(project).items():
        if whole.of in EVIDENCE_KINDS:
            found += [of_evidence[name]] if name in of_evidence else []
            continue
        axis = for_outcome(whole, outcome)
        try:
            levels = _levels(project, outcome, axis)
        except KeyError as error:
            raise weightless(project, name, error.args[0]) from None
        if len(levels) > 1:
            found.append(Axis(name=name, label=axis.label or in_words(name), levels=tuple(map(_named, levels))))
    return found


def _from_evidence(axis: EvidenceAxis) -> Axis:
    levels = [_named(replace_content(level, Level(name="", studies=decides_on(level)))) for level in axis.levels]
    return Axis(name=axis.name, label=axis.label, levels=tuple(levels))


def replace_content[C](level: Option[C], content: Level) -> Option[Level]:
    """Give a level another content."""
    return Option(
        name=level.name,
        content=content,
        label=level.label,
        reason=level.reason,
        weight=level.weight,
        declared=level.declared,
    )


def _named(option: Option[Level]) -> Level:
    """Put name, label, reason and weight to what a level changes; the declared one changes nothing."""
    keeps = option.declared and not option.content.studies
    return replace(
        _NOTHING if keeps else option.content,
        name=option.name,
        label=option.label,
        reason=option.reason,
        weight=option.weight,
        declared=option.declared,
    )


def _levels(project: Project, outcome: str, axis: DoubtAxis) -> list[Option[Level]]:
    """Levels of an axis that changes the model, each with all that it sets, the declared one too."""
    headline = _headline(project, outcome)
    automatic = _AUTOMATIC[axis.of](project, outcome, headline)
    declared = {
        "structure": Level(name="", structure=headline.structure, interaction=headline.interaction),
        "mixed_arms": Level(name="", mixed_arms=headline.mixed_arms),
        "heterogeneity": Level(name="", tau=headline.tau, settings=headline.settings),
        "overlap": Level(name="", overlap=headline.overlap),
    }[axis.of]

    def make(level: given.Level) -> Level:
        return _made(axis.of, level, headline)

    found = options_of(axis, automatic, make, declared, repr)
    sources = {name: level.prior.source for name, level in (axis.levels or {}).items() if level.prior is not None}
    return [
        replace(option, reason=f"{option.reason}; {sources[option.name]}") if sources.get(option.name) else option
        for option in found
    ]


def _made(of: str, level: given.Level, headline: Level) -> Level:
    """Resolve what a level of the configuration chooses."""
    if of == "structure":
        interaction = (level.component, level.sd) if level.component and level.sd else None
        return Level(name="", structure=level.structure, interaction=interaction)
    if of == "mixed_arms":
        return Level(name="", mixed_arms=level.mixed_arms)
    if of == "overlap":
        return Level(
            name="", overlap={each.studies: each.correlation for each in level.correlations if each.correlation}
        )
    tau = headline.tau if level.prior is None else level.prior
    return Level(name="", tau=tau, settings=headline.settings if level.settings is None else level.settings)


def _headline(project: Project, outcome: str) -> Level:
    """All that the declared analysis sets; an overlap that it takes into account is none of the levels."""
    model = model_settings(project, project.config.doubted, outcome)[project.config.headline]
    varying, shared = model.effects.varying, project.config.analyses[project.config.doubted].overlap
    return Level(
        name="",
        structure=_structure_of(model.effects),
        interaction=(varying, model.prior.interaction) if varying else None,
        mixed_arms="class_contrast" if model.effects.mixed_arms == "class_contrast" else "patient_weights",
        tau=model.prior.tau,
        settings=model.effects.settings,
        overlap={} if shared == "none" else None,
    )


def _structure_of(effects: Effects) -> Literal["additive", "exchangeable_interactions", "regimen_level", "classes"]:
    if effects.regimen_level:
        return "regimen_level"
    if effects.varying:
        return "exchangeable_interactions"
    return "classes" if effects.classes else "additive"


def _option(name: str, label: str, reason: str, content: Level) -> Options:
    return {name: Option(name=name, content=content, label=label, reason=reason)}


def _structures(project: Project, _: str, __: Level) -> Options:
    """Additive effects, effects by regimen where a regimen has several components, and classes where there are any."""
    treatments = project.treatments
    plain = all(len(regimen.components) < 2 for regimen in treatments.regimens.values())
    words = "every treatment has an effect of its own" if plain else "effects of components add up"
    found = _option(
        "additive", "independent effects" if plain else "additive", words, Level(name="", structure="additive")
    )
    if not plain:
        reason = "every regimen has an effect of its own; nothing is assumed to add up"
        found |= _option("regimen_level", "by regimen", reason, Level(name="", structure="regimen_level"))
    if treatments.classes:
        reason = "effects are exchangeable within classes"
        found |= _option("classes", "classes", reason, Level(name="", structure="classes"))
    return found


def _mixed_arms(project: Project, outcome: str, _: Level) -> Options:
    """Arms of several regimens by their patients or, where there are any, with the same mix in both arms."""
    reason = "arms of several regimens have the mean effect of their patients"
    found = _option("patient_weights", "by patients", reason, Level(name="", mixed_arms="patient_weights"))
    arms = [arm.regimens for sheet in project.sheets.values() for arm in sheet.arms.values()]
    rows = [row for study in by_outcome(project.tables, outcome) for row in study.rows]
    tabulated = [row.get(key) or "" for row in rows for key in ("arm_mix", "treatment_mix", "comparator_mix")]
    if any(len(arm) > 1 for arm in arms) or any(" " in cell for cell in tabulated):
        reason = "what varies within the arms of a study is the same mix in both of them"
        found |= _option("class_contrast", "class contrast", reason, Level(name="", mixed_arms="class_contrast"))
    return found


def _heterogeneities(project: Project, outcome: str, headline: Level) -> Options:
    """No heterogeneity, the declared prior with half and twice its scale, and effects that differ by setting."""
    declared = project.config.priors[project.config.prior_of(project.config.doubted, outcome)].tau
    settings = headline.settings
    found = _option(
        "fixed",
        "fixed effects",
        "the studies differ by chance alone",
        Level(name="", tau=ABSENT, settings=settings),
    )
    for name, factor, words in (
        ("declared_prior", 1.0, "the declared prior"),
        ("narrow_prior", 0.5, "half the scale of the declared prior"),
        ("wide_prior", 2.0, "twice the scale of the declared prior"),
    ):
        prior = declared.scaled(factor)
        found |= _option(name, f"τ {prior.label}", words, Level(name="", tau=prior, settings=settings))
    if project.treatments.settings and headline.structure != "classes":
        reason = "effects of components differ by what failed before"
        found |= _option("by_setting", "effects by setting", reason, Level(name="", tau=declared, settings=True))
    return found


def _overlaps(_: Project, __: str, ___: Level) -> Options:
    """Independent studies; correlations are declared."""
    reason = "no study shares patients with another"
    return _option("independent", "independent studies", reason, Level(name="", overlap={}))


_AUTOMATIC: dict[str, Callable[[Project, str, Level], Options]] = {
    "structure": _structures,
    "mixed_arms": _mixed_arms,
    "heterogeneity": _heterogeneities,
    "overlap": _overlaps,
}


def prior_fan_settings(project: Project, outcome: str) -> tuple[SdPrior, ...]:
    """Resolve the priors of tau under which an outcome is solved anew: those asked for, or the usual ones."""
    config = project.config
    asked, measure = config.prior_fan, config.outcomes[outcome].measure
    if asked and asked.tau:
        return tuple(asked.tau)
    declared = config.priors[config.prior_of(config.base, outcome)].tau
    return usual_priors(declared, measure)


def check_axes(project: Project) -> None:
    """Check that every axis has alternatives, and that the automatic levels it names are there.

    Raises
    ------
    UserError
        An automatic level that no outcome has; an axis without alternatives in any outcome; a level of the declared
        analysis with weight 0.
    """
    outcomes = project.config.doubted_outcomes
    automatic = [_automatic_levels(project, outcome) for outcome in outcomes]
    crossed = {axis.name for outcome in outcomes for axis in specification_settings(project, outcome).axes}
    for name, axis in project.config.specifications.axes.items() if project.config.specifications else ():
        path = ("specifications", "axes", name)
        there = dict.fromkeys(level for by_axis in automatic for level in by_axis.get(name, ()))
        named = {("weights", level): level for level in axis.weights}
        named |= {("levels", key): key for key, level in (axis.levels or {}).items() if not level.chosen}
        for below, level in named.items():
            if level not in there:
                raise project.error((*path, *below), None, f"no automatic level; allowed: {', '.join(there)}")
        if name not in crossed:
            raise project.error(path, None, "no outcome has an alternative on this axis; leave it out")


def _automatic_levels(project: Project, outcome: str) -> dict[str, list[str]]:
    """Name the automatic levels of every axis for one outcome."""
    headline = _headline(project, outcome)
    of_model = {
        name: list(_AUTOMATIC[axis.of](project, outcome, headline))
        for name, axis in axes_of(project).items()
        if axis.of in _AUTOMATIC
    }
    return automatic_evidence(project, outcome) | of_model
