"""Thresholds: published analyses in the linear form, the definition of a threshold after refits, joint radii."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.cell_values import NOT_PLACED
from secondline.doubt.best import BestSampler
from secondline.doubt.crossing import first_crossing, search_points
from secondline.doubt.figures import figures_of
from secondline.doubt.gaussian_path import GaussianEngine
from secondline.doubt.joint import joint_rows
from secondline.doubt.linear import influence, interval, joint_radius, reconstruct
from secondline.doubt.rules import MEAN, RULES, SUCRA, WITHIN_MARGIN, Stakes, choose, lead, scores
from secondline.doubt.threshold_tables import Tables, find_thresholds
from secondline.doubt.thresholds import COLUMNS, NO_INFLUENCE, derivation_ranges, threshold_rows
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit, FitTask
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Structure
from secondline.project.read import read_project
from secondline.summaries.settings import ComparisonSettings

from tests.networks import ABC, contrast_row, plain, simulate

DATA = Path(__file__).parent / "data/thresholds"
CONFIG = Path(__file__).parents[1] / "config/config.yaml"
Row = dict[str, Any]
FIXED, RANDOM = PriorScales(100.0, 0.0, 0.0, 1.0), PriorScales(10.0, 0.5, 0.0, 1.0)


def read(name: str) -> list[dict[str, str]]:
    """Read a table of published figures."""
    with (DATA / name).open(newline="") as handle:
        return list(csv.DictReader(handle))


def design(rows: Sequence[Mapping[str, str]], treatments: int) -> np.ndarray:
    """Contrasts b - a as rows of basic effects against treatment 1."""
    result = np.zeros((len(rows), treatments))
    for row, each in zip(result, rows, strict=True):
        row[int(each["b"]) - 1] += 1
        row[int(each["a"]) - 1] -= 1
    return result[:, 1:]


def named(places: tuple[int, ...]) -> str:
    """Treatments by their number, from 1."""
    return " ".join(str(place + 1) for place in places)


def test_social_anxiety_by_contrast() -> None:
    """The 84 rows of Phillippo (2018): thresholds within 1%, the best treatment beyond, the fit of the likelihood."""
    differences, printed = read("social_anxiety_differences.csv"), read("social_anxiety_thresholds.csv")
    sd = {(int(row["a"]) - 1, int(row["b"]) - 1): float(row["sd"]) for row in differences}
    means = np.array([0.0, *(float(row["mean"]) for row in differences if row["a"] == "1")])
    covariance = np.empty((40, 40))
    for i in range(40):
        for j in range(i, 40):
            between = sd[i + 1, j + 1] if i != j else 0.0
            covariance[i, j] = covariance[j, i] = (sd[0, i + 1] ** 2 + sd[0, j + 1] ** 2 - between**2) / 2
    prior = np.where(np.arange(40) == 1, 0.0001, 3.9 / 0.35)
    contrasts = design(printed, 41)
    likelihood = reconstruct(covariance, contrasts, prior)
    assert likelihood.residual == pytest.approx(735.679, abs=0.01)
    assert likelihood.divergence == pytest.approx(1.5497, abs=1e-4)
    moved = influence(covariance @ contrasts.T, np.diag(likelihood.precision))
    slopes = np.vstack([np.zeros(84), moved])
    for k, row in enumerate(printed):
        found = interval(-means, -slopes[:, k])
        assert (named(found.below), named(found.above)) == (row["below"], row["above"]), row
        # To the digits printed, two places, where the threshold is of a size that could occur.
        for value, expected in ((found.lower, float(row["lower"])), (found.upper, float(row["upper"]))):
            assert value == pytest.approx(expected, rel=0.012), row
            if abs(expected) < 5:
                assert value == pytest.approx(expected, abs=0.006), row
    structural_zero = printed.index(next(row for row in printed if (row["a"], row["b"]) == ("1", "7")))
    assert not slopes[:, structural_zero].any()


@pytest.mark.parametrize("projection", ["bayes", "flat"])
def test_headache_within_a_margin(projection: str) -> None:
    """The set of treatments within 0.5 of the best: every threshold to the digits given, and the new sets."""
    posterior = read("headache_posterior.csv")
    covariance = np.array([[float(row[f"covariance_{k}"]) for k in range(2, 9)] for row in posterior])
    means = np.array([0.0, *(float(row["mean"]) for row in posterior)])
    rows = [row for row in read("headache_thresholds.csv") if row["projection"] == projection]
    contrasts = design(rows, 8)
    precision = np.diag(reconstruct(covariance, contrasts, np.full(7, 0.0001)).precision)
    if projection == "flat":
        covariance = np.linalg.inv(contrasts.T @ precision @ contrasts)
    slopes = np.vstack([np.zeros(8), influence(covariance @ contrasts.T, precision)])
    for k, row in enumerate(rows):
        found = interval(-means, -slopes[:, k], 0.5)
        assert (named(found.below), named(found.above)) == (row["below"], row["above"]), row
        assert found.lower == pytest.approx(float(row["lower"]), rel=1e-4), row
        assert found.upper == pytest.approx(float(row["upper"]), rel=1e-4), row


def test_two_studies_by_hand() -> None:
    """A against C and B against C, variances 0.04 and 0.09, effects -0.5 and -0.2, lower better, vague priors.

    Posterior means are the figures, so that B becomes the best when its figure falls by 0.3 (one standard error) or
    that of A rises by 0.3 (1.5). Together: 0.3 / sqrt(0.04 + 0.09) standard errors, shares in proportion to variance.
    """
    tables = thresholds_of(
        [contrast_row("one", "b", "a", -0.5, 0.2), contrast_row("two", "c", "a", -0.2, 0.3)], FIXED, MEAN
    )
    first, second = tables.single
    assert first["first"] == "b"
    assert (first["upper"], first["upper_first"]) == (pytest.approx(-0.2, abs=1e-5), "c")
    assert (second["lower"], second["lower_first"]) == (pytest.approx(-0.5, abs=1e-5), "c")
    assert first["upper_se"] == pytest.approx(1.5, abs=1e-4)
    assert first["upper_ratio"] == pytest.approx(np.exp(-0.2), abs=1e-5)
    assert second["lower_se"] == pytest.approx(-1.0, abs=1e-4)
    assert (first["lower"], second["upper"]) == (None, None)
    assert first["inside_interval"] and second["inside_interval"]
    assert first["linear_upper"] == pytest.approx(first["upper"], abs=1e-5)
    assert not first["disagree"]
    radius = 0.3 / np.sqrt(0.13)
    for row, share in zip(tables.joint, (0.04, -0.09), strict=True):
        assert row["radius"] == pytest.approx(radius, abs=1e-5)
        assert row["linear_radius"] == pytest.approx(radius, abs=1e-5)
        assert row["shift"] == pytest.approx(0.3 * share / 0.13, abs=1e-4)
    assert joint_radius(0.3, np.array([0.2, -0.3]))[0] == pytest.approx(radius)


def thresholds_of(rows: Sequence[Mapping[str, str]], scales: PriorScales, *rules: str, margin: float = 0.8) -> Tables:
    """Thresholds of a plain network of three treatments, a the reference, lower better."""
    return find_thresholds(rows, fit_of(rows, ABC, scales), "contrasts", comparison(margin), rules=rules or RULES)


def fit_of(rows: Sequence[Mapping[str, str]], structure: Structure, scales: PriorScales) -> Fit:
    """One fit of a plain network."""
    return Fit(network_data(rows, structure, "contrasts", Effects()), scales)


def comparison(margin: float) -> ComparisonSettings:
    """Ratios, lower better."""
    return ComparisonSettings(measure="HR", ratio=True, better="lower", margin=margin, reference="a")


def test_no_influence_is_no_threshold() -> None:
    """A study of the reference against a treatment that is no candidate moves nothing at a fixed tau."""
    rows = [contrast_row("one", "b", "a", -0.5, 0.2), contrast_row("two", "c", "a", -0.2, 0.3)]
    settings = replace(comparison(0.8), not_candidates={"overall": ("c",)})
    tables = find_thresholds(rows, fit_of(rows, ABC, FIXED), "contrasts", settings)
    own = [row for row in tables.single if row["study"] == "two"]
    assert {row["reason"] for row in own} == {NO_INFLUENCE}
    assert {row.get("lower") for row in own} == {None}
    assert len(own) == len(RULES)


def refitted_decision(
    fit: Fit, stakes: Stakes, direction: np.ndarray, shift: float, rule: str
) -> tuple[tuple[int, ...], np.ndarray]:
    """Decision and scores after a refit on a grid of its own, by code that shares nothing with the lines of data."""
    gaussian = fit.data.gaussian
    data = replace(fit.data, gaussian=replace(gaussian, y=gaussian.y + shift * direction))
    posterior = exact.posterior(data, fit.scales)
    if rule == SUCRA:
        from secondline.doubt.decision import pairwise

        score = pairwise(stakes.rows, 1.0, posterior).sum(axis=1)
    else:
        score = posterior.mixture(stakes.rows).mean()
    return choose(rule, score, stakes.margin), score


@pytest.mark.parametrize("seed", range(20))
def test_thresholds_of_random_networks_satisfy_their_definition(seed: int) -> None:
    """Refitted with the figure 1e-4 short of a threshold the decision is the declared one, 1e-4 beyond it is new."""
    rng = np.random.default_rng(seed)
    names = "abcd"
    structure = plain(names)
    pairs = [(names[i], names[j]) for i in range(4) for j in range(i + 1, 4)]
    chosen = [("a", "b"), ("a", "c"), ("a", "d"), *(pairs[k] for k in rng.integers(len(pairs), size=5))]
    rows = [
        contrast_row(f"study {k}", t, c, float(rng.normal(0, 0.4)), float(rng.uniform(0.1, 0.4)))
        for k, (c, t) in enumerate(chosen)
    ]
    fit = fit_of(rows, structure, RANDOM)
    rules = (SUCRA, MEAN, WITHIN_MARGIN)
    figures = {figure.study: figure for figure in figures_of(rows, fit.data, "contrasts")}
    effect_rows = fit.data.predictor.effect_rows()[0]
    stakes = Stakes(
        setting="overall", names=tuple(names), rows=-effect_rows, reference=effect_rows[0], margin=-np.log(0.8)
    )
    engine, checked = GaussianEngine(fit.data, fit.scales), 0
    single = [row for each in figures.values() for row in threshold_rows(engine, [stakes], each, True, rules)]
    joint = list(joint_rows(engine, [stakes], list(figures.values()), rules))
    for row in single:
        figure = figures[row["study"]]
        for side, sign in (("lower", -1), ("upper", 1)):
            if row.get(side) is None:
                continue
            shift = row[side] - row["effect"]
            before, _ = refitted_decision(fit, stakes, figure.direction, shift - sign * 1e-4, row["rule"])
            after, _ = refitted_decision(fit, stakes, figure.direction, shift + sign * 1e-4, row["rule"])
            assert stakes.named(before) == row["first"], row
            assert stakes.named(after) == row[f"{side}_first"], row
            checked += 1
    assert checked > 5
    for rule in rules:
        of_rule = [row for row in joint if row["rule"] == rule]
        alone = [
            abs(row[f"{s}_se"])
            for row in single
            for s in ("lower", "upper")
            if row["rule"] == rule and row.get(f"{s}_se") is not None
        ]
        if alone:
            assert of_rule[0]["radius"] <= min(alone) + 1e-3
        bias = sum(row["shift"] * figures[row["study"]].direction for row in of_rule)
        for factor, moved in ((1 - 1e-4, False), (1 + 1e-4, True)):
            there, _ = refitted_decision(fit, stakes, bias, factor, rule)
            assert (stakes.named(there) != of_rule[0]["first"]) == moved


def test_studies_that_share_patients_keep_their_correlation() -> None:
    """The threshold of one of two correlated studies, put into its row of the evidence, changes the decision."""
    rows = [
        contrast_row("one", "b", "a", -0.5, 0.2),
        contrast_row("two", "c", "a", -0.2, 0.3),
        contrast_row("three", "c", "b", 0.1, 0.4),
    ]
    overlaps = (Overlap(studies=("one", "two"), correlation=0.4),)

    def fit_with(by: float) -> Fit:
        moved = [{**rows[0], "effect": repr(float(rows[0]["effect"]) + by)}, *rows[1:]]
        return Fit(network_data(moved, ABC, "contrasts", Effects(), overlaps), FIXED)

    found, apart = (
        find_thresholds(rows, fit, "contrasts", comparison(0.8), rules=(MEAN,), overlaps=some).single[0]
        for fit, some in ((fit_with(0.0), overlaps), (fit_of(rows, ABC, FIXED), ()))
    )
    assert abs(found["upper"] - apart["upper"]) > 0.01
    for by, best in ((-1e-4, 1), (1e-4, 2)):
        fit = fit_with(found["upper"] - found["effect"] + by)
        means = exact.posterior(fit.data, fit.scales).mixture(fit.data.predictor.effect_rows()[0]).mean()
        assert means.argmin() == best


def test_an_arm_moves_all_contrasts_of_its_study() -> None:
    """Three arms of means with variances 0.01, 0.02 and 0.05: size and standard error of an arm's figure by hand."""
    rows = simulate("normal", [["a", "b", "c"]], {"a": 0.0, "b": -0.4, "c": -0.1}, 0.0, 3)
    data = network_data(rows, ABC, "normal", Effects())
    arms = figures_of(rows, data, "normal")
    means = np.array([float(row["mean"]) for row in rows])
    weights = 1 / np.array([float(row["se"]) for row in rows]) ** 2
    assert [figure.arm for figure in arms] == [row["arm"] for row in rows]
    for k, figure in enumerate(arms):
        others = np.arange(3) != k
        rest = weights[others].sum()
        assert figure.effect == pytest.approx(means[k] - weights[others] @ means[others] / rest)
        assert figure.se == pytest.approx(np.sqrt(1 / weights[k] + 1 / rest))
        assert figure.se == pytest.approx(1 / np.linalg.norm(figure.direction))
    # To move all arms alike moves nothing.
    assert np.abs(sum(figure.direction for figure in arms)).max() < 1e-9


