"""The rules of certainty: each input has exactly one judgement, and printed judgements come out."""

from collections.abc import Mapping
from itertools import product
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.certainty.features import (
    DIRECT,
    INDIRECT,
    MIXED,
    UNTESTED,
    agreements,
    concern_features,
    crossings,
)
from secondline.certainty.rules import MISSING, Comparison, Feature, Rule, judge, read_rules, versions_of
from secondline.tables import read_table

from tests.conftest import ROOT

PRINTED = read_table(ROOT / "tests/data/cinema/printed_judgements.csv")
SHARES = st.floats(0, 1, allow_subnormal=False)
P_VALUES = st.one_of(st.none(), st.sampled_from([0.0, 0.01, 0.05, 0.1, 1.0]), st.floats(0, 1))


def limits(row: Mapping[str, str], name: str) -> tuple[float, float]:
    """Read an interval of ratios on the log scale."""
    return log(float(row[f"{name}lower"])), log(float(row[f"{name}upper"]))


def test_every_domain_has_its_published_versions() -> None:
    """Each version under its own name."""
    assert versions_of("within_study_bias") == versions_of("indirectness") == ["majority", "average", "highest"]
    assert versions_of("imprecision") == ["software", "preprint_2019"]
    assert versions_of("incoherence") == ["secondline", "software", "web_page", "preprint_2019"]
    assert {rule.judgement for key, rules in read_rules().items() if key[0] == "heterogeneity" for rule in rules} == {
        *("none", "some", "major"),
        "not assessable",
    }


@given(st.tuples(SHARES, SHARES, SHARES), SHARES)
def test_every_contribution_has_one_judgement_of_bias(shares: tuple[float, float, float], not_judged: float) -> None:
    """In every version."""
    for domain in ("within_study_bias", "indirectness"):
        for version in versions_of(domain):
            assert judge(domain, version, concern_features(shares, not_judged)).judgement


@given(
    st.floats(-3, 3),
    st.floats(0, 3),
    st.floats(0, 3),
    st.one_of(st.none(), st.tuples(st.floats(-1, 3), st.floats(-1, 3))),
    st.floats(-2, -0.01),
    st.floats(0.01, 2),
)
def test_every_interval_has_one_judgement(
    centre: float, below: float, above: float, more: tuple[float, float] | None, low: float, high: float
) -> None:
    """Of imprecision and of heterogeneity; not assessable is heterogeneity only where the model has none."""
    interval = centre - below, centre + above
    predictive = more and (interval[0] - more[0], interval[1] + more[1])
    features = crossings(centre, interval, predictive, (low, high)).features()
    for version in versions_of("imprecision"):
        assert judge("imprecision", version, features).judgement in ("none", "some", "major")
    found = judge("heterogeneity", "software", features).judgement
    assert (found == "not assessable") == (predictive is None)


@given(st.sampled_from([MIXED, DIRECT, INDIRECT, UNTESTED]), st.floats(0, 1), st.integers(0, 3), P_VALUES)
def test_every_test_of_coherence_has_one_judgement(
    kind: str, p_split: float, agreed: int, p_design: float | None
) -> None:
    """A comparison that can be split has the p-value of the split."""
    tested = kind == MIXED
    features: dict[str, Feature] = {
        "kind": kind,
        "p_split": p_split if tested else None,
        "agreements": float(agreed) if tested else None,
        "p_design": p_design,
    }
    for version in versions_of("incoherence"):
        assert judge("incoherence", version, features).judgement


def test_every_start_and_sum_of_concerns_has_one_level() -> None:
    """In every version, and what a person is needed for is said."""
    for start, points, still_open, prior in product(
        ("high", "low", "not known"), range(11), ("yes", "no"), ("yes", "no")
    ):
        features: dict[str, Feature] = {
            "start": start, "points": float(points), "open": still_open, "prior_driven": prior,
        }  # fmt: skip
        for version in versions_of("overall"):
            assert judge("overall", version, features).judgement
    for word in ("none", "some", "major", None):
        assert judge("reporting_bias", "person", {"given": word}).judgement == (word or "not judged")


@given(SHARES, SHARES, SHARES)
def test_every_design_has_one_start(randomised: float, not_randomised: float, unknown: float) -> None:
    """The majority of the contributions decides; without it, or without studies, the start is not known."""
    total = randomised + not_randomised + unknown
    shares = (randomised / total, not_randomised / total) if total else (None, None)
    features: dict[str, Feature] = dict(zip(("randomised", "non_randomised"), shares, strict=True))
    for version in versions_of("start"):
        assert judge("start", version, features).judgement in ("high", "low", "not known")
    assert judge("start", "design", {"randomised": 0.9, "non_randomised": 0.1}).judgement == "high"
    assert judge("start", "design", {"randomised": 0.5, "non_randomised": 0.5}).judgement == "low"
    assert judge("start", "design", {"randomised": 0.4, "non_randomised": 0.0}).judgement == "not known"


