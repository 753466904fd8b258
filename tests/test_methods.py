"""The methods text: its numbers are those of the configuration and of the evidence, and nothing else stands in it."""

import contextlib
import csv
import re
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from secondline import likelihoods
from secondline.cell_values import METHODS
from secondline.evidence.selection import evidence_csv
from secondline.jobs.report_settings import report_settings
from secondline.project.config import Project
from secondline.project.outcomes import Baseline
from secondline.project.read import read_project
from secondline.project.study_names import study_names
from secondline.report.prose import methods as module
from secondline.report.prose.methods import Methods, methods_text
from secondline.report.prose.phrases import small
from secondline.report.prose.references import REFERENCES, number_citations
from secondline.report.settings import ReportSettings, SlopeFacts
from secondline.report.words import Names

from tests.conftest import ROOT
from tests.test_plots import SMOKING
from tests.test_report import method_facts, settings_of

VERSIONS = ["python 3.99.1 pymc 6.98 nutpie 0.97"]


def methods_of(project: Project, analysis: str) -> tuple[Methods, ReportSettings, dict[str, list[dict[str, str]]]]:
    """Write the methods of an analysis, with its settings and evidence."""
    settings = report_settings(project, analysis)
    evidence = {
        outcome: list(csv.DictReader(StringIO(evidence_csv(project, analysis, outcome))))
        for outcome in settings.outcomes
    }
    names = Names(settings.labels, analysis, model=settings.labels.headline)
    return methods_text(settings, evidence, {"direct": "compared"}, VERSIONS, names), settings, evidence


@pytest.fixture(scope="module")
def shipped(project: Project) -> tuple[Methods, ReportSettings, dict[str, list[dict[str, str]]]]:
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
    parts = [*Path(module.__file__).parent.glob("methods*.py"), Path(likelihoods.__file__)]
    source = "".join(part.read_text(encoding="utf-8") for part in parts)
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
        label = small(settings.labels.outcomes[outcome])
        (said,) = re.findall(rf"For {label}, ([^.]+)\.", paragraphs["Derivation of effects"])
        assert said.startswith(f"we used {len(rows)} contrasts: ")
        for method, n in Counter(row["method"] for row in rows).items():
            assert re.search(f"{n} (derived )?from {re.escape(in_plural(METHODS[method]))}", said)
        for adjustment, n in Counter(row["adjustment"] for row in rows).items():
            assert f"{n} {adjustment}" in said
        assumed = sum(row["assumed"] == "true" for row in rows)
        assert f"{assumed} with an assumed number of events" in said


def in_plural(words: str) -> str:
    """Return what an effect is derived from, of several effects."""
    return re.sub("(HR|p-value)", r"\1s", words)


def test_the_ladder_is_reported_in_its_order(project: Project, paragraphs: dict[str, str]) -> None:
    """Every rung, none forgotten when one is added."""
    ladder = report_settings(project, "primary").methods.ladder
    assert ", ".join(in_plural(METHODS[rung]) for rung in ladder) in paragraphs["Derivation of effects"]


def test_numbers_are_those_of_the_configuration(project: Project, paragraphs: dict[str, str]) -> None:
    """Sampler, priors, margins, thresholds, seed."""
    config = project.config
    sampler, retry = config.sampler, config.sampler.retry
    assert (
        f"{sampler.chains} chains of {sampler.draws} draws each after {sampler.tune} tuning" in paragraphs["Estimation"]
    )
    assert f"repeated with {retry.draws} draws after {retry.tune} tuning" in paragraphs["Estimation"]
    assert f"seed {config.seed}" in paragraphs["Estimation"]
    hr, odds = config.priors["log_hr"], config.priors["log_or"]
    said = f"N(0, {hr.effect:g}²) for component effects, {hr.tau.symbol} for τ and {hr.omega.symbol} for ω."
    assert said in paragraphs["Priors"]
    said = f"{odds.tau.symbol} for τ, {odds.omega.symbol} for ω, N(0, {odds.baseline:g}²) for study baselines"
    assert said in paragraphs["Priors"]
    for outcome in config.outcomes.values():
        assert small(outcome.label) in paragraphs["Outcomes"]
        assert f"beyond {outcome.margin:g} were considered clinically relevant" in paragraphs["Outcomes"]
    limits = project.characteristics.standardised_difference
    assert f"notable above {limits.notable:g} and as large above {limits.large:g}" in paragraphs["Patients"]
    for name in config.models:
        assert f"“{name}”, " in paragraphs["Statistical model"]
    for analysis in list(config.analyses.values())[1:]:
        assert f"“{analysis.label}”" in paragraphs["Sensitivity analyses"]
        for study, reason in analysis.exclude.items():
            assert f"excluding {study_names(project)[study]}: {reason}" in paragraphs["Sensitivity analyses"]
    assert "Python 3.99.1, PyMC 6.98 and nutpie 0.97" in paragraphs["Software"]