def test_lines_of_data_are_refits_for_every_model() -> None:
    """Posterior means, SUCRA and P(best) far along a line, and the derivative at its start, as a refit has them."""
    project = read_project(CONFIG)
    rows = evidence_rows(project, "primary", "os")
    task = FitTask.from_rows(rows, fit_settings(project, "primary", "os"))
    for model, fit in task.fits.items():
        effect_rows = fit.data.predictor.effect_rows()[1]
        stakes = Stakes(
            setting="any",
            names=tuple(map(str, range(len(effect_rows)))),
            rows=-effect_rows,
            reference=-effect_rows[0],
            margin=0.2,
        )
        engine = GaussianEngine(fit.data, fit.scales)
        figure = figures_of(rows, fit.data, "contrasts")[3]
        path, tangent = engine.path(stakes, figure.direction), engine.tangent(stakes, figure.direction)
        for shift in (0.0, -6 * figure.se):
            for rule in (SUCRA, MEAN):
                _, score = refitted_decision(fit, stakes, figure.direction, shift, rule)
                found = scores(rule, path.at(shift))
                wanted = (score - 0.5) / (len(score) - 1) if rule == SUCRA else score
                assert found == pytest.approx(wanted, abs=2e-5), (model, rule)
        step = 1e-4
        slope = (scores(MEAN, path.at(step)) - scores(MEAN, path.at(-step))) / (2 * step)
        linear = scores(MEAN, tangent.at(1.0)) - scores(MEAN, tangent.at(0.0))
        assert linear == pytest.approx(slope, abs=1e-6)


