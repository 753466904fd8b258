"""How far the answer can be trusted, in sentences made of the tables under doubt/."""

from collections.abc import Sequence
from itertools import groupby

from secondline.cell_values import DISAGREE, NOT_PLACED, NOT_SETTLED, PRIOR_DRIVEN, TOO_CLOSE
from secondline.report.doubt import Doubt
from secondline.report.figures.bias_fan import bias_words
from secondline.report.figures.thresholds import RULE, figure_label, threshold_rows
from secondline.report.prose.additivity import additivity_sentence
from secondline.report.prose.first import NOBODY as UNNAMED
from secondline.report.prose.first import candidates_of, comparison, first_of, ranked_candidates
from secondline.report.prose.next_study import next_study_sentences
from secondline.report.prose.phrases import small
from secondline.report.prose.prior_fan import prior_fan_sentence
from secondline.report.words import Names, Row, listed, number, percentage, plural, probability, settings_of

ANOTHER, NOBODY = "another_first", "nobody_placed"
"""How a choice changes who is first, in specification_flips.csv."""
WHY = {
    PRIOR_DRIVEN: "the difference between the two highest is prior-driven",
    TOO_CLOSE: "the two highest are too close to separate",
    DISAGREE: "SUCRA, P(best) and the posterior mean favour different candidates",
    NOT_PLACED: "the effects between the candidates are prior-driven",
}
"""Why the declared analysis names nobody first."""
_UNLINKED = WHY[NOT_PLACED]
BEST, BOUND, NONE = "best", "bound", "none"
_LISTED = 3  # choices or treatments in a sentence; the tables have all of them
_Z = 1.5
"""Beyond which a printed figure that is not used is said to differ from its prediction."""


def doubt_sentences(
    doubt: Doubt, ranking: Sequence[Row], relative: Sequence[Row], setting: str, names: Names
) -> list[str]:
    """Say how far the answer in one setting can be trusted, as far as there are tables of it.

    Parameters
    ----------
    ranking, relative : rows
        ranking.csv and relative_effects.csv of the headline model.
    """
    return [
        sentence
        for sentence in (
            lead_sentence(doubt, ranking, setting, names),
            _certainty(doubt, relative, setting, names),
            _flips(doubt, setting, names),
            _thresholds(doubt, setting, names),
            *_overlaps(doubt, setting, names),
            _bias(doubt, setting, names),
            _priors(doubt, ranking, setting, names),
            *next_study_sentences(doubt.rows("next_study"), setting, names),
        )
        if sentence
    ]


def lead_sentence(doubt: Doubt, ranking: Sequence[Row], setting: str, names: Names) -> str:
    """Say in what share of the defensible analyses who ranks first, and which choice decides most.

    Where nobody may be named first, the shares are those of the highest SUCRA, and the reason is given.
    """
    found = _firsts(doubt, ranking, setting)
    if isinstance(found, str):
        return found
    n, placed, unplaced = found
    among = f"{n} defensible analyses, weighted by the combinations of choices that give them"
    if unplaced:
        among = (
            f"the defensible analyses that rank the candidates ({n} in all, weighted by the combinations of choices "
            "that give "
            f"them; {percentage(unplaced)} do not rank them, as {_UNLINKED})"
        )
    decides, best = _decides(doubt, setting), first_of(ranking, setting)
    if best:
        own = next((row for row in placed if row["treatment"] == best["treatment"]), None)
        share = percentage(own["share_of_placed"]) if own else "0%"
        text = f"{names.regimen(best['treatment'])} ranks first in {share} of {among}"
        return f"{text}; what decides most is {decides}." if decides else f"{text}."
    why = WHY.get(candidates_of(ranking, setting)[0]["not_named"], "")
    reason = f", as {why}" if why else ""
    text = f"No treatment is named first{reason}: of {among}, {_shares(placed, names)}."
    return f"{text} What decides most is {decides}." if decides else text


def _priors(doubt: Doubt, ranking: Sequence[Row], setting: str, names: Names) -> str:
    """Say what other priors of τ change, where candidates have ranks; nobody leads who may not be named first."""
    said = prior_fan_sentence(doubt.rows("prior_fan"), setting, names) if ranked_candidates(ranking, setting) else ""
    return said if not said or first_of(ranking, setting) else f"{UNNAMED}; {said[0].lower()}{said[1:]}"


