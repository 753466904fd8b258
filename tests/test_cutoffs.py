"""Ordered outcomes of arms that do not report every cut-off: likelihood, engines, readers, and the trials of psoriasis.

The trials are example 6 of NICE DSU TSD2 (Dias and others 2011, from Woolacott and others 2006), retyped as multinma's
data set `hta_psoriasis` has them; the published figures are TSD2's, as multinma's vignette compares itself with them.
There a negative effect means more response; here it is a positive one, towards the higher categories.
"""

import csv
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import secondline as sl
import yaml
from scipy import stats
from secondline.cells import categories_cell, merged_categories, parse_categories
from secondline.errors import UserError
from secondline.evidence.gather import arm_data_rows, audit_rows
from secondline.evidence.selection import select_evidence
from secondline.inference import exact, families
from secondline.inference.fit_statistics import Draws, assess
from secondline.inference.kernels.density import log_density
from secondline.inference.models import model_inputs, network_model
from secondline.inference.priors import PriorScales
from secondline.inference.reference_likelihood import study_log_likelihood
from secondline.inference.textbook import textbook_model
from secondline.jobs.methods_facts import methods_facts
from secondline.likelihoods import COUNT_LIKELIHOODS
from secondline.links import PROBIT
from secondline.network.categories import counted_apart, expected_counts
from secondline.network.data import CountData, network_data
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.prose import methods_data
from secondline.report.settings import OutcomeFacts

from scripts.calibrate import SEED, Case, Model, Sampler, calibrate, design_rows, redraw
from tests.conftest import ROOT
from tests.networks import Sizes, arm_row, component_truth, plain, simulate
from tests.test_quadrature import CUTS, counts_of, evaluate
from tests.test_reference_likelihood import FEW, fast, fixed_part
from tests.test_textbook import by_hand, integrated

NAMES = list(CUTS)
PATTERNS: dict[str, list[tuple[float, ...]]] = {
    "highest cut-off": [(20, 9, 11, nan), (15, 11, 24, nan)],
    "lowest alone": [(20, 20, nan, nan), (15, 35, nan, nan)],
    "middle alone": [(29, nan, 11, nan), (26, nan, 24, nan)],
    "highest alone": [(36, nan, nan, 4), (40, nan, nan, 10)],
    "no middle": [(20, 16, nan, 4), (15, 25, nan, 10)],
    "no lowest": [(29, nan, 7, 4), (26, nan, 14, 10)],
    "arms that differ": [(20, 9, 7, 4), (29, nan, 11, nan), (11, 30, nan, 5)],
    "zeros": [(25, nan, 0, nan), (0, nan, 20, nan)],
    "empty": [(25, 0, nan, nan), (20, nan, 0, nan)],
    "large": [(290, nan, 110, nan), (260, nan, 140, 100)],
}


def cdf(name: str, x: Any) -> Any:
    """Distribution function of the link."""
    return (stats.norm if COUNT_LIKELIHOODS[name].link is PROBIT else stats.logistic).cdf(x)


def collapsed(name: str, counts: tuple[float, ...], eta: float) -> tuple[list[int], np.ndarray]:
    """Patients and probabilities of the categories that an arm tells apart, by hand."""
    above = [1.0, *cdf(name, eta - CUTS[name]), 0.0]
    kept = [k for k, n in enumerate(counts) if n == n]
    ends = [*kept[1:], len(counts)]
    return [int(counts[k]) for k in kept], np.array([above[k] - above[end] for k, end in zip(kept, ends, strict=True)])


