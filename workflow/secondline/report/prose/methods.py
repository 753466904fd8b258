"""The methods section of a paper, written from the configuration and the tables of one analysis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from secondline.likelihoods import LIKELIHOODS
from secondline.measures import HR, MEASURES
from secondline.report.prose.methods_data import data, derivation, network, outcomes, patients, sources, treatments
from secondline.report.prose.methods_model import estimation, fit, model, priors
from secondline.report.prose.methods_taken import of_another, taken_in_report
from secondline.report.prose.phrases import outcome_in_text
from secondline.report.prose.references import number_citations
from secondline.report.settings import MethodsFacts, ReportSettings
from secondline.report.words import (
    Names,
    Row,
    listed,
)
from secondline.thresholds import LEAST_P_BETTER

SOFTWARE = {"python": "Python", "pymc": "PyMC", "numpy": "NumPy", "arviz": "ArviZ"}


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
    taken: list[str]
    """What the analysis takes into account of shared patients and of a bias, without citations."""


def methods_text(
    settings: ReportSettings,
    evidence: Mapping[str, Sequence[Row]],
    explanations: Mapping[str, str],
    versions: Sequence[str],
    names: Names,
) -> Methods:
    """Write what was done in an analysis, ready for a paper.

    Parameters
    ----------
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    evidence : mapping
        evidence.csv by outcome.
    explanations : mapping
        What every evidence label means, by its words.
    versions : sequence
        Cells ``versions`` of summary/fits.csv.
    """
    sections = {
        "Studies and data": data(settings, evidence, names),
        "Outcomes": outcomes(settings, names),
        "Derivation of effects": derivation(settings, evidence, names),
        "Treatments": treatments(settings, evidence),
        "Network": network(settings),
        "Statistical model": model(settings, evidence, names),
        "Priors": priors(settings, names),
        "Estimation": estimation(settings, evidence, names),
        "Ranking and strength of the evidence": _ranking(settings, explanations),
        "Absolute effects": _absolute(settings, names),
        "Inconsistency": _inconsistency(settings, names),
        "Model fit": fit(),
        "Sensitivity analyses": _sensitivity(settings, names),
        "Patients": patients(settings),
        "Software": _software(versions),
    }
    kept = {heading: " ".join(sentences) for heading, sentences in sections.items() if sentences}
    texts, references = number_citations(list(kept.values()))
    return Methods(
        [Paragraph(*pair) for pair in zip(kept, texts, strict=True)],
        references,
        taken_in_report(settings, evidence, names),
    )


def _ranking(settings: ReportSettings, explanations: Mapping[str, str]) -> list[str]:
    labels = "; ".join(f"{word} ({text})" for word, text in explanations.items())
    barred = any(settings.methods.not_candidates.values())
    who, them = ("the candidates in each setting", "candidates") if barred else ("the treatments", "treatments")
    sentences = [
        "All treatments received by at least one patient were ranked in each posterior draw. We report rank "
        "probabilities, the surface under the cumulative ranking curve (SUCRA [@salanti2011]; 1 is best for every "
        "outcome) and the precision of the treatment hierarchy (POTH [@wigle2025]).",
        f"In addition, {who} that were connected with one another by effects that were not prior-driven were "
        f"ranked among themselves, provided that they made up more than half of the {them}. A treatment was named "
        "first only if SUCRA, the probability of being best and the posterior mean all placed it first, its effect "
        "relative to the next-ranked treatment was not prior-driven, and the probability of its being better than that "
        f"treatment was at least {LEAST_P_BETTER:g}.",
        f"Each relative effect was labelled according to the evidence that supports it: {labels}.",
    ]
    outcomes = settings.methods.outcomes
    if any(LIKELIHOODS[outcomes[name].likelihood].is_gaussian for name in settings.outcomes):
        sentences.append(
            "Networks of contrasts and of means were also analysed by generalised least squares, with τ estimated by "
            "restricted maximum likelihood; we report P-scores [@rucker2015] and Q statistics within and between "
            "designs [@krahn2013]."
        )
    return sentences


def _absolute(settings: ReportSettings, names: Names) -> list[str]:
    facts = settings.methods
    chosen = [name for name in settings.outcomes if name in settings.absolute]
    if not chosen:
        return []
    sentences = [
        f"Absolute effects were calculated for {listed(outcome_in_text(name, names) for name in chosen)} by applying "
        "the relative effects to a declared baseline, whose uncertainty was taken into account and assumed to be "
        "independent of the relative effects [@dias2013e]; the source of each baseline and any further assumptions are "
        "listed with the results. No absolute effect is reported where the relative effect is extrapolated or "
        "prior-driven. Outcomes observed in the study arms are shown for comparison."
    ]
    if any(MEASURES[facts.outcomes[name].measure] is HR for name in chosen):
        sentences.append("Absolute medians assume proportional hazards and exponential survival.")
    if any(name in settings.converted for name in chosen):
        sentences.append(
            "Differences in events per 1,000 patients and numbers needed to treat were computed from joint draws of "
            "baselines and relative effects (quasi-random ones where results are exact); where the interval of a "
            "difference contains 0, that of the number needed to treat extends through infinity [@altman1998]."
        )
    return sentences


def _inconsistency(settings: ReportSettings, names: Names) -> list[str]:
    assessed = settings.inconsistency
    if not assessed:
        return ["Inconsistency between direct and indirect evidence was not assessed."]
    where = "" if assessed == names.analysis else f" in the analysis “{names.label_of_analysis(assessed)}”"
    return [
        f"Inconsistency between direct and indirect evidence was assessed{where} by node-splitting of every comparison "
        "made by some studies and still estimable from the others [@dias2010; @valkenhoef2016], with two-sided "
        "Bayesian p-values, and by an unrelated mean effects model [@dias2013d]. Where there was no such comparison, "
        "inconsistency was considered not assessable. The degrees of freedom for inconsistency are the number of "
        "effects that the designs estimate separately minus the number of effects in the model; node-splits testing "
        "the same degree of freedom were counted as a single test. In multi-arm studies, the baseline treatment of a "
        "node-split was the network reference if it was one of the two treatments compared, and otherwise the first "
        "of the two in alphabetical order of their identifiers; that of the unrelated mean effects model was the first "
        "arm or the comparator of the study.",
    ]


def _sensitivity(settings: ReportSettings, names: Names) -> list[str]:
    facts = settings.methods
    others = [_variant(name, facts, names) for name in facts.analyses if name != names.analysis]
    sentences = [f"The other analyses were: {'; '.join(others)}."] if others else []
    if len(facts.models) > 1:
        sentences.append(f"All {len(facts.models)} models were fitted in every analysis.")
    base = settings.leave_one_out
    if base:
        sentences.append(
            f"The analysis “{names.label_of_analysis(base)}” was repeated with each of its studies left out in turn."
        )
    return sentences


def _variant(name: str, facts: MethodsFacts, names: Names) -> str:
    """Describe another analysis: what it excludes, and what it takes of a study instead."""
    analysis = facts.analyses[name]
    parts = [f"excluding {names.study(study)}: {names.said(reason)}" for study, reason in analysis.exclude.items()]
    for study, choice in analysis.select.items():
        ways = [f"the contrast set “{choice.contrast_set}”"] if choice.contrast_set else []
        ways += [f"the population “{choice.population}”"] if choice.population else []
        ways += [f"effects derived from {sources(choice.method)}"] if choice.method else []
        ways += ["ratios in the direction in which they are labelled"] if choice.as_printed else []
        parts.append(f"using, for {names.study(study)}, {listed(ways)}")
    if analysis.secondary_reports:
        parts.append("including studies quoted in the reports of other studies")
    parts += of_another(analysis)
    if analysis.exact:
        parts.append("computed by numerical integration, without a separate report")
    return f"“{analysis.label}”" + (f" ({'; '.join(parts)})" if parts else "")


def _software(versions: Sequence[str]) -> list[str]:
    return [
        f"The analysis was run in Snakemake [@molder2021] with {'; '.join(map(version_words, versions))}. The data, "
        "configuration and code needed to reproduce every number are included in the project."
    ]


def version_words(cell: str) -> str:
    """Read a cell of versions, ``python 3.13.0 pymc 6.4.0``, as a list."""
    words = cell.split()
    return listed(
        f"{SOFTWARE.get(name, name)} {version}" for name, version in zip(words[::2], words[1::2], strict=False)
    )
