"""The panel of the page: labels and predictions of its engine, words, addresses, and the way into the pipeline."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.optimize import brentq
from scipy.special import ndtr
from secondline.doubt.page_models import page_models
from secondline.doubt.question import Question
from secondline.evidence.alternatives import alternatives_csv
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.task import FitTask
from secondline.inference.widening import PRIOR_DRIVEN, prior_covariances
from secondline.jobs.report_settings import report_settings
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import used_arms
from secondline.network.graph import label_contrasts
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.page.weigh import model_words, panel_words, slugs
from secondline.report.prose.first import CRITERIA, NO_CANDIDATES, NOBODY, SHAPES, first_sentences, lead_of
from secondline.report.settings import Labels, ModelFacts
from secondline.report.words import NOT_RANKED, Names, differences, number, probability, ratio
from secondline.tools import check

from tests.page_engine import needs_node, node, random_network
from tests.panel_network import ASKED, EVIDENCE, FIT, OTHER, SETTING

pytestmark = needs_node
SEEDS = range(300, 318)

_LABELLED = """
return asked.map(({data, model}) => {
  const analysis = analyse(data, {model}), {studies, posterior} = analysis;
  return data.settings.map(setting => {
    const {candidates, reference} = contestOf(data, model, studies, setting);
    const all = [...new Set([...candidates, reference])];
    return all.map(comparator => [comparator, evidenceOf(data, model, analysis, setting, all, comparator),
      predictiveOf(data, model, posterior, setting, all, comparator)]);
  });
});
"""
_ENGINE = {
    "engine/analysis.js": "analyse",
    "engine/network.js": "contestOf",
    "engine/evidence.js": "evidenceOf",
    "engine/predictive.js": "predictiveOf",
}


def expected_labels(seed: int, model: str) -> tuple[list[dict[tuple[str, str], Any]], list[dict[tuple[str, str], Any]]]:
    """Label every pair by setting as the tables do, and give its 95% predictive limits by the exact posterior."""
    rows, fit, _ = random_network(seed)
    one, arms, structure = FitTask.from_rows(rows, fit).fits[model], used_arms(rows), Structure.of(fit.treatments)
    posterior = exact.posterior(one.data, one.scales)
    covariances = prior_covariances(one.data, one.scales, posterior)
    assert covariances is not None
    effect_rows = one.data.predictor.effect_rows()
    places = ["overall", *structure.settings]
    labels: list[dict[tuple[str, str], Any]] = [{} for _ in places]
    limits: list[dict[tuple[str, str], Any]] = [{} for _ in places]
    for label in label_contrasts(arms, structure, fit.models[model].effects):
        s, t, c = (
            places.index(label["setting"]),
            *(structure.regimens.index(label[key]) for key in ("treatment", "comparator")),
        )
        row, pair = effect_rows[s, t] - effect_rows[s, c], (label["treatment"], label["comparator"])
        wide = row.any() and covariances.widening(row[None])[0][0] > PRIOR_DRIVEN
        driven = label["structure"] == "not_estimable" or wide
        labels[s][pair] = "prior_driven" if driven else label["structure"]
        spread = 0.0
        if s == 0 and len(effect_rows) > 1:
            departures = effect_rows[1] - effect_rows[0]
            spread = float(((departures[t] - departures[c]) ** 2).sum())
        limits[s][pair] = predictive_limits(posterior, row, spread)
    return labels, limits


def predictive_limits(posterior: exact.GridPosterior, row: np.ndarray, spread: float) -> list[float]:
    """Find the 2.5% and 97.5% points of the mixture over the grid of N(effect, sd^2 + tau^2 + spread omega^2)."""
    weights = posterior.component_weights().ravel()
    means = posterior.means[0, :, 0] @ row
    variances = ((posterior.roots @ row) ** 2).sum(axis=1)
    omega = np.tile(posterior.omega.points, len(posterior.tau.points))
    sds = np.sqrt(variances + posterior.tau_points**2 + spread * omega**2)
    return [
        float(brentq(lambda x, p=p: weights @ ndtr((x - means) / np.maximum(sds, 1e-12)) - p, -1e4, 1e4, xtol=1e-12))
        for p in (0.025, 0.975)
    ]


def test_labels_and_predictions_are_those_of_the_tables() -> None:
    """Random networks: every candidate against every other, in every setting and model."""
    networks = [(seed, *random_network(seed)) for seed in SEEDS]
    networks = [found for found in networks if len(found[2].treatments.regimens) < 12]
    asked, cases = [], []
    for seed, rows, fit, question in networks:
        data = page_models(rows, [], fit, question)
        asked += [{"data": data, "model": model} for model in fit.models]
        cases += [(seed, model, fit.models[model].prior.tau) for model in fit.models]
    seen = set()
    for (seed, model, tau), by_setting in zip(cases, node(_ENGINE, _LABELLED, asked), strict=True):
        labels, limits = expected_labels(seed, model)
        for here, expected, interval in zip(by_setting, labels, limits, strict=True):
            for comparator, found, predicted in here:
                assert found.pop(comparator) == "reference"
                for treatment, label in found.items():
                    where = f"network {seed}, {model}: {treatment} against {comparator}"
                    if (treatment, comparator) not in expected:
                        continue  # the reference of a network in which nobody received it
                    assert label == expected[treatment, comparator], where
                    seen.add(label)
                    if tau:
                        np.testing.assert_allclose(
                            predicted[treatment], interval[treatment, comparator], atol=1e-5, err_msg=where
                        )
                assert (predicted is None) == (not tau)
    assert seen >= {"direct", "indirect", "prior_driven", "mixed_setting"}


NUMBERS = "return asked.map(([x, d]) => [ratio(x), differences(d), probability(x / 1e5), number(x)]);"


def test_numbers_read_as_in_the_report() -> None:
    """Ratios, differences shown together, probabilities: the same strings as in Python, at many sizes."""
    rng = np.random.default_rng(5)
    sizes = np.exp(rng.uniform(np.log(1e-4), np.log(9e4), 400))
    several = rng.normal(0, np.exp(rng.uniform(-6, 5, (400, 1))), (400, 3))
    cases = [[float(x), list(map(float, d))] for x, d in zip(sizes, several, strict=True)]
    found = node({"panel/numbers.js": "ratio, differences, probability, number"}, NUMBERS, cases)
    for (x, several_), shown in zip(cases, found, strict=True):
        assert shown == [ratio(repr(x)), differences(map(repr, several_)), probability(repr(x / 1e5)), number(repr(x))]


def shipped(project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the words and the models of overall survival in the shipped analysis."""
    others = list(csv.DictReader(io.StringIO(alternatives_csv(project, "os"))))
    fit, asked = fit_settings(project, "primary", "os"), summary_settings(project, "os")
    data = page_models(evidence_rows(project, "primary", "os"), others, fit, asked)
    settings = report_settings(project, "primary")
    return panel_words(settings, ["os"], Names(settings.labels, "primary", model=settings.labels.headline)), data