def terms_of(name: str, counts: tuple[float, ...], eta: float, cuts: np.ndarray) -> np.ndarray:
    """Terms of one arm."""
    family = COUNT_LIKELIHOODS[name].family
    terms = np.zeros(families.n_terms(family, len(counts)))
    (packed,) = families.packed_counts(counts_of(name, [[counts]]))
    families.density(family, np.array([0.0, 1.0, 0.0, *packed]), cuts, eta, terms)
    return terms


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_arm_is_a_multinomial_of_the_categories_that_it_tells_apart(name: str, pattern: str) -> None:
    """The log likelihood with its constant is scipy's; a category without a count has a fitted value of 0."""
    data = counts_of(name, [PATTERNS[pattern]])
    for counts, constant in zip(PATTERNS[pattern], families.log_constants(data), strict=True):
        for eta in (-1.4, 0.0, 0.7, 2.2):
            patients, p = collapsed(name, counts, eta)
            terms = terms_of(name, counts, eta, CUTS[name])
            expected = stats.multinomial(sum(patients), p / p.sum()).logpmf(patients)
            assert terms[families.LOG_LIKELIHOOD] + constant == pytest.approx(expected, abs=1e-9)
            fitted = terms[families.FITTED : families.FITTED + len(counts)]
            assert fitted[[n == n for n in counts]] == pytest.approx(p)
            assert (fitted[[n != n for n in counts]] == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_scores_of_an_arm_are_its_derivatives(name: str, pattern: str) -> None:
    """By the linear predictor and by every cutpoint beyond the first, against differences."""
    h = 1e-5
    for counts in PATTERNS[pattern]:
        for eta in (-1.4, 0.3, 2.2):

            def value(eta: float, cuts: np.ndarray, counts: tuple[float, ...] = counts) -> float:
                return float(terms_of(name, counts, eta, cuts)[families.LOG_LIKELIHOOD])

            terms, cuts = terms_of(name, counts, eta, CUTS[name]), CUTS[name]
            slope = (value(eta + h, cuts) - value(eta - h, cuts)) / (2 * h)
            assert terms[families.SCORE] == pytest.approx(slope, rel=1e-5, abs=1e-5)
            for k in (1, 2):
                step = h * np.eye(3)[k]
                slope = (value(eta, cuts + step) - value(eta, cuts - step)) / (2 * h)
                assert terms[families.FITTED + 4 + k - 1] == pytest.approx(slope, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_both_likelihoods_of_a_study_agree(name: str) -> None:
    """Quadrature of the kernel and QUADPACK, from tau = 0 to 50 and with effects of 30."""
    found = {
        (pattern, tau, effect): abs(fast(name, data, f, tau, sd)[0] - study_log_likelihood(data, 0, f, tau, cuts, sd))
        for pattern, study in PATTERNS.items()
        for tau, effect, sd in ((0.3, 0.4, 2.5), *FEW)
        for data, f, cuts in [(counts_of(name, [study]), fixed_part(len(study), effect), CUTS[name])]
    }
    worst = max(found, key=lambda key: found[key])
    assert found[worst] < 1e-4, worst


@pytest.mark.parametrize("name", NAMES)
def test_scores_of_a_study_are_its_derivatives(name: str) -> None:
    """By the fixed part of an arm, by tau and by the cutpoints, study effects integrated out."""
    h, cuts = 1e-4, CUTS[name]
    for pattern, study in PATTERNS.items():
        data, f = counts_of(name, [study]), fixed_part(len(study), 0.8)

        def value(f: np.ndarray, tau: float, cuts: np.ndarray, data: CountData = data) -> float:
            return float(evaluate(name, data, f, tau, cuts).value[0])

        terms = evaluate(name, data, f, 0.5, cuts).terms
        step = h * np.eye(len(f))[0]
        found = [terms[0, families.SCORE], terms[:, families.TAU_SCORE].sum(), *terms[:, -2:].sum(axis=0)]
        ends = [
            (value(f + step, 0.5, cuts), value(f - step, 0.5, cuts)),
            (value(f, 0.5 + h, cuts), value(f, 0.5 - h, cuts)),
            *((value(f, 0.5, cuts + h * e), value(f, 0.5, cuts - h * e)) for e in np.eye(3)[1:]),
        ]
        assert found == pytest.approx([(up - down) / (2 * h) for up, down in ends], rel=1e-3, abs=2e-3), pattern


def test_one_cut_off_is_a_binomial_outcome() -> None:
    """A study that reports the lowest cut-off alone has the likelihood of its patients above it."""
    ordered = counts_of("ordered_logit", [PATTERNS["lowest alone"]])
    binary = counts_of("binomial_logit", [[(20, 40), (35, 50)]])
    f = np.array([-0.3, 0.3])
    for tau in (0.0, 0.4):
        found = evaluate("ordered_logit", ordered, f, tau).value
        assert found == pytest.approx(evaluate("binomial_logit", binary, f, tau).value, abs=1e-6)
    assert families.log_constants(ordered) == pytest.approx(families.log_constants(binary))


def merged(rows: list[dict[str, str]], *names: str) -> list[dict[str, str]]:
    """Count categories with the one before them."""
    result = []
    for row in rows:
        counts: dict[str, int | None] = {}
        for name, n in parse_categories(row["categories"]).items():
            own = next((key for key in reversed(counts) if counts[key] is not None), name)
            counts |= {own: (counts[own] or 0) + (n or 0), name: None} if name in names else {name: n}
        result.append({**row, "categories": categories_cell(counts)})
    return result


EFFECTS = {"a": 0.0, "b": 0.5, "c": -0.3}


@pytest.mark.parametrize("likelihood", NAMES)
def test_categories_that_no_study_tells_apart_are_one(likelihood: str) -> None:
    """The posterior is that of an outcome with a category less; the superfluous distance keeps its prior."""
    rows = simulate(likelihood, ["ab", "ac", "abc", "bc"], EFFECTS, 0.2, 3, Sizes(n=(60, 90)))
    together = merged(rows, "c3")
    fewer = [{**row, "categories": row["categories"].removesuffix(" c3:NA")} for row in together]
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    (found, found_error), (expected, error) = (
        posterior.summary(np.eye(size)[:3])
        for size, chosen in ((4, together), (3, fewer))
        for posterior in [exact.posterior(network_data(chosen, plain("abc"), likelihood), scales)]
    )
    allowed = np.maximum(4 * np.hypot(found_error, error), 2e-3)
    assert (np.abs(found - expected) < allowed).all()
    last = exact.posterior(network_data(together, plain("abc"), likelihood), scales).summary(np.eye(4)[3:])[0]
    assert last[:2, 0] == pytest.approx([0.0, scales.cutpoint], abs=0.05)


def test_a_network_of_one_cut_off_is_binomial() -> None:
    """Every study reports the lowest cut-off alone: the effects are those of the patients above it."""
    rows = merged(simulate("ordered_logit", ["ab", "ac", "abc"], EFFECTS, 0.2, 3, Sizes(n=(60, 90))), "c2", "c3")
    counts = [parse_categories(row["categories"]) for row in rows]
    binary = [
        {**row, "categories": "", "events": str(n["c1"]), "n": str((n["c0"] or 0) + (n["c1"] or 0))}
        for row, n in zip(rows, counts, strict=True)
    ]
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    found, one = exact.posterior(network_data(rows, plain("abc"), "ordered_logit"), scales).summary(np.eye(4)[:2])
    expected, other = exact.posterior(network_data(binary, plain("abc"), "binomial_logit"), scales).summary(np.eye(2))
    assert (np.abs(found - expected) < np.maximum(4 * np.hypot(one, other), 2e-3)).all()


@pytest.mark.parametrize("likelihood", NAMES)
def test_the_textbook_model_counts_them_together_too(likelihood: str) -> None:
    """Arms with different cut-offs in one study; the distribution of each has its own categories."""
    rows = simulate(likelihood, ("ab",), EFFECTS, 0.3, 5, Sizes(n=(12, 20)))
    rows = [*merged(rows[:1], "c1", "c3"), *merged(rows[1:], "c2")]
    data = network_data(rows, plain("abc"), likelihood)
    found, expected = integrated(data), by_hand(data, 11)
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-3)
    model: pm.Model = textbook_model(data, PriorScales(1.5, 1.0, 0.0, 1.2))
    assert sorted(v.name for v in model.observed_RVs) == ["patients_by_1_2_4", "patients_by_1_3"]


def test_deviance_of_categories_that_are_counted_together() -> None:
    """It is that of the collapsed categories: with all cut-offs reported by one of two arms, by hand."""
    rows = [arm_row("s", "a", categories="x:12 y:9 z:NA"), arm_row("s", "b", categories="x:5 y:8 z:14")]
    data, scales = network_data(rows, plain("ab"), "ordered_probit"), PriorScales(1.5, 0, 0, 2.5)
    draws = Draws(np.tile([0.4, -0.2], (50, 1)), np.zeros(50))
    fitted = assess(data, draws, scales)
    alone = network_data(
        [arm_row("s", "a", categories="x:12 y:9"), arm_row("s", "b", categories="x:5 y:22")],
        plain("ab"),
        "ordered_probit",
    )
    assert np.isfinite(fitted.deviance).all()
    assert fitted.deviance[0] == pytest.approx(
        assess(alone, Draws(draws.coefficients[:, :1], draws.tau), scales).deviance[0], abs=0.5
    )
    assert families.fewest(data.counts).tolist() == [9.0, 13.0]


def test_patients_who_are_counted_together_are_distributed_as_the_others() -> None:
    """Expectations at the maximum of the likelihood; whole counts stay as they are."""
    whole = np.array([[20.0, 10, 5, 5], [10, 5, 3, 2]])
    assert expected_counts(whole) is whole
    counts = np.array([[20.0, 10, 5, 5], [15, nan, 25, nan], [30, 10, nan, nan]])
    found = expected_counts(counts)
    assert found.sum(axis=1).tolist() == pytest.approx([40, 40, 40])
    assert found[1, :2].sum() == pytest.approx(15)
    shares = (found.sum(axis=0) + 0.5) / (found.sum() + 2)
    assert found[1, 2:] == pytest.approx(25 * shares[2:] / shares[2:].sum(), rel=1e-5)
    assert counted_apart(counts).tolist() == [50, 10, 5, 5]
    data = counts_of("ordered_probit", [PATTERNS["middle alone"], PATTERNS["arms that differ"]])
    assert (np.diff(families.pooled_cuts(data)) > 0).all()
    assert np.isfinite(families.gaussian_approximation(data)).all()


def test_the_sampler_gets_numbers_alone() -> None:
    """PyMC refuses data that are not numbers; the model has the density of the likelihood, and a finite gradient."""
    rows = simulate("ordered_probit", ["ab", "ac"], EFFECTS, 0.2, 3)
    rows = [*merged(rows[:2], "c1", "c3"), *merged(rows[2:], "c3")]
    data = network_data(rows, plain("abc"), "ordered_probit")
    inputs = model_inputs(data, PriorScales(1.5, 0.5, 0, 2.5), data.n_coefficients)
    assert not np.isnan(inputs.vector).any()
    assert network_model(inputs)["data"].get_value() == pytest.approx(inputs.vector)
    value, gradient = log_density(np.full(inputs.size + 2, 0.1), inputs.vector)
    assert np.isfinite([value, *gradient]).all()
    for k in range(data.n_coefficients):
        step = 1e-5 * np.eye(inputs.size + 2)[k]
        up, down = (log_density(0.1 + sign * step, inputs.vector)[0] for sign in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-3)


def test_cells() -> None:
    """One cell for all categories, in the order of the outcome; names that stand together share their patients."""
    cell = "pd:10 sd:3 pr:NA cr:1"
    counts = parse_categories(cell)
    assert counts == {"pd": 10, "sd": 3, "pr": None, "cr": 1}
    assert categories_cell(counts) == cell
    assert merged_categories(cell) == {"pd": 10, "sd + pr": 3, "cr": 1}
    assert merged_categories("a b:1 c:NA d:NA") == {"a b + c + d": 1}
    with pytest.raises(ValueError, match="allowed: categories with their patients"):
        parse_categories("pd")


def test_arms_without_the_lowest_cut_off_do_not_show_the_share_above_it() -> None:
    """The share of the patients above the lowest category, of all others together."""
    observed = COUNT_LIKELIHOODS["ordered_logit"].observed
    assert observed
    assert observed({"categories": "low:6 mid:NA high:3"}) is None
    assert observed({"categories": "low:6 mid:3 high:NA"}) == pytest.approx(1 / 3)


def test_methods_say_that_categories_are_counted_together() -> None:
    """Where any arm does."""
    facts = OutcomeFacts(
        measure="PD", likelihood="ordered_probit", ratio=False, better="higher", margin=0.2, prior="p", categories="abc"
    )
    assert methods_data._categories(facts) == "; ordered categories a, b, c"
    said = methods_data._categories(replace(facts, fewer_cutoffs=True))
    assert said == "; ordered categories a, b, c, those that an arm did not report apart counted together"


CONFIG: dict[str, Any] = {
    "question": "Which treatment of plaque psoriasis is most effective?",
    "seed": 1,
    "evidence": [{"file": "trials.csv", "outcome": "pasi", "repeated": "own_arms"}],
    "treatments": {"from_table": True, "reference": "Supportive care"},
    "outcomes": {
        "pasi": {
            "label": "PASI",
            "measure": "PD",
            "better": "higher",
            "margin": 0.2,
            "prior": "published",
            "categories": ["below_50", "pasi_50", "pasi_75", "pasi_90"],
        }
    },
    "models": {"fixed": {"heterogeneity": False}, "random": {"heterogeneity": True}},
    "headline": "random",
    "priors": {"published": {"effect": 100, "tau": {"uniform": 5}, "omega": 1, "baseline": 100}},
    "sampler": {
        "chains": 4,
        "draws": 1000,
        "tune": 600,
        "target_accept": 0.9,
        "retry": {"draws": 2000, "tune": 2000, "target_accept": 0.99},
    },
    "analyses": {"psoriasis": {"label": "All trials"}},
}
TRIALS = (ROOT / "tests/data/psoriasis/trials.csv").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project_of(text: str = TRIALS, **entry: Any) -> Project:
    """Read a project with one table."""
    Path("trials.csv").write_text(text, encoding="utf-8")
    table = {**CONFIG["evidence"][0], **entry}
    Path("config.yaml").write_text(yaml.safe_dump({**CONFIG, "evidence": [table]}, sort_keys=False), encoding="utf-8")
    return read_project(Path("config.yaml"))


def test_the_trials_of_psoriasis_are_read_as_they_are() -> None:
    """All 36 arms of 16 trials; a cell says what is counted together, and the audit which trials report less."""
    project = project_of()
    rows = select_evidence(project, "psoriasis", "pasi")
    assert (len(rows), all(row["used"] and row["informative"] for row in rows)) == (36, True)
    cells = {row["study"]: row["categories"] for row in rows if row["arm"] != "Supportive_care"}
    assert cells["Gordon 2003"] == "below_50:153 pasi_50:118 pasi_75:98 pasi_90:NA"
    assert cells["Altmeyer 1994"] == "below_50:37 pasi_50:NA pasi_75:12 pasi_90:NA"
    assert [row["categories"] for row in arm_data_rows(project)] == [row["categories"] for row in rows]
    findings = [row for row in audit_rows(project) if row["check"] == "cutoffs_missing"]
    assert (len(findings), {row["severity"] for row in findings}) == (12, {"info"})
    (gordon,) = (row for row in findings if row["study"] == "Gordon 2003")
    assert gordon["message"].startswith("the study counts patients as below_50, pasi_50, pasi_75 + pasi_90; ")
    assert methods_facts(project).outcomes["pasi"].fewer_cutoffs


def test_arms_of_a_study_that_report_other_cut_offs_are_a_warning() -> None:
    """They are read, since a study may say more of one arm."""
    found = audit_rows(project_of(TRIALS.replace("68,42,10", "68,52,NA")))
    (row,) = (row for row in found if row["check"] == "cutoffs_missing" and row["study"] == "Lebwohl 2003")
    assert row["severity"] == "warning"
    assert row["message"].startswith("the arms of the study count patients by different categories")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Elewski 2004,Supportive care,175,12,5,1",
            "Elewski 2004,Supportive care,NA,12,5,1",
            "trials.csv:2: below_50 = 'NA': a category that is not given is counted with the one before it, and "
            "below_50 is the first; allowed: a whole number, 0 or more",
        ),
        (
            "Gordon 2003,Efalizumab,153,118,98,NA",
            "Gordon 2003,Efalizumab,369,,NA,",
            "trials.csv:13: pasi_50 = '': no cut-off is given: all patients are counted in below_50; allowed: a number "
            "in one or more of pasi_50, pasi_75, pasi_90",
        ),
        ("153,118,98,NA", "153,118,98,-", "trials.csv:13: pasi_90 = '-': not a number; allowed: a number such as"),
        (
            "153,118,98,NA",
            "0,0,0,NA",
            "trials.csv:13: below_50 = '0': no patient in any category; allowed",
        ),
    ],
)
def test_mistakes_are_one_line(old: str, new: str, message: str) -> None:
    """File, line, column, value and what is allowed."""
    with pytest.raises(UserError) as error:
        project_of(TRIALS.replace(old, new))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_declared_word_and_an_empty_cell_mean_the_same() -> None:
    """As NA; a zero is a count."""
    expected = [row["categories"] for row in arm_data_rows(project_of())]
    for word, missing in (("", []), ("not reported", ["not reported"])):
        text = TRIALS.replace("NA", word)
        assert [row["categories"] for row in arm_data_rows(project_of(text, missing=missing))] == expected


