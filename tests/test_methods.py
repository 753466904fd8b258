"""The methods text: its numbers are those of the configuration and of the evidence, and nothing else stands in it."""

import contextlib
import csv
import re
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from nma.config import Project, read_project
from nma.inference import diagnostics
from nma.plan import evidence_csv
from nma.report import methods as module
from nma.report.methods import Methods, methods_text
from nma.report.references import REFERENCES, number_citations
from nma.report.settings import report_settings
from nma.report.words import METHODS, Names

from tests.conftest import ROOT
from tests.test_plots import SMOKING
from tests.test_report import method_facts, settings_of

VERSIONS = ["python 3.99.1 pymc 6.98 nutpie 0.97"]


def methods_of(project: Project, analysis: str) -> tuple[Methods, dict[str, Any], dict[str, list[dict[str, str]]]]:
    """Write the methods of an analysis, with its settings and evidence."""
    settings = report_settings(project, analysis)
    evidence = {
        outcome: list(csv.DictReader(StringIO(evidence_csv(project, analysis, outcome))))
        for outcome in settings["outcomes"]
    }
    names = Names(settings["labels"], analysis, model=settings["labels"]["headline"])
    return methods_text(settings, evidence, {"direct": "compared"}, VERSIONS, names), settings, evidence


@pytest.fixture(scope="module")
def shipped(project: Project) -> tuple[Methods, dict[str, Any], dict[str, list[dict[str, str]]]]:
    """Write the methods of the first analysis as it is shipped."""
    with contextlib.chdir(ROOT):
        return methods_of(project, "primary")


@pytest.fixture(scope="module")
def paragraphs(shipped: Any) -> dict[str, str]:
    """Paragraphs by heading."""
    return {paragraph.heading: paragraph.text for paragraph in shipped[0].paragraphs}


def test_citations_are_numbered_in_order() -> None:
    """A second citation keeps the first one's number; several share a bracket."""
    texts, references = number_citations(["A [@tierney2007].", "B [@guyot2012; @tierney2007] and [@guyot2012]."])
    assert texts == ["A [1].", "B [1,2] and [2]."]
    assert references == [REFERENCES["tierney2007"], REFERENCES["guyot2012"]]


