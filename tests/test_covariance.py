"""Covariance of multi-arm contrasts from the intervals that a paper prints."""

from itertools import combinations
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.project.arm_variances import Floats, PairwiseEffect
from secondline.project.covariance import StudyContrasts, solve_covariance

NAMES = "abcdef"


def pair(names: str, effect: float, variance: float) -> PairwiseEffect:
    """Return a printed effect of the first arm against the second, with the square of its standard error."""
    return PairwiseEffect(names[0], names[1], effect, sqrt(variance))


def from_arms(variances: Floats, effects: Floats, edges: list[tuple[int, int]]) -> list[PairwiseEffect]:
    """Print the comparisons of independent arms without error."""
    return [
        PairwiseEffect(NAMES[j], NAMES[k], effects[j] - effects[k], sqrt(variances[j] + variances[k])) for j, k in edges
    ]


def basic_covariance(variances: Floats) -> Floats:
    """Covariance of the contrasts of independent arms against the first."""
    return np.asarray(np.diag(variances[1:]) + variances[0])


def pair_variances(contrasts: StudyContrasts) -> dict[frozenset[str], float]:
    """Variance of every pair under the covariance, which does not depend on the comparator."""
    arms = (contrasts.comparator, *contrasts.treatments)
    full = np.pad(contrasts.covariance, ((1, 0), (1, 0)))
    return {
        frozenset((arms[j], arms[k])): full[j, j] + full[k, k] - 2 * full[j, k]
        for j, k in combinations(range(len(arms)), 2)
    }


def is_positive_definite(matrix: Floats) -> bool:
    """Whether the Cholesky factor of the symmetric matrix exists."""
    np.linalg.cholesky(matrix)
    return bool((matrix == matrix.T).all())


def test_three_arms_all_printed() -> None:
    """cov(b - a, c - a) = (v_ba + v_ca - v_cb) / 2, whichever way the pairs are printed."""
    result = solve_covariance("abc", [pair("ba", -0.3, 0.05), pair("ac", 0.5, 0.06), pair("cb", -0.2, 0.07)])
    assert result.method == "printed"
    assert (result.comparator, result.treatments) == ("a", ("b", "c"))
    assert result.effects == pytest.approx([-0.3, -0.5])
    assert result.covariance == pytest.approx(np.array([[0.05, 0.02], [0.02, 0.06]]))
    assert result.inconsistency == pytest.approx(1)
    assert (result.discrepancy, result.checks) == (pytest.approx(0), 0)
    assert not result.flagged
    assert (result.covariance_lower == result.covariance_upper).all()


def test_printed_covariance_need_not_be_of_independent_arms() -> None:
    """Contrasts of correlation -1/2 come from no independent arms, but are used as printed, and told."""
    result = solve_covariance("abc", [pair("ba", 0, 1), pair("ca", 0, 1), pair("cb", 0, 3)])
    assert result.method == "printed"
    assert result.covariance == pytest.approx(np.array([[1, -0.5], [-0.5, 1]]))
    assert result.inconsistency > 1.1
    assert result.flagged
    assert "not those of independent arms" in result.message


def test_three_arms_one_missing_with_sizes() -> None:
    """Two intervals that arms of 100, 50 and 50 with variances 1/n would give: those variances are found."""
    pairs = [pair("ba", -0.3, 0.03), pair("ca", -0.5, 0.03)]
    result = solve_covariance("abc", pairs, sizes={"a": 100, "b": 50, "c": 50})
    assert (result.method, result.assumptions) == ("reconstructed_assumed", ("sizes",))
    assert result.covariance == pytest.approx(np.array([[0.03, 0.01], [0.01, 0.03]]))
    assert result.covariance_lower == pytest.approx(np.array([[0.03, 0.0], [0.0, 0.03]]))
    assert result.covariance_upper == pytest.approx(np.array([[0.03, 0.03], [0.03, 0.03]]))
    assert [row.reconstructed_se**2 for row in result.arms] == pytest.approx([0.01, 0.02, 0.02])
    missing = result.pairs[-1]
    assert (missing.treatment, missing.comparator, missing.printed_se) == ("c", "b", None)
    assert [missing.se_lower, missing.se, missing.se_upper] == pytest.approx([0, 0.2, sqrt(0.06)])
    assert "as precise as their sizes suggest" in result.message
    assert not result.flagged