def test_a_cut_off_that_no_study_reports() -> None:
    """An error of the outcome, in the configuration and in a data frame."""
    lines = [line for line in TRIALS.splitlines() if line.endswith((",NA", "pasi_90"))]
    said = (
        "no study reports the cut-off between pasi_75 and pasi_90; allowed: categories that one or more studies count"
    )
    with pytest.raises(UserError, match=rf"config.yaml:\d+: outcomes.pasi.categories.3 = 'pasi_90': {said}"):
        project_of("\n".join(lines) + "\n")
    frame = pd.DataFrame(
        {"study": ["x", "x"], "treatment": ["a", "b"], "low": [5, 3], "mid": [2, 6], "high": [None] * 2}
    )
    columns = {"study": "study", "treatment": "treatment", "reference": "a"}
    with pytest.raises(UserError, match="data frame: categories = 'high': no study reports the cut-off between mid"):
        sl.Network.from_arms(frame, **columns, categories=["low", "mid", "high"])


def test_a_data_frame_with_missing_values() -> None:
    """As a table; the rows are those of the evidence."""
    frame = pd.DataFrame(
        {
            "study": ["x", "x", "y", "y"],
            "treatment": ["a", "b", "a", "b"],
            "low": [9, 8, 7, 6],
            "mid": [None, None, 5, 6],
            "high": [3, 4, 1, 2],
        }
    )
    net = sl.Network.from_arms(
        frame, study="study", treatment="treatment", reference="a", categories=["low", "mid", "high"], measure="PD"
    )
    cells = [row["categories"] for row in net.evidence(COUNT_LIKELIHOODS["ordered_probit"])]
    assert cells == ["low:9 mid:NA high:3", "low:8 mid:NA high:4", "low:7 mid:5 high:1", "low:6 mid:6 high:2"]