EMPTY: dict[str, Any] = {"against": None, "out": [], "read": {}, "moved": {}, "added": [], "scales": {}}
OWN = {
    "name": "Müller & Co, 2027: part 2",
    "treatment": "lenvatinib_ici",
    "comparator": "lenvatinib",
    "setting": "sorafenib_failure",
    "estimate": 0.62,
    "lower": 0.4,
    "upper": 0.95,
}
STATES = [
    {"model": "pooled", **EMPTY},
    {"model": "setting", **EMPTY, "out": ["ditan_2022", "nanchang_2023"], "scales": {"omega": 2, "tau": 0.5}},
    {"model": "fixed", **EMPTY, "against": "regorafenib", "moved": {"nanchang_2022": -0.25}, "added": [OWN]},
    {
        "model": "pooled",
        **EMPTY,
        "read": {
            "nanchang_2022": "adjusted HR, ratios under the wrong arm's name as printed",
            "persano_secondary": "together",
        },
    },
]
PLACES = ["sorafenib_failure", "lenvatinib_failure"]
_ADDRESS = {"panel/address.js": "fragmentOf, stateOf, isState"}
_ROUND = """
const {words, data, states} = asked;
return states.map(state => {
  const fragment = fragmentOf(words, data, state);
  return [fragment, isState(fragment), stateOf(words, () => data, fragment)];
});
"""


def test_an_address_restores_its_state(project: Project) -> None:
    """Every part of a state; the declared analysis where the page begins has the anchor of its section."""
    words, data = shipped(project)
    states = [{"outcome": "os", "setting": place, **state} for state in STATES for place in PLACES]
    found = node(_ADDRESS, _ROUND, {"words": words, "data": data, "states": states})
    assert [state for *_, state in found] == states
    assert found[0][:2] == ["weigh", False]
    assert len({fragment for fragment, *_ in found}) == len(states)
    assert all(re.fullmatch(r"[\w?=&%+.*-]+", fragment) for fragment, *_ in found)