def test_exclusions_are_reported_with_their_reasons(project: Project) -> None:
    """The analysis that leaves a study out says so first."""
    with contextlib.chdir(ROOT):
        methods, settings, _ = methods_of(project, "four_cohorts")
    reason = settings.methods.analyses["four_cohorts"].exclude["nanchang_2023"]
    assert f"We excluded Nanchang 2023 ({reason})." in methods.paragraphs[0].text
    assert "included 4 studies" in methods.paragraphs[0].text


def test_another_network_has_its_own_methods() -> None:
    """Smoking: counts, classes, no settings, no derivation, no patients described; an example of another likelihood."""
    with contextlib.chdir(ROOT):
        methods, settings, _ = methods_of(read_project(Path("config/examples/smoking.yaml")), "smoking")
    text = {paragraph.heading: paragraph.text for paragraph in methods.paragraphs}
    assert not {"Derivation of effects", "Patients", "Absolute effects"} & set(text)
    everything = " ".join(text.values())
    for word in ("setting", "azard", "component", "criteria", "contrast", "sheet", "paper"):
        assert word not in everything, word
    assert "included 24 studies of undeclared design." in text["Studies and data"]
    assert "binomial likelihood with a logit link" in text["Statistical model"]
    assert "effects exchangeable within classes (Counselling) with standard deviation ω" in text["Statistical model"]
    assert "N(0, 100²) for treatment effects, HN(5) for τ, HN(1) for ω and N(0, 100²) for study" in text["Priors"]
    assert settings.labels.headline in text["Statistical model"]


def test_conversions_are_described_where_they_are_made() -> None:
    """Numbers needed to treat with their reference, for outcomes whose baseline gives them; what a baseline gives."""
    for converted, said in (((), False), (("result",), True)):
        settings = settings_of(SMOKING.labels, outcomes=["result"], absolute=["result"], converted=converted)
        settings = replace(settings, methods=method_facts(SMOKING.labels))
        methods = methods_text(settings, {"result": SMOKING.evidence()}, {}, VERSIONS, SMOKING.names)
        (text,) = [paragraph.text for paragraph in methods.paragraphs if paragraph.heading == "Absolute effects"]
        assert ("numbers needed to treat were computed" in text) == said
    counted, median = Baseline(regimen="a", events=2, n=9), Baseline(regimen="a", median=6, lower=4)
    assert counted.converts("OR") and not median.converts("HR")
    assert median.model_copy(update={"times": [12.0]}).converts("HR") and not counted.converts("MD")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heterogeneity": False}, "“pooled”, common effects. "),
        ({"settings": True}, "“pooled”, random effects with between-study standard deviation τ. "),
        ({"interactions": [["x", "y"], ["x", "z"]]}, "interactions of x with y and x with z. "),
        (
            {"exchangeable_interactions": ("x", 0.3)},
            "exchangeable interactions of x, whose effect varies between regimens around a common effect with standard "
            "deviation 0.3. ",
        ),
        ({"regimen_level": True}, "a separate effect for every regimen, without additivity of components. "),
        ({"class_contrast": True}, "the same mix of treatments in all mixed arms of a study, so that "),
        ({"slopes": (SlopeFacts(covariate="year"),)}, "slope for year common to all treatments except the reference. "),
    ],
)
def test_models_in_words(changes: dict[str, Any], words: str) -> None:
    """Every kind of effects; settings only where the network has them."""
    facts = method_facts(SMOKING.labels)
    facts = replace(facts, models={"pooled": replace(facts.models["pooled"], **changes)})
    settings = settings_of(SMOKING.labels, outcomes=["result"], methods=facts)
    methods = methods_text(settings, {"result": SMOKING.evidence()}, {}, VERSIONS, SMOKING.names)
    (text,) = [paragraph.text for paragraph in methods.paragraphs if paragraph.heading == "Statistical model"]
    assert words in text
    (priors,) = [paragraph.text for paragraph in methods.paragraphs if paragraph.heading == "Priors"]
    assert ("N(0, 7.5²) for meta-regression slopes" in priors) == bool(changes.get("slopes"))
    assert ("HN(0.6) for τ" in priors) == changes.get("heterogeneity", True)
    assert "ω" not in priors


def test_rechallenge_is_part_of_the_methods(project: Project) -> None:
    """A candidate that contains a drug that failed is named with the setting and the reason."""
    settings = project.treatments.settings
    chosen = settings["lenvatinib_failure"].model_copy(update={"rechallenge": {"lenvatinib_ici": "the ICI was new"}})
    treatments = project.treatments.model_copy(update={"settings": {**settings, "lenvatinib_failure": chosen}})
    with contextlib.chdir(ROOT):
        written, *_ = methods_of(project.model_copy(update={"treatments": treatments}), "primary")
    text = " ".join(paragraph.text for paragraph in written.paragraphs)
    said = "After lenvatinib, lenvatinib + ICI remained a candidate although it contains a drug that had failed"
    assert f"{said}: the ICI was new." in text