def test_p_best_of_a_mixture_is_that_of_its_draws() -> None:
    """Two components with correlated effects of four treatments; and by hand for two treatments."""
    rng = np.random.default_rng(2)
    roots, means, weights = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4)), np.array([0.3, 0.7])
    component = rng.choice(2, p=weights, size=400_000)
    draws = means[component] + np.einsum("nk,nkt->nt", rng.normal(size=(400_000, 3)), roots[component])
    expected = np.bincount(draws.argmax(axis=1), minlength=4) / len(draws)
    assert BestSampler(roots)(weights, means) == pytest.approx(expected, abs=0.01)
    two = BestSampler(np.array([[[1.0, 0.0], [0.0, 1.0]]]))(np.ones(1), np.array([[0.5, 0.0]]))
    assert two[0] == pytest.approx(0.638163, abs=1e-5)  # Phi(0.5 / sqrt 2)


def test_search_finds_the_first_change() -> None:
    """On either side, to within the unit's exactness; none where there is none."""

    def decide(t: float) -> tuple[int, ...]:
        return (int(t > 0.7) + int(t > 1.5),)

    points = search_points(3.0, 1.0)
    found = first_crossing(decide, points, 1.0)
    assert found and found.at == pytest.approx(0.7, abs=1e-6)
    assert found.after == (1,)
    assert first_crossing(decide, -points, 1.0) is None