def _firsts(doubt: Doubt, ranking: Sequence[Row], setting: str) -> str | tuple[str, list[Row], str]:
    """Count the defensible analyses of a setting: how many, who is first how often, and what share ranks nobody.

    Where nobody is ever ranked, that is said in their place; where there is nothing to say, nothing is.
    """
    rows = [row for row in doubt.rows("specification_levels") if row["setting"] == setting and not row["axis"]]
    if not rows or not candidates_of(ranking, setting):
        return ""
    n = f"{int(rows[0]['n']):,}"
    placed = sorted((row for row in rows if row["treatment"]), key=lambda row: -float(row["share_first"]))
    if not placed:
        return f"In none of {n} defensible analyses can the candidates be ranked."
    return n, placed, next((row["share_first"] for row in rows if not row["treatment"]), "")


def _shares(placed: Sequence[Row], names: Names) -> str:
    """Say how often which candidate has the highest SUCRA, the most frequent first."""
    parts = [
        f"{percentage(row['share_of_placed'])} give the highest SUCRA to {names.regimen(row['treatment'])}"
        if k == 0
        else f"{percentage(row['share_of_placed'])} to {names.regimen(row['treatment'])}"
        for k, row in enumerate(placed[:_LISTED])
    ]
    if len(placed) > _LISTED:
        others = sum(float(row["share_of_placed"]) for row in placed[_LISTED:])
        parts.append(f"{percentage(str(others))} to another")
    return listed(parts)


def lead_in_short(doubt: Doubt, ranking: Sequence[Row], setting: str, names: Names) -> str:
    """Say the same without weights and without the reason why nobody is named, for a reader in a hurry."""
    found = _firsts(doubt, ranking, setting)
    if isinstance(found, str):
        return found
    n, placed, unplaced = found
    of = f"Of {n} defensible ways to analyse the studies,"
    if unplaced:
        of = f"{of} {percentage(str(1 - float(unplaced)))} can rank the candidates; of these,"
    most = _most(doubt, setting)
    decides = f" What decides most is {_choice_read(doubt, most['axis'])}." if most else ""
    return f"{of} {_put_first(placed, first_of(ranking, setting), names)}.{decides}"


def _put_first(placed: Sequence[Row], best: Row | None, names: Names) -> str:
    """Say how often who is first: the one that is named first alone, or the two that are first most often."""
    if best:
        own = next((row["share_of_placed"] for row in placed if row["treatment"] == best["treatment"]), "0")
        return f"{percentage(own)} put {small(names.regimen(best['treatment']))} first"
    shown = [(row["share_of_placed"], small(names.regimen(row["treatment"]))) for row in placed[:2]]
    if len(placed) > len(shown):
        shown.append((str(sum(float(row["share_of_placed"]) for row in placed[2:])), "another"))
    (share, name), *others = shown
    return listed([f"{percentage(share)} put {name} first", *(f"{percentage(part)} {who}" for part, who in others)])


def _decides(doubt: Doubt, setting: str) -> str:
    """Choice that explains most of the variance of the effect between the two highest candidates."""
    most = _most(doubt, setting)
    if most is None:
        return ""
    share = f"{percentage(most['total'])} of the variance of the effect between the two highest"
    return f"{_choice_read(doubt, most['axis'])} ({share})"


def _most(doubt: Doubt, setting: str) -> Row | None:
    rows = [
        row
        for row in doubt.rows("specification_shares")
        if (row["setting"], row["quantity"]) == (setting, "lead_effect") and row["total"]
    ]
    return max(rows, key=lambda row: float(row["total"]), default=None)


def _choice_read(doubt: Doubt, axis: str) -> str:
    label = axis_label(doubt, axis)
    return f"how {label} is read" if axis in doubt.facts.studies else f"the choice of “{label}”"


def axis_label(doubt: Doubt, axis: str) -> str:
    """Label of an axis."""
    return doubt.facts.axes.get(axis, axis)


def weight_sentence(doubt: Doubt) -> str:
    """Warn that the weights behind the shares are a choice."""
    counts = next(iter(doubt.rows("specification_counts")), None)
    if counts is None:
        return ""
    weights = (
        "The weights of the levels, and with them all shares, are a choice"
        if doubt.facts.weighted
        else "That all combinations have the same weight is a choice, and with it all shares are"
    )
    sample = " The combinations are a sample of the product of all choices." if counts["sampled"] == "true" else ""
    return (
        f"Shares count combinations of choices: {int(counts['combinations']):,}, of which {int(counts['invalid']):,} "
        "cannot "
        f"be fitted and {int(counts['duplicates']):,} repeat another analysis.{sample} {weights}; shares are no "
        "probabilities of the treatments."
    )


