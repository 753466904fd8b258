"""Which candidate is named first, on what evidence, and why none is where none can be."""

from collections.abc import Mapping, Sequence

from secondline.cell_values import (
    DIRECT,
    DISAGREE,
    NO_CANDIDATE,
    NOT_PLACED,
    ONE_CANDIDATE,
    PRIOR_DRIVEN,
    TOO_CLOSE,
)
from secondline.network.graph import groups
from secondline.report.words import (
    INTERVAL,
    NOT_A_CANDIDATE,
    NOT_CONVERGED,
    NOT_RANKED,
    Names,
    Row,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    listed,
    number,
    percentage,
    plural,
    probability,
)

NOBODY = "No treatment can be named first"
NO_CANDIDATES = "No treatment in this network is a candidate here."
SHAPES = {
    "first": "{first} ranks first{among}: SUCRA {sucra}, P(best) {p_best}, based on {compared}{design}.",
    "next": "the next {word}, {next}",
    "extrapolated": "a comparison with {next} (extrapolated from other settings, as not both were given here)",
    "mixed_setting": "a comparison with {next} (in a study of several settings combined)",
    "compared": "{article} {kind} comparison{share} with {next}",
    "against": "Against {other}: {effect}.",
    "pair": "{one} against {other}: {effect}.",
    "effect": "{measure} {estimate}, P(better) {p_better}",
    "one_candidate": "{one} is the only candidate here.",
    "p_better": "{one} and {other}, which have the highest SUCRAs, are too close to separate. {pair}",
    "prior_driven": "the difference between {one} and {other} is prior-driven. {pair}",
    "none_linked": "every effect between two {word} is prior-driven",
    "some_linked": "the effects between the {word} are prior-driven, except those among {linked}",
    "favours": "{criterion} favours {first}{value}",
}
"""What the sentences on the first rank say, with names in brackets for what is filled in: by this module for tables,
and by the script of the page for whatever its reader tries."""
CRITERIA = {"sucra": "SUCRA", "p_best": "P(best)", "mean": "the posterior mean"}


def candidates_of(ranking: Sequence[Row], setting: str) -> list[Row]:
    """List the candidates of a setting, in the order of the table."""
    return [row for row in ranking if row["setting"] == setting and is_true(row, "candidate")]


def ranked_candidates(ranking: Sequence[Row], setting: str) -> list[Row]:
    """List the candidates that have a rank among the candidates, best first."""
    placed = [row for row in candidates_of(ranking, setting) if row["candidate_sucra"]]
    return sorted(placed, key=lambda row: -float(row["candidate_sucra"]))


def first_of(ranking: Sequence[Row], setting: str) -> Row | None:
    """Find the treatment that may be named first in a setting; None where none may."""
    return next((row for row in candidates_of(ranking, setting) if is_true(row, "named_first")), None)


def comparison(relative: Sequence[Row], setting: str, treatment: str, comparator: str) -> Row:
    """Row of relative_effects.csv of one contrast."""
    keys = (setting, treatment, comparator)
    return next(row for row in relative if (row["setting"], row["treatment"], row["comparator"]) == keys)


def first_sentences(
    ranking: Sequence[Row],
    relative: Sequence[Row],
    setting: str,
    design: str,
    names: Names,
    rechallenge: Mapping[str, str] | None = None,
) -> list[str]:
    """Name the first candidate of a setting with the evidence that its rank rests on, or say why none is named.

    Where every treatment is a candidate the word is not used.

    Parameters
    ----------
    ranking, relative : rows
        ranking.csv and relative_effects.csv of one fit.
    design : str
        From `secondline.report.prose.sentences.design_words`.
    rechallenge : mapping
        Regimens that contain a failed drug and are candidates all the same, with the reason.
    """
    candidates = candidates_of(ranking, setting)
    if not candidates:
        return [NO_CANDIDATES]
    best = first_of(ranking, setting)
    word = "treatments" if all_candidates(ranking) else "candidates"
    lead = _named(best, ranking, relative, design, names) if best else [_nobody(candidates, relative, word, names)]
    sentences = [*lead, *([] if best else [f"The evidence comes {design}."]), *_unranked(candidates, names)]
    sentences += [_higher(row, names) for row in _barred_above(best, ranking)]
    sentences += [
        f"{names.regimen(row['treatment'])} contains a drug that failed here; rechallenge is allowed: {reason}."
        for row in candidates
        if (reason := (rechallenge or {}).get(row["treatment"]))
    ]
    return [*_warning(candidates), *sentences]


