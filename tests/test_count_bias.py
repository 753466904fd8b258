"""A bias of studies with counts: an offset of their arms and a coefficient of each study."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from scipy.special import logsumexp
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.likelihoods import COUNT_LIKELIHOODS
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.leaving_out import without
from secondline.network.predictor import BIAS, Effects
from secondline.network.structure import Floats

from tests.networks import ABC, Sizes, arm_row, contrast_row, plain, simulate

SCALES = PriorScales(2.0, 0.5, 0.0, 2.5)
EFFECTS = {"a": 0.0, "b": 0.4, "c": -0.3}
DESIGNS = ("ab", "abc", "ac", "bc")
ROWS = simulate("binomial_logit", DESIGNS, EFFECTS, 0.1, 5, Sizes(n=(80, 120)))
STUDIES = list(dict.fromkeys(row["study"] for row in ROWS))


def arms_of(study: str, rows: list[dict[str, str]] | None = None) -> list[str]:
    """Names of the arms of a study."""
    return [row["arm"] for row in rows or ROWS if row["study"] == study]


def of_study(study: str, mean: float, sd: float = 0.0, rows: list[dict[str, str]] | None = None) -> Bias:
    """Bias of all arms of one study against its first."""
    first, *others = arms_of(study, rows)
    return Bias(contrasts=tuple((study, other, first, 1.0) for other in others), mean=mean, sd=sd)


def moments(rows: list[dict[str, str]], bias: Bias | None = None, likelihood: str = "binomial_logit") -> Floats:
    """Posterior mean and standard deviation of the effects of b and c, (2, 2)."""
    data = network_data(rows, ABC, likelihood, bias=bias)
    return exact.posterior(data, SCALES).mixture(np.eye(2, data.n_coefficients)).summary()[:2].T


def test_directions_of_arms_follow_the_contrasts() -> None:
    """In any order and either way round; an arm without a contrast stays with the others where nothing joins it."""
    chain = Bias(contrasts=(("s", "c", "b", 0.5), ("s", "a", "b", -1.0)), mean=0.0)
    assert chain.by_arm("s", ["a", "b", "c"]) == pytest.approx(np.array([0.0, 1.0, 1.5]) - 2.5 / 3)
    assert chain.by_arm("s", ["a", "c"]) == pytest.approx([0.0, 0.0])
    assert not chain.by_arm("t", ["a", "b", "c"]).any()
    loop = replace(chain, contrasts=(*chain.contrasts, ("s", "c", "a", 1.5)))
    assert loop.by_arm("s", ["a", "b", "c"]) == pytest.approx(chain.by_arm("s", ["a", "b", "c"]))


def test_no_bias_is_the_analysis_without() -> None:
    """To the last digit."""
    assert np.array_equal(moments(ROWS, of_study(STUDIES[1], 0.0)), moments(ROWS))


@pytest.mark.parametrize("likelihood", list(COUNT_LIKELIHOODS))
def test_the_mean_of_the_bias_is_taken_from_the_effect(likelihood: str) -> None:
    """Of the only study, under a prior that says nothing: the effect moves by all of it."""
    rows = simulate(likelihood, ["ab"], EFFECTS, 0.0, 7, Sizes(n=(150, 200)))
    (study,) = {row["study"] for row in rows}
    flat = PriorScales(100.0, 0.0, 0.0, 2.5)
    row, found = None, []
    for bias in (None, of_study(study, 0.3, rows=rows)):
        data = network_data(rows, plain("ab"), likelihood, bias=bias)
        row = np.eye(1, data.n_coefficients)
        found.append(exact.posterior(data, flat).mixture(row).summary()[:2, 0])
    (mean, sd), (moved, same) = found
    assert moved - mean == pytest.approx(-0.3, abs=2e-3)
    assert same == pytest.approx(sd, rel=1e-2)


def test_a_wide_bias_leaves_the_study_out() -> None:
    """Whatever its mean; of three arms it leaves out the one that the others are biased against."""
    (study, three), first = STUDIES[:2], arms_of(STUDIES[1])[0]
    kept = moments([row for row in ROWS if row["study"] != study])
    assert moments(ROWS, of_study(study, 0.5, 50.0)) == pytest.approx(kept, abs=0.01)
    two = moments([row for row in ROWS if (row["study"], row["arm"]) != (three, first)])
    assert moments(ROWS, of_study(three, 0.5, 50.0)) == pytest.approx(two, abs=0.02)


def test_a_bias_between_studies_is_a_mixture_of_fixed_ones() -> None:
    """The integral over b ~ N(0.2, 0.4^2), with Gauss-Hermite nodes, of the analyses with that bias."""
    study, mean, sd = STUDIES[1], 0.2, 0.4
    data = network_data(ROWS, ABC, "binomial_logit", bias=of_study(study, mean, sd))
    assert data.predictor.columns[-1] == (f"bias[{study}]", BIAS)
    whole = exact.posterior(data, SCALES)
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    each = [
        exact.posterior(network_data(ROWS, ABC, "binomial_logit", bias=of_study(study, mean + sd * x)), SCALES)
        for x in nodes
    ]
    log_evidence = np.array([one.log_evidence() for one in each]) + np.log(weights / weights.sum())
    assert whole.log_evidence() == pytest.approx(logsumexp(log_evidence), abs=0.01)
    by_node = np.array([one.mixture(np.eye(2)).mean() for one in each])
    expected = np.exp(log_evidence - logsumexp(log_evidence)) @ by_node
    assert whole.mixture(np.eye(2, 3)).mean() == pytest.approx(expected, abs=0.01)


def test_large_counts_have_the_bias_of_their_contrasts() -> None:
    """Where the likelihood is nearly normal both ways of taking a bias agree."""
    rows, contrasts = [], []
    for study, other, events in (("s1", "b", (300, 380)), ("s2", "b", (310, 330)), ("s3", "c", (280, 260))):
        rows += [arm_row(study, arm, n=1000, events=str(k)) for arm, k in zip(("a", other), events, strict=True)]
        log_odds = [np.log(k / (1000 - k)) for k in events]
        se = np.sqrt(sum(1 / k + 1 / (1000 - k) for k in events))
        contrasts.append(contrast_row(study, other, "a", log_odds[1] - log_odds[0], se))
    bias = Bias(contrasts=(("s1", "b", "a", 1.0), ("s3", "c", "a", -0.5)), mean=0.2, sd=0.3)
    found, expected = moments(rows, bias), moments(contrasts, bias, "contrasts")
    assert found == pytest.approx(expected, abs=5e-3)
    assert np.abs(moments(rows) - expected).max() > 0.05


def test_a_biased_study_can_be_left_out() -> None:
    """Its coefficient has its prior then, and the effects are those of the other studies."""
    study = STUDIES[0]
    data = network_data(ROWS, ABC, "binomial_logit", bias=of_study(study, 0.2, 0.3))
    found = exact.posterior(without(data, data.studies.index(study)), SCALES).mixture(np.eye(3)).summary()[:2].T
    kept = moments([row for row in ROWS if row["study"] != study])
    assert found[:2] == pytest.approx(kept, abs=0.01)
    assert found[2] == pytest.approx([0.0, 0.3], abs=0.01)


def test_effects_of_treatments_have_no_bias() -> None:
    """Its columns are 0 in the rows that give effects, beside those of a split and of cutpoints."""
    rows = simulate("ordered_probit", DESIGNS, EFFECTS, 0.1, 5, Sizes(n=(30, 40)))
    study = rows[0]["study"]
    for effects in (Effects(), Effects(split=("b", "a"))):
        plain_data = network_data(rows, ABC, "ordered_probit", effects)
        data = network_data(rows, ABC, "ordered_probit", effects, bias=of_study(study, 0.1, 0.2, rows))
        at = data.predictor.names.index(f"bias[{study}]")
        assert data.n_cuts == plain_data.n_cuts > 0
        assert np.array_equal(np.delete(data.predictor.effect_rows(), at, 2), plain_data.predictor.effect_rows())
        assert not data.predictor.effect_rows()[..., at].any()
        assert np.array_equal(np.delete(data.counts.rows, at, 1), plain_data.counts.rows)
        assert set(np.flatnonzero(data.counts.rows[:, at])) <= set(range(len(arms_of(study, rows))))


def test_a_bias_is_summarised_as_driven_by_its_prior() -> None:
    """Where the other studies say little of it: its posterior is then nearly its prior, N(0, 0.2^2)."""
    frame = pd.DataFrame(ROWS)[["study", "arm", "events", "n"]].astype({"events": int, "n": int})
    network = sl.Network.from_arms(frame, study="study", treatment="arm", events="events", n="n", reference="a")
    biased = network.biased("b", mean=0.1, sd=0.2, studies=[STUDIES[0]], better="higher")
    rows = sl.fit(biased, sl.Model(likelihood="binomial")).coefficients().set_index("parameter")
    bias = rows.loc[f"bias[{STUDIES[0]}]"]
    assert bias["prior"] == "normal(0, 0.2)"
    assert bias["evidence"] == "prior_driven"
    information = bias["sd"] ** -2 - 0.2**-2
    expected = np.sqrt(bias["sd"] ** -2 / (information + 0.4**-2)) - 1
    assert bias["prior_sensitivity"] == pytest.approx(expected, rel=0.1)
    assert rows.loc["beta[b]", "evidence"] == "estimated"
