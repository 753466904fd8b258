"""Why the certainty of an effect is what it is: one sentence for every reason, from the rows of certainty.csv."""

from collections.abc import Iterator, Mapping

from secondline.cell_values import EXTRAPOLATED, NOT_ASSESSABLE, NOT_JUDGED, PRIOR_DRIVEN
from secondline.report.certainty import LEVELS, OVERALL_CERTAINTY, START
from secondline.report.words import Names, Row, listed, percentage

DOMAINS = {
    "within_study_bias": "within-study bias",
    "reporting_bias": "reporting bias",
    "indirectness": "indirectness",
    "imprecision": "imprecision",
    "heterogeneity": "heterogeneity",
    "incoherence": "incoherence",
}
"""The domains of CINeMA in words, in its order."""
_WORDS = {"none": "no concerns", "some": "some concerns", "major": "major concerns"}
_SCHEMES = {
    "majority": "the level of concern with the largest contribution",
    "average": "the mean level of concern, weighted by contribution",
    "highest": "the highest level of concern of any contributing study",
}


_EVIDENCE = {
    EXTRAPOLATED: ("Extrapolated: one of the two treatments was not given in this setting.",),
    PRIOR_DRIVEN: ("The data do not determine the effect: wider priors would widen its interval by over a fifth.",),
}


def judgement_words(judgement: str) -> str:
    """Judgement of a domain in words: ``some`` is some concerns."""
    return _WORDS.get(judgement, judgement)


def start_words(level: str) -> str:
    """Level at which certainty starts, in words."""
    return f"starts {level}" if level in LEVELS else f"start {level}"


def reasons(judged: Mapping[str, Row], names: Names) -> list[str]:
    """Say in a sentence each what lowers the certainty of a comparison, or leaves it open.

    Parameters
    ----------
    judged : mapping
        Rows of certainty.csv of one comparison, by domain.
    """
    found = [*_start(judged[START])]
    for domain, words in DOMAINS.items():
        row = judged[domain]
        if row["judgement"] != "none" or row["override"]:
            found.append(f"{words[0].upper()}{words[1:]}: {_of_domain(row, names)}.")
    overall = judged[OVERALL_CERTAINTY]
    if overall["override"]:
        found.append(f"Certainty: {_by_person(overall)}.")
    found = list(map(names.said, found))
    return [*found, *_EVIDENCE.get(overall["evidence"], ())]


def in_short(judged: Mapping[str, Row]) -> str:
    """Say in one sentence what lowers the certainty of a comparison, and what nobody judged; empty where nothing does.

    Parameters
    ----------
    judged : mapping
        Rows of certainty.csv of one comparison, by domain.
    """
    lowered = ["non-randomised studies"] if judged[START]["judgement"] == "low" else []
    lowered += [words for domain, words in DOMAINS.items() if judged[domain]["judgement"] in ("some", "major")]
    open_ = [words for domain, words in DOMAINS.items() if judged[domain]["judgement"] == NOT_JUDGED]
    parts = [f"lowered by {listed(lowered)}"] if lowered else []
    parts += [f"nobody judged {listed(open_)}"] if open_ else []
    if judged[OVERALL_CERTAINTY]["evidence"] == PRIOR_DRIVEN:
        parts.insert(0, "the data do not determine the effect")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _start(row: Row) -> Iterator[str]:
    if row["judgement"] == "low":
        yield "The certainty starts low: non-randomised studies contribute at least half of what the studies say."
    elif row["judgement"] != "high":
        yield "The level at which the certainty starts is not known: nothing says how the treatments were allocated."


def _of_domain(row: Row, names: Names) -> str:
    judgement = judgement_words(row["judgement"])
    if row["override"]:
        return f"{judgement}; {_by_person(row)}"
    why = _WHY[row["domain"]](row, names)
    note = row["note"] if row["domain"] == "incoherence" else ""
    return "; ".join(filter(None, [judgement, why, note]))


def _by_person(row: Row) -> str:
    return (
        f"judged by {row['judge']} in place of the rule, which says {judgement_words(row['by_rule'])}: "
        f"{row['reason'].rstrip('.')}"
    )


def _of_studies(row: Row, _: Names) -> str:
    if row["judgement"] == NOT_JUDGED:
        return "it depends on studies of which nobody judged"
    if row["judgement"] == NOT_ASSESSABLE:
        return "no study contributes"
    return _SCHEMES.get(row["version"], row["rule_source"].partition(": ")[2])


def _of_reporting(row: Row, _: Names) -> str:
    return f"{row['reason'].rstrip('.')} ({row['judge']})" if row["judge"] else "no person has judged it"


def _range(row: Row, names: Names) -> str:
    low, high = (names.natural(row[f"range_{end}"]) for end in ("lower", "upper"))
    return f"the range of equivalence ({low} to {high})"


def _of_precision(row: Row, names: Names) -> str:
    """Say what the interval includes; the rules of the software and of the preprint count different limits."""
    some, of_range = row["judgement"] == "some", row["rule"].startswith("range_crossed")
    if of_range:
        return f"the interval includes {'one limit' if some else 'both limits'} of {_range(row, names)}"
    if some:
        return "the interval includes no effect"
    return f"the interval includes no effect, and effects beyond {_range(row, names)} that are opposite to the estimate"


def _of_heterogeneity(row: Row, names: Names) -> str:
    if row["judgement"] == NOT_ASSESSABLE:
        return row["rule_source"].partition(": ")[2]
    return (
        "the interval for a new study includes more of no effect and of the limits of "
        f"{_range(row, names)} than that for the mean effect"
    )


def _of_coherence(row: Row, _: Names) -> str:
    if row["judgement"] == NOT_ASSESSABLE:
        return ""
    return "direct and indirect evidence differ" if row["kind"] == "mixed" else "by the design-by-treatment test"


_WHY = {
    "within_study_bias": _of_studies,
    "indirectness": _of_studies,
    "reporting_bias": _of_reporting,
    "imprecision": _of_precision,
    "heterogeneity": _of_heterogeneity,
    "incoherence": _of_coherence,
}


def draws_words(row: Row) -> str:
    """Say in what share of the draws a judgement would be another; nothing where none was counted, or never."""
    share = row["differs_in_draws"]
    return f"other in {percentage(share)} of draws" if share and float(share) > 0 else ""