UNREPORTED = ("", "3", "2 3", "1 3")


def fewer_cutoffs() -> Case:
    """Twelve small studies, of which every fourth reports every cut-off."""

    def layout(likelihood: str, rng: np.random.Generator) -> list[dict[str, str]]:
        rows = design_rows(["ab", "ac", "abc", "bc"] * 3, likelihood, rng, Sizes(n=(100, 300)))
        studies = list(dict.fromkeys(row["study"] for row in rows))
        return [row | {"unreported": UNREPORTED[studies.index(row["study"]) % 4]} for row in rows]

    return Case(Model(plain("abc")), PriorScales(1.0, 0.5, 0.0, 1.0, 0.5, 0.5), layout)


def test_simulated_arms_may_report_fewer_cut_offs() -> None:
    """The same patients, counted together as their rows say."""
    rng = np.random.default_rng
    rows = fewer_cutoffs().layout("ordered_logit", rng(1))
    truth = component_truth(EFFECTS, 0.2)
    fewer = redraw(rows, "ordered_logit", Model(plain("abc")), truth, rng(2))
    whole = [{**row, "unreported": ""} for row in rows]
    every = redraw(whole, "ordered_logit", Model(plain("abc")), truth, rng(2))
    again = [
        merged([row], *(f"c{k}" for k in one["unreported"].split()))[0] for row, one in zip(every, rows, strict=True)
    ]
    assert [row["categories"] for row in fewer] == [row["categories"] for row in again]
    assert sum("NA" in row["categories"] for row in fewer) > len(fewer) / 2


