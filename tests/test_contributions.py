"""The share of every study, and of the prior, in an effect: by hand, by dense algebra, and its identities."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import secondline as sl
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.cell_values import AT_MODE, AT_MODE_CUTS_FIXED, BY_COVARIANCE, OVERALL, PRIOR_SHARE
from secondline.certainty.contributions import EQUAL, Tables, find_contributions
from secondline.certainty.information import information_of
from secondline.inference import exact
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.inference.generalised_least_squares import gaussian_units
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution
from secondline.inference.task import Fit
from secondline.network.data import contrast_blocks, network_data
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure

from tests.networks import ABC, HCC, arm_row, contrast_row, plain, simulate

FIXED = PriorScales(2.0, 0.0, 0.0, 2.5)
RANDOM = PriorScales(2.0, 0.5, 0.0, 2.5)
WIDE = PriorScales(1e4, 0.0, 0.0, 2.5)
EFFECTS = {"a": 0.0, "b": -0.6, "c": 0.4, "d": 0.1}
PAIR = [contrast_row("s1", "b", "a", -0.6, 0.3), contrast_row("s2", "b", "a", -0.1, 0.2)]
LOOP = [
    contrast_row("s1", "b", "a", -0.6, 0.3),
    contrast_row("s2", "c", "a", 0.2, 0.25),
    contrast_row("s3", "c", "b", 0.9, 0.2),
    contrast_row("three", "b", "a", -0.3, 0.3, baseline_se=0.2),
    contrast_row("three", "c", "a", 0.5, 0.35, baseline_se=0.2),
]
MIXED = [
    contrast_row("s1", "lenvatinib", "sorafenib", -0.3, 0.2, setting_mix="sorafenib_failure:10"),
    contrast_row("s2", "x", "sorafenib", -0.5, 0.3, treatment_mix="lenvatinib_ici:6 other_tki_ici:4"),
    contrast_row("s3", "lenvatinib_ici", "lenvatinib", -0.4, 0.25, setting_mix="lenvatinib_failure:3"),
    contrast_row("s4", "other_tki", "sorafenib", 0.1, 0.4),
]
Rows = list[dict[str, str]]


def fit_of(
    rows: Rows,
    scales: PriorScales,
    structure: Structure = ABC,
    likelihood: str = "contrasts",
    effects: Effects | None = None,
    overlaps: Sequence[Overlap] = (),
) -> Fit:
    """Assemble a fit."""
    return Fit(network_data(rows, structure, likelihood, effects, overlaps), scales)


def tables_of(rows: Rows, scales: PriorScales, *given: object, overlaps: Sequence[Overlap] = (), **more: int) -> Tables:
    """Find the tables of a fit with a structure, a likelihood and a model of the effects."""
    fit = fit_of(rows, scales, *given, overlaps=overlaps)  # pyright: ignore
    likelihood = str(given[1]) if len(given) > 1 else "contrasts"
    return find_contributions(rows, fit, likelihood, "m", overlaps=overlaps, **more)


def by_pair(tables: Tables, column: str = "share") -> dict[tuple[str, str, str], dict[str, float]]:
    """Shares by setting, treatment and comparator."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in tables.contributions:
        if row.get("study"):
            key = row["setting"], row["treatment"], row["comparator"]
            found.setdefault(key, {})[row["study"]] = row[column]
    return found


def dense(rows: Rows, fit: Fit, contrast: Floats, tau: float, omega: float, likelihood: str = "contrasts") -> Floats:
    """Shares of the studies and of the prior, by the inverse of the whole precision, studies one by one."""
    prior = np.diag(fit.scales.coefficients(fit.data.predictor, omega) ** -2.0)
    terms = []
    for block in contrast_blocks(rows, fit.data.predictor, likelihood):
        covariance = block.covariance + tau**2 * (np.eye(len(block.y)) + 1) / 2
        terms.append(block.rows.T @ np.linalg.inv(covariance) @ block.rows)
    terms.append(prior)
    h = np.linalg.inv(sum(terms)) @ contrast
    found = np.array([h @ term @ h for term in terms])
    return found / (contrast @ h)


