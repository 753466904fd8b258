"""The methods section of a paper, written from the configuration and the tables of one analysis."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nma.evidence.selection import TOGETHER, UNDIRECTED
from nma.evidence.standardise import STANDARDISED
from nma.network.arms import is_contrast, rows_with, used_arms, used_rows
from nma.report.references import number_citations
from nma.report.sentences import design_words
from nma.report.words import CRITERIA, INTERVAL, MEASURES, METHODS, Names, Row, is_true, listed, plural
from nma.summaries.candidates import LEAST_P_BETTER
from nma.summaries.heterogeneity import LEARNED_NOTHING

LIKELIHOODS = {
    "contrasts": "contrasts between arms, with their standard errors, had a normal likelihood",
    "normal": "means of arms, with their standard errors, had a normal likelihood",
    STANDARDISED: "means of arms were divided by the standard deviation pooled over the arms of their study, corrected "
    "for small samples [@hedges1981] and, as contrasts with the covariance of a shared comparator [@gleser2009], had a "
    "normal likelihood",
    "binomial_logit": "patients with an event by arm had a binomial likelihood with a logit link",
    "binomial_cloglog": "patients with an event by arm and follow-up had a binomial likelihood with a complementary "
    "log-log link",
    "poisson_log": "events by arm and time at risk had a Poisson likelihood with a log link",
    "ordered_logit": "patients by ordered category and arm had a multinomial likelihood with a cumulative logit link",
    "ordered_probit": "patients by ordered category and arm had a multinomial likelihood with a cumulative probit link",
}
GAUSSIAN = ("contrasts", "normal", STANDARDISED)
# The limits of nma.inference.diagnostics, which takes longer to import than a report to write; a test holds them equal.
MAX_R_HAT, MIN_ESS, MAX_Z, MAX_PARETO_K = 1.01, 400, 4, 0.7


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the methods under its heading."""

    heading: str
    text: str


@dataclass(frozen=True)
class Methods:
    """The methods text with its references, numbered in the order of citation."""

    paragraphs: list[Paragraph]
    references: list[str]


def methods_text(
    settings: Mapping[str, Any],
    evidence: Mapping[str, Sequence[Row]],
    explanations: Mapping[str, str],
    versions: Sequence[str],
    names: Names,
) -> Methods:
    """Write what was done in an analysis, ready for a paper.

    Parameters
    ----------
    settings : mapping
        From `nma.report.settings.report_settings`.
    evidence : mapping
        evidence.csv by outcome.
    explanations : mapping
        What every evidence label means, by its words.
    versions : sequence
        Cells ``versions`` of summary/fits.csv.
    """
    sections = {
        "Studies and data": _data(settings, evidence, names),
        "Outcomes": _outcomes(settings, names),
        "Derivation of effects": _derivation(settings, evidence, names),
        "Treatments": _treatments(settings, evidence),
        "Network": _network(settings),
        "Statistical model": _model(settings, evidence, names),
        "Priors": _priors(settings, names),
        "Estimation": _estimation(settings),
        "Ranking and strength of the evidence": _ranking(settings, explanations),
        "Absolute effects": _absolute(settings, names),
        "Inconsistency": _inconsistency(settings, names),
        "Model fit": _fit(),
        "Sensitivity analyses": _sensitivity(settings, names),
        "Patients": _patients(settings),
        "Software": _software(versions),
    }
    kept = {heading: " ".join(sentences) for heading, sentences in sections.items() if sentences}
    texts, references = number_citations(list(kept.values()))
    return Methods([Paragraph(*pair) for pair in zip(kept, texts, strict=True)], references)