@pytest.mark.parametrize(
    "fragment",
    [
        "weigh?outcome=nothing&setting=overall&model=__proto__&out=nobody&read=ditan_2022~none&move=ditan_2022~x",
        "weigh?prior=tau~99&prior=slope~2&against=aspirin&own=a~b~c&own=~~~~~~&move=toString~1&out=persano_secondary",
        "studies",
        "",
    ],
)
def test_what_an_address_says_and_the_page_does_not_know_is_left_out(fragment: str, project: Project) -> None:
    """Of anything but a state, too: the declared analysis of the first outcome and setting."""
    words, data = shipped(project)
    body = "return stateOf(asked.words, () => asked.data, asked.fragment);"
    found = node(_ADDRESS, body, {"words": words, "data": data, "fragment": fragment})
    assert found == {"outcome": "os", "setting": "sorafenib_failure", "model": "pooled", **EMPTY}


def test_what_is_left_out_of_an_address_is_listed(project: Project) -> None:
    """Every part that names nothing, and what another part rules out; what is taken is not; studies by name or id."""
    words, data = shipped(project)
    good = [
        "outcome=os",
        "setting=lenvatinib_failure",
        "model=pooled",
        "out=liu-2022",
        "prior=tau~2.50",
        "move=chon-2024~0.10",
    ]
    bad = [
        "out=nobody",
        "out=persano-et-al",
        "move=nanchang_2022~0.1",
        "move=ditan_2022~",
        "prior=tau~99",
        "x=1",
        "own=a~b",
    ]
    asked = {"words": words, "data": data, "fragment": "weigh?" + "&".join([*good, *bad])}
    found = node({"panel/address.js": "heard"}, "return heard(asked.words, () => asked.data, asked.fragment);", asked)
    assert found["unread"] == bad
    state = found["state"]
    assert (state["out"], state["scales"], state["moved"]) == (["nanchang_2022"], {"tau": 2.5}, {"severance_2024": 0.1})


def test_studies_have_names_in_addresses(project: Project) -> None:
    """First author and year without accents; two that would be the same, or another's id, keep their ids."""
    names = {
        "a": "Müller 2022",
        "b": "Li 2022a",
        "c": "Li-2022a",
        "d": "é",
        "e": "~",
        "f": "Liu 2020",
        "liu-2020": "Liu 2021",
    }
    assert slugs(names) == {**{name: name for name in "bcdef"}, "a": "muller-2022", "liu-2020": "liu-2021"}
    words, data = shipped(project)
    state = {"outcome": "os", "setting": PLACES[0], "model": "pooled", **EMPTY, "out": ["nanchang_2022"]}
    ((fragment, *_),) = node(_ADDRESS, _ROUND, {"words": words, "data": data, "states": [state]})
    assert fragment == "weigh?outcome=os&setting=sorafenib_failure&out=liu-2022"


_PIPELINE = """
const {words, data, state} = asked, analysis = analyse(data, forEngine(words, data, state));
return {...pipelineOf(words, data, state), tables: data.settings.map(setting =>
  answer(data, forEngine(words, data, state), analysis, setting, null, {best: 64}).effects)};
"""
_PIPELINE_IMPORTS = {
    "engine/analysis.js": "analyse, answer",
    "panel/state.js": "forEngine",
    "panel/pipeline.js": "pipelineOf",
}


def in_pipeline(project: Project, state: dict[str, Any]) -> dict[str, Any]:
    """Take a state of the shipped analysis into the pipeline."""
    words, data = shipped(project)
    asked = {"words": words, "data": data, "state": {"outcome": "os", "setting": PLACES[0], **state}}
    return dict(node(_PIPELINE_IMPORTS, _PIPELINE, asked))