def test_two_studies_of_one_comparison_share_by_their_precision() -> None:
    """By hand, with fixed effects: precision over the sum of precisions, the prior's among them."""
    tables = tables_of(PAIR, FIXED)
    total = 1 / 0.09 + 1 / 0.04 + 1 / 4
    shares = by_pair(tables)[OVERALL, "b", "a"]
    assert shares == pytest.approx({"s1": 1 / 0.09 / total, "s2": 1 / 0.04 / total, PRIOR_SHARE: 1 / 4 / total})
    assert {row["method"] for row in tables.contributions} == {BY_COVARIANCE}
    (row,) = [row for row in tables.contributions if row["study"] == "s1"]
    assert row["weight"] == pytest.approx(row["share"])  # of a single comparison
    assert (row["share_lower"], row["share_upper"]) == pytest.approx((row["share"], row["share"]))


@pytest.mark.parametrize(
    ("rows", "structure", "effects", "scales"),
    [
        (LOOP, ABC, None, FIXED),
        (LOOP, ABC, None, RANDOM),
        (LOOP, ABC, Effects(classes={"b": "k", "c": "k"}), PriorScales(2.0, 0.5, 0.4, 2.5)),
        (MIXED, HCC, None, PriorScales(1.0, 0.3, 0.4, 2.5)),
        (MIXED, HCC, Effects(varying="ici"), PriorScales(1.0, 0.3, 0.0, 2.5, interaction=0.3)),
    ],
)
def test_shares_are_those_of_the_dense_formula_averaged_over_the_grid(
    rows: Rows, structure: Structure, effects: Effects | None, scales: PriorScales
) -> None:
    """The share c'V X'S^-1 X V c / c'Vc at every point of the grid, by whole matrices, in all models of effects."""
    fit = fit_of(rows, scales, structure, "contrasts", effects)
    posterior = exact.posterior(fit.data, scales)
    weights = posterior.component_weights().sum(axis=(0, 2))
    points = [(t, o) for t in posterior.tau.points for o in posterior.omega.points]
    shares = by_pair(tables_of(rows, scales, structure, "contrasts", effects))
    limits = [
        by_pair(tables_of(rows, scales, structure, "contrasts", effects), f"share_{k}") for k in ("lower", "upper")
    ]
    blocks, regimens = fit.data.predictor.effect_rows(), structure.regimens
    for key in list(shares)[::7]:
        s = (OVERALL, *structure.settings).index(key[0])
        contrast = blocks[s, regimens.index(key[1])] - blocks[s, regimens.index(key[2])]
        each = np.array([dense(rows, fit, contrast, tau, max(omega, 1e-7)) for tau, omega in points])
        assert list(shares[key].values()) == pytest.approx(weights @ each, abs=2e-6)
        for k, name in enumerate(shares[key]):
            inside = (each[:, k] > limits[0][key][name] - 1e-9) & (each[:, k] < limits[1][key][name] + 1e-9)
            assert weights @ inside == pytest.approx(0.95, abs=0.08 if scales.tau else 0.051)


def test_under_a_flat_prior_shares_are_the_weights_of_the_hat_matrix() -> None:
    """Squares of the rows of the hat matrix, weighted by the variance of what they multiply; the prior has nothing."""
    fit = fit_of(LOOP, WIDE)
    units = gaussian_units(LOOP, fit.data.predictor, "contrasts")
    solved = fit_given_tau(units, 0.0)
    tables = tables_of(LOOP, WIDE)
    shares, of_weights = by_pair(tables), tables.weights
    for treatment, comparator in (("b", "a"), ("c", "a"), ("c", "b")):
        rows = fit.data.predictor.effect_rows()[0]
        contrast = rows["abc".index(treatment)] - rows["abc".index(comparator)]
        hat = [np.linalg.inv(unit.covariance) @ unit.rows @ solved.covariance @ contrast for unit in units]
        parts = np.array([h @ unit.covariance @ h for h, unit in zip(hat, units, strict=True)])
        found = shares[OVERALL, treatment, comparator]
        assert found.pop(PRIOR_SHARE) < 1e-7
        assert list(found.values()) == pytest.approx(parts / parts.sum(), abs=1e-7)
        own = [row["weight"] for row in of_weights if (row["treatment"], row["comparator"]) == (treatment, comparator)]
        assert own == pytest.approx(np.concatenate(hat), abs=1e-6)


