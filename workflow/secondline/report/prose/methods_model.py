"""The methods text about the model: likelihoods, effects, priors and estimation."""

from collections.abc import Mapping, Sequence

from secondline.layout import RANK_POINTS_LOG2, RANK_SEQUENCES
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import is_contrast, rows_with, used_rows
from secondline.network.slopes import BY_CLASS, COMMON, INDEPENDENT
from secondline.report.prose.methods_taken import taken_into_account
from secondline.report.prose.phrases import outcome_in_text
from secondline.report.settings import MethodsFacts, ModelFacts, PriorFacts, ReportSettings, SlopeFacts
from secondline.report.words import (
    INTERVAL,
    Names,
    Row,
    listed,
)
from secondline.sd_prior import SdPrior
from secondline.thresholds import (
    LEARNED_NOTHING,
    MAX_LIMIT_ERROR,
    MAX_MEAN_ERROR,
    MAX_PARETO_K,
    MAX_R_HAT,
    MAX_Z,
    MIN_ESS,
)


def model(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Describe the likelihoods and the models of the effects."""
    facts, groups = settings.methods, dict[str, list[str]]()
    for name in settings.outcomes:
        outcome = facts.outcomes[name]
        had = LIKELIHOODS[outcome.likelihood].words_for(outcome.measure)
        groups.setdefault(had, []).append(outcome_in_text(name, names))
    words = "; ".join(f"for {listed(labels)}, {had}" for had, labels in groups.items())
    mixed = [name for name in settings.outcomes if _both_kinds(evidence[name])]
    models = "; ".join(f"“{name}”, {effects_in_words(model, facts, names)}" for name, model in facts.models.items())
    sentences = [
        "We fitted Bayesian network meta-analysis models within the generalised linear modelling framework of Dias et "
        f"al. [@dias2013b]: {words}."
    ]
    if mixed:
        labels = listed(outcome_in_text(name, names) for name in mixed)
        sentences.append(
            f"For {labels}, studies reporting contrasts and studies reporting arm-level data were combined in one "
            "network."
        )
    if len(facts.models) > 1:
        sentences.append(
            f"The models make different assumptions about the effects: {models}. The headline model is “{names.model}”."
        )
    else:
        sentences.append(f"The model is {models}.")
    sentences += _left_out(settings, evidence, names)
    if any(model.heterogeneity for model in facts.models.values()):
        sentences.append("Random effects within multi-arm studies were assumed to have correlation 0.5 [@higgins1996].")
    if any(LIKELIHOODS[facts.outcomes[name].likelihood].is_count for name in settings.outcomes):
        sentences.append(
            "Count data were unadjusted; their study baselines and random study effects were integrated out by "
            "quadrature [@pinheiro1995]."
        )
    return sentences + taken_into_account(settings, evidence, names)


def _left_out(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say which studies a model leaves out because they do not give its covariate."""
    sentences = []
    for model, facts in settings.methods.models.items():
        covariates = listed([each.covariate for each in facts.slopes])
        for name in settings.outcomes if covariates else ():
            kept = {row["study"] for row in rows_with(evidence[name], facts.needs)}
            left_out = dict.fromkeys(row["study"] for row in used_rows(evidence[name]) if row["study"] not in kept)
            if left_out:
                verb = "does" if len(left_out) == 1 else "do"
                where = f"{listed(map(names.study, left_out))}, which {verb} not report {covariates}"
                sentences.append(
                    f"For {outcome_in_text(name, names)}, model “{model}” omits {where}; its fit statistics are "
                    "therefore not comparable with those of the other models."
                )
    return sentences


def _both_kinds(rows: Sequence[Row]) -> bool:
    return len({is_contrast(row) for row in used_rows(rows)}) == 2


def effects_in_words(model: ModelFacts, facts: MethodsFacts, names: Names) -> str:
    """Describe the effects of one model."""
    parts = [_random_effects(model)]
    if model.settings and facts.settings:
        parts.append("component effects varying between settings with standard deviation ω")
    if model.classes:
        spread = "a separate standard deviation ω for every class" if model.own_class_sds else "standard deviation ω"
        parts.append(f"effects exchangeable within classes ({listed(facts.classes)}) with {spread}")
    if model.interactions:
        parts.append(
            f"interactions of {listed(' with '.join(map(names.component, pair)) for pair in model.interactions)}"
        )
    if model.exchangeable_interactions:
        component, sd = model.exchangeable_interactions
        parts.append(
            f"exchangeable interactions of {names.component(component)}, whose effect varies between regimens around a "
            f"common effect with standard deviation {sd:g}"
        )
    if model.regimen_level:
        parts.append("a separate effect for every regimen, without additivity of components")
    if model.class_contrast:
        parts.append(
            "the same mix of treatments in all mixed arms of a study, so that two mixed arms differ by what is common "
            "to the patients of each"
        )
    parts += [_slopes_in_words(each) for each in model.slopes]
    if model.baseline_risk:
        parts.append(
            "a slope, common to all treatments except the reference, on the baseline of the study, as the model has it "
            "and not as observed"
        )
    return listed(parts)


def _random_effects(model: ModelFacts) -> str:
    """Describe how effects vary between studies."""
    if not model.heterogeneity:
        return "common effects"
    found = "random effects with between-study standard deviation τ"
    groups = {
        "": "",
        "class": ", which differs between groups of studies defined by the classes of treatments that they compare",
        "comparison": ", which differs between studies with and without an inactive control",
    }
    return found + groups[model.unequal]


def _slopes_in_words(slopes: SlopeFacts) -> str:
    """Describe how effects change with one covariate."""
    per = "" if slopes.per == 1 else f" (per {slopes.per:g})"
    about = f"{slopes.covariate}{per}"
    if slopes.levels:
        about = f"{slopes.covariate} ({listed(slopes.levels[1:])} against {slopes.levels[0]})"
    return {
        COMMON: f"a meta-regression slope for {about} common to all treatments except the reference",
        BY_CLASS: f"meta-regression slopes for {about} common to the treatments of a class",
        INDEPENDENT: f"a separate meta-regression slope for {about} of every treatment except the reference",
    }[slopes.kind]


def priors(settings: ReportSettings, names: Names) -> list[str]:
    """State the priors."""
    facts, groups = settings.methods, dict[str, list[str]]()
    for name in settings.outcomes:
        groups.setdefault(facts.prior_of(settings.analysis, name), []).append(name)
    stated = [prior for name in groups for prior in _of_sds(facts, facts.priors[name])]
    explained = list(dict.fromkeys(prior.explained for _, prior in stated if prior.explained))
    return [
        "Priors were specified on the scale of the linear predictor, "
        f"{listed(['N(0, s²) denoting a normal distribution with standard deviation s', *explained])}.",
        *(
            f"For {listed(outcome_in_text(name, names) for name in members)}, they were "
            f"{_prior(facts, prior, members)}."
            for prior, members in groups.items()
        ),
    ]


def _of_sds(facts: MethodsFacts, given: PriorFacts) -> list[tuple[str, SdPrior]]:
    """Priors of τ and ω, where a model has them."""
    models = facts.models.values()
    found = [("τ", given.tau)] if any(model.heterogeneity for model in models) else []
    departures = any(model.classes or (model.settings and facts.settings) for model in models)
    return [*found, ("ω", given.omega)] if departures else found


def _prior(facts: MethodsFacts, prior: str, outcomes: Sequence[str]) -> str:
    scales, models = facts.priors[prior], list(facts.models.values())
    likelihoods = [LIKELIHOODS[facts.outcomes[name].likelihood] for name in outcomes]
    levels = {("treatment" if facts.plain else "component", "regimen")[model.regimen_level] for model in models}
    parts = [f"N(0, {scales.effect:g}²) for {' and '.join(sorted(levels))} effects"]
    parts += [given.stated(parameter) for parameter, given in _of_sds(facts, scales)]
    if any(likelihood.is_count for likelihood in likelihoods):
        parts.append(f"N(0, {scales.baseline:g}²) for study baselines")
    if any(likelihood.is_ordered for likelihood in likelihoods):
        parts.append(f"N(0, {scales.cutpoint:g}²) for log distances between the cutpoints of ordered outcomes")
    if any(model.slopes or model.baseline_risk for model in models):
        parts.append(f"N(0, {scales.slope:g}²) for meta-regression slopes")
    spreads = dict.fromkeys(m.exchangeable_interactions[1] for m in models if m.exchangeable_interactions)
    parts += [f"N(0, {sd:g}²) for exchangeable interactions" for sd in spreads]
    return listed(parts)


def estimation(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say how posteriors were computed and checked."""
    facts = settings.methods.outcomes
    solved = [
        name
        for name in settings.outcomes
        if LIKELIHOODS[facts[name].likelihood].is_gaussian or all(map(is_contrast, used_rows(evidence[name])))
    ]
    drawn = [name for name in settings.outcomes if name not in solved]
    return [
        *([_in_closed_form(solved, names)] if solved else []),
        f"{_sampling(settings, drawn, solved)} {_convergence(settings)}",
        f"Intervals are {INTERVAL}s; predictive intervals refer to the effect in a new study. We considered τ or ω not "
        "informed by the data when the overlap of its prior and posterior distributions exceeded "
        f"{LEARNED_NOTHING:g}.",
    ]


def _in_closed_form(outcomes: Sequence[str], names: Names) -> str:
    labels, points = listed(outcome_in_text(name, names) for name in outcomes), RANK_SEQUENCES * 2**RANK_POINTS_LOG2
    return (
        f"For {labels}, whose studies give contrasts or means, results are those of the exact posterior distribution: "
        "given τ and ω the effects are normally distributed, and τ and ω were integrated out numerically on a grid. "
        f"Probabilities of ranks were computed over {points} points of scrambled Sobol sequences."
    )


def _sampling(settings: ReportSettings, drawn: Sequence[str], solved: Sequence[str]) -> str:
    """Say how Markov chains were run, and for what."""
    sampler, first = settings.methods.sampler, settings.methods.sampler.first
    what = "As a check, posterior distributions were also" if solved and not drawn else "Posterior distributions were"
    text = (
        f"{what} sampled with the No-U-Turn sampler [@hoffman2014] in PyMC [@pymc2023], using "
        f"{sampler.chains} chains of {first.draws} draws each after {first.tune} tuning iterations, a "
        f"target acceptance rate of {first.target_accept:g} and seed {settings.seed}"
    )
    text += "; where results are exact, the draws are a check only." if solved and drawn else "."
    if not drawn:
        return text
    return (
        f"{text} For counts, sampling continued, up to {sampler.most} draws per chain, until Monte Carlo standard "
        f"errors were at most {100 * MAX_MEAN_ERROR:g}% of the posterior standard deviation for means and "
        f"{100 * MAX_LIMIT_ERROR:g}% for limits of intervals; the table of fits gives the largest. "
        "The tables take τ and ω from the numerical integration described below, where its own error is as small."
    )


def _convergence(settings: ReportSettings) -> str:
    retry = settings.methods.sampler.retry
    return (
        f"We considered a fit to have converged if every R-hat was below {MAX_R_HAT:g}, bulk and tail effective "
        f"sample sizes exceeded {MIN_ESS:g} [@vehtari2021], there were no divergent transitions, and posterior means, "
        f"standard deviations and 2.5% and 97.5% quantiles were within {MAX_Z:g} Monte Carlo standard errors of those "
        "computed without Markov chains, that is, by numerical integration over τ and ω (combined with importance "
        f"sampling for count data, with a Pareto k of at most {MAX_PARETO_K:g} [@vehtari2017]). Where that computation "
        "was itself unreliable, the check was omitted (the table of fits gives the reason) and convergence was judged "
        f"from the chains alone. Fits that did not converge were repeated with {retry.draws} draws after {retry.tune} "
        f"tuning iterations and a target acceptance rate of {retry.target_accept:g}; those that still did not "
        "converge are marked as such."
    )


def fit() -> list[str]:
    """Say how model fit was assessed."""
    return [
        "Model fit was assessed by the residual deviance and leverage of each data point, pD and DIC "
        "[@spiegelhalter2002; @dias2013b], and by leave-one-study-out cross-validation. The predictive density of each "
        "study given the others was computed by numerical integration without that study or, where this was not "
        "feasible for count data, by Pareto-smoothed importance sampling [@vehtari2017]; the table of fit statistics "
        "gives the method used."
    ]