def test_three_arms_one_missing_without_sizes() -> None:
    """Arm variances are equal where they can be; incomplete sizes count as none."""
    pairs = [pair("ba", -0.3, 0.04), pair("ca", -0.5, 0.04)]
    for sizes in (None, {"a": 100, "b": 3}):
        result = solve_covariance("abc", pairs, sizes=sizes)
        assert result.assumptions == ("equal",)
        assert result.covariance == pytest.approx(np.array([[0.04, 0.02], [0.02, 0.04]]))


def test_assumed_variances_are_the_most_equal() -> None:
    """No other admissible arm variances have a larger geometric over arithmetic mean of n v."""
    sizes = np.array([40.0, 70.0, 25.0, 30.0])
    pairs = [pair("ba", 0, 0.05), pair("ca", 0, 0.09), pair("da", 0, 0.04)]
    result = solve_covariance("abcd", pairs, sizes=dict(zip("abcd", sizes, strict=True)))
    a = np.linspace(0.0001, 0.0399, 3981)
    scaled = np.stack([a, 0.05 - a, 0.09 - a, 0.04 - a]) * sizes[:, None]
    equality = np.exp(np.log(scaled).mean(axis=0)) / scaled.mean(axis=0)
    assert result.arms[0].reconstructed_se ** 2 == pytest.approx(a[equality.argmax()], abs=1e-5)


def test_four_arms_four_of_six_pairs() -> None:
    """A triangle gives its three arms, an edge out of it the fourth: v = 0.01, 0.02, 0.03, 0.05."""
    pairs = [pair("ba", 0.1, 0.03), pair("ca", 0.2, 0.04), pair("cb", 0.1, 0.05), pair("dc", 0.3, 0.08)]
    result = solve_covariance("abcd", pairs)
    assert (result.method, result.assumptions, result.checks) == ("reconstructed", (), 0)
    assert result.effects == pytest.approx([0.1, 0.2, 0.5])
    expected = np.array([[0.03, 0.01, 0.01], [0.01, 0.04, 0.01], [0.01, 0.01, 0.06]])
    assert result.covariance == pytest.approx(expected)
    assert result.inconsistency == pytest.approx(1)
    assert (result.covariance_lower == result.covariance).all()
    assert [(row.treatment, row.comparator) for row in result.pairs[4:]] == [("d", "a"), ("d", "b")]
    assert [row.se**2 for row in result.pairs[4:]] == pytest.approx([0.06, 0.07])
    assert result.message.startswith("Intervals are printed for 4 of 6 pairs of arms and the other 2 follow")


def test_four_cycle_leaves_one_number_free() -> None:
    """Around an even cycle the variances of a and c can rise as those of b and d fall; the cycle checks itself."""
    pairs = [pair("ba", 0, 0.02), pair("cb", 0, 0.03), pair("dc", 0, 0.05), pair("da", 0, 0.04)]
    result = solve_covariance("abcd", pairs)
    assert (result.method, result.checks) == ("reconstructed_assumed", 1)
    assert result.inconsistency == pytest.approx(1)
    a, b, c, d = (row.reconstructed_se**2 for row in result.arms)
    assert [a + b, b + c, c + d, d + a] == pytest.approx([0.02, 0.03, 0.05, 0.04])
    # v_a from 0 to 0.02 keeps all four at 0 or above.
    assert [result.covariance_lower[0, 1], result.covariance_upper[0, 1]] == pytest.approx([0, 0.02], abs=1e-12)


def test_standard_error_of_the_reference_arm() -> None:
    """With the variance of a, contrasts against a are enough: their covariance is that variance."""
    pairs = [pair("ba", -0.3, 0.05), pair("ca", -0.5, 0.06)]
    result = solve_covariance("abc", pairs, arm_se={"a": sqrt(0.02)})
    assert (result.method, result.assumptions) == ("reconstructed", ())
    assert result.covariance == pytest.approx(np.array([[0.05, 0.02], [0.02, 0.06]]))
    assert "standard errors of single arms" in result.message


