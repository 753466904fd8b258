"""Every registered likelihood and measure: what the one place that owns them says is whole, and true of the code."""

from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.inference import families
from secondline.inference.reference_likelihood import _log_density as reference_density
from secondline.likelihoods import (
    COUNT_LIKELIHOODS,
    LIKELIHOODS,
    MEDIAN_TIME,
    NO_FAMILY,
    SCALES,
    Distribution,
    Likelihood,
    NaturalScale,
    estimating,
    of_family,
)
from secondline.measures import MEASURES
from secondline.network.data import CountData, network_data
from secondline.report.settings import Labels
from secondline.report.words import Names, absolute_scale

from tests.networks import ABC, arm_row, contrast_row

PAIRS = [(one, measure) for one in LIKELIHOODS.values() for measure in one.scales]
NATURAL = [
    *(pytest.param(one.scales[m], id=f"{one.name}-{m}") for one, m in PAIRS),
    pytest.param(MEDIAN_TIME, id="median"),
]
COUNTS = list(COUNT_LIKELIHOODS.values())
CUTS = np.array([0.0, 0.8, 1.1])


@pytest.mark.parametrize("registry", [LIKELIHOODS, COUNT_LIKELIHOODS, MEASURES, SCALES])
def test_a_name_that_is_not_there_is_an_error(registry: Any) -> None:
    """In one line that says what is allowed, also where somebody would take a default."""
    for look_up in (registry.__getitem__, registry.get, lambda name: registry.get(name, "a default")):
        with pytest.raises(UserError, match=f"= 'made_up': unknown .*; allowed: {next(iter(registry))}") as error:
            look_up("made_up")
        assert "\n" not in str(error.value)
    assert "made_up" not in registry
    assert all(name in registry and registry[name].name == name for name in registry)


@pytest.mark.parametrize("code", [NO_FAMILY, 99])
def test_a_code_that_is_not_there_is_an_error(code: int) -> None:
    """Compiled functions give no number for it, and nothing else takes it for a likelihood."""
    with pytest.raises(KeyError):
        of_family(code)
    terms = np.zeros(8)
    families.density(code, np.array([0.0, 1.0, 0.0, 1.0, 4.0]), CUTS, 0.3, terms)
    assert np.isnan(terms).all()
    assert np.isnan(reference_density(code, 0.3, 0.0, np.array([1.0, 4.0]), CUTS))


def test_codes_are_those_of_one_likelihood() -> None:
    """The code finds the likelihood; those in closed form have none. Codes on disk keep their meaning."""
    assert all(of_family(one.family) is one for one in COUNTS)
    assert all((one.family == NO_FAMILY) == one.is_gaussian for one in LIKELIHOODS.values())
    known = ["binomial_logit", "binomial_cloglog", "poisson_log", "ordered_logit", "ordered_probit"]
    assert [of_family(code).name for code in range(5)] == known


@pytest.mark.parametrize("scale", NATURAL)
@given(x=st.floats(-4, 1.5))
def test_natural_scales_and_their_inverses(scale: NaturalScale, x: float) -> None:
    """There and back again, for arrays too; more of it goes with a higher predictor unless it is said to fall."""
    assert float(scale.predictor(scale.natural(x))) == pytest.approx(x, abs=1e-8)
    low, high = scale.natural(np.array([x, x + 0.1]))
    assert (low > high) == scale.falls
    assert not scale.per_hundred or 0 < low < high < 1


@pytest.mark.parametrize("name", SCALES)
def test_scales_of_one_name_are_shown_alike(name: str) -> None:
    """Result tables know a scale by its name alone."""
    alike = [one.scales[measure] for one, measure in PAIRS if one.scales[measure].name == name]
    assert len({(scale.per_hundred, scale.falls) for scale in [*alike, SCALES[name]]}) == 1


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_pair_has_words_no_effect_and_an_axis(name: str) -> None:
    """Whatever the configuration accepts can be said, drawn and put on the natural scale; anything else is refused."""
    one = LIKELIHOODS[name]
    assert set(one.converted) <= set(one.scales) <= set(MEASURES)
    for key in one.scales:
        measure = MEASURES[key]
        assert "likelihood" in one.words_for(key)
        assert measure.words[0].isupper()
        assert measure.words in measure.axis_label
        assert (measure.axis, "log" in measure.axis_label) in (("log", True), ("linear", False))
        assert measure.natural(0.0) == measure.none
        assert measure.additive(measure.natural(0.3)) == pytest.approx(0.3)
        assert measure.link_scale.endswith(key)
    for key in set(MEASURES) - set(one.scales):
        with pytest.raises(UserError, match=f"measure = '{key}': likelihood {name} goes with measure "):
            one.scale(key)


def test_words_and_measures_are_told_apart() -> None:
    """No two measures have the same words, nor two likelihoods; every measure is estimated by its usual one."""
    assert len({measure.words for measure in MEASURES.values()}) == len(MEASURES)
    own = [len(one.converted) + (set(one.converted) < set(one.scales)) for one in LIKELIHOODS.values()]
    assert len({one.words_for(measure) for one, measure in PAIRS}) == sum(own)
    for name, measure in MEASURES.items():
        assert estimating(name, measure.usual)[0] == measure.usual


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_columns(name: str) -> None:
    """What is kept of an arm can be read or is worked out; what must be given is not optional as well."""
    one = LIKELIHOODS[name]
    assert not set(one.required) & set(one.optional)
    assert one.figures <= {*one.required, *one.optional, *(("n", "categories") if one.is_ordered else ())}
    assert one.is_contrasts == (not one.figures)
    assert one.takes_time == ("time" in one.figures)


