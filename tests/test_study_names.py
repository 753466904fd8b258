"""What readers call a study: first author and year, whatever a sheet gives, and never one name for two studies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.jobs.report_settings import analysis_labels, figure_labels, outcome_labels
from secondline.project.config import Config
from secondline.project.read import read_project
from secondline.project.sheets import StudySheet
from secondline.project.study_names import name_of_sheet, study_names
from secondline.project.treatments import Treatments
from secondline.report.settings import Labels
from secondline.report.words import Names

from tests.conftest import ROOT, sheet, synthetic

PAPER = {"title": "T", "journal": "J", "year": 2022}
NAMED = Labels(
    studies={"nanchang_2022": "Liu 2022", "nanchang_2023": "Nanchang 2023", "alpha": "Smith 2020"},
    analyses={"primary": "All studies"},
)
NAMES = Names(NAMED, "primary")


def by(authors: str | None, study: str = "alpha", **more: Any) -> StudySheet:
    """Return a sheet of a paper of 2022."""
    return sheet(study, bibliography={**PAPER, "authors": authors}, **more)


def quoted(cited_as: str) -> StudySheet:
    """Return a sheet of a study that another paper quotes."""
    record = {"quoted_by": "alpha", "cited_as": cited_as, "place": "Discussion", "unknown": "its dates"}
    nothing = dict.fromkeys(("bibliography", "design", "site", "enrolment"))
    return sheet("beta", secondary_report=record, **nothing)


@pytest.fixture(scope="module")
def shipped() -> tuple[Config, Treatments]:
    """Read the shipped configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        project = read_project(Path("config/config.yaml"))
    return project.config, project.treatments


@pytest.mark.parametrize(
    ("authors", "name"),
    [
        ("Liu K, Wu J, Xu Y", "Liu 2022"),
        ("van der Berg JP, Smith A", "van der Berg 2022"),
        ("O'Brien K.L., Smith A", "O'Brien 2022"),
        ("Dupont J-P; Smith A", "Dupont 2022"),
        ("Müller Ö", "Müller 2022"),
        ("Li A B, Smith A", "Li 2022"),
        ("Smith J et al.", "Smith 2022"),
        ("RESORCE Investigators", "RESORCE Investigators 2022"),
        ("Wang", "Wang 2022"),
        ("A", "A 2022"),
    ],
)
def test_a_study_has_the_surname_of_its_first_author(authors: str, name: str) -> None:
    """Initials are left out however they are written; a group stands in the place of an author."""
    assert name_of_sheet(by(authors)) == name


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("Second Affiliated Hospital, Nanchang, China", "Nanchang 2022"),
        ("Beijing Ditan Hospital, Capital Medical University, Beijing, China", "Beijing 2022"),
        ("Bern", "Bern 2022"),
        ("Severance Hospital and CHA Bundang Medical Center, South Korea", ""),
    ],
)
def test_without_authors_a_study_has_its_place(site: str, name: str) -> None:
    """The town stands before the country; a long list of hospitals is no name, and the id remains."""
    assert name_of_sheet(by(None, site=site)) == name


@pytest.mark.parametrize(
    ("cited_as", "name"), [("Persano et al. [18]", "Persano et al."), ("Yoo 2023 [13,14]", "Yoo 2023"), ("y" * 31, "")]
)
def test_a_study_that_is_quoted_has_the_name_of_its_citation(cited_as: str, name: str) -> None:
    """Without the number of a list of references that the reader does not have."""
    assert name_of_sheet(quoted(cited_as)) == name


def test_studies_of_the_same_name_are_told_apart(shipped: tuple[Config, Treatments]) -> None:
    """By letters in the order of the sheets, of which none becomes the name of a third study."""
    sheets = [by("Liu K", "one"), by("Liu X", "two"), by("Wu J", "three"), by("Liu M", "four")]
    assert study_names(synthetic(*shipped, *sheets)) == {
        "one": "Liu 2022a", "two": "Liu 2022b", "three": "Wu 2022", "four": "Liu 2022c"
    }  # fmt: skip
    taken = [*sheets[:2], sheet("five", bibliography=None, secondary_report=quoted("Liu 2022a").secondary_report,
                                design=None, site=None, enrolment=None)]  # fmt: skip
    assert study_names(synthetic(*shipped, *taken)) == {"one": "Liu 2022b", "two": "Liu 2022c", "five": "Liu 2022a"}


def test_a_study_that_says_nothing_of_itself_keeps_its_id(shipped: tuple[Config, Treatments]) -> None:
    """A reader sees what the sheet is called."""
    named = study_names(synthetic(*shipped, by(None, "one", site="x" * 40), by("Liu K", "two")))
    assert named == {"one": "one", "two": "Liu 2022"}


def test_more_studies_than_letters(shipped: tuple[Config, Treatments]) -> None:
    """After z come aa and ab."""
    named = study_names(synthetic(*shipped, *(by("Liu K", f"s{k}") for k in range(28))))
    assert [named[f"s{k}"] for k in (0, 25, 26, 27)] == ["Liu 2022a", "Liu 2022z", "Liu 2022aa", "Liu 2022ab"]


