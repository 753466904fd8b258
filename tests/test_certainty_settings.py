"""The key `certainty` of the configuration: what it may say, and what judgements are made with."""

from math import log
from pathlib import Path
from typing import Any, get_args

import pytest
from secondline.certainty.rules import judge, versions_of
from secondline.certainty.settings import JUDGED, Said
from secondline.errors import UserError
from secondline.evidence.selection import reporting_sheets
from secondline.jobs.certainty_settings import certainty_settings, levels_of_studies
from secondline.project.certainty import Certainty, CertaintyVersions, Domain
from secondline.project.config import Project
from secondline.project.read import read_project

from tests.workflow.small import CONFIG, write_small

OVERRIDE = {
    "outcome": "os",
    "treatment": "b",
    "comparator": "a",
    "domain": "imprecision",
    "judgement": "some",
    "reason": "few events",
    "judge": "AB",
}
SAID = {"outcome": "os", "judgement": "some", "reason": "two trials unpublished", "judge": "CD"}


def resolved(folder: Path, **certainty: Any) -> Any:
    """Resolve the settings of the outcome os of the small project."""
    write_small(folder, certainty=certainty)
    return certainty_settings(read_project(folder / CONFIG), "os")


def test_the_configuration_knows_the_versions_that_have_rules() -> None:
    """And the domains."""
    for domain in ("imprecision", "heterogeneity", "incoherence", "start", "overall"):
        allowed = get_args(CertaintyVersions.model_fields[domain].annotation)
        assert list(allowed) == versions_of(domain)
    assert set(get_args(Certainty.model_fields["scheme"].annotation)) == set(versions_of("within_study_bias"))
    assert set(get_args(Domain)) == set(JUDGED)


def test_the_range_of_equivalence_is_symmetric_with_the_margin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the log scale of a ratio, unless the configuration gives a range."""
    monkeypatch.chdir(tmp_path)
    found = resolved(tmp_path)
    margin = read_project(tmp_path / CONFIG).config.outcomes["os"].margin
    assert found.equivalence == pytest.approx((log(margin), -log(margin)))
    given = resolved(tmp_path, equivalence={"os": [0.83, 1.2]})
    assert given.equivalence == pytest.approx((log(0.83), log(1.2)))


def test_without_the_key_nothing_is_judged_by_a_person(project: Project) -> None:
    """Rules are those of the software; the studies of the shipped network are cohorts, as their sheets say."""
    found = certainty_settings(project, "os")
    assert found.said == ()
    assert set(found.versions) == set(JUDGED)
    assert set(found.randomised) == {name for name in reporting_sheets(project, "os") if project.sheets[name].design}
    assert len(found.randomised) >= 5
    assert not any(found.randomised.values())
    assert found.risk_of_bias == found.indirectness == {}
    for domain, version in found.versions.items():
        assert version in versions_of(domain)


def test_tables_say_no_design_of_their_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration may."""
    monkeypatch.chdir(tmp_path)
    assert resolved(tmp_path).randomised == {}
    assert resolved(tmp_path, design="randomised_trial").randomised == {"s1": True, "s2": True, "s3": True}
    assert resolved(tmp_path, design="prospective_cohort").randomised == {"s1": False, "s2": False, "s3": False}


def test_judgements_of_persons_reach_their_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reporting bias and overrides alike."""
    monkeypatch.chdir(tmp_path)
    found = resolved(tmp_path, reporting_bias=[SAID], overrides=[OVERRIDE])
    assert found.said == (
        Said(domain="reporting_bias", judgement="some", reason="two trials unpublished", judge="CD"),
        Said(**{key: value for key, value in OVERRIDE.items() if key != "outcome"}),
    )
    assert judge("reporting_bias", "person", {"given": found.said[0].judgement}).judgement == "some"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"overrides": [{k: v for k, v in OVERRIDE.items() if k != "reason"}]}, "certainty.overrides.0.reason"),
        ({"overrides": [{k: v for k, v in OVERRIDE.items() if k != "judge"}]}, "certainty.overrides.0.judge"),
        ({"overrides": [{**OVERRIDE, "reason": ""}]}, "certainty.overrides.0.reason"),
        ({"overrides": [{**OVERRIDE, "treatment": "d"}]}, "unknown treatment; allowed: "),
        ({"overrides": [{**OVERRIDE, "setting": "third_line"}]}, "unknown setting; allowed: overall"),
        ({"overrides": [{**OVERRIDE, "outcome": "dor"}]}, "unknown outcome; allowed: "),
        ({"overrides": [{**OVERRIDE, "domain": "precision"}]}, "certainty.overrides.0.domain"),
        ({"overrides": [{**OVERRIDE, "judgement": "low"}]}, "allowed: none, some, major"),
        ({"overrides": [{**OVERRIDE, "domain": "overall"}]}, "allowed: high, moderate, low, very low"),
        ({"overrides": [{**OVERRIDE, "domain": "start"}]}, "allowed: high, low"),
        ({"overrides": [{**OVERRIDE, "comparator": "b"}]}, "another regimen than the treatment"),
        ({"overrides": [{k: v for k, v in OVERRIDE.items() if k != "comparator"}]}, "both, or neither for all"),
        ({"overrides": [OVERRIDE, {**OVERRIDE, "judgement": "none"}]}, "overrides.0 judges the same"),
        ({"reporting_bias": [{**SAID, "judgement": "low"}]}, "allowed: none, some, major"),
        ({"equivalence": {"os": [1.1, 1.2]}}, "the first above 0 and below 1, the second above it"),
        ({"equivalence": {"os": [-0.2, 1.2]}}, "the first above 0 and below 1, the second above it"),
        ({"equivalence": {"dor": [0.8, 1.2]}}, "unknown outcome"),
        ({"scheme": "median"}, "certainty.scheme"),
        ({"versions": {"imprecision": "web_page"}}, "certainty.versions.imprecision"),
        ({"design": "case_series"}, "certainty.design"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], says: str
) -> None:
    """With what is allowed."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        resolved(tmp_path, **given)
    assert len(caught.value.lines) == 1
    assert says in caught.value.lines[0]


def test_levels_are_those_of_the_outcome_and_of_studies_as_a_whole() -> None:
    """Not of other outcomes, of single domains, or of studies that nobody judged."""
    rows = [
        {"study": "s1", "outcome": "os", "domain": "overall", "level": 2},
        {"study": "s1", "outcome": "pfs", "domain": "overall", "level": 3},
        {"study": "s1", "outcome": "os", "domain": "confounding", "level": 3},
        {"study": "s2", "outcome": "os", "domain": "overall", "level": None},
        {"study": "s3", "outcome": "os", "domain": "overall"},
    ]
    assert levels_of_studies(rows, "os") == {"s1": 2}