def arms_of(one: Likelihood) -> tuple[np.ndarray[Any, Any], float]:
    """Every outcome that an arm of five patients can have, and the log of the time at risk."""
    match one.distribution:
        case Distribution.POISSON:
            return np.arange(120.0)[:, None], log(2.5)
        case Distribution.BINOMIAL:
            return np.array([(r, 5.0) for r in range(6)]), log(1.7) if one.takes_time else 0.0
        case _:
            parts = product(range(6), repeat=len(CUTS) + 1)
            return np.array([found for found in parts if sum(found) == 5], float), 0.0


@pytest.mark.parametrize("one", COUNTS, ids=lambda one: one.name)
@pytest.mark.parametrize("eta", [-3.0, -0.4, 0.0, 0.9])
def test_the_compiled_density_is_that_of_the_likelihood(one: Likelihood, eta: float) -> None:
    """Probabilities of all outcomes of an arm add up to 1, and their mean is what the link says; both densities agree.

    Of ordered categories the mean is that of the patients above every cutpoint.
    """
    counts, offset = arms_of(one)
    data = CountData(
        one.family,
        np.arange(len(counts)),
        np.arange(len(counts) + 1),
        counts,
        np.full(len(counts), offset),
        np.zeros((len(counts), 1)),
    )
    cuts = CUTS if one.is_ordered else np.zeros(0)
    terms = np.zeros((3, families.n_terms(one.family, counts.shape[1])))
    log_p, score = np.zeros(len(counts)), np.zeros(len(counts))
    for k, row in enumerate(counts):
        arm = np.array([0.0, 1.0, offset, *row])
        for at, x in zip(terms, (eta - 1e-5, eta, eta + 1e-5), strict=True):
            families.density(one.family, arm, cuts, x, at)
        log_p[k], score[k] = terms[1, families.LOG_LIKELIHOOD], terms[1, families.SCORE]
        slope = (terms[2] - terms[0])[families.LOG_LIKELIHOOD] / 2e-5
        assert score[k] == pytest.approx(slope, rel=1e-6, abs=1e-7)
        assert log_p[k] == pytest.approx(reference_density(one.family, eta, offset, row, cuts), rel=1e-10)
    p = np.exp(log_p + families.log_constants(data))
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert p @ score == pytest.approx(0, abs=1e-8)
    if one.is_ordered:
        above = [p @ counts[:, c + 1 :].sum(axis=1) / 5 for c in range(len(CUTS))]
        assert above == pytest.approx(one.link.inverse(eta - CUTS), abs=1e-9)
    else:
        size = 5 if one.distribution is Distribution.BINOMIAL else 1
        assert p @ counts[:, 0] / size == pytest.approx(float(one.link.inverse(eta + offset)), abs=1e-9)


def test_arms_where_contrasts_are_modelled() -> None:
    """They are refused, instead of a study that is named and says nothing; a likelihood has to be one that is known."""
    arms = [arm_row("s", "a", 1, 10), arm_row("s", "b", 2, 10)]
    with pytest.raises(UserError, match="likelihood contrasts models contrasts; s gives arms"):
        network_data(arms, ABC, "contrasts")
    for rows in (arms, [contrast_row("s", "b", "a", 0.5, 0.2)], []):
        with pytest.raises(UserError, match="unknown likelihood; allowed: contrasts, normal"):
            network_data(rows, ABC, "binomial")
    assert network_data([contrast_row("s", "b", "a", 0.5, 0.2)], ABC, "contrasts").counts.family == NO_FAMILY


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_only_a_likelihood_that_takes_time_has_an_offset(name: str) -> None:
    """Follow-up that stands beside counts of patients is nothing to a link of proportions."""
    one = COUNT_LIKELIHOODS[name]
    cells = {"time": "2.5", "categories": "no:7 some:2 yes:1" if one.is_ordered else ""}
    counts = network_data([arm_row("s", t, 3, 10, **cells) for t in "ab"], ABC, name).counts
    assert counts.offset == pytest.approx([log(2.5) if one.takes_time else 0.0] * 2)


def test_a_probit_difference_is_shown_as_patients() -> None:
    """From contrasts it is a probability, per 100 patients, by the normal distribution: not a mean, not a logit."""
    scale = LIKELIHOODS["contrasts"].scale("PD")
    assert float(scale.natural(-1.0)) == pytest.approx(0.158655254, abs=1e-9)
    row = {"scale": scale.name, "unit": "", "absolute": "0.158655254", "absolute_lower": "0.05", "absolute_upper": ""}
    names = Names(Labels(better={"y": "lower"}, measures={"y": "PD"}), "all", "y")
    assert (absolute_scale(row), names.absolute(row)) == ("per 100 patients", "16 (5 to not reached)")
    assert not names.more_is_better(row)
    assert names.no_effect == "0"


def test_a_measure_without_a_name_has_no_scale() -> None:
    """An outcome whose measure is unknown is no difference by default."""
    with pytest.raises(UserError, match="unknown measure"):
        Names(Labels(measures={"y": "XX"}), "all", "y").is_ratio  # noqa: B018
