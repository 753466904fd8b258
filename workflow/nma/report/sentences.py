"""Sentences of the report, generated from table rows: never a rank without the weakness of its evidence."""

from collections.abc import Mapping, Sequence

from nma.report.words import (
    INTERVAL,
    NOT_A_CANDIDATE,
    REFERENCE,
    Names,
    Row,
    by_rank,
    evidence_words,
    is_true,
    listed,
    number,
    probability,
    ratio_interval,
    reference_of,
)
from nma.summaries.heterogeneity import LEARNED_NOTHING

SYMBOLS = {"tau": "τ", "omega": "ω"}
RANDOMISED = "randomised_trial"
DESIGNS = {"retrospective_cohort": "retrospective cohort", "prospective_cohort": "prospective cohort"}


def best_candidate(ranking: Sequence[Row], setting: str) -> Row | None:
    """Find the candidate with the highest SUCRA in a setting; None where nothing is a candidate."""
    return next(iter(candidates_by_rank(ranking, setting)), None)


def candidates_by_rank(ranking: Sequence[Row], setting: str) -> list[Row]:
    """List the candidates of a setting, best SUCRA first."""
    return [row for row in by_rank(ranking, setting) if is_true(row, "candidate")]


def design_words(evidence: Sequence[Row], designs: Mapping[str, str]) -> str:
    """Say whether the studies behind a fit were randomised."""
    used = dict.fromkeys(row["study"] for row in evidence if is_true(row, "used"))
    kinds = [designs.get(study, "unknown design") for study in used]
    observed = [kind for kind in kinds if kind != RANDOMISED]
    if not observed:
        return "from randomised trials only"
    if len(observed) == len(kinds):
        words = listed(sorted({DESIGNS.get(kind, kind.replace("_", " ")) for kind in observed}))
        return f"from non-randomised studies only ({words})"
    return f"from {len(observed)} non-randomised of {len(kinds)} studies"


def best_sentences(
    ranking: Sequence[Row], relative: Sequence[Row], setting: str, design: str, names: Names
) -> list[str]:
    """Name the best candidate of a setting and, in the same sentence, how far its evidence reaches.

    Parameters
    ----------
    ranking, relative : rows
        ranking.csv and relative_effects.csv of one fit.
    design : str
        From `design_words`.
    """
    order = candidates_by_rank(ranking, setting)
    if not order:
        return ["No treatment of this network is a candidate here."]
    best, runners = order[0], order[1:]
    label = names.regimen(best["treatment"])
    interval = f"{number(best['sucra_lower'])} to {number(best['sucra_upper'])}"
    wide = float(best["sucra_upper"]) - float(best["sucra_lower"]) >= 1
    spans = ", an interval that spans the whole scale" if wide else ""
    comparison = _against(relative, setting, best["treatment"], runners[0]["treatment"]) if runners else None
    reach = _reach(best, names.regimen(reference_of(ranking, setting)), comparison, names)
    sentences = [
        f"{label} ranks first among the candidates: SUCRA {number(best['sucra'])} "
        f"({INTERVAL} {interval}{spans}), P(best) {probability(best['p_best'])}, {reach}, {design}."
    ]
    if comparison is not None:
        sentences.append(
            f"Against the next candidate, {names.regimen(comparison['comparator'])}: {comparison['measure']} "
            f"{ratio_interval(comparison)}, P(better) {probability(comparison['p_better'])}."
        )
    sentences += [
        f"{names.regimen(row['treatment'])} has a higher SUCRA ({number(row['sucra'])}) but is {NOT_A_CANDIDATE} here."
        for row in by_rank(ranking, setting)
        if not is_true(row, "candidate") and float(row["sucra"]) > float(best["sucra"])
    ]
    if not is_true(best, "converged"):
        sentences.insert(0, "NOT CONVERGED, do not use:")
    return sentences


def _against(relative: Sequence[Row], setting: str, treatment: str, comparator: str) -> Row:
    keys = (setting, treatment, comparator)
    return next(row for row in relative if (row["setting"], row["treatment"], row["comparator"]) == keys)


def _reach(best: Row, reference: str, comparison: Row | None, names: Names) -> str:
    """Say what the evidence of a treatment against its setting's reference is worth."""
    match best["evidence"]:
        case "direct" | "indirect" as kind:
            return f"on {kind} evidence against {reference}"
        case "extrapolated":
            return f"extrapolated from other settings: it and {reference} were not both given here"
        case "prior_driven":
            return f"but prior-driven: its effect against {reference} leans on the prior"
        case str(kind) if kind == REFERENCE:
            if comparison is None:
                return "itself the reference here"
            runner = names.regimen(comparison["comparator"])
            return f"itself the reference; evidence against {runner}: {evidence_words(comparison['evidence'])}"
        case other:
            return f"on {evidence_words(other)} evidence against {reference}"


def not_converged(fits: Sequence[Row], names: Names) -> list[str]:
    """List the fits that failed their checks."""
    return [
        f"{names.of('outcomes', row['outcome'])}, model “{row['model']}”"
        for row in fits
        if not is_true(row, "converged")
    ]


def learned_nothing(row: Row) -> bool:
    """Tell whether the posterior of tau or omega is its prior over again."""
    return float(row["prior_overlap"]) > LEARNED_NOTHING


def learned(row: Row) -> str:
    """Say what the data added to the prior of tau or omega."""
    overlap = f"overlap of prior and posterior {number(row['prior_overlap'])}"
    symbol = SYMBOLS[row["parameter"]]
    return f"{symbol} learned nothing from the data ({overlap})" if learned_nothing(row) else f"{symbol}: {overlap}"