def lead_of(ranking: Sequence[Row], setting: str, names: Names) -> str:
    """Say how the sentences of a setting begin: with the treatment that is named first, or that none can be."""
    candidates, best = candidates_of(ranking, setting), first_of(ranking, setting)
    if not candidates:
        return NO_CANDIDATES
    return " ".join([*_warning(candidates), names.regimen(best["treatment"]) if best else NOBODY])


def _warning(candidates: Sequence[Row]) -> list[str]:
    converged = all(is_true(row, "converged") for row in candidates)
    return [] if converged else [f"{NOT_CONVERGED}, do not use:"]


def _named(best: Row, ranking: Sequence[Row], relative: Sequence[Row], design: str, names: Names) -> list[str]:
    among, next_one = ("", "treatment") if all_candidates(ranking) else (" among the candidates", "candidate")
    following = ranked_candidates(ranking, best["setting"])[1]
    effect = comparison(relative, best["setting"], best["treatment"], following["treatment"])
    runner = names.regimen(following["treatment"])
    lower, upper = best["candidate_sucra_lower"], best["candidate_sucra_upper"]
    spans = ", an interval that spans the whole scale" if float(upper) - float(lower) >= 1 else ""
    sucra = f"{number(best['candidate_sucra'])} ({INTERVAL} {number(lower)} to {number(upper)}{spans})"
    following_words = SHAPES["next"].format(word=next_one, next=runner)
    said = SHAPES["first"].format(
        first=names.regimen(best["treatment"]),
        among=among,
        sucra=sucra,
        p_best=probability(best["candidate_p_best"]),
        compared=_compared(effect, following_words, names),
        design=f", {design}",
    )
    return [said, SHAPES["against"].format(other=runner, effect=_effect(effect, names))]


def _compared(effect: Row, following: str, names: Names) -> str:
    """Say how the first is compared with the next, which is what its rank rests on."""
    label = effect["evidence"]
    if label in ("extrapolated", "mixed_setting"):
        return SHAPES[label].format(next=following)
    words, share = evidence_words(label), names.direct_share(effect, effect["comparator"]) if label == DIRECT else ""
    return SHAPES["compared"].format(
        article="an" if words[0] in "aeiou" else "a",
        kind=words,
        share=f" ({percentage(share)} of the evidence)" if share else "",
        next=following,
    )


def _effect(effect: Row, names: Names) -> str:
    better = probability(effect["p_better"])
    return SHAPES["effect"].format(measure=effect["measure"], estimate=names.estimate(effect), p_better=better)


def _nobody(candidates: Sequence[Row], relative: Sequence[Row], word: str, names: Names) -> str:
    """Say why no treatment can be named first; ``word`` is what those that might be are called."""
    setting, reason = candidates[0]["setting"], candidates[0]["not_named"]
    if reason == ONE_CANDIDATE:
        return f"{NOBODY}: {SHAPES[reason].format(one=names.regimen(candidates[0]['treatment']))}"
    if reason == NOT_PLACED:
        return f"{NOBODY}: {_not_placed(candidates, relative, word, names)}."
    if reason == DISAGREE:
        return f"{NOBODY}: {_disagreement(candidates, names)}."
    first, following, *_ = ranked_candidates(candidates, setting)
    effect = comparison(relative, setting, first["treatment"], following["treatment"])
    one, other = names.regimen(first["treatment"]), names.regimen(following["treatment"])
    pair = SHAPES["pair"].format(one=one, other=other, effect=_effect(effect, names))
    shape = SHAPES[TOO_CLOSE if reason == TOO_CLOSE else PRIOR_DRIVEN]
    return f"{NOBODY}: {shape.format(one=one, other=other, pair=pair)}"