def test_two_arms() -> None:
    """One pair is used as it is."""
    result = solve_covariance("ab", [pair("ab", 0.4, 0.09)])
    assert (result.method, result.effects, result.covariance) == ("printed", pytest.approx([-0.4]), pytest.approx(0.09))
    assert result.message == "The interval of the only pair of arms is used as printed."


def test_another_comparator() -> None:
    """Contrasts against another arm are the differences of the first ones."""
    pairs = [pair("ba", -0.3, 0.05), pair("ca", -0.5, 0.06), pair("cb", -0.2, 0.07)]
    result = solve_covariance("abc", pairs, comparator="b")
    assert (result.comparator, result.treatments) == ("b", ("a", "c"))
    assert result.effects == pytest.approx([0.3, -0.2])
    assert result.covariance == pytest.approx(np.array([[0.05, 0.03], [0.03, 0.07]]))


@pytest.mark.parametrize("missing", [(), ((1, 3),), ((0, 1), (2, 3))])
def test_rounding(missing: tuple[tuple[int, int], ...]) -> None:
    """Hazard ratios with limits of two decimals: small inconsistency, not flagged, covariance near the true one."""
    variances, effects = 1 / np.array([80.0, 60.0, 95.0, 50.0]), np.array([0.0, -0.35, -0.2, 0.4])
    edges = [edge for edge in combinations(range(4), 2) if edge not in missing]
    printed = []
    for exact in from_arms(variances, effects, edges):
        ratio, lower, upper = (round(exp(exact.effect + z * exact.se), 2) for z in (0, -1.96, 1.96))
        printed.append(PairwiseEffect(exact.treatment, exact.comparator, log(ratio), log(upper / lower) / 3.92))
    result = solve_covariance("abcd", printed)
    assert result.method == ["printed", "reconstructed", "reconstructed_assumed"][len(missing)]
    assert 1 < result.inconsistency < 1.02
    assert 0 < result.discrepancy < 0.03
    assert not result.flagged
    if len(missing) < 2:
        assert result.covariance == pytest.approx(basic_covariance(variances), rel=0.15)
        assert "agree to within" in result.message


def test_impossible_triangle_is_reconciled() -> None:
    """A standard error larger than the sum of the other two fits no covariance: reconstructed, flagged, told."""
    pairs = [pair("ba", -0.3, 0.04), pair("ca", -0.5, 0.04), pair("cb", -0.2, 1.0)]
    result = solve_covariance("abc", pairs)
    assert (result.method, result.assumptions) == ("reconstructed", ())
    assert is_positive_definite(result.covariance)
    # v_a = 0; v_b = v_c = x minimise 2 (x / 0.04 - 1)^2 + (2 x - 1)^2.
    x = (50 + 2) / (2 / 0.04**2 + 4)
    assert result.covariance == pytest.approx(np.diag([x, x]), abs=1e-7)
    assert result.inconsistency == pytest.approx(1 / sqrt(2 * x))
    assert result.flagged
    assert "contradict one another" in result.message
    assert "c against b is wider" in result.message


def test_arms_without_variance_get_a_floor() -> None:
    """Figures that leave a and d no variance at all would compare them without error: a floor, marked as assumed."""
    pairs = [pair(names, 0, 1) for names in ("ba", "ca", "db", "dc")]
    result = solve_covariance("abcd", [*pairs, pair("cb", 0, 4)])
    assert (result.method, result.assumptions) == ("reconstructed_assumed", ("floor",))
    assert is_positive_definite(result.covariance)
    assert result.covariance[2, 2] == pytest.approx(0.02)
    assert result.flagged
    assert "no uncertainty" in result.message


def test_arm_more_uncertain_than_its_contrasts() -> None:
    """A printed baseline that cannot be that of these contrasts gives way, and is told."""
    pairs = [pair("ba", 0, 1), pair("ca", 0, 1), pair("cb", 0, 2)]
    result = solve_covariance("abc", pairs[:2], arm_se={"a": 3.0})
    assert is_positive_definite(result.covariance)
    assert result.inconsistency == pytest.approx(3.0 / result.arms[0].reconstructed_se)
    assert "a alone is wider" in result.message
    # With all pairs printed the covariance does not need it, and the disagreement still shows.
    result = solve_covariance("abc", pairs, arm_se={"a": 3.0})
    assert (result.method, result.flagged) == ("printed", True)
    assert result.covariance == pytest.approx(np.eye(2))