def _certainty(doubt: Doubt, relative: Sequence[Row], setting: str, names: Names) -> str:
    """Compare P(better) of the declared analysis with that of all."""
    rows = [row for row in doubt.rows("specification_levels") if row["setting"] == setting and not row["axis"]]
    row = next((row for row in rows if row["lead_p_better_median"]), None)
    if row is None:
        return ""
    own = comparison(relative, setting, row["lead"], row["lead_comparator"])
    pair = f"{names.regimen(row['lead'])} is better than {names.regimen(row['lead_comparator'])}"
    return (
        f"The probability that {pair} is {probability(own['p_better'])} in the declared analysis and "
        f"{probability(row['lead_p_better_median'])} in the median of all that estimate it; it is above 0.95 in "
        f"{percentage(row['lead_share_certain'])} of them."
    )


def _flips(doubt: Doubt, setting: str, names: Names) -> str:
    """Name the smallest set of choices that changes who ranks first."""
    if not doubt.rows("specification_counts"):
        return ""
    rows = [row for row in doubt.rows("specification_flips") if row["setting"] == setting]
    alone, pairs = ([row for row in rows if row["change"] == ANOTHER and row["size"] == size] for size in ("1", "2"))
    without = sum(row["change"] == NOBODY and row["size"] == "1" for row in rows)
    if alone:
        text = f"A single choice changes who has the highest SUCRA: {_choices(doubt, alone, names)}."
    elif pairs:
        text = f"No single choice changes who has the highest SUCRA; two together do: {_choices(doubt, pairs, names)}."
    else:
        text = "No single choice and no pair of choices puts another candidate first."
    if without:
        text += f" After {plural(without, 'choice')} alone nobody has a rank, as {_UNLINKED}."
    return text


def _choices(doubt: Doubt, rows: Sequence[Row], names: Names) -> str:
    parts = [f"{choice_words(doubt, row, names)} ({names.regimen(row['first'])})" for row in rows[:_LISTED]]
    more = [f"{len(rows) - _LISTED} more"] if len(rows) > _LISTED else []
    return "; ".join([*parts, *more])


def choice_words(doubt: Doubt, row: Row, names: Names) -> str:
    """Name the choices of a row of specification_flips.csv."""
    labels = {(level["axis"], level["level"]): names.level(level) for level in doubt.rows("specification_levels")}
    chosen = [(row[f"axis_{k}"], row[f"level_{k}"]) for k in (1, 2) if row[f"axis_{k}"]]
    return " and ".join(f"“{axis_label(doubt, axis)}: {labels.get((axis, level)) or level}”" for axis, level in chosen)


def _thresholds(doubt: Doubt, setting: str, names: Names) -> str:
    """Say how far the figure of one study, and those of all together, must move before another ranks first."""
    rows = [row for row in threshold_rows(doubt.rows("thresholds")) if row["setting"] == setting]
    ends = [(abs(float(row[f"{end}_se"])), row, end) for row in rows for end in ("lower", "upper") if row[end]]
    if not rows:
        return ""
    if not ends and any(row["reason"] == NOT_SETTLED for row in rows):
        return "The engine could not settle at which effect of a study another candidate would have the highest SUCRA."
    if not ends:
        return (
            "No study alone changes who has the highest SUCRA, however far its effect moves within the range searched."
        )
    distance, row, end = min(ends, key=lambda found: found[0])
    inside = sum(row["inside_interval"] == "true" for row in rows)
    text = (
        f"The study nearest to changing who has the highest SUCRA is {figure_label(row, rows, names)}: its "
        f"{names.measure} would have to move from {names.natural(row['effect'])} to {names.natural(row[end])}, by "
        f"{distance:.1f} standard errors, for {names.regimen(row[f'{end}_first'])} to have it."
    )
    text += (
        f" For {inside} of {plural(len(rows), 'effect')} a threshold lies inside the 95% interval."
        if inside
        else " No threshold lies inside the 95% interval of its effect."
    )
    text += " Before these values the candidates may already have no rank, which is not searched for."
    joint = [row for row in doubt.rows("thresholds_joint") if (row["setting"], row["rule"]) == (setting, RULE)]
    radius = next((row["radius"] for row in joint if row["radius"]), "")
    if radius:
        text += (
            f" If all effects move together, {float(radius):.1f} standard errors in the least favourable direction are "
            "enough."
        )
    return text


def _overlaps(doubt: Doubt, setting: str, names: Names) -> list[str]:
    """Say for every pair of studies that may share patients what that changes."""
    rows = [row for row in doubt.rows("overlap") if row["setting"] == setting and row["first"]]
    found = []
    for pair, members in groupby(rows, key=lambda row: row["studies"]):
        by_level = {row["level"]: row for row in members}
        if NONE in by_level and BOUND in by_level:
            found.append(_overlap(pair.split(), by_level[NONE], by_level[BOUND], names))
    return found


def _highest(row: Row, names: Names) -> str:
    """Say who has the highest SUCRA, or that nobody has a rank."""
    if row["not_named"] == NOT_PLACED:
        return f"nobody has a rank, as {_UNLINKED}"
    first, runner = (names.regimen(row[key]) for key in ("first", "runner_up"))
    return f"the highest SUCRA is that of {first} (P(better) {probability(row['p_better'])} against {runner})"


