"""The configuration: references between its parts, derived properties, the shipped values."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from secondline.errors import UserError
from secondline.likelihoods import LIKELIHOODS, estimating
from secondline.measures import MEASURES
from secondline.project.config import Project
from secondline.project.config_parts import Model
from secondline.project.outcomes import Outcome
from secondline.project.read import read_project
from secondline.project.treatments import Treatments

from tests.conftest import CONFIG

Edit = Callable[[str, str, str], int]


def outcome(**changes: object) -> Outcome:
    """Return an outcome with some settings changed."""
    base = {"label": "OS", "measure": "HR", "better": "lower", "margin": 0.8, "prior": "log_hr"}
    return Outcome.model_validate({**base, **changes})


def test_the_shipped_models(project: Project) -> None:
    """`fixed`, `pooled` and `setting`; the pooled one leads."""
    models = {name: (model.heterogeneity, model.settings) for name, model in project.config.models.items()}
    assert models == {"fixed": (False, False), "pooled": (True, False), "setting": (True, True)}
    assert project.config.headline == "pooled"


def test_the_shipped_priors(project: Project) -> None:
    """The default priors of the statistical design."""
    priors = {name: (p.effect, p.tau.size, p.omega.size, p.baseline) for name, p in project.config.priors.items()}
    assert priors == {"log_hr": (1.5, 0.5, 0.25, 2.5), "log_or": (1.5, 1.0, 0.5, 2.5)}
    assert {(p.slope, p.cutpoint) for p in project.config.priors.values()} == {(None, 1.5)}


def test_the_shipped_directions(project: Project) -> None:
    """Response and disease control are good, all else is bad; margins lie on that side."""
    outcomes = project.config.outcomes
    assert {name for name, o in outcomes.items() if o.better == "higher"} == {"orr", "dcr", "response"}
    assert {name: o.margin for name, o in outcomes.items()} == {
        name: 1.25 if name in ("orr", "dcr", "response") else 0.80 for name in outcomes
    }
    assert [name for name, o in outcomes.items() if o.likelihood == "contrasts"] == ["os", "pfs"]
    assert [name for name, o in outcomes.items() if o.is_ordered] == ["response"]
    assert outcomes["response"].categories == ["pd", "sd", "pr", "cr"]
    assert all(o.is_count for name, o in outcomes.items() if name not in ("os", "pfs", "response"))


def test_the_shipped_treatments(project: Project) -> None:
    """Regimens are TKIs with or without an ICI; sorafenib alone has no component."""
    regimens = {name: set(regimen.components) for name, regimen in project.treatments.regimens.items()}
    assert regimens["sorafenib"] == set()
    for tki in ("lenvatinib", "regorafenib", "other_tki"):
        assert regimens[tki] == {tki}
        assert regimens[f"{tki}_ici"] == {tki, "ici"}
    assert regimens["sorafenib_ici"] == {"ici"}
    barred = {name: project.treatments.barred(name) for name in project.treatments.settings}
    assert barred == {
        "sorafenib_failure": ["sorafenib", "sorafenib_ici"],
        "lenvatinib_failure": ["lenvatinib", "lenvatinib_ici"],
        "atezolizumab_bevacizumab_failure": ["sorafenib_ici", "lenvatinib_ici", "regorafenib_ici", "other_tki_ici"],
    }


def test_drugs_that_failed_bar_the_regimens_that_contain_them() -> None:
    """The reference is a drug of its own name, one regimen names it, and a rechallenge needs its reason."""
    regimens = {
        "a": {"label": "A", "components": []},
        "b": {"label": "B", "components": ["b"]},
        "a_c": {"label": "A + C", "components": ["c"], "drugs": ["a"]},
        "b_c": {"label": "B + C", "components": ["b", "c"]},
    }
    settings = {
        "after_a": {"label": "After A", "failed": ["a"], "rechallenge": {"a_c": "stopped for toxicity"}},
        "after_c": {"label": "After C", "failed": ["c"]},
        "untreated": {"label": "Untreated"},
    }
    given = {"reference": "a", "components": {"b": "B", "c": "C"}, "regimens": regimens, "settings": settings}
    treatments = Treatments.model_validate(given)
    assert {name: treatments.barred(name) for name in settings} == {
        "after_a": ["a"],
        "after_c": ["a_c", "b_c"],
        "untreated": [],
    }
    plain = Treatments.model_validate({"reference": "a", "regimens": {"a": "A", "b": "B"}, "settings": {
        "one": {"label": "One", "failed": ["a"]}, "two": {"label": "Two", "failed": ["b"]}}})  # fmt: skip
    assert [plain.barred(name) for name in ("one", "two")] == [["a"], ["b"]]


def test_outcomes_of_an_analysis(project: Project) -> None:
    """All outcomes unless the analysis names some, always in the order of the configuration."""
    assert project.config.outcomes_of("primary") == list(project.config.outcomes)
    assert project.config.outcomes_of("regimen_level") == ["os", "pfs"]


@pytest.mark.parametrize("margin", [1.0, 1.2])
def test_margins_on_the_wrong_side(margin: float) -> None:
    """Where lower is better the margin lies below 1, where higher is better not below 1."""
    with pytest.raises(ValidationError, match="the margin lies below 1"):
        outcome(margin=margin)
    with pytest.raises(ValidationError, match="the margin lies above 1"):
        outcome(measure="OR", better="higher", margin=0.8)


@pytest.mark.parametrize(
    ("measure", "better", "good", "bad", "side"),
    [
        ("RR", "lower", 0.9, 1.0, "below 1"),
        ("RR", "higher", 1.1, 1.0, "above 1"),
        ("MD", "lower", -0.5, 0.0, "below 0"),
        ("SMD", "higher", 0.2, 0.0, "above 0"),
        ("SMD", "higher", 0.2, -0.2, "above 0"),
        ("MD", "lower", -0.5, 0.8, "below 0"),
    ],
)
def test_margins_of_ratios_and_differences(measure: str, better: str, good: float, bad: float, side: str) -> None:
    """A margin of no effect is none: 1 for ratios, 0 for differences."""
    found = outcome(measure=measure, better=better, margin=good)
    assert found.is_ratio == (measure == "RR")
    with pytest.raises(ValidationError, match=f"with better: {better} the margin lies {side}"):
        outcome(measure=measure, better=better, margin=bad)


@pytest.mark.parametrize("margin", [0.0, -0.5])
def test_ratios_are_positive(margin: float) -> None:
    """No margin of a ratio is 0 or less."""
    with pytest.raises(ValidationError, match="a ratio; allowed: a number above 0"):
        outcome(margin=margin)


def test_default_likelihoods() -> None:
    """The measure says which figures an outcome is modelled from, unless the outcome does."""
    defaults = {
        "HR": "contrasts",
        "OR": "binomial_logit",
        "RR": "normal_counts",
        "RD": "normal_counts",
        "ROM": "normal",
        "IRR": "poisson_log",
        "MD": "normal",
        "SMD": "normal",
    }
    for measure, likelihood in defaults.items():
        margin = 0.8 if MEASURES[measure].is_ratio else -0.2
        assert outcome(measure=measure, margin=margin).likelihood == likelihood
    assert outcome(measure="PD", margin=-0.2, categories=["a", "b", "c"]).likelihood == "ordered_probit"
    assert outcome(likelihood="binomial_cloglog").likelihood == "binomial_cloglog"


@pytest.mark.parametrize("measure", MEASURES)
def test_likelihoods_of_a_measure(measure: str) -> None:
    """Contrasts may be of any measure; arms only of the measure that their likelihood estimates."""
    margin = 0.8 if MEASURES[measure].is_ratio else -0.2
    allowed = estimating(measure, MEASURES[measure].usual)
    for likelihood, one in LIKELIHOODS.items():
        categories = ["a", "b", "c"] if one.is_ordered else []
        changes = {"measure": measure, "margin": margin, "likelihood": likelihood, "categories": categories}
        if likelihood in allowed:
            outcome(**changes)
        else:
            with pytest.raises(ValidationError, match=f"measure {measure} goes with {', '.join(allowed)}"):
                outcome(**changes)
    assert "contrasts" in allowed


ORDERED = {"measure": "OR", "likelihood": "ordered_logit"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": ["cr"]}, "only a count outcome or an ordered one"),
        ({"measure": "OR", "categories": ["cr", "death"]}, "allowed: cr, pr, sd, pd"),
        ({"measure": "OR", "categories": ["cr", "cr"]}, "a category occurs twice"),
        ({**ORDERED, "categories": ["bad", "good"]}, "three or more, in their order"),
        ({**ORDERED}, "three or more, in their order"),
        ({**ORDERED, "categories": ["bad", "effect", "good"]}, "this word is a column of evidence tables"),
    ],
)
def test_categories(changes: dict[str, object], message: str) -> None:
    """A hazard ratio has no categories, an odds ratio those of response, an ordered outcome three or more."""
    with pytest.raises(ValidationError, match=message):
        outcome(**changes)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("config.yaml", "headline: pooled", "headline: best", "headline = 'best': unknown headline; allowed: fixed,"),
        (
            "config.yaml",
            "atezolizumab + bevacizumab?\n",
            "atezolizumab + bevacizumab.\n",
            "bevacizumab.': allowed: one sentence that ends in ?",
        ),
        (
            "config.yaml",
            "question: Which",
            'question: "Which\\ntreatment?" # ',
            "question = 'Which\\ntreatment?': a control character, such as a tab or a new line; allowed: text in one",
        ),
        ("config.yaml", "title: Second", f"title: {'x' * 80} Second", "title = 'xxx"),
        ("config.yaml", "leave_one_out: primary", "leave_one_out: x", "unknown leave_one_out; allowed: primary,"),
        (
            "config.yaml",
            "leave_one_out: primary",
            "leave_one_out: ditan_2022_medians",
            "unknown leave_one_out; allowed: primary, four_cohorts, nanchang_2023_medians, regimen_level, extended",
        ),
        (
            "config.yaml",
            "nanchang_2023: {method: medians_ci}",
            "nanchang_2023: {reading: as_printed}",
            "select.nanchang_2023.reading = 'as_printed': no ratio of this sheet has label_inverted; allowed: as_read",
        ),
        (
            "config.yaml",
            "margin: 0.80, prior: log_hr}\n  pfs",
            "margin: 0.80, prior: x}\n  pfs",
            "allowed: log_hr, log",
        ),
        (
            "config.yaml",
            "from medians\n    outcomes: [os, pfs]",
            "from medians\n    outcomes: [oss]",
            "analyses.nanchang_2023_medians.outcomes.0 = 'oss': unknown outcome; allowed: os, pfs",
        ),
        ("config.yaml", "  four_cohorts:", "  summary:", "analyses.summary: this word is reserved"),
        (
            "config.yaml",
            "  setting: {heterogeneity",
            "  network: {heterogeneity",
            "models.network: this word is reserved",
        ),
        ("config.yaml", "  ae_any: {label", "  summary: {label", "outcomes.summary: this word is reserved"),
        ("config.yaml", "criteria: [mrecist, recist_1_1]", "criteria: [mrecist, who]", "criteria.1 = 'who'"),
        ("config.yaml", "\ninconsistency: primary", "\ninconsistency: x", "unknown inconsistency; allowed: primary,"),
        ("config.yaml", "  ae_any: {label", "  evidence: {label", "outcomes.evidence: this word is reserved"),
        (
            "config.yaml",
            "studies: config/studies\n",
            "",
            "evidence: give a folder of studies, tables of evidence, or both",
        ),
        ("config.yaml", "config/treatments.yaml", "[a, b]", "treatments = ['a', 'b']: allowed: the name of a file, or"),
        (
            "config.yaml",
            "settings: true}",
            "settings: true, classes: true}",
            "models.setting.classes = True: a model has settings or classes, not both",
        ),
        (
            "config.yaml",
            "  four_cohorts:",
            "  primary_without_ditan_2022:",
            "analyses.primary_without_ditan_2022: this is the name of primary without one of its studies",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, classes: true}",
            "models.pooled.classes = True: the treatments have no classes",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true, settings: true",
            "  setting: {heterogeneity: true, classes: {sd: own}",
            "models.setting.classes = 'sd: own': the treatments have no classes",
        ),
        (
            "config.yaml",
            "settings: true}",
            "settings: true, classes: {sd: own}}",
            "models.setting.classes = 'sd: own': a model has settings or classes, not both",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true, settings: true",
            "  setting: {heterogeneity: true, classes: {sd: each}",
            "models.setting.classes.sd = 'each': Input should be 'shared' or 'own'",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true, settings: true",
            "  setting: {heterogeneity: true, classes: {omega: own}",
            "models.setting.classes.omega = 'own': unknown key; allowed: sd",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true, settings: true",
            "  setting: {heterogeneity: true, classes: some",
            "models.setting.classes = 'some': Input should be a valid boolean",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, classes: {sd: own}}",
            "headline = 'pooled': the headline model has one omega, or none: thresholds, specifications",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {by: class}",
            "models.setting.heterogeneity.by = 'class': the treatments have no classes; allowed: comparison",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {by: comparison, inactive: [x]}",
            "models.setting.heterogeneity.inactive.0 = 'x': unknown regimen; allowed: sorafenib,",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {by: class, inactive: [sorafenib]}",
            "models.setting.heterogeneity.inactive = 'sorafenib': allowed: with by: comparison",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {by: size}",
            "models.setting.heterogeneity.by = 'size': Input should be 'class' or 'comparison'",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {inactive: [sorafenib]}",
            "models.setting.heterogeneity.by: Field required",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: {kind: class}",
            "models.setting.heterogeneity.kind = 'class': unknown key; allowed: by, inactive",
        ),
        (
            "config.yaml",
            "  setting: {heterogeneity: true",
            "  setting: {heterogeneity: some",
            "models.setting.heterogeneity = 'some': Input should be a valid boolean",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true",
            "pooled: {heterogeneity: {by: comparison}",
            "headline = 'pooled': the headline model has one tau, or none",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, interactions: [[ici, sorafenib]]}",
            "models.pooled.interactions.0.1 = 'sorafenib': unknown component; allowed: lenvatinib, regorafenib,",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, interactions: [[lenvatinib, regorafenib]]}",
            "interactions.0 = ['lenvatinib', 'regorafenib']: no regimen holds both components",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, interactions: [[ici, lenvatinib], [lenvatinib, ici]]}",
            "interactions.1 = ['lenvatinib', 'ici']: allowed: two different components, once a pair",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, exchangeable_interactions: {component: sorafenib, sd: 0.3}}",
            "models.pooled.exchangeable_interactions.component = 'sorafenib': unknown component; allowed: lenvatinib,",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, exchangeable_interactions: {component: ici, sd: 0}}",
            "models.pooled.exchangeable_interactions.sd = 0: Input should be greater than or equal to 0.000001",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, interactions: [[lenvatinib, ici]], "
            "exchangeable_interactions: {component: ici, sd: 0.3}}",
            "interactions.0 = ['lenvatinib', 'ici']: interactions of ici are exchangeable already",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, regimen_level: true, interactions: [[lenvatinib, ici]]}",
            "models.pooled.regimen_level = True: effects of regimens have no components; allowed: without interactions",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, mixed_arms: mean}",
            "models.pooled.mixed_arms = 'mean': Input should be 'patient_weights' or 'class_contrast'",
        ),
        (
            "config.yaml",
            "pooled: {heterogeneity: true, settings: false}",
            "pooled: {heterogeneity: true, covariate: {name: events}}",
            "covariate.name = 'events': this word is a column of evidence tables",
        ),
        (
            "config.yaml",
            "better: lower, margin: 0.80, prior: log_hr}\n  pfs",
            "better: lower, margin: 0.80, prior: log_hr, baseline: {regimen: tki, mean: 0, sd: 1}}\n  pfs",
            "outcomes.os.baseline.regimen = 'tki': unknown regimen; allowed: sorafenib,",
        ),
        (
            "config.yaml",
            "baselines:\n  os:\n    sorafenib_failure:",
            "baselines:\n  os:\n    sorafenib:",
            "baselines.os.sorafenib: unknown setting; allowed: sorafenib_failure,",
        ),
        (
            "config.yaml",
            "baselines:\n  os:",
            "baselines:\n  overall_survival:",
            "baselines.overall_survival = 'overall_survival': unknown outcome; allowed: os,",
        ),
        (
            "config.yaml",
            "{regimen: regorafenib, events: 3, n: 30,",
            "{regimen: regorafenib, median: 3, lower: 2,",
            "baselines.orr.sorafenib_failure.median = 3.0: goes with measure HR",
        ),
        (
            "config.yaml",
            "{regimen: regorafenib, events: 3, n: 30,",
            "{regimen: regorafenib, events: 30, n: 30,",
            "baselines.orr.sorafenib_failure.events = 30: allowed: fewer than n, 30",
        ),
        ("config.yaml", "pairs: [[pfs, ae_grade3]", "pairs: [[pfs, ae]", "pairs.0.1 = 'ae': unknown outcome"),
        (
            "config.yaml",
            "pairs: [[pfs, ae_grade3]",
            "pairs: [[os, pfs]",
            "pairs.2 = ['os', 'pfs']: allowed: two different outcomes, once a pair",
        ),
        (
            "treatments.yaml",
            "components: [other_tki]}",
            "components: []}",
            "regimens.other_tki.components: only the reference has no components",
        ),
        ("config.yaml", "seed: 20261121", "seed: 5000000000", "seed = 5000000000"),
        ("config.yaml", "chains: 4", "chains: 1", "sampler.chains = 1"),
        ("config.yaml", "tau: 0.5", "tau: 0", "priors.log_hr.tau = 0"),
        (
            "config.yaml",
            "studies: config/studies",
            "studies: config/papers",
            "studies = 'config/papers': no such folder",
        ),
        ("config.yaml", "config/treatments.yaml", "config/t.yaml", "treatments = 'config/t.yaml': no such file"),
        ("treatments.yaml", "reference: sorafenib", "reference: placebo", "reference = 'placebo': unknown regimen"),
        (
            "treatments.yaml",
            "components: [other_tki]}",
            "components: [other]}",
            "unknown component; allowed: lenvatinib,",
        ),
        ("treatments.yaml", "reference: sorafenib", "reference: lenvatinib", "the reference has no components"),
        (
            "treatments.yaml",
            "  lenvatinib_failure:",
            "  overall:",
            "settings.overall = 'overall': this word is reserved",
        ),
        (
            "treatments.yaml",
            "failed: [sorafenib]",
            "failed: [axitinib]",
            "failed.0 = 'axitinib': no regimen contains this drug; allowed: sorafenib, lenvatinib,",
        ),
        (
            "treatments.yaml",
            "failed: [sorafenib]",
            "not_candidates: [sorafenib, sorafenib_ici]",
            "this key is no longer read; name the drugs that failed, as failed: [sorafenib]",
        ),
        (
            "treatments.yaml",
            "failed: [lenvatinib]",
            "failed: [lenvatinib]\n    rechallenge: {sorafenib: tolerated}",
            "it contains no drug that failed here and is a candidate anyway; leave it out",
        ),
        (
            "studies/ditan_2022.yaml",
            "setting: sorafenib_failure",
            "setting: failure",
            "unknown setting; allowed: sorafenib_f",
        ),
        (
            "studies/nanchang_2023.yaml",
            "{outcome: os,  fraction",
            "{outcome: orr,  fraction",
            "unknown outcome; allowed: os, pfs",
        ),
        (
            "studies/ditan_2022.yaml",
            "{outcome: discontinuation, arm: tki,",
            "{outcome: dcr, arm: tki,",
            "unknown outcome; allowed: ae_any, ae_grade3, discontinuation",
        ),
        (
            "studies/ditan_2022.yaml",
            "  - {outcome: orr, treatment",
            "  - {outcome: rr, treatment",
            "comparisons.0.outcome = 'rr': unknown outcome; allowed: orr, dcr, ae_any",
        ),
    ],
)
def test_references(edit: Edit, file: str, old: str, new: str, message: str) -> None:
    """A word that refers to nothing is reported with the words that would do."""
    edit(file, old, new)
    with pytest.raises(UserError) as error:
        read_project(CONFIG)
    assert re.match(rf"config/{re.escape(file)}:\d+: |config/config.yaml:\d+: ", str(error.value))
    assert message in str(error.value)


INLINE = """
treatments:
  reference: 1
  regimens:
    1: Placebo
    A-2: Drug A
    b: {label: Drug B}
  classes:
    drugs: {label: Drugs, components: [A-2, b]}