@pytest.mark.parametrize(
    ("shares", "expected"),
    [((0.53, 0.43, 0.04), ("none", "some", "major")), ((0.40, 0.25, 0.35), ("none", "some", "major"))],
)
def test_the_manual_weighs_risk_of_bias_so(shares: tuple[float, float, float], expected: tuple[str, ...]) -> None:
    """ACE v BBlocker of Elliott 2007, and the manual's invented shares with a mean level of 1.95."""
    found = concern_features(shares, 0.0)
    assert tuple(judge("within_study_bias", v, found).judgement for v in ("majority", "average", "highest")) == expected


@pytest.mark.parametrize("row", PRINTED, ids=[row["comparison"] for row in PRINTED])
def test_printed_judgements_come_out(row: Mapping[str, str]) -> None:
    """The manual by the version of the software; the preprint's examples have the same judgements in both versions."""
    equivalence = limits(row, "range_")
    predictive = limits(row, "predictive_") if row["predictive_lower"] else None
    features = crossings(log(float(row["effect"])), limits(row, ""), predictive, equivalence).features()
    if row["imprecision"]:
        for version in ["software", *(["preprint_2019"] if row["source"].startswith("preprint") else [])]:
            assert judge("imprecision", version, features).judgement == row["imprecision"]
    if row["heterogeneity"]:
        assert judge("heterogeneity", "software", features).judgement == row["heterogeneity"]
    if row["incoherence"]:
        split = {
            "kind": MIXED,
            "p_split": float(row["p_split"]),
            "agreements": float(agreements(limits(row, "direct_"), limits(row, "indirect_"), equivalence)),
            "p_design": None,
        }
        for version in versions_of("incoherence"):
            assert judge("incoherence", version, split).judgement == row["incoherence"]


def test_versions_disagree_where_they_are_known_to() -> None:
    """An interval beyond the range crosses one of its limits in the preprint; no loop is major in the software."""
    beyond = crossings(0.3, (0.1, 0.5), None, (-0.2, 0.2)).features()
    assert judge("imprecision", "software", beyond).judgement == "none"
    assert judge("imprecision", "preprint_2019", beyond).judgement == "some"
    star: dict[str, Feature] = {"kind": DIRECT, "p_split": None, "agreements": None, "p_design": None}
    found = {version: judge("incoherence", version, star).judgement for version in versions_of("incoherence")}
    assert found == {
        "secondline": "not assessable",
        "software": "major",
        "web_page": "not assessable",
        "preprint_2019": "none",
    }
    weak = star | {"p_design": 0.03}
    found = {version: judge("incoherence", version, weak).judgement for version in versions_of("incoherence")}
    assert found == {"secondline": "major", "software": "major", "web_page": "some", "preprint_2019": "none"}


def test_what_nobody_judged_matters_only_where_it_can() -> None:
    """A level holds if it holds whatever the other studies would be judged."""
    assert concern_features((0.0, 0.0, 0.0), 1.0) == dict.fromkeys(("majority", "average"), "not judged") | {
        "highest": "not judged"
    }
    mostly = concern_features((0.9, 0.0, 0.0), 0.1)
    assert (mostly["majority"], mostly["average"], mostly["highest"]) == (1, 1, "not judged")
    assert concern_features((0.2, 0.0, 0.5), 0.3)["highest"] == 3
    assert concern_features((0.2, 0.0, 0.5), 0.3)["majority"] == 3
    assert concern_features((0.0, 0.0, 0.0), 0.0) == dict.fromkeys(("majority", "average", "highest"), "no study")
    assert concern_features((0.5, 0.0, 0.5), 0.0)["majority"] == 3


def test_a_predictive_interval_is_not_narrower_than_that_of_the_mean() -> None:
    """Its limits move by the error of quantiles; then the cells that CINeMA's table does not have would be met."""
    found = crossings(0.1, (-0.001, 0.2), (0.0005, 0.3), (-0.2, 0.15)).features()
    assert (found["crossed"], found["predictive_crossed"]) == (1, 1)


def test_an_estimate_of_no_effect_has_no_opposite_side() -> None:
    """The limit that is crossed counts, on either side."""
    for interval in ((-0.5, 0.1), (-0.1, 0.5)):
        assert crossings(0.0, interval, None, (-0.2, 0.2)).features()["crossed"] == 2


def test_a_condition_that_cannot_be_read_is_refused() -> None:
    """And a missing number is neither above nor below another."""
    with pytest.raises(ValueError, match="'p above 3'"):
        Rule("imprecision", "own", "p above 3", "none", "").holds({})
    assert not Comparison("p_design", ">", "0.1").holds({"p_design": None})
    assert Comparison("p_design", "=", MISSING).holds({"p_design": None})
    with pytest.raises(LookupError, match="0 rules"):
        judge("reporting_bias", "person", {"given": "perhaps"})