def test_weights_are_slopes_of_the_posterior_mean() -> None:
    """A contrast that is larger by 1 moves the mean by its weight; one row for each contrast, named by its arms."""
    tables = tables_of(LOOP, FIXED)
    rows = [row for row in tables.weights if (row["treatment"], row["comparator"]) == ("c", "b")]
    for k, row in enumerate(rows):
        moved = [dict(given) for given in LOOP]
        moved[k]["effect"] = repr(float(moved[k]["effect"]) + 1)
        assert (row["study"], row["treatment_arm"]) == (LOOP[k]["study"], LOOP[k]["treatment_arm"])
        means = [
            exact.posterior(fit_of(given, FIXED).data, FIXED).mixture(np.array([[-1.0, 1.0]])).mean()[0]
            for given in (LOOP, moved)
        ]
        assert row["weight"] == pytest.approx(means[1] - means[0], abs=1e-9)
    own = {
        row["study"]: row["weight"]
        for row in tables.contributions
        if (row["treatment"], row["comparator"]) == ("c", "b")
    }
    assert own["three"] is None  # no single weight
    assert own[PRIOR_SHARE] is None
    assert own["s3"] == next(row["weight"] for row in rows if row["study"] == "s3")


def test_a_contrast_outside_the_row_space_is_all_prior() -> None:
    """Treatment c is compared with nothing that is connected with a; with a vague prior, too."""
    rows = [*PAIR, contrast_row("s3", "d", "c", 0.3, 0.2)]
    for scales in (FIXED, RANDOM, replace(RANDOM, effect=100.0)):
        shares = by_pair(tables_of(rows, scales, plain("abcd")))
        assert shares[OVERALL, "d", "c"]["s3"] > 0.5
        assert shares[OVERALL, "d", "c"][PRIOR_SHARE] < 0.5
        # half of the two-dimensional prior of c and d is seen, and the other half is not
        outside = shares[OVERALL, "c", "a"]
        assert outside["s1"] == pytest.approx(0.0, abs=1e-20)
        assert outside["s3"] + outside[PRIOR_SHARE] == pytest.approx(1.0)
    unseen = [contrast_row("s1", "b", "a", -0.6, 0.3), contrast_row("s2", "c", "c", 0.1, 0.3)]
    shares = by_pair(tables_of(unseen, FIXED))
    assert shares[OVERALL, "c", "a"] == pytest.approx({"s1": 0.0, "s2": 0.0, PRIOR_SHARE: 1.0}, abs=1e-20)


def test_pieces_that_components_link_carry_each_other() -> None:
    """No arm links the two pieces; their components do for one effect, and leave that of the backbone to its prior."""
    rows = [
        contrast_row("s1", "lenvatinib", "sorafenib", -0.3, 0.2),
        contrast_row("s2", "regorafenib", "sorafenib", -0.1, 0.3),
        contrast_row("s3", "lenvatinib_ici", "regorafenib_ici", -0.4, 0.25),
    ]
    shares = by_pair(tables_of(rows, PriorScales(1000.0, 0.0, 0.0, 2.5), HCC))
    linked = shares[OVERALL, "regorafenib", "lenvatinib"]
    through = 1 / (0.2**2 + 0.3**2)
    assert linked["s3"] == pytest.approx(0.25**-2 / (0.25**-2 + through), abs=1e-5)
    assert linked[PRIOR_SHARE] < 1e-5
    assert shares[OVERALL, "lenvatinib_ici", "lenvatinib"][PRIOR_SHARE] == pytest.approx(1, abs=1e-9)


def test_a_replicate_halves_the_share_of_a_study() -> None:
    """A study split into two of twice its variance has half its share in each, and all else stays as it is."""
    once = by_pair(tables_of(LOOP, FIXED))
    two = [row for row in LOOP if row["study"] != "s3"]
    two += [contrast_row(name, "c", "b", 0.9, 0.2 * 2**0.5) for name in ("s3", "replicate")]
    for key, shares in by_pair(tables_of(two, FIXED)).items():
        assert shares["s3"] == pytest.approx(once[key]["s3"] / 2, abs=1e-12)
        assert shares["replicate"] == pytest.approx(once[key]["s3"] / 2, abs=1e-12)
        assert {name: shares[name] for name in ("s1", "s2", "three", PRIOR_SHARE)} == pytest.approx(
            {name: once[key][name] for name in ("s1", "s2", "three", PRIOR_SHARE)}, abs=1e-12
        )