"""


def test_inline_plain_treatments(edit: Edit) -> None:
    """Treatments may stand in the configuration; without components every one but the reference is its own."""
    edit("config.yaml", "treatments: config/treatments.yaml\n", INLINE)
    edit("config.yaml", "studies: config/studies\n", "evidence: [{file: config/trials.csv, outcome: ae_any}]\n")
    edit("config.yaml", "leave_one_out: primary", "leave_one_out: null")
    text = Path("config/config.yaml").read_text(encoding="utf-8")
    doubts, after = text.index("# Choices of the primary analysis"), text.index("# Check this analysis")
    text = text[:doubts] + text[after:]
    start, end = text.index("  four_cohorts:"), text.index("# Refit")
    # Without settings there are no baselines of settings.
    baselines, criteria = text.index("baselines:\n"), text.index("# Response criteria")
    text = text[:baselines] + text[criteria:start] + text[end:]
    Path("config/config.yaml").write_text(text, encoding="utf-8")
    Path("config/trials.csv").write_text("study,treatment,events,n\nx,1,1,10\nx,A-2,2,10\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"models\.setting\.settings = True: the treatments have no settings"):
        read_project(CONFIG)
    edit("config.yaml", "setting: {heterogeneity: true, settings: true}", "setting: {heterogeneity: false}")
    project = read_project(CONFIG)
    assert project.treatments.components == {"A-2": "Drug A", "b": "Drug B"}
    assert {name: regimen.components for name, regimen in project.treatments.regimens.items()} == {
        "1": [],
        "A-2": ["A-2"],
        "b": ["b"],
    }
    assert project.treatments.regimens["1"].label == "Placebo"
    assert project.treatments.class_of == {"A-2": "drugs", "b": "drugs"}
    assert project.treatments.settings == {}
    assert project.studies == ["x"]


@pytest.mark.parametrize(
    ("old", "new", "offset", "message"),
    [
        ("reference: 1", "reference: 2", 2, "treatments.reference = '2': unknown regimen; allowed: 1, A-2, b"),
        (
            "A-2: Drug A",
            "A 2: Drug A",
            5,
            "treatments.regimens.A 2.[key] = 'A 2': allowed: a word of letters",
        ),
        ("[A-2, b]", "[A-2, c]", 8, "treatments.classes.drugs.components.1 = 'c': unknown component; allowed: A-2, b"),
        ("[A-2, b]", "[A-2]", 8, "treatments.classes.drugs.components: List should have at least 2 items"),
        (
            "{label: Drug B}",
            "{label: Drug B, components: [b]}",
            6,
            "treatments.regimens.b.components = ['b']: the treatments list no components",
        ),
        (
            "components: [A-2, b]}",
            "components: [A-2, b]}\n    twice: {label: Twice, components: [b, A-2]}",
            9,
            "treatments.classes.twice.components.0 = 'b': this component is already in class drugs already",
        ),
    ],
)
def test_mistakes_in_inline_treatments(edit: Edit, old: str, new: str, offset: int, message: str) -> None:
    """The line is that of the configuration, the key the whole path."""
    line = edit("config.yaml", "treatments: config/treatments.yaml\n", INLINE.replace(old, new))
    with pytest.raises(UserError) as error:
        read_project(CONFIG)
    assert str(error.value).startswith(f"config/config.yaml:{line + offset}: {message}")


def test_regimens_by_label_alone() -> None:
    """In a component network a label is not enough."""
    data = {"reference": "a", "components": {"b": "B"}, "regimens": {"a": {"label": "A", "components": []}, "b": "B"}}
    with pytest.raises(ValidationError, match=r"regimens\.b\.components\n  Field required"):
        Treatments.model_validate(data)


def test_models_are_plain_by_default() -> None:
    """Whatever a model does not name it does not have."""
    model = Model(heterogeneity=True)
    assert (model.settings, model.classes, model.interactions, model.covariate) == (False, False, [], None)


def test_where_shared_tables_go(project: Project, workdir: Path) -> None:
    """Into the results folder unless another is named; the examples name one each."""
    assert project.config.shared_results == "results"
    for name in ("smoking", "parkinsons", "diabetes"):
        example = read_project(Path(f"config/examples/{name}.yaml")).config
        assert (example.results, example.shared_results) == ("results", f"results/{name}")
        assert list(example.analyses) == [name]


def test_a_missing_configuration(workdir: Path) -> None:
    """The file that is missing is named."""
    with pytest.raises(UserError, match=r"^config/other\.yaml: no such file$"):
        read_project(Path("config/other.yaml"))
