"""A whole analysis by the exact engine: against generalised least squares, by hand, and the direction of better."""

from collections.abc import Sequence

import numpy as np
import pytest
from secondline.inference import frequentist, generalised_least_squares
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.network.data import network_data
from secondline.summaries.exact_analysis import ExactAnalysis, analyse

from tests.networks import arm_row, contrast_row, plain

VAGUE = PriorScales(1000.0, 0.0, 0.0, 1000.0)


def pairs(analysis: ExactAnalysis) -> dict[tuple[str, str], dict[str, float]]:
    """Effects by treatment and comparator."""
    return {(row["treatment"], row["comparator"]): row for row in analysis.effects}


def test_triangle_is_generalised_least_squares() -> None:
    """A fixed effect with vague priors: estimates, standard errors and limits of least squares."""
    rows = [contrast_row("1", "b", "a", 1, 0.5), contrast_row("2", "c", "b", 1, 0.8), contrast_row("3", "c", "a", 3, 1)]
    data = network_data(rows, plain("abc"), "contrasts")
    found = pairs(analyse(Fit(data, VAGUE), "lower", 1))
    x, y = np.array([[1.0, 0], [-1, 1], [0, 1]]), np.array([1.0, 1, 3])
    weights = np.diag([1 / 0.25, 1 / 0.64, 1.0])
    covariance = np.linalg.inv(x.T @ weights @ x)
    estimate = covariance @ x.T @ weights @ y
    for k, t in enumerate("bc"):
        se = np.sqrt(covariance[k, k])
        assert found[t, "a"]["mean"] == pytest.approx(estimate[k], abs=1e-5)
        assert found[t, "a"]["sd"] == pytest.approx(se, rel=1e-5)
        assert found[t, "a"]["upper"] == pytest.approx(estimate[k] + 1.959964 * se, abs=1e-4)
    assert found["c", "b"]["mean"] == pytest.approx(estimate[1] - estimate[0], abs=1e-5)


def test_fit_and_evidence_of_one_study() -> None:
    """One contrast y = 1 with se 0.5 and a prior of sd 2: everything by hand."""
    data = network_data([contrast_row("s", "b", "a", 1.0, 0.5)], plain("ab"), "contrasts")
    analysis = analyse(Fit(data, PriorScales(2.0, 0.0, 0.0, 1.0)), "higher", 1)
    variance = 1 / (1 / 0.25 + 1 / 4)
    mean = variance * 4
    row = analysis.effects[0]
    assert (row["mean"], row["sd"]) == (pytest.approx(mean), pytest.approx(np.sqrt(variance)))
    total = 0.25 + 4
    assert analysis.log_evidence == pytest.approx(-0.5 * (np.log(2 * np.pi * total) + 1 / total))
    # E (y - d)^2 / se^2 = ((1 - mean)^2 + variance) / se^2, and pD = variance / se^2
    assert analysis.fit["p_d"] == pytest.approx(variance / 0.25, rel=0.05)
    assert analysis.fit["residual_deviance"] == pytest.approx(((1 - mean) ** 2 + variance) / 0.25, rel=0.05)
    assert analysis.fit["dic"] == pytest.approx(analysis.fit["residual_deviance"] + analysis.fit["p_d"])
    assert analysis.tau == {}


def counts(events: Sequence[tuple[int, int]]) -> list[dict[str, str]]:
    """Two-arm trials of a and b with 100 patients an arm."""
    return [arm_row(f"s{i}", t, r, 100) for i, pair in enumerate(events) for t, r in zip("ab", pair, strict=True)]


@pytest.mark.parametrize(("better", "winner"), [("higher", "b"), ("lower", "a")])
def test_direction_with_an_obvious_winner(better: str, winner: str) -> None:
    """Treatment b has many more events: best where events are wanted, worst where they are harm."""
    data = network_data(counts([(10, 60), (12, 55), (8, 50)]), plain("ab"), "binomial_logit")
    analysis = analyse(Fit(data, PriorScales(10.0, 0.5, 0.0, 10.0)), better, 1)
    best = analysis.treatments.index(winner)
    assert analysis.rank_probabilities[best, 0] > 0.99
    assert analysis.sucra[best] > 0.99
    assert analysis.rank_probabilities.sum(axis=0) == pytest.approx([1, 1])
    assert pairs(analysis)["b", "a"]["lower"] > 1


def test_agrees_with_the_frequentist_twin() -> None:
    """The mean effects of a random-effects model lie near those of least squares at a typical tau."""
    rows = [contrast_row(f"s{i}", t, "a", y, 0.3) for i, (t, y) in enumerate(zip("bbccb", (1, 1.4, 2, 2.5, 0.9)))]  # noqa: B905
    data = network_data(rows, plain("abc"), "contrasts")
    analysis = analyse(Fit(data, PriorScales(100.0, 1.0, 0.0, 1.0)), "higher", 1)
    study = {"b": [1, 0], "c": [0, 1]}
    studies = [
        GaussianStudy(
            r["study"],
            np.array([float(r["effect"])]),
            np.array([study[r["treatment_arm"]]], float),
            np.array([[0.09]]),
            ("a", r["treatment_arm"]),
        )
        for r in rows
    ]
    twin = frequentist.relative_effects(
        generalised_least_squares.fit(studies, analysis.tau["mean"]),
        ("a", "b", "c"),
        np.array([[0.0, 0], [1, 0], [0, 1]]),
    )
    for k, t in enumerate("bc", 1):
        assert pairs(analysis)[t, "a"]["mean"] == pytest.approx(twin.effect[k, 0], abs=0.01)