@pytest.mark.parametrize(
    "state",
    [
        {"model": "setting", **EMPTY, "out": ["nanchang_2023"], "scales": {"omega": 2, "tau": 0.5}},
        {"model": "pooled", **EMPTY, "read": {"persano_secondary": "together"}, "out": ["ditan_2025"]},
        {
            "model": "fixed",
            **EMPTY,
            "read": {
                "nanchang_2022": "adjusted HR, ratios under the wrong arm's name as printed",
                "ditan_2025": "medians with confidence intervals, regimens",
                "severance_2024": "log-rank p-value",
            },
            "scales": {"effect": 4},
        },
    ],
    ids=["out", "secondary", "readings"],
)
def test_a_state_goes_into_the_pipeline(
    state: dict[str, Any], project: Project, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration passes `secondline check`, and the exact engine finds the page's numbers from its evidence."""
    found = in_pipeline(project, state)
    assert found["cannot"] == []
    given, config = yaml.safe_load(found["block"]), yaml.safe_load(Path("config/config.yaml").read_text("utf-8"))
    config["analyses"] |= given["analyses"]
    config["priors"] |= given.get("priors", {})
    config["headline"] = given.get("headline", config["headline"])
    assert config["headline"] == state["model"]
    Path("config/mine.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["check", "--configfile", "config/mine.yaml"])
    check.main()
    mine = read_project(Path("config/mine.yaml"))
    rows = evidence_rows(mine, "my_analysis", "os")
    fit = FitTask.from_rows(rows, fit_settings(mine, "my_analysis", "os")).fits[state["model"]]
    posterior = exact.posterior(fit.data, fit.scales)
    contests = Question.of(fit, used_arms(rows), summary_settings(mine, "os")).contests
    for contest, effects in zip(contests, found["tables"], strict=True):
        table = [[effect[key] for effect in effects] for key in ("mean", "sd", "lower", "upper")]
        expected = posterior.mixture(contest.rows - contest.reference_row).summary()
        np.testing.assert_allclose(table, expected, rtol=0, atol=1e-5)


def test_an_address_moves_only_what_is_one_figure(project: Project) -> None:
    """A study of several contrasts has no square to drag, and one that is left out has none that counts."""
    words, data = shipped(project)
    several = "ditan_2025~medians with confidence intervals, regimens"
    moves = "&".join(f"move={name}~0.5" for name in ("ditan_2022", "ditan_2025", "nanchang_2022"))
    asked = {"words": words, "data": data, "fragment": f"weigh?outcome=os&read={several}&out=nanchang_2022&{moves}"}
    state = node(_ADDRESS, "return stateOf(asked.words, () => asked.data, asked.fragment);", asked)
    assert (state["moved"], state["out"]) == ({"ditan_2022": 0.5}, ["nanchang_2022"])
    assert list(state["read"]) == ["ditan_2025"]


def test_what_no_configuration_says_is_said(project: Project) -> None:
    """Own studies need a sheet, under a name that `secondline new-study` takes; moved figures stay in the page."""
    found = in_pipeline(project, STATES[2])
    moved, own = found["cannot"]
    assert moved.startswith("The figure of Liu 2022 was moved by hand")
    assert "`secondline new-study m_ller_co_2027_part_2`" in own
    assert yaml.safe_load(found["block"])["headline"] == "fixed"


_SAID = """
return asked.map(({data, words, state}) => {
  const solver = new Solver(words, () => data), view = solver.view(state, FINE), {candidates, decision, against} = view;
  const isPlaced = name => decision.placed.includes(candidates.indexOf(name));
  const both = candidates.flatMap(t => candidates.filter(c => c !== t).map(c => [t, c]));
  const pairs = both.map(([t, c]) =>
    [t, c, view.label(t, c), view.between(t, c), isPlaced(t) && isPlaced(c) ? view.pBetter(t, c) : 0.5]);
  const said = sentencesOf(words, view), lead = leadOf(words, view);
  return {lead, said, candidates, decision, pairs, against, first: firstOf(view).first};
});
"""
_SAID_IMPORTS = {
    "engine/analysis.js": "FINE",
    "panel/sentences.js": "leadOf, sentencesOf",
    "panel/solve.js": "Solver, firstOf",
}


def table_rows(found: dict[str, Any], place: str, better: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of ranking.csv and relative_effects.csv, as a view has them."""
    decision, names = found["decision"], found["candidates"]
    placed = [names[i] for i in decision["placed"]]
    firsts = {}
    if placed:
        sign = 1 if better == "higher" else -1
        values = {
            "sucra": decision["sucra"],
            "p_best": decision["pBest"],
            "mean": [sign * m for m in decision["means"]],
        }
        firsts = {criterion: placed[int(np.argmax(values[criterion]))] for criterion in CRITERIA}
    ranking = []
    for name in names:
        at = placed.index(name) if name in placed else None
        figures = {"candidate_sucra": "", "candidate_p_best": ""}
        if at is not None:
            figures = {"candidate_sucra": repr(decision["sucra"][at]), "candidate_p_best": repr(decision["pBest"][at])}
        named = bool(placed) and not decision["notNamed"] and name == found["first"]
        ranking.append(
            {
                "setting": place, "treatment": name, "candidate": "true", "converged": "true", **figures,
                "candidate_sucra_lower": "0", "candidate_sucra_upper": "0.5",
                "sucra": figures["candidate_sucra"] or "0",
                "named_first": "true" if named else "false", "not_named": decision["notNamed"],
                "candidate_first_by": " ".join(c for c, first in firsts.items() if first == name),
            }
        )  # fmt: skip
    relative = [
        {
            "setting": place, "treatment": t, "comparator": c, "evidence": label, "measure": "HR", "p_better": repr(p),
            **{f"estimate{end}": repr(float(np.exp(effect[key])))
               for end, key in (("", "median"), ("_lower", "lower"), ("_upper", "upper"))},
        }
        for t, c, label, effect, p in found["pairs"]
    ]  # fmt: skip
    return ranking, relative


def test_sentences_are_those_of_the_report() -> None:
    """Random networks: who is named first, or why nobody is, in the words of the report but for SUCRA's interval."""
    asked, kept = [], []
    for seed in SEEDS:
        rows, fit, question = random_network(seed)
        data = page_models(rows, [], fit, question)
        labels = {name: name.upper() for name in data["regimens"]}
        outcome = {"label": "O", "measure": "HR", "ratio": True, "lower": question.better == "lower"}
        words = {
            "headline": "pooled", "outcomes": {"os": outcome}, "regimens": labels, "criteria": CRITERIA,
            "nobody": NOBODY, "noCandidates": NO_CANDIDATES, "notRanked": NOT_RANKED, "shapes": SHAPES,
            "evidence": {"mixed_setting": "mixed-setting", "prior_driven": "prior-driven"},
        }  # fmt: skip
        for place in data["settings"]:
            state = {"outcome": "os", "setting": place, "model": "pooled", **EMPTY}
            asked.append({"data": data, "words": words, "state": state})
            kept.append((seed, place, question.better, labels, any(data["barred"].values())))
    named = set()
    for (seed, place, better, labels, barred), found in zip(kept, node(_SAID_IMPORTS, _SAID, asked), strict=True):
        names = Names(Labels(regimens=labels, measures={"os": "HR"}), "main", "os")
        ranking, relative = table_rows(found, place, better)
        if barred:
            extra = {**ranking[0], "setting": "elsewhere", "treatment": "nothing", "candidate": "false"}
            ranking.append(extra)
        design = "DESIGN"
        expected = first_sentences(ranking, relative, place, design, names)
        text = re.sub(r" \(95% equal-tailed credible interval [^)]*\)|, DESIGN", "", " ".join(expected))
        text = text.replace(" The evidence comes DESIGN.", "")
        own = " ".join(found["said"])
        usual = re.compile(
            rf" Against {labels[found['against']]}: HR [^;]*?(?:; this comparison is prior-driven)?\.(?= |$)"
        )
        if own != text:
            own = usual.sub("", own)
        assert own == text, f"network {seed}, {place}"
        assert found["lead"] == lead_of(ranking, place, names)
        named.add(found["decision"]["notNamed"])
    assert len(named) >= 4


_RELEVANT = """
const solver = new Solver(asked.words, () => asked.data);
return solver.view(asked.state, FINE).rows.map(({treatment, pRelevant}) => [treatment, pRelevant]);
"""


@pytest.mark.parametrize("lower", [False, True])
def test_the_probability_of_a_relevant_effect_is_that_of_the_exact_engine(lower: bool) -> None:
    """Of every candidate against the reference, beyond a ratio of 1.25 or 0.8: the mass of the mixture there."""
    data, sign = page_models(EVIDENCE, OTHER, FIT, ASKED), -1 if lower else 1
    outcome = {"ratio": True, "lower": lower, "margin": sign * np.log(1.25)}
    state = {"outcome": "pain", "setting": SETTING, "model": "pooled", **EMPTY}
    asked = {"data": data, "words": {"headline": "pooled", "outcomes": {"pain": outcome}}, "state": state}
    imports = {"engine/analysis.js": "FINE", "panel/solve.js": "Solver"}
    found = dict(node(imports, _RELEVANT, asked))
    fit = FitTask.from_rows(EVIDENCE, FIT).fits["pooled"]
    posterior = exact.posterior(fit.data, fit.scales)
    weights, rows = posterior.component_weights().ravel(), fit.data.predictor.effect_rows()[1]
    for name, row in zip(FIT.treatments.regimens, rows, strict=True):
        sds = np.maximum(np.sqrt(((posterior.roots @ row) ** 2).sum(axis=1)), 1e-12)
        beyond = weights @ ndtr((sign * (posterior.means[0, :, 0] @ row) - np.log(1.25)) / sds)
        assert found[name] == pytest.approx(beyond, abs=1e-5)
    assert 0.01 < found["alpha"] < 0.9999 or lower


def test_models_are_told_apart_in_words() -> None:
    """By what their effects vary between."""
    assert model_words(ModelFacts(heterogeneity=False)) == "one effect in all studies"
    both = ModelFacts(heterogeneity=True, settings=True)
    assert model_words(both) == "effects vary between studies and between settings"