def _overlap(studies: Sequence[str], none: Row, bound: Row, names: Names) -> str:
    correlated = f", correlation {number(bound['correlation'])}" if bound["correlation"] else ""
    head = f"{listed(map(names.study, studies))} may share up to {float(bound['patients']):g} patients{correlated}:"
    ranked = NOT_PLACED not in (none["not_named"], bound["not_named"])
    if ranked and (none["first"], none["runner_up"]) == (bound["first"], bound["runner_up"]):
        first, runner = (names.regimen(none[key]) for key in ("first", "runner_up"))
        return (
            f"{head} with none and with all of them the highest SUCRA is that of {first}, and P(better) against "
            f"{runner} is "
            f"{probability(none['p_better'])} and {probability(bound['p_better'])}."
        )
    return f"{head} with none of them {_highest(none, names)}, with all of them {_highest(bound, names)}."


def _bias(doubt: Doubt, setting: str, names: Names) -> str:
    """Say how large every bias must be for another candidate to have the highest SUCRA."""
    rows = bias_rows(doubt.rows("bias_tipping"), setting)
    if not rows:
        return ""
    moved = [
        f"{doubt.facts.schemes.get(row['scheme'], row['scheme'])}, {bias_words(row, names)} "
        f"({names.regimen(row['new_first'])})"
        for row in rows
        if row["tipping"]
    ]
    still = [row for row in rows if not row["tipping"]]
    never = [doubt.facts.schemes.get(row["scheme"], row["scheme"]) for row in still if row["reason"] != NOT_SETTLED]
    unsettled = [doubt.facts.schemes.get(row["scheme"], row["scheme"]) for row in still if row["reason"] == NOT_SETTLED]
    parts = []
    if moved:
        parts.append(
            "The smallest biases whose removal gives the highest SUCRA to another candidate, as changes of the "
            f"{names.measure} of the arm that they favour: {'; '.join(moved)}."
        )
    if never:
        parts.append(f"No bias within the range searched changes who has it: {'; '.join(never)}.")
    if unsettled:
        parts.append(f"The engine could not settle at which size another candidate has it: {'; '.join(unsettled)}.")
    if rows[0]["instead_of"]:
        parts.append(f"These biases take the place of the one that the analysis has itself, {rows[0]['instead_of']}.")
    return " ".join(parts)


def bias_rows(tipping: Sequence[Row], setting: str) -> list[Row]:
    """Tipping points by the rule that is shown, of every scheme at its smallest standard deviation."""
    rows = [row for row in tipping if (row["setting"], row["rule"]) == (setting, RULE) and not row["same_as"]]
    smallest: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: float(row["bias_sd"])):
        smallest.setdefault(row["scheme"], row)
    order = [row["scheme"] for row in rows]
    return sorted(smallest.values(), key=lambda row: order.index(row["scheme"]))


def far_rows(held_out: Sequence[Row]) -> list[Row]:
    """List printed figures that are not used and that differ from their prediction, the farthest first."""
    far = [row for row in held_out if row["z"] and abs(float(row["z"])) > _Z]
    return sorted(far, key=lambda row: -abs(float(row["z"])))


def held_out_sentence(doubt: Doubt) -> str:
    """Count the printed figures that the analysis does not use, and those that differ from what it predicts of them."""
    rows = doubt.rows("held_out")
    if not rows:
        return ""
    compared = [row for row in rows if row["z"]]
    others = [row for row in compared if row["p_value"]]
    far = far_rows(rows)
    return (
        f"Of {plural(len(rows), 'printed figure')} that the analysis does not use, {len(compared)} can be compared "
        "with it, "
        f"{len(others)} of them on other patients than those of the fit; {len(far)} differ from the prediction by "
        "more than "
        f"{_Z:g} standard deviations, {sum(bool(row['p_value']) for row in far)} of them on other patients."
    )


def general_sentences(doubt: Doubt, names: Names) -> list[str]:
    """Say what concerns all settings: the weights behind the shares, figures that are not used, and additivity."""
    additivity = additivity_sentence(doubt.rows("additivity"), names)
    return [text for text in (weight_sentence(doubt), held_out_sentence(doubt), additivity) if text]


def settings_in_doubt(doubt: Doubt, ranking: Sequence[Row]) -> list[str]:
    """List the settings of a ranking of which any table says something."""
    tables = [rows for rows in doubt.tables.values() if rows and "setting" in rows[0]]
    there = {row["setting"] for rows in tables for row in rows}
    return [setting for setting in settings_of(ranking) if setting in there]