def _data(settings: Mapping[str, Any], evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    rows = [row for outcome in evidence.values() for row in outcome]
    designs = {study: facts["design"] for study, facts in settings["studies"].items()}
    used = {row["study"] for row in used_rows(rows)}
    chosen = settings["methods"]["analyses"][names.analysis]
    sentences = [
        f"The analysis “{names.analysis_label}” used {plural(len(used), 'study', 'studies')}; "
        f"its evidence came {design_words(rows, designs)}."
    ]
    if chosen["exclude"]:
        reasons = "; ".join(f"{study}, because {reason}" for study, reason in chosen["exclude"].items())
        sentences.append(f"Excluded from it: {reasons}.")
    if settings["methods"]["sheets"]:
        sentences.append(
            "Every figure was entered as its paper prints it, with its place in the paper; which arm an effect favours "
            "was decided by the arms compared. Figures of one paper were recomputed from each other to find "
            "contradictions."
        )
    quoted = {study: paper for study, paper in settings["methods"]["quoted"].items() if study in used}
    if quoted:
        read = listed(f"{study} (in that of {paper})" for study, paper in quoted.items())
        sentences.append(f"Figures that were read in the paper of another study: {read}.")
    return [*sentences, "The report follows the PRISMA extension for network meta-analyses [@hutton2015]."]


def _outcomes(settings: Mapping[str, Any], names: Names) -> list[str]:
    described = []
    for name in settings["outcomes"]:
        outcome = settings["methods"]["outcomes"][name]
        measure, margin = MEASURES[outcome["measure"]].lower(), f"{outcome['margin']:g}".replace("-", "−")
        direction = (
            f"{'below' if outcome['better'] == 'lower' else 'above'} {_no_effect(outcome)} favouring the treatment"
        )
        categories = f"; categories {', '.join(outcome['categories'])}" if outcome["categories"] else ""
        text = f"{measure} {direction}, clinically relevant beyond {margin}{categories}"
        described.append(f"{names.of('outcomes', name)} ({text})")
    sentences = [f"{_plural('Outcome', described)}: {'; '.join(described)}."]
    criteria = settings["methods"]["criteria"]
    if criteria and any(set(settings["methods"]["outcomes"][name]["categories"]) for name in settings["outcomes"]):
        order = ", then ".join(CRITERIA.get(name, name) for name in criteria)
        sentences.append(f"Of several response criteria in a study one was used for all of its arms: {order}.")
    return sentences


def _no_effect(outcome: Mapping[str, Any]) -> str:
    return "1" if outcome["ratio"] else "0"


def _plural(word: str, items: Sequence[Any]) -> str:
    return word if len(items) == 1 else f"{word}s"


def _derivation(settings: Mapping[str, Any], evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say how contrasts were derived from what papers print, and how those in use were."""
    contrasts = {name: [row for row in used_rows(evidence[name]) if is_contrast(row)] for name in settings["outcomes"]}
    derived = {
        name: [row for row in rows if row["method"] in settings["methods"]["ladder"]]
        for name, rows in contrasts.items()
    }
    if not any(derived.values()):
        return []
    ladder = ", ".join(METHODS[method] for method in settings["methods"]["ladder"])
    return [
        "Log hazard ratios and their standard errors were derived in every way that a paper allows, in this order of "
        f"preference: {ladder} [@parmar1998; @tierney2007; @guyot2012]. Adjusted or matched estimates came before "
        "crude ones whatever the way, all patients before parts of them; one estimate a comparison was used.",
        *(_used(names.of("outcomes", name), rows) for name, rows in derived.items() if rows),
    ]


def _used(outcome: str, rows: Sequence[Row]) -> str:
    methods = Counter(METHODS[row["method"]] for row in rows)
    adjustments = Counter(row["adjustment"] for row in rows)
    assumed = [TOGETHER in row["reason"] for row in rows if is_true(row, "assumed")]
    parts = [
        listed(f"{n} by {method}" for method, n in methods.items()),
        listed(f"{n} {adjustment}" for adjustment, n in adjustments.items()),
    ]
    if not all(assumed):
        parts.append(f"{assumed.count(False)} resting on an assumed number of events")
    if any(assumed):
        parts.append(f"{assumed.count(True)} resting on assumptions about how precise the arms are")
    undirected = sum(UNDIRECTED in row["reason"] for row in rows)
    if undirected:
        parts.append(f"{undirected} from a test whose direction is assumed")
    return f"{outcome}: {plural(len(rows), 'contrast')}, {'; '.join(parts)}."


def _treatments(settings: Mapping[str, Any], evidence: Mapping[str, Sequence[Row]]) -> list[str]:
    facts = settings["methods"]
    if facts["plain"]:
        sentences = [f"Every treatment had an effect of its own against {facts['reference']}."]
    else:
        sentences = [
            "The effect of a treatment was the sum of the effects of its components (additive component network "
            f"meta-analysis [@welton2009; @rucker2020]): {listed(facts['components'])}; {facts['reference']} has none "
            "of them."
        ]
    arms = [arm for name in settings["outcomes"] for arm in used_arms(evidence[name])]
    if any(len(arm.regimens) > 1 for arm in arms):
        sentences.append(
            "An arm whose patients received different treatments entered as their mixture, weighted by patients; the "
            "error of that approximation was computed."
        )
    if facts["settings"]:
        sentences.append(f"Results were given overall and by setting: {listed(facts['settings'])}.")
    if any(facts["not_candidates"].values()):
        barred = "; ".join(f"{place}: {listed(labels)}" for place, labels in facts["not_candidates"].items() if labels)
        sentences.append(f"Treatments with a drug that failed in a setting were no candidates there ({barred}).")
    sentences += [
        f"{place}, {regimen} contains a drug that failed and was a candidate all the same: {reason}."
        for place, allowed in facts["rechallenge"].items()
        for regimen, reason in allowed.items()
    ]
    return sentences


def _network(settings: Mapping[str, Any]) -> list[str]:
    where = " overall and by setting" if settings["methods"]["settings"] else ""
    return [
        f"The network of every outcome was drawn{where}: treatments as nodes sized by patients, or by studies where "
        "patients are not reported; lines between treatments compared in whole arms solid, those compared only "
        "inside mixed arms dashed, the wider the more evidence."
    ]


def _model(settings: Mapping[str, Any], evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    facts, groups = settings["methods"], dict[str, list[str]]()
    for name in settings["outcomes"]:
        outcome = facts["outcomes"][name]
        standardised = (outcome["measure"], outcome["likelihood"]) == ("SMD", "normal")
        likelihood = STANDARDISED if standardised else outcome["likelihood"]
        groups.setdefault(likelihood, []).append(names.of("outcomes", name))
    words = "; ".join(f"for {listed(labels)}, {LIKELIHOODS[likelihood]}" for likelihood, labels in groups.items())
    mixed = [name for name in settings["outcomes"] if _both_kinds(evidence[name])]
    models = "; ".join(f"“{name}”, {_effects(model, facts)}" for name, model in facts["models"].items())
    sentences = [
        "Bayesian network meta-analysis was done within the generalised linear model of Dias and others "
        f"[@dias2013b]: {words}."
    ]
    if mixed:
        labels = listed(names.of("outcomes", name) for name in mixed)
        sentences.append(
            f"Studies that report contrasts and studies that report arms stood in one network for {labels}."
        )
    sentences.append(f"{_plural('Model', facts['models'])}: {models}. “{names.model}” is the headline model.")
    sentences += _left_out(settings, evidence, names)
    if any(model["heterogeneity"] for model in facts["models"].values()):
        sentences.append("Effects of one study with several arms were correlated by 1/2 [@higgins1996].")
    if any(likelihood not in GAUSSIAN for likelihood in groups):
        sentences.append(
            "Counts are crude: they are adjusted for nothing. Their study baselines and study effects were "
            "integrated out by quadrature [@pinheiro1995]."
        )
    return sentences


def _left_out(settings: Mapping[str, Any], evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say which studies a model leaves out because they do not give its covariate."""
    sentences = []
    for model, facts in settings["methods"]["models"].items():
        covariate = facts["covariate"] and facts["covariate"]["name"]
        for name in settings["outcomes"] if covariate else ():
            kept = {row["study"] for row in rows_with(evidence[name], covariate)}
            left_out = dict.fromkeys(row["study"] for row in used_rows(evidence[name]) if row["study"] not in kept)
            if left_out:
                where = f"{listed(left_out)}, which {'does' if len(left_out) == 1 else 'do'} not give {covariate}"
                sentences.append(
                    f"For {names.of('outcomes', name)} “{model}” leaves out {where}: its fit statistics are those of "
                    "other data than the other models'."
                )
    return sentences


def _both_kinds(rows: Sequence[Row]) -> bool:
    return len({is_contrast(row) for row in used_rows(rows)}) == 2


def _effects(model: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Describe the effects of one model."""
    parts = [
        "effects that vary between studies with standard deviation τ" if model["heterogeneity"] else "common effects"
    ]
    if model["settings"] and facts["settings"]:
        parts.append("component effects that vary between settings with standard deviation ω")
    if model["classes"]:
        parts.append(f"effects exchangeable within classes ({listed(facts['classes'])}) with standard deviation ω")
    if model["interactions"]:
        parts.append(f"interactions of {listed(' with '.join(pair) for pair in model['interactions'])}")
    if model["covariate"]:
        parts.append(f"a slope on {model['covariate']['name']}, common to all treatments but the reference")
    return ", ".join(parts)


def _priors(settings: Mapping[str, Any], names: Names) -> list[str]:
    facts, groups = settings["methods"], dict[str, list[str]]()
    for name in settings["outcomes"]:
        groups.setdefault(facts["outcomes"][name]["prior"], []).append(name)
    return [
        f"{listed(names.of('outcomes', name) for name in members)}: {_prior(facts, prior, members)}."
        for prior, members in groups.items()
    ] + ["N(0, s²) is a normal and HN(s) a half-normal distribution of scale s, on the scale on which effects add up."]


def _prior(facts: Mapping[str, Any], prior: str, outcomes: Sequence[str]) -> str:
    scales, models = facts["priors"][prior], list(facts["models"].values())
    likelihoods = {facts["outcomes"][name]["likelihood"] for name in outcomes}
    parts = [f"effects N(0, {scales['effect']:g}²)"]
    if any(model["heterogeneity"] for model in models):
        parts.append(f"τ HN({scales['tau']:g})")
    if any(model["classes"] or (model["settings"] and facts["settings"]) for model in models):
        parts.append(f"ω HN({scales['omega']:g})")
    if likelihoods - set(GAUSSIAN):
        parts.append(f"study baselines N(0, {scales['baseline']:g}²)")
    if any(likelihood.startswith("ordered") for likelihood in likelihoods):
        parts.append(f"log distances between the cutpoints of ordered outcomes N(0, {scales['cutpoint']:g}²)")
    if any(model["covariate"] for model in models):
        parts.append(f"slopes N(0, {scales['slope'] or scales['effect']:g}²)")
    return ", ".join(parts)


def _estimation(settings: Mapping[str, Any]) -> list[str]:
    sampler = settings["methods"]["sampler"]
    retry = sampler["retry"]
    return [
        f"Posteriors were sampled by the No-U-Turn sampler [@hoffman2014] in PyMC [@pymc2023]: {sampler['chains']} "
        f"chains of {sampler['draws']} draws after {sampler['tune']} to tune, target acceptance "
        f"{sampler['target_accept']:g}, seed {settings['seed']}. A fit counted as converged with every R-hat below "
        f"{MAX_R_HAT:g}, bulk and tail effective sample sizes above {MIN_ESS:g} [@vehtari2021], no divergence, and "
        f"means, standard deviations and 2.5% and 97.5% quantiles within {MAX_Z:g} standard errors of those computed "
        "without Markov chains (numerical integration over τ and ω; for counts with importance sampling, Pareto k at "
        f"most {MAX_PARETO_K:g} [@vehtari2017]). Where that computation found itself unreliable there is no exact "
        "check, the table of fits says why, and convergence rests on the chains alone. A fit that did not converge was "
        f"run again with {retry['draws']} draws after {retry['tune']}, target acceptance {retry['target_accept']:g}, "
        "and otherwise marked as not converged.",
        f"Intervals are {INTERVAL}s; predictive intervals are those of the effect in a new study. The data were said "
        f"to have taught nothing about τ or ω where prior and posterior overlap by more than {LEARNED_NOTHING:g}.",
    ]


def _ranking(settings: Mapping[str, Any], explanations: Mapping[str, str]) -> list[str]:
    labels = "; ".join(f"{word} ({text})" for word, text in explanations.items())
    who = "The candidates of a setting" if any(settings["methods"]["not_candidates"].values()) else "They"
    sentences = [
        "The treatments that any patient received were ranked in every draw; given are rank probabilities, the "
        "surface under the cumulative ranking curve (SUCRA [@salanti2011]), 1 being best for every outcome, and the "
        "precision of the treatment hierarchy (POTH [@wigle2025]).",
        f"{who} were also ranked among themselves, as far as the data place them: those that effects that are not "
        "prior-driven link to more than half of them. One was named first where SUCRA, P(best) and the posterior mean "
        "agreed on it, its effect against the next was not prior-driven, and it was better than the next with a "
        f"probability of at least {LEAST_P_BETTER:g}.",
        f"Every relative effect was labelled by how far data carry it: {labels}.",
    ]
    if any(settings["methods"]["outcomes"][name]["likelihood"] in GAUSSIAN for name in settings["outcomes"]):
        sentences.append(
            "Networks of contrasts and means were also estimated by generalised least squares with τ by restricted "
            "maximum likelihood, with P-scores [@rucker2015] and Q statistics within and between designs [@krahn2013]."
        )
    return sentences


def _absolute(settings: Mapping[str, Any], names: Names) -> list[str]:
    facts = settings["methods"]
    chosen = [name for name in settings["outcomes"] if name in settings["absolute"]]
    if not chosen:
        return []
    sentences = [
        f"Absolute effects ({listed(names.of('outcomes', name) for name in chosen)}) are relative effects added to a "
        "declared baseline with its uncertainty, independent of them; its source and what is assumed stand beside them "
        "[@dias2013e]. None is given where the relative effect is extrapolated or prior-driven; what arms of the "
        "studies observed is set beside the others."
    ]
    if any(facts["outcomes"][name]["measure"] == "HR" for name in chosen):
        sentences.append("Medians rest on proportional hazards and exponential survival.")
    return sentences


def _inconsistency(settings: Mapping[str, Any], names: Names) -> list[str]:
    assessed = settings["inconsistency"]
    if not assessed:
        return ["Inconsistency between direct and indirect evidence was not assessed."]
    where = "" if assessed == names.analysis else f" in the analysis “{names.of('analyses', assessed)}”"
    return [
        f"Inconsistency between direct and indirect evidence was assessed{where} by node-splitting of every comparison "
        "that some studies make and the others still estimate [@dias2010; @valkenhoef2016], with two-sided Bayesian "
        "p-values, and by unrelated mean effects [@dias2013d]. Where there is no such comparison it was called not "
        "assessable. Degrees of freedom were counted as what designs estimate for themselves less what "
        "the model has, and splits that test the same one were taken for one test. In studies of more than "
        "two arms the "
        "baseline of a split is the reference of the network, otherwise the treatment that comes first by its id, and "
        "that of unrelated mean effects the first arm of the study or its comparator.",
    ]


def _fit() -> list[str]:
    return [
        "Fit was judged by residual deviance and leverage of every data point, pD and DIC [@spiegelhalter2002; "
        "@dias2013b], and by cross-validation that leaves out one study at a time: the density of every study given "
        "the others, by numerical integration without it, and where counts do not allow that by Pareto-smoothed "
        "importance sampling [@vehtari2017], which the table then says."
    ]


def _sensitivity(settings: Mapping[str, Any], names: Names) -> list[str]:
    facts = settings["methods"]
    others = [_variant(name, facts) for name in facts["analyses"] if name != names.analysis]
    sentences = [f"Other analyses: {'; '.join(others)}."] if others else []
    if len(facts["models"]) > 1:
        sentences.append(f"Every analysis was done under {plural(len(facts['models']), 'model')}.")
    base = settings["leave_one_out"]
    if base:
        sentences.append(f"“{names.of('analyses', base)}” was repeated without each of its studies in turn.")
    return sentences


def _variant(name: str, facts: Mapping[str, Any]) -> str:
    """Describe another analysis: what it excludes, and what it takes of a study instead."""
    analysis = facts["analyses"][name]
    parts = [f"without {study}: {reason}" for study, reason in analysis["exclude"].items()]
    for study, choice in analysis["select"].items():
        ways = [METHODS[choice["method"]]] if choice["method"] else []
        ways += [f"the contrast set {choice['contrast_set']}"] if choice["contrast_set"] else []
        ways += [f"the population {choice['population']}"] if choice["population"] else []
        ways += ["its ratios as their labels have them"] if choice["reading"] == "as_printed" else []
        parts.append(f"{study} by {listed(ways)}")
    if analysis["secondary_reports"]:
        parts.append("with figures read in the papers of other studies")
    if analysis["engine"] == "exact":
        parts.append("solved by numerical integration, without a report of its own")
    return f"“{analysis['label']}”" + (f" ({'; '.join(parts)})" if parts else "")


def _patients(settings: Mapping[str, Any]) -> list[str]:
    if not settings["populations"]:
        return []
    limits = settings["populations"]["thresholds"]
    return [
        "Baseline characteristics were compared between arms and between studies by standardised differences, flagged "
        f"beyond {limits['notable']:g} and {limits['large']:g} [@austin2009]."
    ]


def _software(versions: Sequence[str]) -> list[str]:
    return [
        f"The analysis ran under Snakemake [@molder2021] with {'; '.join(map(version_words, versions))}. Data, "
        "configuration and code that reproduce every number are part of the project."
    ]


def version_words(cell: str) -> str:
    """Read a cell of versions, ``python 3.13.0 pymc 6.4.0``, as a list."""
    words = cell.split()
    return listed(f"{name} {version}" for name, version in zip(words[::2], words[1::2], strict=False))
