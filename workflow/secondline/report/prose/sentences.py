"""Sentences of the report, generated from table rows."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp

from secondline.cell_values import EXACT
from secondline.report.figures.fit import (
    BEYOND,
    CONSISTENCY,
    MOST_LABELS,
    UNRELATED,
    leverage_points,
    outlying,
    point_label,
)
from secondline.report.figures.splits import SMALL_P, Split, not_assessable
from secondline.report.taus import symbol
from secondline.report.words import Names, Row, is_true, listed, number, p_value, plural, ratio
from secondline.thresholds import LEARNED_NOTHING

RANDOMISED = "randomised_trial"


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
        words = listed(
            sorted({kind.replace("_", " ") + ("s" if observed.count(kind) > 1 else "") for kind in observed})
        )
        return f"from non-randomised studies only ({words})"
    return f"from {len(kinds)} studies, {len(observed)} of them non-randomised"


def not_converged(fits: Sequence[Row], names: Names) -> list[str]:
    """List the fits that failed their checks."""
    return [
        f"{names.label_of_outcome(row['outcome'])}, model “{row['model']}”"
        for row in fits
        if not is_true(row, "converged")
    ]


def engine_sentence(probabilities: Sequence[Row]) -> str:
    """Say where the effects and ranks of a model come from.

    Parameters
    ----------
    probabilities : rows
        rank_probabilities.csv of the model.
    """
    if not probabilities:
        return ""
    error = max(float(row["error"]) for row in probabilities)
    if probabilities[0]["engine"] == EXACT:
        beside = f"; the probabilities of ranks have a numerical error of at most {error:.1g}" if error else ""
        return f"Effects and intervals are those of the exact posterior distribution{beside}."
    return f"Effects, intervals and ranks summarise draws; probabilities of ranks have errors of at most {error:.1g}."


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


def inconsistency_sentences(
    splits: Sequence[Split], statistics: Sequence[Row], names: Names, tests: Sequence[Row] = ()
) -> list[str]:
    """Say whether direct and indirect evidence agree, and where this cannot be assessed.

    Parameters
    ----------
    statistics : rows
        inconsistency/fit_statistics.csv
    tests : rows
        inconsistency/degrees_of_freedom.csv
    """
    by_model = {row["model"]: row for row in statistics}
    free, bound = by_model[UNRELATED], by_model[CONSISTENCY]
    return [
        *freedom_sentences(tests, names),
        *_split_sentences([split for split in splits if not split.reason], len(splits), names),
        *not_assessable(splits, names),
        f"With unrelated mean effects, the residual deviance is {number(free['residual_deviance'], 1)} and the DIC "
        f"{number(free['dic'], 1)}; under consistency, they are {number(bound['residual_deviance'], 1)} and "
        f"{number(bound['dic'], 1)} ({plural(int(bound['data_points']), 'data point')}).",
    ]


def freedom_sentences(tests: Sequence[Row], names: Names) -> list[str]:
    """Say how many degrees of freedom test the model, which tests coincide, and what they could detect."""
    total = next((row for row in tests if row["kind"] == "total"), None)
    if total is None:
        return []
    contrasts, effects, df = (int(total[key]) for key in ("contrasts", "effects", "df"))
    explained = f"{plural(contrasts, 'contrast')} between treatments with {plural(effects, 'effect')}"
    if df == 0:
        return [
            f"The model explains {explained}, which leaves no degree of freedom to test it: its assumptions, including "
            "consistency, are untested."
        ]
    left = "1 degree of freedom" if df == 1 else f"{df} degrees of freedom"
    sentences = [f"The model explains {explained}, which leaves {left} to test it."]
    groups: dict[str, list[Row]] = {}
    for row in tests:
        if row["same_test"] not in ("", "0"):
            groups.setdefault(row["same_test"], []).append(row)
    sentences += [
        f"The following {len(members)} tests concern the same degree of freedom: "
        f"{listed(names.test(row) for row in members)}."
        for members in groups.values()
        if len(members) > 1
    ]
    return [*sentences, *_detectable(groups.values(), names)]


def _detectable(groups: Iterable[Sequence[Row]], names: Names) -> list[str]:
    """Say what each test could detect; of tests that coincide, an interaction, or the least of the splits."""
    seen = []
    for members in groups:
        known = [row for row in members if row["detectable"]]
        if known:
            interactions = [row for row in known if row["kind"] == "interaction"]
            best = min(interactions or known, key=lambda row: float(row["detectable"]))
            ratio_words = f", a ratio of {ratio(str(exp(float(best['detectable']))))}" if names.is_ratio else ""
            seen.append(f"{names.test(best)} {number(best['detectable'])}{ratio_words}")
    if not seen:
        return []
    differences = "difference is" if len(seen) == 1 else "differences are"
    return [
        f"With 80% power and, optimistically, no heterogeneity, the smallest detectable {differences}, on the scale of "
        f"the {names.link_scale}: {'; '.join(seen)}. Smaller differences would go undetected."
    ]


def _split_sentences(assessable: Sequence[Split], everything: int, names: Names) -> list[str]:
    """Say where direct and indirect evidence disagree, and where one side depends on the prior."""
    if not assessable:
        return []
    pairs = f"{len(assessable)} of {plural(everything, 'comparison')} with direct evidence"
    apart = [f"{split.name(names)} ({p_value(split.p)})" for split in assessable if split.disagrees]
    least = min(assessable, key=lambda split: float(split.p))
    weak = [f"{split.name(names)} ({listed(split.prior_driven)})" for split in assessable if split.prior_driven]
    return [
        f"Direct and indirect evidence can be compared for {pairs}.",
        f"They disagree (p < {SMALL_P:g}) for: {'; '.join(apart)}."
        if apart
        else f"They do not differ at p < {SMALL_P:g} for any of these; the smallest p-value is that of "
        f"{least.name(names)} ({p_value(least.p)}). Wide intervals can conceal a difference.",
        *(
            [f"One of the two estimates is prior-driven, so that the test is weak, for: {'; '.join(weak)}."]
            if weak
            else []
        ),
    ]


def uninformed(row: Row) -> bool:
    """Whether the data did not inform tau or omega: its posterior is close to its prior."""
    return float(row["prior_overlap"]) > LEARNED_NOTHING


def informed_words(row: Row) -> str:
    """Say how far the data informed tau or omega."""
    overlap = f"overlap of prior and posterior {number(row['prior_overlap'])}"
    name = symbol(row["parameter"])
    return f"{name} is not informed by the data ({overlap})" if uninformed(row) else f"{name}: {overlap}"
