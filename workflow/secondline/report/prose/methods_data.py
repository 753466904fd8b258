"""The methods text about the data: studies, outcomes, derivation of effects, treatments and the network."""

from collections import Counter
from collections.abc import Mapping, Sequence

from secondline.cell_values import CRITERIA, METHODS, TOGETHER, UNDIRECTED
from secondline.likelihoods import LIKELIHOODS
from secondline.measures import MEASURES
from secondline.network.arms import is_contrast, used_arms, used_rows
from secondline.report.prose.phrases import outcome_in_text, small
from secondline.report.prose.sentences import design_words
from secondline.report.settings import OutcomeFacts, ReportSettings
from secondline.report.words import (
    CATEGORIES,
    Names,
    Row,
    is_true,
    listed,
    plural,
)


def data(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say which studies there are, and how their figures were taken."""
    rows = [row for outcome in evidence.values() for row in outcome]
    designs = {study: facts.design for study, facts in settings.studies.items()}
    used = {row["study"] for row in used_rows(rows)}
    chosen = settings.methods.analyses[names.analysis]
    count, design = plural(len(used), "study", "studies"), design_words(rows, designs)
    included = design.removeprefix("from ") if count in design else f"{count}; the evidence came {design}"
    question = settings.question
    sentences = [f"This network meta-analysis addressed the following question: {_ended(question)}"] if question else []
    sentences.append(f"The analysis “{names.analysis_label}” included {included}.")
    if chosen.exclude:
        reasons = listed(f"{names.study(study)} ({names.said(reason)})" for study, reason in chosen.exclude.items())
        sentences.append(f"We excluded {reasons}.")
    if settings.methods.sheets:
        sentences.append(
            "All data were extracted as printed, together with their location in the paper. The direction of each "
            "effect was determined from the arms compared rather than from the label printed beside it. Figures "
            "reported in the same paper were recomputed from one another to detect discrepancies."
        )
    quoted = {study: paper for study, paper in settings.methods.quoted.items() if study in used}
    if quoted:
        read = listed(
            f"{names.study(study)} (from the report of {names.study(paper)})" for study, paper in quoted.items()
        )
        sentences.append(f"Data for the following studies were taken from the report of another study: {read}.")
    return [*sentences, "Reporting follows the PRISMA extension statement for network meta-analyses [@hutton2015]."]


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def outcomes(settings: ReportSettings, names: Names) -> list[str]:
    """Describe the outcomes."""
    described = []
    for name in settings.outcomes:
        outcome = settings.methods.outcomes[name]
        measure, margin = MEASURES[outcome.measure].words.lower(), f"{outcome.margin:g}".replace("-", "−")
        side = "below" if outcome.better == "lower" else "above"
        text = (
            f"{measure}; values {side} {_no_effect(outcome)} favour the treatment; "
            f"effects beyond {margin} were considered clinically relevant"
        )
        described.append(f"{outcome_in_text(name, names)} ({text}{_categories(outcome)})")
    word = "outcome was" if len(described) == 1 else "outcomes were"
    sentences = [f"The {word}: {'; '.join(described)}."]
    criteria = settings.methods.criteria
    if criteria and any(set(settings.methods.outcomes[name].categories) for name in settings.outcomes):
        order = ", then ".join(CRITERIA.get(name, name) for name in criteria)
        sentences.append(
            "Where a study reported several sets of response criteria, the same set was used for all of its arms, in "
            f"this order of preference: {order}."
        )
    return sentences


def _categories(outcome: OutcomeFacts) -> str:
    """Name the categories that an outcome is made of: in their order, or together as its event."""
    shown = [CATEGORIES.get(name, name) for name in outcome.categories]
    if not shown:
        return ""
    if LIKELIHOODS[outcome.likelihood].is_ordered:
        together = ", those that an arm did not report apart counted together" if outcome.fewer_cutoffs else ""
        return f"; ordered categories {', '.join(shown)}{together}"
    return f"; event: {listed(shown, 'or')}"


def _no_effect(outcome: OutcomeFacts) -> str:
    return "1" if outcome.ratio else "0"


def derivation(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say how contrasts were derived from what papers print, and how those in use were."""
    contrasts = {name: [row for row in used_rows(evidence[name]) if is_contrast(row)] for name in settings.outcomes}
    derived = {
        name: [row for row in rows if row["method"] in settings.methods.ladder] for name, rows in contrasts.items()
    }
    if not any(derived.values()):
        return []
    ladder = ", ".join(map(sources, settings.methods.ladder))
    return [
        "Log hazard ratios and their standard errors were derived by every method that the published data allowed; one "
        f"estimate per comparison was then selected, in the following order of preference: {ladder} [@parmar1998; "
        "@tierney2007; @guyot2012]. Adjusted or matched estimates took precedence over crude estimates regardless of "
        "method, and whole-population estimates over subgroups.",
        *(_used(outcome_in_text(name, names), rows) for name, rows in derived.items() if rows),
    ]


def sources(method: str) -> str:
    """Name what several effects were derived from by one method."""
    return METHODS[method].replace("HR", "HRs").replace("p-value", "p-values")


def _used(outcome: str, rows: Sequence[Row]) -> str:
    methods = Counter(sources(row["method"]) for row in rows)
    adjustments = Counter(row["adjustment"] for row in rows)
    assumed = [TOGETHER in row["reason"] for row in rows if is_true(row, "assumed")]
    parts = [
        listed(f"{n} from {sources}" for sources, n in methods.items()).replace(" from ", " derived from ", 1),
        listed(f"{n} {adjustment}" for adjustment, n in adjustments.items()),
    ]
    if not all(assumed):
        parts.append(f"{assumed.count(False)} with an assumed number of events")
    if any(assumed):
        parts.append(f"{assumed.count(True)} with assumptions about the precision of the arms")
    undirected = sum(UNDIRECTED in row["reason"] for row in rows)
    if undirected:
        parts.append(f"{undirected} with the direction of the test assumed")
    return f"For {outcome}, we used {plural(len(rows), 'contrast')}: {'; '.join(parts)}."


def treatments(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]]) -> list[str]:
    """Say how treatments were modelled, and which are candidates."""
    facts = settings.methods
    if facts.plain:
        sentences = [f"A separate effect relative to {small(facts.reference)} was estimated for each treatment."]
    else:
        sentences = [
            "The effect of a treatment was modelled as the sum of the effects of its components (additive component "
            "network meta-analysis [@welton2009; @rucker2020]). The components were "
            f"{listed(map(small, facts.components))}; the reference treatment, {small(facts.reference)}, contains none "
            "of them."
        ]
    arms = [arm for name in settings.outcomes for arm in used_arms(evidence[name])]
    if any(len(arm.regimens) > 1 for arm in arms):
        sentences.append(
            "Arms in which patients received different treatments were modelled as mixtures of these treatments, "
            "weighted by numbers of patients; the error of this approximation was quantified."
        )
    if facts.settings:
        sentences.append(f"Results are reported overall and by setting: {listed(map(small, facts.settings))}.")
    if any(facts.not_candidates.values()):
        barred = "; ".join(
            f"{small(place)}: {listed(map(small, labels))}" for place, labels in facts.not_candidates.items() if labels
        )
        sentences.append(
            "Treatments containing a drug that had failed in a setting were not candidates in that setting "
            f"({barred}): they were ranked among all treatments, but could not be named first."
        )
    sentences += [
        f"{place}, {small(regimen)} remained a candidate although it contains a drug that had failed: {reason}."
        for place, allowed in facts.rechallenge.items()
        for regimen, reason in allowed.items()
    ]
    return sentences


def network(settings: ReportSettings) -> list[str]:
    """Describe the network diagrams."""
    where = ", overall and by setting" if settings.methods.settings else ""
    return [
        f"A network diagram was drawn for each outcome{where}. The size of a node represents the number of patients, "
        "or of studies where numbers of patients were not reported. Solid lines join treatments that were compared in "
        "whole arms, dashed lines those compared only within mixed arms; wider lines represent more evidence."
    ]


def patients(settings: ReportSettings) -> list[str]:
    """Say how patients were compared."""
    if not settings.populations:
        return []
    limits = settings.populations.thresholds
    return [
        "Baseline characteristics were compared between arms and between studies using standardised differences "
        f"[@austin2009], which were flagged as notable above {limits.notable:g} and as large above "
        f"{limits.large:g}."
    ]