def test_the_lead_of_a_set_ends_where_a_treatment_enters() -> None:
    """Means 1, 0.9, 0.4 and margin 0.3: the third is 0.3 short of the edge at 0.7, the second 0.2 inside it."""
    score = np.array([1.0, 0.9, 0.4])
    assert choose(WITHIN_MARGIN, score, 0.3) == (0, 1)
    assert lead(WITHIN_MARGIN, score, 0.3, (0, 1), (0, 1, 2)) == pytest.approx(0.3)
    assert lead(WITHIN_MARGIN, score, 0.3, (0, 1), (0,)) == pytest.approx(0.2)
    assert lead(MEAN, score, 0.3, (0,), (1,)) == pytest.approx(0.1)


def test_ranges_of_derivations_and_settings_without_a_ranking() -> None:
    """The shipped network: the range of a contrast over its derivations, and a setting in which nobody is placed."""
    derivation = [
        {
            "study": "x",
            "outcome": "os",
            "treatment_arm": "t",
            "comparator_arm": "c",
            "log_effect_low": low,
            "log_effect_high": high,
        }
        for low, high in (("-0.4", "-0.2"), ("-0.3", "0.1"), ("", ""))
    ]
    assert derivation_ranges(derivation, "os") == {("x", "t", "c"): (-0.4, 0.1)}
    assert derivation_ranges(derivation, "pfs") == {}
    project = read_project(CONFIG)
    rows = evidence_rows(project, "primary", "pfs")
    fit = FitTask.from_rows(rows, fit_settings(project, "primary", "pfs")).fits["pooled"]
    derived = {("nanchang_2023", "lp", "r"): (-0.8, 0.0)}
    tables = find_thresholds(rows, fit, "contrasts", summary_settings(project, "pfs"), derived, (WITHIN_MARGIN,))
    by_key = {(row["setting"], row.get("study")): row for row in tables.single}
    assert by_key["overall", "nanchang_2023"]["inside_derivation"] is True
    assert by_key["overall", "ditan_2022"]["inside_derivation"] is None
    assert by_key["sorafenib_failure", None]["reason"] == NOT_PLACED


def test_thresholds_of_the_library() -> None:
    """The same tables from a result; margins on the wrong side are refused in one line."""
    trials = pd.DataFrame(
        {"trial": ["one", "two"], "t": ["b", "c"], "c": ["a", "a"], "log_hr": [-0.5, -0.2], "se": [0.2, 0.3]}
    )
    network = sl.Network.from_contrasts(
        trials, study="trial", treatment="t", comparator="c", effect="log_hr", se="se", reference="a", measure="HR"
    )
    result = sl.fit(network, sl.Model(likelihood="normal", heterogeneity=False))
    found = result.thresholds(better="lower", margin=0.8)
    assert list(found.columns) == list(COLUMNS)
    by_mean = found.query("rule == 'mean' and study == 'one'").iloc[0]
    assert by_mean["upper"] == pytest.approx(-0.2, abs=1e-4)
    together = result.thresholds(better="lower", margin=0.8, joint=True).query("rule == 'mean'")
    assert together["radius"].iloc[0] == pytest.approx(0.3 / np.sqrt(0.13), abs=1e-3)
    with pytest.raises(sl.UserError, match="margin"):
        result.thresholds(better="lower", margin=1.2)
