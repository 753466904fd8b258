"""Sentences of the report, generated from table rows: never a rank without the weakness of its evidence."""

from collections.abc import Mapping, Sequence

from nma.report.fit_plots import (
    BEYOND,
    CONSISTENCY,
    MOST_LABELS,
    UNRELATED,
    leverage_points,
    outlying,
    point_label,
)
from nma.report.splits import SMALL_P, Split, not_assessable
from nma.report.words import (
    INTERVAL,
    NOT_A_CANDIDATE,
    NOT_CONVERGED,
    REFERENCE,
    Names,
    Row,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    listed,
    number,
    p_value,
    plural,
    probability,
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
    """Say whether the studies behind a fit were randomised, as far as that is declared."""
    used = dict.fromkeys(row["study"] for row in evidence if is_true(row, "used"))
    kinds = [designs.get(study, "") for study in used]
    observed = [kind for kind in kinds if kind not in (RANDOMISED, "")]
    undeclared = kinds.count("")
    if undeclared == len(kinds):
        return f"from {plural(len(kinds), 'study', 'studies')} of undeclared design"
    if undeclared:
        some = f"{len(observed)} of them non-randomised, {undeclared} of undeclared design"
        return f"from {plural(len(kinds), 'study', 'studies')}, {some}"
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

    Where every treatment is a candidate the word is not used.

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
    among, next_one = ("", "treatment") if all_candidates(ranking) else (" among the candidates", "candidate")
    best, runners = order[0], order[1:]
    label = names.regimen(best["treatment"])
    interval = f"{number(best['sucra_lower'])} to {number(best['sucra_upper'])}"
    wide = float(best["sucra_upper"]) - float(best["sucra_lower"]) >= 1
    spans = ", an interval that spans the whole scale" if wide else ""
    comparison = _against(relative, setting, best["treatment"], runners[0]["treatment"]) if runners else None
    reach = _reach(best, names.regimen(reference_of(ranking, setting)), comparison, names)
    sentences = [
        f"{label} ranks first{among}: SUCRA {number(best['sucra'])} "
        f"({INTERVAL} {interval}{spans}), P(best) {probability(best['p_best'])}, {reach}, {design}."
    ]
    if comparison is not None:
        sentences.append(
            f"Against the next {next_one}, {names.regimen(comparison['comparator'])}: {comparison['measure']} "
            f"{names.estimate(comparison)}, P(better) {probability(comparison['p_better'])}."
        )
    sentences += [
        f"{names.regimen(row['treatment'])} has a higher SUCRA ({number(row['sucra'])}) but is {NOT_A_CANDIDATE} here."
        for row in by_rank(ranking, setting)
        if not is_true(row, "candidate") and float(row["sucra"]) > float(best["sucra"])
    ]
    if not is_true(best, "converged"):
        sentences.insert(0, f"{NOT_CONVERGED}, do not use:")
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
                return "itself the reference"
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


def fit_sentences(points: Sequence[Row], names: Names) -> list[str]:
    """Say how the data points of a model fit, and which do not.

    Parameters
    ----------
    points : rows
        data_points.csv of one model.
    """
    placed = leverage_points(points)
    deviance = number(str(sum(float(row["deviance"]) for row in points)), 1)
    first = f"Model “{names.model}”: residual deviance {deviance} for {plural(len(points), 'data point')}."
    found = outlying(placed)
    if not found:
        return [first, f"No data point has deviance and leverage that add up to more than {BEYOND:g}."]
    shown = "; ".join(point_label(point, placed, names) for point in found[:MOST_LABELS])
    more = f"; and {len(found) - MOST_LABELS} more" if len(found) > MOST_LABELS else ""
    return [first, f"Deviance and leverage add up to more than {BEYOND:g} for: {shown}{more}."]


def inconsistency_sentences(splits: Sequence[Split], statistics: Sequence[Row], names: Names) -> list[str]:
    """Say what direct and indirect evidence say about each other, and where nothing can be said.

    Parameters
    ----------
    statistics : rows
        inconsistency/fit_statistics.csv
    """
    assessable = [split for split in splits if not split.reason]
    sentences = []
    if assessable:
        pairs = f"{len(assessable)} of {plural(len(splits), 'comparison')} with direct evidence"
        sentences.append(f"Direct and indirect evidence can be held against each other for {pairs}.")
        apart = [f"{split.name(names)} ({p_value(split.p)})" for split in assessable if split.disagrees]
        least = min(assessable, key=lambda split: float(split.p))
        sentences.append(
            f"They disagree, at p < {SMALL_P:g}, on: {'; '.join(apart)}."
            if apart
            else f"None differs at p < {SMALL_P:g}; the smallest is {p_value(least.p)}, {least.name(names)}. "
            "Wide intervals can hide a difference."
        )
    by_model = {row["model"]: row for row in statistics}
    free, bound = by_model[UNRELATED], by_model[CONSISTENCY]
    sentences += not_assessable(splits, names)
    sentences.append(
        f"With unrelated mean effects the residual deviance is {number(free['residual_deviance'], 1)} and the DIC "
        f"{number(free['dic'], 1)}; with consistency {number(bound['residual_deviance'], 1)} and "
        f"{number(bound['dic'], 1)}, for {plural(int(bound['data_points']), 'data point')}."
    )
    return sentences


def learned_nothing(row: Row) -> bool:
    """Tell whether the posterior of tau or omega is its prior over again."""
    return float(row["prior_overlap"]) > LEARNED_NOTHING


def learned(row: Row) -> str:
    """Say what the data added to the prior of tau or omega."""
    overlap = f"overlap of prior and posterior {number(row['prior_overlap'])}"
    symbol = SYMBOLS[row["parameter"]]
    return f"{symbol} learned nothing from the data ({overlap})" if learned_nothing(row) else f"{symbol}: {overlap}"