def _not_placed(candidates: Sequence[Row], relative: Sequence[Row], word: str, names: Names) -> str:
    ids, setting = [row["treatment"] for row in candidates], candidates[0]["setting"]
    labels = {(row["treatment"], row["comparator"]): row["evidence"] for row in relative if row["setting"] == setting}
    linked = [listed(map(names.regimen, group)) for group in groups(ids, labels) if len(group) > 1]
    if not linked:
        return SHAPES["none_linked"].format(word=word)
    return SHAPES["some_linked"].format(word=word, linked="; ".join(linked))


def _disagreement(candidates: Sequence[Row], names: Names) -> str:
    shown = {"sucra": "candidate_sucra", "p_best": "candidate_p_best"}
    parts: list[str] = []
    for criterion, words in CRITERIA.items():
        row = next(row for row in candidates if criterion in row["candidate_first_by"].split())
        label = names.regimen(row["treatment"])
        value = f" ({probability(row[shown[criterion]])})" if criterion in shown else ""
        parts.append(SHAPES["favours"].format(criterion=words, first=label, value=value))
    return listed(parts)


def _unranked(candidates: Sequence[Row], names: Names) -> list[str]:
    """Name the candidates that have no rank while others have one."""
    without = [names.regimen(row["treatment"]) for row in candidates if not row["candidate_sucra"]]
    if not without or len(without) == len(candidates):
        return []
    return [f"{NOT_RANKED[0].upper()}{NOT_RANKED[1:]}: {listed(without)}."]


def _barred_above(best: Row | None, ranking: Sequence[Row]) -> list[Row]:
    """Treatments that are no candidates and have a higher SUCRA among all than the first of the candidates."""
    if best is None:
        return []
    return [
        row
        for row in by_rank(ranking, best["setting"])
        if not is_true(row, "candidate") and float(row["sucra"]) > float(best["sucra"])
    ]


def _higher(row: Row, names: Names) -> str:
    label = names.regimen(row["treatment"])
    return f"Among all treatments, {label} has a higher SUCRA ({number(row['sucra'])}) but is {NOT_A_CANDIDATE} here."


def closeness(rankings: Sequence[Sequence[Row]], of: str) -> list[str]:
    """Say in how many rankings no treatment is named first, and how clearly those that are differ from the next.

    Parameters
    ----------
    rankings : sequence
        Rows of one setting each.
    of : str
        Which rankings these are: “overall survival, by setting”.
    """
    known = [rows for rows in rankings if rows and rows[0]["not_named"] != NO_CANDIDATE]
    pairs = [tuple(ranked_candidates(rows, rows[0]["setting"])[:2]) for rows in known if not rows[0]["not_named"]]
    unnamed = len(known) - len(pairs)
    sentences = (
        [f"In {unnamed} of {plural(len(known), 'ranking')} ({of}), no treatment can be named first."] if unnamed else []
    )
    if pairs:
        ends = [(first["candidate_sucra_lower"], following["candidate_sucra_upper"]) for first, following in pairs]
        overlapping = sum(float(lower) <= float(upper) for lower, upper in ends)
        best = sorted((first["candidate_p_best"] for first, _ in pairs), key=float)
        low, high = probability(best[0]), probability(best[-1])
        where = "Where one is named," if unnamed else f"One treatment can be named first in each ranking ({of}):"
        sentences.append(
            f"{where} the 95% credible interval of its SUCRA overlaps that of the next-ranked treatment in "
            f"{overlapping} of {len(pairs)}; its P(best) is {low if low == high else f'{low} to {high}'}."
        )
    return sentences