def test_loop_of_effects() -> None:
    """y_ba + y_ac + y_cb = 0.3: spread over the pairs by their variances, and reported whole."""
    pairs = [pair("ba", 0.5, 0.02), pair("cb", 0.4, 0.03), pair("ac", -0.6, 0.05)]
    result = solve_covariance("abc", pairs)
    assert [row.loop for row in result.pairs] == pytest.approx([0.3, 0.3, 0.3])
    assert [row.effect for row in result.pairs] == pytest.approx([0.44, 0.31, -0.75])
    assert result.discrepancy == pytest.approx(0.3)
    assert result.flagged
    assert "do not add up: that of b against a is 0.3 away" in result.message


def test_pair_outside_every_loop_has_no_check() -> None:
    """An effect that no others imply has no loop, and a pair printed twice is its own."""
    pairs = [pair("ba", 0.5, 0.02), pair("ba", 0.4, 0.02), pair("cb", 0.1, 0.03)]
    result = solve_covariance("abc", pairs)
    assert [row.loop for row in result.pairs] == [pytest.approx(0.1), pytest.approx(-0.1), None, None]
    assert result.effects == pytest.approx([0.45, 0.55])


def test_pair_printed_twice_counts_once_in_the_printed_covariance() -> None:
    """The mean of its variances stands for the pair; a disagreement shows in the ratios."""
    pairs = [pair("ba", 0, 0.04), pair("ab", 0, 0.06), pair("ca", 0, 0.06), pair("cb", 0, 0.07)]
    result = solve_covariance("abc", pairs)
    assert result.method == "printed"
    assert result.covariance == pytest.approx(np.array([[0.05, 0.02], [0.02, 0.06]]))
    assert (result.checks, result.flagged) == (1, True)


@pytest.mark.parametrize(
    ("arms", "pairs", "more", "message"),
    [
        ("abcd", ["ba", "dc"], {}, "do not connect the arms a, b, c, d"),
        ("ab", [], {}, "do not connect"),
        ("abc", ["ba", "ba"], {"arm_se": {"c": 1.0}}, "do not connect"),
        ("ab", ["ba", "ca"], {}, "c is not an arm"),
        ("ab", ["ba"], {"comparator": "x"}, "x is not an arm"),
        ("ab", ["ba"], {"arm_se": {"x": 1.0}}, "x is not an arm"),
        ("ab", ["ba"], {"arm_se": {"a": 0.0}}, "standard error of arm a must be positive"),
        ("ab", ["ba"], {"sizes": {"a": -3, "b": 4}}, "size of arm a must be positive"),
        ("a", [], {}, "two or more arms"),
        ("aab", ["ba"], {}, "different names"),
    ],
)
def test_refusals(arms: str, pairs: list[str], more: dict[str, Any], message: str) -> None:
    """Only what is no connected study is refused."""
    with pytest.raises(ValueError, match=message):
        solve_covariance(arms, [pair(names, 0, 1) for names in pairs], **more)


@pytest.mark.parametrize(
    ("treatment", "effect", "se"), [("a", 0, 1), ("b", float("nan"), 1), ("b", 0, 0), ("b", 0, -1), ("b", 0, 1e200)]
)
def test_what_is_no_effect(treatment: str, effect: float, se: float) -> None:
    """An effect has two arms, a value and a positive standard error."""
    with pytest.raises(ValueError, match=r"itself|must be"):
        PairwiseEffect(treatment, "a", effect, se)


def floats(n: int, low: float, high: float) -> st.SearchStrategy[Floats]:
    """Draw n numbers, equally spread on the log scale where they are positive."""
    ends = (log(low), log(high)) if low > 0 else (low, high)
    each = st.floats(*ends).map(exp if low > 0 else float)
    return st.lists(each, min_size=n, max_size=n).map(np.array)


@st.composite
def connected_edges(draw: st.DrawFn, n: int) -> list[tuple[int, int]]:
    """Draw a spanning tree and some further pairs, each once, in either direction."""
    tree = [(j, draw(st.integers(0, j - 1))) for j in range(1, n)]
    others = [edge for edge in combinations(range(n), 2) if edge[::-1] not in tree]
    further = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    return [edge[::-1] if draw(st.booleans()) else edge for edge in [*tree, *further]]


