"""The configuration: references between its parts, derived properties, the shipped values."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from nma.config import Outcome, Project, read_project
from nma.errors import UserError
from pydantic import ValidationError

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
    priors = {name: (p.effect, p.tau, p.omega, p.baseline) for name, p in project.config.priors.items()}
    assert priors == {"log_hr": (1.5, 0.5, 0.25, 2.5), "log_or": (1.5, 1.0, 0.5, 2.5)}


def test_the_shipped_directions(project: Project) -> None:
    """Response and disease control are good, all else is bad; margins lie on that side."""
    outcomes = project.config.outcomes
    assert {name for name, o in outcomes.items() if o.better == "higher"} == {"orr", "dcr"}
    assert {name: o.margin for name, o in outcomes.items()} == {
        name: 1.25 if name in ("orr", "dcr") else 0.80 for name in outcomes
    }
    assert {name for name, o in outcomes.items() if not o.is_count} == {"os", "pfs"}


def test_the_shipped_treatments(project: Project) -> None:
    """Regimens are TKIs with or without an ICI; sorafenib alone has no component."""
    regimens = {name: set(regimen.components) for name, regimen in project.treatments.regimens.items()}
    assert regimens["sorafenib"] == set()
    for tki in ("lenvatinib", "regorafenib", "other_tki"):
        assert regimens[tki] == {tki}
        assert regimens[f"{tki}_ici"] == {tki, "ici"}
    assert regimens["sorafenib_ici"] == {"ici"}
    for name, setting in project.treatments.settings.items():
        failed = name.removesuffix("_failure")
        expected = {failed, f"{failed}_ici"} & set(regimens)
        assert set(setting.not_candidates) == expected


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


def test_categories_are_for_counts() -> None:
    """A hazard ratio is not made of response categories."""
    with pytest.raises(ValidationError, match="only a count outcome"):
        outcome(categories=["cr"])


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("config.yaml", "headline: pooled", "headline: best", "headline = 'best': unknown headline; allowed: fixed,"),
        ("config.yaml", "leave_one_out: primary", "leave_one_out: x", "unknown leave_one_out; allowed: primary,"),
        (
            "config.yaml",
            "margin: 0.80, prior: log_hr}\n  pfs",
            "margin: 0.80, prior: x}\n  pfs",
            "allowed: log_hr, log",
        ),
        (
            "config.yaml",
            "outcomes: [os, pfs]\n    select:\n      nan",
            "outcomes: [oss]\n    select:\n      nan",
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
            "[sorafenib, sorafenib_ici]",
            "[sorafenib, axitinib]",
            "not_candidates.1 = 'axitinib': unknown",
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


def test_a_missing_configuration(workdir: Path) -> None:
    """The file that is missing is named."""
    with pytest.raises(UserError, match=r"^config/other\.yaml: no such file$"):
        read_project(Path("config/other.yaml"))