@pytest.mark.slow
def test_ranks_of_truths_are_uniform_with_fewer_cut_offs() -> None:
    """Simulation-based calibration by the sampler: effects, tau and the distances of cutpoints."""
    case = fewer_cutoffs()
    ranks = calibrate(case, "ordered_probit", Sampler.compile([(case, "ordered_probit")]), 40, SEED, "cutoffs")
    p_values = ranks.p_values()
    print(f"\n{min(p_values.values())}")
    assert min(p_values.values()) > 0.01 / len(p_values)
    assert ranks.divergences == 0


def published(model: str) -> dict[str, dict[str, float]]:
    """Read the published figures by parameter; effects against supportive care have the sign that they have here."""
    with (ROOT / "tests/data/psoriasis/published.csv").open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["model"] == model]
    found = {}
    for row in rows:
        name = row["parameter"]
        values = {key: float(row[key]) for key in ("mean", "sd", "q2_5", "median", "q97_5") if row[key]}
        if values["mean"] < 0:
            ends = -values["q97_5"], -values["q2_5"]
            values |= {"mean": -values["mean"], "median": -values["median"], "q2_5": ends[0], "q97_5": ends[1]}
        found[name.replace(" ", "_")] = values
    return found


def complaints(model: str) -> list[str]:
    """Effects and tau that are further from those of TSD2 than rounding and the sampling errors of both allow."""
    project_of()
    net = sl.Network.from_config("config.yaml", analysis="psoriasis", outcome="pasi")
    wide = sl.normal(100)
    priors = sl.Priors(effect=wide, baseline=wide, tau=sl.uniform(5))
    fit = sl.fit(net, sl.Model(likelihood="ordered", link="probit", heterogeneity=model == "random"), priors=priors)
    assert fit.converged
    effects = fit.relative_effects()
    rows = {row["treatment"]: row for _, row in effects[effects["comparator"] == "Supportive_care"].iterrows()}
    rows |= {row["parameter"]: row for _, row in fit.heterogeneity().iterrows()}
    names = {"mean": "mean", "sd": "sd", "median": "median", "q2_5": "lower", "q97_5": "upper"}
    spread = {"mean": 1.0, "median": 1.25, "sd": 0.8, "q2_5": 2.7, "q97_5": 2.7}
    found = []
    for parameter, figures in published(model).items():
        for key, value in figures.items() if parameter in rows else ():
            ours = float(rows[parameter][names[key]])
            if abs(ours - value) > 0.0051 + 3 * spread[key] * figures["sd"] / 700**0.5:
                found.append(f"{model} {parameter} {key}: {value} published, {ours:.3f} here")
    assert len(published(model).keys() & rows.keys()) == (8 if model == "random" else 7)
    return found


def test_fixed_effects_of_psoriasis_are_those_of_tsd2() -> None:
    """Seven treatments against supportive care, means, standard deviations, medians and limits."""
    assert complaints("fixed") == []


@pytest.mark.slow
def test_random_effects_of_psoriasis_are_those_of_tsd2() -> None:
    """Seven treatments against supportive care, and tau."""
    assert complaints("random") == []