def test_a_second_study_like_the_only_one_halves_it_whatever_tau() -> None:
    """Of one comparison, under a flat prior: from all of it to a half each, at every tau."""
    flat = PriorScales(1e4, 0.5, 0.0, 2.5)
    for rows, share in ((PAIR[:1], 1.0), ([PAIR[0], {**PAIR[0], "study": "again"}], 0.5)):
        tables = tables_of(rows, flat)
        for column in ("share", "share_lower", "share_upper"):
            assert by_pair(tables, column)[OVERALL, "b", "a"]["s1"] == pytest.approx(share, abs=1e-6)


def test_studies_that_share_patients_have_shares_of_their_own() -> None:
    """None negative, and one in all; those of two alike studies are equal, and less than without the overlap."""
    rows = [*LOOP, {**LOOP[2], "study": "alike"}]
    overlap = Overlap(studies=("s3", "alike"), correlation=0.7)
    apart, shared = (by_pair(tables_of(rows, RANDOM, overlaps=given)) for given in ((), (overlap,)))
    for shares in shared.values():
        assert min(shares.values()) >= 0
        assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
        assert shares["s3"] == pytest.approx(shares["alike"], abs=1e-12)
    assert shared[OVERALL, "c", "b"]["s3"] < apart[OVERALL, "c", "b"]["s3"]
    barely = Overlap(studies=("s3", "three"), correlation=1e-9)
    for key, shares in by_pair(tables_of(rows, RANDOM, overlaps=[barely])).items():
        assert shares == pytest.approx(apart[key], abs=1e-6)


def test_the_information_of_overlapping_studies_is_that_of_their_covariance() -> None:
    """Divided among the studies, it adds up to X' (S + tau^2 R)^-1 X, at every tau."""
    overlap = Overlap(studies=("s3", "three"), correlation=0.3)
    fit = fit_of(LOOP, RANDOM, overlaps=[overlap])
    posterior = exact.posterior(fit.data, RANDOM)
    found = information_of(LOOP, fit, "contrasts", posterior, np.array([0, 20]), [overlap])
    for tau, roots in zip(posterior.tau_points[[0, 20]], found.roots, strict=True):
        precision = 1 / (1 + tau**2 * fit.data.gaussian.scales)
        rows = fit.data.gaussian.rows
        assert roots.T @ roots == pytest.approx(rows.T @ (precision[:, None] * rows), rel=1e-9)


def test_counts_in_large_studies_are_their_log_odds_ratios() -> None:
    """Studies that agree: the curvature at the mode is that of the normal approximation, at every tau of the grid."""
    odds = {"a": 0.5, "b": 0.4, "c": 0.6}
    designs = {"s1": {"a": 9000, "b": 9800}, "s2": {"a": 7500, "c": 7200}, "s3": {"a": 12000, "b": 11200, "c": 10400}}
    arms, means = [], []
    for study, members in designs.items():
        for name, n in members.items():
            events = round(n * odds[name] / (1 + odds[name]))
            se = np.sqrt(1 / events + 1 / (n - events))
            arms.append(arm_row(study, name, events, n))
            means.append({**arms[-1], "mean": repr(float(np.log(odds[name]))), "se": repr(float(se))})
    scales = PriorScales(2.0, 0.2, 0.0, 100.0)
    posterior = exact.posterior(fit_of(arms, scales, ABC, "binomial_logit").data, scales)
    points = np.arange(0, len(posterior.tau.points), 4)
    counted, normal = (
        information_of(rows, fit_of(rows, scales, ABC, likelihood), likelihood, posterior, points)
        for rows, likelihood in ((arms, "binomial_logit"), (means, "normal"))
    )
    assert counted.figures == normal.figures
    for k in range(3):
        both = [each.roots[:, each.study == k] for each in (counted, normal)]
        found, expected = (roots.transpose(0, 2, 1) @ roots for roots in both)
        largest = abs(expected).max(axis=(1, 2), keepdims=True)
        assert found / largest == pytest.approx(expected / largest, abs=2e-3)
    largest = abs(normal.slopes).max(axis=(1, 2), keepdims=True)
    assert counted.slopes / largest == pytest.approx(normal.slopes / largest, abs=2e-3)