def has_odd_cycle(edges: list[tuple[int, int]]) -> bool:
    """Whether no division of the connected arms in two puts every pair across."""
    side = {0: 0}
    while any((j in side) != (k in side) for j, k in edges):
        for j, k in edges:
            if j in side or k in side:
                side.setdefault(k, 1 - side.get(j, 0))
                side.setdefault(j, 1 - side[k])
    return any(side[j] == side[k] for j, k in edges)


@st.composite
def true_studies(draw: st.DrawFn) -> tuple[Floats, Floats, list[tuple[int, int]]]:
    """Draw arm variances, arm effects and a connected set of pairs."""
    n = draw(st.integers(2, 6))
    return draw(floats(n, 0.02, 1)), draw(floats(n, -2, 2)), draw(connected_edges(n))


@st.composite
def wild_studies(draw: st.DrawFn) -> tuple[str, list[PairwiseEffect], dict[str, Any]]:
    """Draw a connected study whose figures have nothing to do with one another."""
    n = draw(st.integers(2, 6))
    edges = draw(connected_edges(n))
    # Whole numbers bring ties, zeros and exactly collinear arms.
    figure = st.one_of(st.floats(-4, 4).map(exp), st.integers(1, 3).map(float))
    pairs = [PairwiseEffect(NAMES[j], NAMES[k], draw(st.floats(-3, 3)), draw(figure)) for j, k in edges]
    arm_se = draw(st.dictionaries(st.sampled_from(NAMES[:n]), figure, max_size=2))
    sizes = draw(st.dictionaries(st.sampled_from(NAMES[:n]), st.integers(1, 5000), max_size=n))
    return NAMES[:n], pairs, {"arm_se": arm_se, "sizes": sizes}


@given(true_studies())
def test_all_pairs_of_independent_arms_are_recovered(study: tuple[Floats, Floats, list[tuple[int, int]]]) -> None:
    """From all pairs the covariance is that of the arms, exactly, and no figure disagrees."""
    variances, effects, _ = study
    n = len(variances)
    result = solve_covariance(NAMES[:n], from_arms(variances, effects, list(combinations(range(n), 2))))
    assert result.method == "printed"
    assert result.covariance == pytest.approx(basic_covariance(variances), rel=1e-9, abs=1e-12)
    assert result.effects == pytest.approx(effects[1:] - effects[0], abs=1e-9)
    assert result.inconsistency == pytest.approx(1, abs=1e-6)
    assert not result.flagged


@given(true_studies(), st.data())
def test_identified_subsets_are_recovered(
    study: tuple[Floats, Floats, list[tuple[int, int]]], data: st.DataObject
) -> None:
    """Pairs with an odd loop, or the standard error of any one arm, give the covariance of the arms."""
    variances, effects, edges = study
    n = len(variances)
    arm = data.draw(st.integers(0, n - 1))
    arm_se = {} if has_odd_cycle(edges) else {NAMES[arm]: sqrt(variances[arm])}
    result = solve_covariance(NAMES[:n], from_arms(variances, effects, edges), arm_se=arm_se)
    assert not result.assumptions
    assert [row.reconstructed_se**2 for row in result.arms] == pytest.approx(variances, rel=1e-6)
    assert result.covariance == pytest.approx(basic_covariance(variances), rel=1e-6)
    assert result.effects == pytest.approx(effects[1:] - effects[0], abs=1e-9)


@given(true_studies())
def test_unidentified_truth_lies_in_the_range(study: tuple[Floats, Floats, list[tuple[int, int]]]) -> None:
    """Without odd loop the printed pairs are met, and the range holds the true covariance and the one taken."""
    variances, effects, edges = study
    n = len(variances)
    result = solve_covariance(NAMES[:n], from_arms(variances, effects, edges))
    truth = basic_covariance(variances)
    for covariance in (truth, result.covariance):
        assert (result.covariance_lower <= covariance + 1e-6).all()
        assert (covariance <= result.covariance_upper + 1e-6).all()
    assert result.inconsistency == pytest.approx(1, abs=1e-6)
    complete = len(edges) == n * (n - 1) // 2
    assert bool(result.assumptions) == (not complete and not has_odd_cycle(edges))


