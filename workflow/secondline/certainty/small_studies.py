"""The tables small_study.csv and small_study_test.csv: the comparison-adjusted funnel plot and its test.

Effects are contrasts as the studies report them, without a model of the network, a prior or a bias that an analysis
takes from them. Every one is that of the treatment later in a declared order against the earlier one, less the mean of
all studies that make this comparison, weighted by the inverse of the variances: small studies are compared with large
ones. Studies of several arms give a point for every two of them, but their contrasts are correlated, and the test has
one of each study: between the two of its treatments that are furthest apart in the order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from secondline.cell_values import CENTRED_EFFECTS, NOT_ASSESSABLE, OWN_MEANS
from secondline.cells import order_cell
from secondline.certainty.flow_reasons import ORDERED, SHARED
from secondline.certainty.order import LEAST_STUDIES, Pair, comparisons_tested, widest
from secondline.certainty.plain_network import plain_studies
from secondline.certainty.settings import TreatmentOrder
from secondline.certainty.small_study_test import regress
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import used_rows
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

COLUMNS = (
    *("study", "treatment", "comparator", "effect", "se", "comparison_studies", "comparison_mean", "centred_effect"),
    *("tested", "reason"),
)
TEST_COLUMNS = (
    *("method", "slope", "se", "lower", "upper", "t", "df", "p_value", "intercept", "studies", "comparisons"),
    *("order", "order_reason"),
)
OUTSIDE = "no two arms wholly on treatments of the order"
NARROWER = "other treatments of the study are further apart in the order"
ALONE = "no other study of the test makes this comparison"
NO_ORDER = "no order of the treatments is declared"
SAME_SIZE = "standard errors do not differ within comparisons"

Rows = list[dict[str, Any]]
Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of small_study.csv and of small_study_test.csv."""

    points: Rows
    test: Rows


def write_small_studies(
    evidence: str, settings: SummarySettings, order: TreatmentOrder | None, outputs: Sequence[str]
) -> None:
    """Write small_study.csv and small_study_test.csv of an outcome."""
    structure = Structure.of(settings.treatments)
    rows = read_table(evidence)
    found = find_small_studies(rows, structure, settings.likelihood, order, settings.overlaps)
    write_table(outputs[0], found.points, COLUMNS)
    write_table(outputs[1], found.test, TEST_COLUMNS)


def find_small_studies(
    evidence: Sequence[Row],
    structure: Structure,
    likelihood: str,
    order: TreatmentOrder | None,
    overlaps: Sequence[Overlap] = (),
) -> Tables:
    """Centre the effects of all studies on the means of their comparisons, and regress them on their standard errors.

    Parameters
    ----------
    evidence : rows
        Evidence table of a fit.
    structure : Structure
    likelihood : str
        Name of the likelihood of the arm rows.
    order : TreatmentOrder, optional
        From the treatment that small studies may favour least.
    overlaps : sequence of Overlap
        Patients whom studies share.

    Returns
    -------
    Tables
        Effects on the link scale. Where there is no test, one row whose ``method`` says why.
    """
    reason = _why_no_points(evidence, likelihood, order, overlaps)
    if reason or order is None:
        return Tables(points=[], test=[{"method": f"{NOT_ASSESSABLE}: {reason}"}])
    studies = plain_studies(evidence, structure, likelihood)
    tested = comparisons_tested({study.study: study.treatments for study in studies}, order.treatments)
    points = [*_points(studies, order.treatments, tested)]
    counts = {"studies": len(tested), "comparisons": len(set(tested.values()))}
    known = {**counts, "order": order_cell(order.treatments), "order_reason": order.reason}
    return Tables(points=points, test=[{**row, **known} for row in _test(points)])


def _why_no_points(
    evidence: Sequence[Row], likelihood: str, order: TreatmentOrder | None, overlaps: Sequence[Overlap]
) -> str:
    """Say why there is nothing to test; empty if there may be."""
    studies = {row["study"] for row in used_rows(evidence)}
    if len(studies) < LEAST_STUDIES:
        return too_few(len(studies))
    if order is None:
        return NO_ORDER
    if any(set(overlap.studies) <= studies for overlap in overlaps):
        return SHARED
    return ORDERED if LIKELIHOODS[likelihood].is_ordered else ""


def too_few(n: int) -> str:
    """Say that there are fewer studies than a test needs."""
    return f"{n} {'study' if n == 1 else 'studies'}, {LEAST_STUDIES} are needed"


def _points(
    studies: Sequence[GaussianStudy], order: Sequence[str], tested: Mapping[str, Pair]
) -> Iterator[dict[str, Any]]:
    """Rows of small_study.csv, in the order of the studies."""
    found = {study.study: _contrasts(study, order) for study in studies}
    effects: dict[Pair, list[tuple[float, float]]] = {}
    for contrasts in found.values():
        for pair, contrast in contrasts.items():
            effects.setdefault(pair, []).append(contrast)
    means = {pair: _mean(own) for pair, own in effects.items()}
    for study in studies:
        if not found[study.study]:
            yield {"study": study.study, "tested": False, "reason": OUTSIDE}
        for pair, (effect, se) in found[study.study].items():
            chosen = tested.get(study.study) == pair
            because = ALONE if widest(study.treatments, order) == pair else NARROWER
            yield {
                **{"study": study.study, "treatment": pair[0], "comparator": pair[1], "effect": effect, "se": se},
                "comparison_studies": len(effects[pair]),
                "comparison_mean": means[pair],
                "centred_effect": effect - means[pair],
                "tested": chosen,
                "reason": "" if chosen else because,
            }


def _contrasts(study: GaussianStudy, order: Sequence[str]) -> dict[Pair, tuple[float, float]]:
    """Effect and standard error of every two treatments; the most precise where several arms had the same."""
    y, covariance = np.append(0.0, study.y), np.pad(study.covariance, ((1, 0), (1, 0)))
    found: dict[Pair, tuple[float, float]] = {}
    for i, j in combinations(range(len(y)), 2):
        pair = widest((study.treatments[i], study.treatments[j]), order)
        if pair is None:
            continue
        sign = 1 if study.treatments[j] == pair[0] else -1
        se = float(np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]))
        if pair not in found or se < found[pair][1]:
            found[pair] = sign * float(y[j] - y[i]), se
    return found


def _mean(contrasts: Sequence[tuple[float, float]]) -> float:
    """Mean of effects, weighted by the inverse of their variances."""
    effects, se = np.array(contrasts).T
    return float(np.average(effects, weights=se**-2))


def _test(points: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of small_study_test.csv: with a mean of its own for every comparison, and as published."""
    used = [row for row in points if row["tested"]]
    if len(used) < LEAST_STUDIES:
        reason = f"{too_few(len(used))} in comparisons that several studies make"
        yield {"method": f"{NOT_ASSESSABLE}: {reason}"}
        return
    se = np.array([row["se"] for row in used])
    pairs = [(row["treatment"], row["comparator"]) for row in used]
    for method, column, groups in (
        (OWN_MEANS, "effect", pairs),
        (CENTRED_EFFECTS, "centred_effect", [()] * len(used)),
    ):
        slope = regress(np.array([row[column] for row in used]), se, groups)
        yield {"method": method, **asdict(slope)} if slope else {"method": f"{NOT_ASSESSABLE}: {SAME_SIZE}"}