@pytest.mark.parametrize(("likelihood", "method"), [("ordered_logit", AT_MODE_CUTS_FIXED), ("poisson_log", AT_MODE)])
def test_other_counts_say_how_their_shares_were_found(likelihood: str, method: str) -> None:
    """None negative, and one in all."""
    rows = simulate(likelihood, ["ab", "ac", "abc"], {"a": 0.0, "b": -0.6, "c": 0.4}, 0.1, 2)
    tables = tables_of(rows, PriorScales(2.0, 0.0, 0.0, 2.5), ABC, likelihood)
    assert {row["method"] for row in tables.contributions + tables.weights} == {method}
    for shares in by_pair(tables).values():
        assert min(shares.values()) >= 0
        assert sum(shares.values()) == pytest.approx(1, abs=1e-9)


@given(
    designs=st.lists(st.lists(st.sampled_from("abcd"), min_size=2, max_size=4, unique=True), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    effect=st.sampled_from([0.5, 10.0, 1000.0]),
    tau=st.sampled_from([0.0, 0.3, 5.0]),
)
@settings(max_examples=40, deadline=None)
def test_shares_of_random_networks_are_shares(designs: list[list[str]], seed: int, effect: float, tau: float) -> None:
    """Stars, trees, loops and networks in pieces: none negative, one in all, limits around the mean."""
    rows = simulate("contrasts", designs, EFFECTS, 0.2, seed)
    tables = tables_of(rows, PriorScales(effect, tau, 0.0, 2.5), plain("abcd"))
    pairs = by_pair(tables)
    received = {name for design in designs for name in design}
    assert set(pairs) == {(OVERALL, t, c) for c, t in combinations(sorted(received), 2)}
    for shares in pairs.values():
        assert min(shares.values()) >= 0
        assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
    for row in tables.contributions:
        assert -1e-12 <= row["share_lower"] <= row["share_upper"] <= 1 + 1e-12


def test_treatments_that_the_model_takes_for_equal_are_not_assessable() -> None:
    """Their difference is 0 in any posterior: there is nothing to share."""
    structure = Structure(("b",), ("a", "b", "also_b"), (), np.array([[0.0], [1.0], [1.0]]))
    rows = [*PAIR, contrast_row("s3", "also_b", "a", -0.4, 0.3)]
    tables = tables_of(rows, FIXED, structure)
    (equal,) = [row for row in tables.contributions if row["comparator"] == "b"]
    assert equal["method"] == EQUAL
    assert "share" not in equal


def test_an_engine_that_cannot_be_relied_on_gives_no_shares() -> None:
    """One row for every pair, which says why."""
    tables = find_contributions(LOOP, fit_of(LOOP, RANDOM), "contrasts", "m", Solution(None, "it ended early"))
    assert [row["method"] for row in tables.contributions] == ["not assessable: it ended early"] * 3
    assert tables.weights == []


def test_large_networks_compare_with_the_reference_and_between_neighbours() -> None:
    """Of four treatments in the order b, a, d, c of their means: three with a, and of the neighbours c with d."""
    rows = simulate("contrasts", ["ab", "ac", "ad", "bcd"], EFFECTS, 0.0, 5)
    few = by_pair(tables_of(rows, FIXED, plain("abcd"), most_rows=20))
    assert set(few) == {(OVERALL, "b", "a"), (OVERALL, "c", "a"), (OVERALL, "d", "a"), (OVERALL, "d", "c")}
    every = by_pair(tables_of(rows, FIXED, plain("abcd")))
    assert len(every) == 6
    assert few == {key: every[key] for key in few}


def test_the_library_gives_the_tables_of_the_pipeline() -> None:
    """Shares, weights and flows of a result, without the name of the model."""
    network = sl.Network.from_config("config/examples/parkinsons.yaml", analysis="parkinsons", outcome="off_time_arms")
    fit = sl.fit(network, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
    shares, weights = fit.contributions(), fit.contributions(weights=True)
    sums = shares.groupby(["setting", "treatment", "comparator"])["share"].sum()
    assert len(sums) == 10
    assert sums.to_numpy() == pytest.approx(np.ones(10))
    expected = find_contributions(fit._evidence, fit._fitted.fit, "normal", "m", fit._fitted.solution)
    assert [*shares["share"]] == [row["share"] for row in expected.contributions]
    assert [*weights["weight"]] == [row["weight"] for row in expected.weights]
    assert "model" not in [*shares, *weights]
    flows, effects = fit.flows(), fit.flows(effects=True)
    assert flows.groupby(["hat_matrix", "decomposition", "treatment", "comparator"])["share"].sum().size == 40
    assert len(effects) == 20
