"""What the parts of a configuration refer to: every name that one gives has to be there."""

from collections.abc import Collection
from typing import Any

from secondline.project.documents import fail
from secondline.project.outcomes import RESPONSE

type Config = Any
"""The configuration, which asks to be checked: this module cannot import it."""


def known(path: tuple[str | int, ...], value: str, allowed: Collection[str], kind: str | None = None) -> None:
    """Check that a name is one of those that are there."""
    if value not in allowed:
        fail(path, value, f"unknown {kind or path[-1]}; allowed: {', '.join(allowed)}")


def check_references(config: Config) -> None:
    """Check what outcomes, analyses, tables, questions and pairs refer to."""
    known(("headline",), config.headline, config.models)
    _check_headline(config)
    for name, outcome in config.outcomes.items():
        known(("outcomes", name, "prior"), outcome.prior, config.priors)
        _check_measure(config, ("outcomes", name, "prior"), name, outcome.prior)
        for i, part in enumerate(outcome.includes):
            known(("outcomes", name, "includes", i), part, [*config.outcomes, *sorted(RESPONSE)])
    for name, analysis in config.analyses.items():
        for i, outcome_id in enumerate(analysis.outcomes):
            known(("analyses", name, "outcomes", i), outcome_id, config.outcomes, "outcome")
        for outcome_id, prior in analysis.priors.items():
            known(("analyses", name, "priors", outcome_id), outcome_id, config.outcomes_of(name), "outcome")
            known(("analyses", name, "priors", outcome_id), prior, config.priors, "prior")
            _check_measure(config, ("analyses", name, "priors", outcome_id), outcome_id, prior)
    for i, outcome_id in enumerate(config.lead):
        known(("lead", i), outcome_id, config.outcomes, "outcome")
    for i, table in enumerate(config.evidence):
        if table.outcome is not None:
            known(("evidence", i, "outcome"), table.outcome, config.outcomes)
    for key in ("leave_one_out", "inconsistency"):
        if getattr(config, key) is not None:
            known((key,), getattr(config, key), config.reported)
    for i, question in enumerate(config.pico):
        for k, outcome_id in enumerate(question.outcomes):
            known(("pico", i, "outcomes", k), outcome_id, config.outcomes, "outcome")
    _check_doubts(config)
    for name, by_setting in config.baselines.items():
        known(("baselines", name), name, config.outcomes, "outcome")
        for setting, baseline in by_setting.items():
            baseline.check_measure(config.outcomes[name].measure, ("baselines", name, setting))
    for i, pair in enumerate(config.pairs):
        for k, outcome_id in enumerate(pair):
            known(("pairs", i, k), outcome_id, config.outcomes, "outcome")
        if pair[0] == pair[1] or set(pair) in map(set, config.pairs[:i]):
            fail(("pairs", i), list(pair), "allowed: two different outcomes, once a pair")


def _check_measure(config: Config, path: tuple[str | int, ...], outcome: str, prior: str) -> None:
    """Check that an empirical prior of tau describes the measure of an outcome."""
    tau, measure = config.priors[prior].tau, config.outcomes[outcome].measure
    if tau.measure and tau.measure != measure:
        problem = (
            f"the prior of tau ({tau.source}) describes effects measured as {tau.measure}, and those of {outcome} "
            f"are {measure}; to take it for them, write it as {tau.name} with its source"
        )
        fail(path, prior, problem)


def _check_doubts(config: Config) -> None:
    """Check what the next study and the specification curve refer to; without an analysis they have nothing."""
    if not config.reported:
        return
    for i, outcome_id in enumerate(config.next_study.outcomes if config.next_study else ()):
        known(("next_study", "outcomes", i), outcome_id, config.outcomes_of(config.base), "outcome")
    for i, outcome_id in enumerate(config.prior_fan.outcomes if config.prior_fan else ()):
        known(("prior_fan", "outcomes", i), outcome_id, config.outcomes_of(config.base), "outcome")
    if config.specifications is None:
        return
    if config.specifications.analysis is not None:
        known(("specifications", "analysis"), config.specifications.analysis, config.reported)
    for i, outcome_id in enumerate(config.specifications.outcomes):
        known(("specifications", "outcomes", i), outcome_id, config.outcomes_of(config.doubted), "outcome")
    for name, axis in config.specifications.axes.items():
        for level_name, level in (axis.levels or {}).items():
            for i, outcome_id in enumerate(level.outcomes):
                path = ("specifications", "axes", name, "levels", level_name, "outcomes", i)
                known(path, outcome_id, config.outcomes, "outcome")


def _check_headline(config: Config) -> None:
    """Check that the headline model has at most one tau and one omega."""
    headline = config.models[config.headline]
    others = [name for name, model in config.models.items() if not (model.unequal or model.own_class_sds)]
    allowed = f"allowed: {', '.join(others) or 'none here'}"
    if headline.unequal:
        problem = (
            "the headline model has one tau, or none: thresholds, specifications, fans and the frequentist analysis "
            f"depart from it; {allowed}"
        )
        fail(("headline",), config.headline, problem)
    if headline.own_class_sds:
        problem = (
            "the headline model has one omega, or none: thresholds, specifications and fans depart from it; " + allowed
        )
        fail(("headline",), config.headline, problem)