@given(st.lists(st.sampled_from(["Liu K", "Liu X", "Wu J", None]), min_size=1, max_size=12))
def test_no_two_studies_have_one_name(shipped: tuple[Config, Treatments], authors: list[str | None]) -> None:
    """Whoever wrote them."""
    sheets = [by(who, f"s{k}", site="Bern") for k, who in enumerate(authors)]
    named = study_names(synthetic(*shipped, *sheets))
    assert len(set(named.values())) == len(authors)
    assert list(named) == [each.study for each in sheets]


def test_studies_of_tables_keep_the_name_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables cite their studies; a sheet never takes the name of one of them."""
    monkeypatch.chdir(ROOT)
    project = read_project(Path("config/examples/parkinsons.yaml"))
    assert study_names(project) == {}
    assert Names(Labels(), "main").study("Lieberman 1998") == "Lieberman 1998"
    paper = {"bibliography": {**PAPER, "authors": "Lieberman A", "year": 1998}}
    mixed = project.model_copy(update={"sheets": {"alpha": sheet(**paper)}})
    assert study_names(mixed) == {"alpha": "Lieberman 1998a"}


def test_the_shipped_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five papers, one without authors, and two reports known from another paper."""
    monkeypatch.chdir(ROOT)
    assert study_names(read_project(Path("config/config.yaml"))) == {
        "ditan_2022": "Li 2022",
        "ditan_2025": "Yin 2025",
        "nanchang_2022": "Liu 2022",
        "nanchang_2023": "Nanchang 2023",
        "persano_secondary": "Persano et al.",
        "severance_2024": "Chon 2024",
        "yoo_secondary": "Yoo et al.",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at the site of nanchang_2022; see r", "at the site of Liu 2022; see r"),
        ("nanchang_2022, nanchang_2023.", "Liu 2022, Nanchang 2023."),
        ("“nanchang_2022”: the analysis", "“Liu 2022”: the analysis"),
        ("see nanchang_2022_medians", "see nanchang_2022_medians"),
        ("config/studies/nanchang_2022.yaml:33 (Table 2)", "config/studies/nanchang_2022.yaml:33 (Table 2)"),
        (
            "set select: {nanchang_2022: {method: medians_events}}",
            "set select: {nanchang_2022: {method: medians_events}}",
        ),
        ("alpha blockers", "alpha blockers"),
    ],
)
def test_texts_have_names_in_place_of_ids(text: str, said: str) -> None:
    """Where an id is a word of its own; not in a path or a key, nor an id that could be any word."""
    assert NAMES.said(text) == said


@pytest.mark.parametrize(
    ("level", "label", "shown"),
    [
        ("nanchang_2022", "nanchang 2022", "Liu 2022"),
        ("without_alpha", "without alpha", "without Smith 2020"),
        ("nanchang_2022", "the first paper", "the first paper"),
        ("medians_ci", "medians ci", "medians ci"),
        ("declared", "", "declared"),
    ],
)
def test_levels_named_after_studies(level: str, label: str, shown: str) -> None:
    """A label that the configuration gives remains."""
    assert NAMES.level({"level": level, "label": label}) == shown


def test_an_analysis_without_a_study_is_named_after_both() -> None:
    """Its label, and who is left out."""
    assert NAMES.label_of_analysis("primary_without_nanchang_2022") == "All studies, leaving out Liu 2022"
    assert NAMES.label_of_analysis("primary") == "All studies"
    assert NAMES.label_of_analysis("another") == "another"


def test_a_cell_of_studies_is_a_list() -> None:
    """Ids stand side by side in a cell."""
    assert NAMES.studies("nanchang_2022 nanchang_2023") == "Liu 2022 and Nanchang 2023"


def test_figures_of_an_outcome_have_the_names_of_its_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Persano reports overall survival alone: what draws progression-free survival does not depend on it."""
    monkeypatch.chdir(ROOT)
    project = read_project(Path("config/config.yaml"))
    os, pfs = (outcome_labels(project, outcome) for outcome in ("os", "pfs"))
    assert dict(os.studies) == study_names(project)
    assert os.studies.keys() - pfs.studies.keys() == {"persano_secondary"}
    assert os.analyses == pfs.analyses == figure_labels(project).analyses


def test_figures_over_all_outcomes_have_the_names_of_studies_that_baselines_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None where no source has an id; a study whose id one has is named in the caption of the figure."""
    from secondline.report.figures.absolute import draw_absolute
    from secondline.report.figures.files import caption

    from tests.test_plots import TWO

    monkeypatch.chdir(ROOT)
    project = read_project(Path("config/config.yaml"))
    assert dict(analysis_labels(project).studies) == {}
    baseline = project.config.baselines["os"]["sorafenib_failure"]
    named = baseline.model_copy(update={"source": "nanchang_2022, arm r; Table 2"})
    baselines = {**project.config.baselines, "os": {"sorafenib_failure": named}}
    project = project.model_copy(update={"config": project.config.model_copy(update={"baselines": baselines})})
    studies = analysis_labels(project).studies
    assert dict(studies) == {"nanchang_2022": "Liu 2022"}
    names = replace(TWO.names, labels=replace(TWO.labels, studies=studies))
    rows = [{**row, "source": named.source} for row in TWO.absolute()]
    about = caption(draw_absolute(rows, TWO.ranking(), names))[1]
    assert "Liu 2022, arm r; Table 2" in about
    assert "nanchang_2022" not in about


def test_the_bias_of_a_study_has_its_name() -> None:
    """Among the coefficients of a model."""
    assert NAMES.coefficient("bias[nanchang_2022]") == "bias of Liu 2022"
