"""Degrees of freedom of inconsistency: how many there are, which tests share one, what they could see."""

import csv
import io

import numpy as np
import pytest
from secondline.evidence.selection import evidence_csv
from secondline.jobs.settings import treatments_of
from secondline.network.arms import baseline_first, used_arms
from secondline.network.freedom import contrasts, freedom, same_tests
from secondline.network.loops import direct_comparisons
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.report.prose.sentences import freedom_sentences
from secondline.report.settings import Labels
from secondline.report.words import Names
from secondline.summaries.freedom import DETECTABLE, freedom_rows

from tests.networks import plain, simulate

EFFECTS = {"a": 0.0, "b": -0.3, "c": 0.2, "d": 0.5}
ABCD = plain("abcd")
# designs of the smoking cessation network (Higgins 2012: 7 degrees of freedom) and smaller ones
SMOKING = ("acd", "bcd", "ab", "ac", "ac", "ad", "bc", "bd", "cd")


@pytest.mark.parametrize(
    ("designs", "df"),
    [
        (("ab", "ac", "bc"), 1),
        (("ab", "ab", "ac", "bc"), 1),
        (("ab", "bc", "cd"), 0),
        (("abc",), 0),
        (("abc", "ab"), 1),
        (SMOKING, 7),
    ],
)
@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_degrees_of_freedom_of_known_networks(designs: tuple[str, ...], df: int, likelihood: str) -> None:
    """A loop of two-arm studies has one; studies of one design have none among themselves, nor a multi-arm study."""
    rows = simulate(likelihood, designs, EFFECTS, 0.1, 3)
    arms = baseline_first(rows)
    assert freedom(arms, Predictor.build(ABCD, Effects(), arms)).df == df


def test_splits_of_one_loop_are_one_test() -> None:
    """The three sides of a triangle test the same; a second triangle tests something else."""
    rows = simulate("contrasts", ("ab", "ac", "bc", "cd", "bd"), EFFECTS, 0.1, 3)
    arms = baseline_first(rows)
    model = Predictor.build(ABCD, Effects(), arms)
    columns = {}
    for pair in ("ba", "ca", "cb", "dc", "db"):
        predictor = Predictor.build(ABCD, Effects(split=(pair[0], pair[1])), arms)
        columns[pair] = contrasts(arms, predictor)[:, predictor.names.index(f"direct[{pair[0]},{pair[1]}]")]
    found = same_tests(contrasts(arms, model), columns)
    assert found["ba"] == found["ca"]
    assert found["dc"] == found["db"]
    assert len({found["ba"], found["dc"], found["cb"]}) == 3
    assert same_tests(contrasts(arms, model), {"effect": contrasts(arms, model)[:, 0]}) == {"effect": 0}


def test_detectable_effect_of_a_triangle_by_hand() -> None:
    """The standard error of a loop is the root of the sum of its variances."""
    rows = simulate("contrasts", ("ab", "ac", "bc"), {"a": 0.0, "b": -0.3, "c": 0.2}, 0.1, 3)
    structure = plain("abc")
    comparisons = direct_comparisons(used_arms(rows), structure)
    total, *tests = freedom_rows(rows, structure, "contrasts", Effects(), comparisons)
    assert (total["contrasts"], total["effects"], total["df"]) == (3, 2, 1)
    se = sum(float(row["se"]) ** 2 for row in rows) ** 0.5
    assert pytest.approx([se] * 3) == [row["se"] for row in tests]
    assert pytest.approx([2.8015852 * se] * 3) == [row["detectable"] for row in tests]
    assert {row["same_test"] for row in tests} == {1}
    assert pytest.approx(0.80, abs=1e-4) == power(DETECTABLE)


def power(shift: float) -> float:
    """Power of a two-sided test at 5% by simulation-free normal probabilities, the far tail left out."""
    from scipy.special import ndtr, ndtri

    return float(ndtr(shift - ndtri(0.975)))


@pytest.mark.parametrize(("outcome", "detectable"), [("os", 1.77), ("pfs", 1.42)])
def test_shipped_network_has_one_degree_of_freedom(project: Project, outcome: str, detectable: float) -> None:
    """Five contrasts, four effects: two node-splits and two interactions of components are one test."""
    rows = list(csv.DictReader(io.StringIO(evidence_csv(project, "primary", outcome))))
    structure = Structure.of(treatments_of(project))
    comparisons = direct_comparisons(used_arms(rows), structure)
    total, *tests = freedom_rows(rows, structure, "contrasts", Effects(), comparisons)
    assert (total["contrasts"], total["effects"], total["df"]) == (5, 4, 1)
    assert [row["kind"] for row in tests] == ["split", "split", "interaction", "interaction"]
    assert {row["same_test"] for row in tests} == {1}
    assert np.ptp([row["p_value"] for row in tests]) < 1e-9
    found = {row["name"]: row["detectable"] for row in tests}
    assert found["lenvatinib*ici"] == pytest.approx(detectable, abs=0.01)


def test_sentences_count_tests_once() -> None:
    """What is one test is said to be one, with what it could see; without freedom nothing is tested."""
    labels = Labels(regimens={"a": "A", "b": "B"}, components={"x": "X", "y": "Y"}, measures={"o": "HR"})
    names = Names(labels, "main", "o")
    total = {"kind": "total", "contrasts": "5", "effects": "4", "df": "1", "same_test": ""}
    split = {"kind": "split", "name": "b against a", "same_test": "1", "detectable": "3.0"}
    interaction = {"kind": "interaction", "name": "x*y", "same_test": "1", "detectable": "1.7745"}
    text = " ".join(freedom_sentences([total, split, interaction], names))
    assert "5 contrasts between treatments with 4 effects, which leaves 1 degree of freedom to test it" in text
    assert "2 tests concern the same degree of freedom: node-split of B against A and interaction of X and Y." in text
    assert "interaction of X and Y 1.77, a ratio of 5.90." in text
    none = freedom_sentences([{**total, "effects": "5", "df": "0"}], names)
    assert "leaves no degree of freedom" in none[0]
    assert freedom_sentences([], names) == []