def test_every_reference_is_cited_and_every_citation_has_one() -> None:
    """Neither a dead entry nor a citation of nothing."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"@([a-z]+\d{4}[a-z]?)", source)) == set(REFERENCES)


def test_references_are_those_cited(shipped: Any) -> None:
    """Every number in brackets has its reference, and every reference is cited, in order."""
    text = " ".join(paragraph.text for paragraph in shipped[0].paragraphs)
    cited = [int(n) for group in re.findall(r"\[([\d,]+)\]", text) for n in group.split(",")]
    assert list(dict.fromkeys(cited))[:3] == [1, 2, 3]
    assert set(cited) == set(range(1, len(shipped[0].references) + 1))
    assert "@" not in text


def test_contrasts_are_counted_as_the_evidence_has_them(shipped: Any, paragraphs: dict[str, str]) -> None:
    """By method, by adjustment and by assumption."""
    _, settings, evidence = shipped
    for outcome in ("os", "pfs"):
        rows = [row for row in evidence[outcome] if row["used"] == "true"]
        label = settings["labels"]["outcomes"][outcome]
        (said,) = re.findall(rf"{label}: ([^.]+)\.", paragraphs["Derivation of effects"])
        assert said.startswith(f"{len(rows)} contrasts, ")
        for method, n in Counter(row["method"] for row in rows).items():
            assert f"{n} by {METHODS[method]}" in said
        for adjustment, n in Counter(row["adjustment"] for row in rows).items():
            assert f"{n} {adjustment}" in said
        assumed = sum(row["assumed"] == "true" for row in rows)
        assert f"{assumed} resting on an assumed number of events" in said


def test_the_ladder_is_told_in_its_order(project: Project, paragraphs: dict[str, str]) -> None:
    """Every rung, none forgotten when one is added."""
    ladder = report_settings(project, "primary")["methods"]["ladder"]
    assert ", ".join(METHODS[rung] for rung in ladder) in paragraphs["Derivation of effects"]


def test_numbers_are_those_of_the_configuration(project: Project, paragraphs: dict[str, str]) -> None:
    """Sampler, priors, margins, thresholds, seed."""
    config = project.config
    sampler, retry = config.sampler, config.sampler.retry
    assert f"{sampler.chains} chains of {sampler.draws} draws after {sampler.tune} to tune" in paragraphs["Estimation"]
    assert f"again with {retry.draws} draws after {retry.tune}" in paragraphs["Estimation"]
    assert f"seed {config.seed}" in paragraphs["Estimation"]
    hr, odds = config.priors["log_hr"], config.priors["log_or"]
    assert f"effects N(0, {hr.effect:g}²), τ HN({hr.tau:g}), ω HN({hr.omega:g})." in paragraphs["Priors"]
    assert f"τ HN({odds.tau:g}), ω HN({odds.omega:g}), study baselines N(0, {odds.baseline:g}²)" in paragraphs["Priors"]
    for outcome in config.outcomes.values():
        assert outcome.label in paragraphs["Outcomes"]
        assert f"relevant beyond {outcome.margin:g}" in paragraphs["Outcomes"]
    limits = project.characteristics.standardised_difference
    assert f"beyond {limits.notable:g} and {limits.large:g}" in paragraphs["Patients"]
    for name in config.models:
        assert f"“{name}”, " in paragraphs["Statistical model"]
    for analysis in list(config.analyses.values())[1:]:
        assert f"“{analysis.label}”" in paragraphs["Sensitivity analyses"]
        for study, reason in analysis.exclude.items():
            assert f"without {study}: {reason}" in paragraphs["Sensitivity analyses"]
    assert "python 3.99.1, pymc 6.98 and nutpie 0.97" in paragraphs["Software"]


def test_limits_of_convergence_are_those_of_the_fits() -> None:
    """The text names what the fits are held against."""
    for name in ("MAX_R_HAT", "MIN_ESS", "MAX_Z", "MAX_PARETO_K"):
        assert getattr(module, name) == getattr(diagnostics, name)


def test_exclusions_are_told_with_their_reasons(project: Project) -> None:
    """The analysis that leaves a study out says so first."""
    with contextlib.chdir(ROOT):
        methods, settings, _ = methods_of(project, "four_cohorts")
    reason = settings["methods"]["analyses"]["four_cohorts"]["exclude"]["nanchang_2023"]
    assert f"Excluded from it: nanchang_2023, because {reason}." in methods.paragraphs[0].text
    assert "used 4 studies" in methods.paragraphs[0].text


def test_another_network_has_its_own_methods() -> None:
    """Smoking: counts, classes, no settings, no derivation, no patients described; an example of another likelihood."""
    with contextlib.chdir(ROOT):
        methods, settings, _ = methods_of(read_project(Path("config/examples/smoking.yaml")), "smoking")
    text = {paragraph.heading: paragraph.text for paragraph in methods.paragraphs}
    assert not {"Derivation of effects", "Patients", "Absolute effects"} & set(text)
    everything = " ".join(text.values())
    for word in ("setting", "azard", "component", "criteria", "contrast", "sheet", "paper"):
        assert word not in everything, word
    assert "used 24 studies; its evidence came from 24 studies of undeclared design" in text["Studies and data"]
    assert "binomial likelihood with a logit link" in text["Statistical model"]
    assert "effects exchangeable within classes (Counselling) with standard deviation ω" in text["Statistical model"]
    assert "effects N(0, 100²), τ HN(5), ω HN(1), study baselines N(0, 100²)" in text["Priors"]
    assert settings["labels"]["headline"] in text["Statistical model"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heterogeneity": False}, "“pooled”, common effects. "),
        ({"settings": True}, "“pooled”, effects that vary between studies with standard deviation τ. "),
        ({"interactions": [["x", "y"], ["x", "z"]]}, "interactions of x with y and x with z. "),
        ({"covariate": {"name": "year", "centre": 0}}, "a slope on year, common to all treatments but the reference. "),
    ],
)
def test_models_in_words(changes: dict[str, Any], words: str) -> None:
    """Every kind of effects; settings only where the network has them."""
    facts = method_facts(SMOKING.labels)
    facts["models"]["pooled"] |= changes
    settings = settings_of(SMOKING.labels, outcomes=["result"], methods=facts)
    methods = methods_text(settings, {"result": SMOKING.evidence()}, {}, VERSIONS, SMOKING.names)
    (text,) = [paragraph.text for paragraph in methods.paragraphs if paragraph.heading == "Statistical model"]
    assert words in text
    (priors,) = [paragraph.text for paragraph in methods.paragraphs if paragraph.heading == "Priors"]
    assert ("slopes N(0, 7.5²)" in priors) == bool(changes.get("covariate"))
    assert ("τ HN(0.6)" in priors) == changes.get("heterogeneity", True)
    assert "ω" not in priors


def test_rechallenge_is_part_of_the_methods(project: Project) -> None:
    """A candidate that contains a drug that failed is named with the setting and the reason."""
    settings = project.treatments.settings
    chosen = settings["lenvatinib_failure"].model_copy(update={"rechallenge": {"lenvatinib_ici": "the ICI was new"}})
    treatments = project.treatments.model_copy(update={"settings": {**settings, "lenvatinib_failure": chosen}})
    with contextlib.chdir(ROOT):
        written, *_ = methods_of(project.model_copy(update={"treatments": treatments}), "primary")
    text = " ".join(paragraph.text for paragraph in written.paragraphs)
    said = "After lenvatinib, Lenvatinib + ICI contains a drug that failed and was a candidate all the same"
    assert f"{said}: the ICI was new." in text
