"""The patients in figures and in the report: every figure of the papers, no word cut off, gaps that are said."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from secondline.evidence.gather import gather_evidence
from secondline.evidence.populations import write_populations
from secondline.jobs.report_settings import figure_labels, has_populations, population_settings
from secondline.layout import POPULATION_TABLES
from secondline.project.config import Project
from secondline.report.figures.draw_all import plot_populations
from secondline.report.figures.files import caption
from secondline.report.figures.pages import TALLEST
from secondline.report.figures.populations import cell_colour, draw_populations
from secondline.report.figures.style import PALE
from secondline.report.settings import DifferenceLimits, Labels, PopulationSettings
from secondline.report.tables.populations import definitions_table, population_sentences, population_tables
from secondline.report.words import Names, average, percentage
from secondline.tables import read_table

from tests.test_plots import LABELS, assert_apart, assert_inside, drawn_texts
from tests.test_report import report, write_project

LIMITS = DifferenceLimits(notable=0.1, large=0.2)
LONG = "A study whose name is longer than any label should be, 2002, group A"


@pytest.fixture(scope="module")
def evidence(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the shipped evidence tables once."""
    folder = tmp_path_factory.mktemp("evidence")
    gather_evidence(project, folder)
    write_populations(project, [folder / f"{table}.csv" for table in POPULATION_TABLES])
    return folder


def figure(project: Project, evidence: Path, analysis: str = "primary", **changes: Any) -> Any:
    """Draw the patients of an analysis."""
    tables = (read_table(evidence / f"{name}.csv") for name in ("characteristics", "standardised_differences"))
    settings = population_settings(project, analysis)
    assert settings
    return draw_populations(
        *tables, replace(settings, **changes), Names(figure_labels(project), analysis, model="pooled")
    )


def words(drawn: Any) -> list[str]:
    """Return every text of a figure."""
    return [text.get_text() for text, _ in drawn_texts(drawn)]


def cells(drawn: Any) -> dict[str, str]:
    """Colour of every cell that shows a figure, by its id."""
    from matplotlib.colors import to_hex

    return {
        patch.get_gid(): to_hex(patch.get_facecolor())
        for axes in drawn.axes
        for patch in axes.patches
        if str(patch.get_gid()).startswith("cell-")
    }


@pytest.mark.parametrize("analysis", ["primary", "four_cohorts"])
def test_no_word_is_cut_off_or_covered(project: Project, evidence: Path, analysis: str) -> None:
    """Five studies and four."""
    drawn = figure(project, evidence, analysis)
    assert_inside(drawn)
    assert_apart(drawn)


def test_many_studies_stand_in_blocks(evidence: Path) -> None:
    """Twelve studies, one with a long name and one with a long arm, stay on the page."""
    names = [LONG, *(f"study_{k}" for k in range(11))]
    rows = [
        {**row, "study": name, "arm": "one"}
        for name in names
        for row in read_table(evidence / "characteristics.csv")
        if (row["study"], row["arm"]) == ("ditan_2025", "tki")
    ]
    arms = {name: {"one": "Regorafenib with camrelizumab", "two": "B"} for name in names}
    populations = PopulationSettings(
        characteristics={row["characteristic"]: row["characteristic"] for row in rows},
        arms=arms,
        patients={name: {"one": 12345, "two": 2} for name in names},
        silent=["nobody"],
        thresholds=LIMITS,
    )
    labels = Labels(analyses={"main": "Everything"})
    drawn = draw_populations(rows, [], populations, Names(labels, "main"))
    assert_inside(drawn)
    assert_apart(drawn)
    assert {LONG, "study_10"} <= {text.replace("\n", " ") for text in words(drawn)}
    assert "No characteristics: nobody." in caption(drawn)[1]
    assert drawn.get_size_inches()[1] > TALLEST


def test_the_figure_shows_what_the_table_holds(project: Project, evidence: Path) -> None:
    """One cell for every figure in use, with its number; differences with their flag."""
    drawn = figure(project, evidence)
    used = [row for row in read_table(evidence / "characteristics.csv") if row["used"] == "true"]
    expected = {f"cell-{row['study']}-{row['arm'] or 'all'}-{row['characteristic']}" for row in used}
    found = cells(drawn)
    assert set(found) == expected
    row = next(row for row in used if (row["arm"], row["characteristic"]) == ("sorafenib", "child_pugh_a"))
    assert found["cell-severance_2024-sorafenib-child_pugh_a"] == cell_colour(row["difference"]) != "#ffffff"
    texts = words(drawn)
    for text in ("54.0 (8.5)", "93%", "63%", "−2.58 (0.48)", "● 0.76", "○ 0.18", "−0.09", "Li 2022", "TKI\nn = 37"):
        assert text in texts, text
    assert texts.count("–") > 40


def test_an_excluded_study_is_not_drawn(project: Project, evidence: Path) -> None:
    """four_cohorts leaves out nanchang_2023."""
    assert "Nanchang 2023" in words(figure(project, evidence))
    assert "Nanchang 2023" not in words(figure(project, evidence, "four_cohorts"))


def test_no_study_left(project: Project, evidence: Path) -> None:
    """An analysis whose studies say nothing still has a figure, which names them."""
    drawn = figure(project, evidence, arms={}, patients={}, silent=["alpha", "beta"])
    assert_inside(drawn)
    assert "No characteristics: alpha, beta." in words(drawn)