@given(true_studies(), st.floats(0.01, 100))
def test_sizes_that_are_right_give_the_truth(study: tuple[Floats, Floats, list[tuple[int, int]]], unit: float) -> None:
    """Where variances are in truth inverse to the sizes, in whatever unit, sizes recover them from any pairs."""
    variances, effects, edges = study
    n = len(variances)
    sizes = {NAMES[k]: unit / variances[k] for k in range(n)}
    result = solve_covariance(NAMES[:n], from_arms(variances, effects, edges), sizes=sizes)
    assert result.covariance == pytest.approx(basic_covariance(variances), rel=1e-5)


@given(wild_studies())
def test_any_figures_give_a_positive_definite_covariance(
    study: tuple[str, list[PairwiseEffect], dict[str, Any]],
) -> None:
    """Nothing that is connected fails, and every disagreement is measured."""
    arms, pairs, more = study
    result = solve_covariance(arms, pairs, **more)
    assert is_positive_definite(result.covariance)
    assert np.isfinite(result.effects).all()
    ratios = [row.ratio for row in (*result.pairs, *result.arms) if row.ratio]
    assert result.inconsistency == max(1, *ratios, *(1 / ratio for ratio in ratios))
    assert len(ratios) == len(pairs) + len(more["arm_se"])
    scale = 1e-8 * result.covariance.max()
    assert (result.covariance_lower <= result.covariance + scale).all()
    assert (result.covariance <= result.covariance_upper + scale).all()
    assert result.message.endswith(".")
    assert result.message.count(". ") == 0
    for row in result.pairs:
        assert row.se_lower <= row.se <= row.se_upper
        if result.method == "printed" and row.printed_se:
            assert row.se == pytest.approx(row.printed_se)


@given(wild_studies(), st.data())
def test_order_and_direction_do_not_matter(
    study: tuple[str, list[PairwiseEffect], dict[str, Any]], data: st.DataObject
) -> None:
    """Permuted arms, permuted pairs and pairs printed the other way round give the same covariance and effects."""
    arms, pairs, more = study
    result = solve_covariance(arms, pairs, **more)
    turned = [
        PairwiseEffect(p.comparator, p.treatment, -p.effect, p.se) if data.draw(st.booleans()) else p
        for p in data.draw(st.permutations(pairs))
    ]
    other = solve_covariance("".join(data.draw(st.permutations(arms))), turned, **more)
    assert (other.method, other.assumptions, other.checks) == (result.method, result.assumptions, result.checks)
    assert other.inconsistency == pytest.approx(result.inconsistency, rel=1e-5)
    assert other.discrepancy == pytest.approx(result.discrepancy, abs=1e-7)
    # Differences of large variances lose digits of small ones.
    largest = result.covariance.max()
    assert pair_variances(other) == pytest.approx(pair_variances(result), rel=1e-5, abs=1e-7 * largest)
    effect = {other.comparator: 0.0, **dict(zip(other.treatments, other.effects, strict=True))}
    expected = [effect[arm] - effect[result.comparator] for arm in result.treatments]
    assert result.effects == pytest.approx(expected, abs=1e-7)


@given(wild_studies(), st.floats(0.01, 100))
def test_scale(study: tuple[str, list[PairwiseEffect], dict[str, Any]], unit: float) -> None:
    """Another unit of the outcome scales effects and covariance, and changes no judgement."""
    arms, pairs, more = study
    result = solve_covariance(arms, pairs, **more)
    scaled = [PairwiseEffect(p.treatment, p.comparator, unit * p.effect, unit * p.se) for p in pairs]
    arm_se = {arm: unit * se for arm, se in more["arm_se"].items()}
    other = solve_covariance(arms, scaled, arm_se=arm_se, sizes=more["sizes"])
    assert other.covariance == pytest.approx(unit**2 * result.covariance, rel=1e-5, abs=1e-7 * other.covariance.max())
    assert other.effects == pytest.approx(unit * result.effects, abs=1e-7 * unit)
    assert (other.method, other.assumptions) == (result.method, result.assumptions)