def test_colours_tell_the_sides_apart() -> None:
    """White in the middle, stronger further out, and no colour of its own for what is not known."""
    assert cell_colour("") == cell_colour("0.0") == "#ffffff"
    assert cell_colour("1.0") == cell_colour("inf") != cell_colour("-1.0")
    assert cell_colour("0.5") not in (cell_colour("1.0"), "#ffffff", PALE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0.925", "93%"), ("0", "0%"), ("1.0", "100%"), ("0.004", "0.4%"), ("0.996", "99.6%"), ("0.005", "1%")],
)
def test_percentages(text: str, shown: str) -> None:
    """Nobody and everybody mean just that."""
    assert percentage(text) == shown


def test_averages() -> None:
    """Digits by size; without a spread none is shown."""
    assert [average("54", "8.4834"), average("-2.583", "0.4775"), average("63")] == [
        "54.0 (8.5)",
        "−2.58 (0.48)",
        "63.0",
    ]


def test_table_by_setting(project: Project, evidence: Path) -> None:
    """Average, range, number of studies and largest differences."""
    settings = population_settings(project, "primary")
    assert settings
    names = Names(figure_labels(project), "primary", model="pooled")
    rows = read_table(evidence / "transitivity.csv")
    by_setting, by_comparison = population_tables(rows, settings, names)
    table = {row[0]: dict(zip(by_setting.columns, row, strict=True)) for row in by_setting.rows}
    male = table["Male"]
    assert male["Overall"] == "87% (84% to 91%), 5 of 5"
    assert male["After sorafenib"] == "87% (85% to 91%), 3 of 3"
    assert male["After atezolizumab + bevacizumab"] == "88%, 1 of 1"
    assert male["Largest between arms"] == "● −0.25, Liu 2022"
    assert male["Largest between studies"] == "● −0.21, Yin 2025 against Nanchang 2023"
    assert table["ECOG PS 2 or worse"]["Overall"] == "2% (0% to 19%), 4 of 5*"
    assert table["Cirrhosis"]["After atezolizumab + bevacizumab"] == "–"
    assert len(table) == 24
    assert "Lenvatinib against Sorafenib" in by_comparison.columns
    first = population_sentences(rows, settings, names)[0]
    assert first.endswith("Every study reports Male, Child-Pugh class A and BCLC stage C.")


def test_table_of_definitions(project: Project, evidence: Path) -> None:
    """Cuts and names that depart from the label, each study once."""
    settings = population_settings(project, "four_cohorts")
    assert settings
    names = Names(figure_labels(project), "four_cohorts", model="pooled")
    rows = definitions_table(read_table(evidence / "characteristics.csv"), settings, names).rows
    assert [row for row in rows if row[0].startswith("AFP")] == [
        ["AFP 400 ng/mL or more", "Li 2022", "> 400 ng/mL"],
        ["AFP 400 ng/mL or more", "Yin 2025", "> 400 ng/mL"],
        ["AFP 400 ng/mL or more", "Liu 2022", "≥ 400 ng/mL"],
    ]
    assert not any(row[1] == "Nanchang 2023" or ("thrombus" in row[2] and row[1] == "Liu 2022") for row in rows)


def test_sentences_of_an_analysis_without_characteristics() -> None:
    """It is said, and there is nothing to tabulate."""
    row = {"analysis": "main", "group": "overall", "name": "overall", "characteristic": "age", "studies": "0"}
    populations = PopulationSettings(
        characteristics={"age": "Age"}, arms={}, patients={}, silent=["nobody"], thresholds=LIMITS
    )
    names = Names(Labels(), "main")
    assert population_sentences([row], populations, names) == [
        "No study in this analysis reports baseline characteristics."
    ]
    assert [table.rows for table in population_tables([row], populations, names)] == [[], []]


def test_report_shows_the_patients(project: Project, evidence: Path, tmp_path: Path) -> None:
    """A section with figure and tables, reached from the contents; without characteristics nothing of the kind."""
    write_project(tmp_path)
    checklists = r'id="section-prisma".*?id="section-versions"'  # their items ask about populations
    assert "opulation" not in re.sub(checklists, "", report(tmp_path), flags=re.DOTALL)
    settings = population_settings(project, "primary")
    assert settings
    for name in ("characteristics", "standardised_differences", "transitivity"):
        text = (evidence / f"{name}.csv").read_text(encoding="utf-8").replace("primary,", "main,")
        (tmp_path / "evidence" / f"{name}.csv").write_text(text, encoding="utf-8")
    plot_populations(tmp_path, tmp_path / "evidence", LABELS, {"main": settings})
    assert (tmp_path / "main" / "summary" / "populations.png").stat().st_size > 10_000
    page = report(tmp_path, populations=settings)
    assert '<h3 id="populations">' in page
    assert "Every study reports Male" in page
    assert "● 0.76" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_networks_without_characteristics_have_no_figure(project: Project) -> None:
    """The rules ask before they promise one."""
    assert has_populations(project)
    bare = Project(config=project.config, treatments=project.treatments)
    assert not has_populations(bare)
    assert population_settings(bare, "primary") is None
