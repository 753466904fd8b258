"""Global evidence tables: columns of the contract, one selection per contrast, limits that fit."""

from math import exp, log
from pathlib import Path
from statistics import NormalDist

import pytest
from secondline.evidence.gather import TABLES, arm_data_rows, count_rows, effect_rows, gather_evidence
from secondline.evidence.populations import write_populations
from secondline.layout import POPULATION_TABLES
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.tables import read_table

from tests.conftest import ROOT, STUDIES, figure, hazard_ratio, sheet, synthetic

COLUMNS = {
    "effects": "study outcome contrast_set treatment_arm comparator_arm population method adjustment assumed "
    "log_effect se baseline_se estimate estimate_lower estimate_upper selected source",
    "derivation": "study outcome contrast_set treatment_arm comparator_arm population method adjustment selected "
    "log_effect se log_effect_low log_effect_high se_low se_high mean sd lower upper shift rung_matters varied source",
    "counts": "study outcome criterion arm events n derived selected source",
    "arm_data": "study outcome arm n events time mean se categories derived selected source",
    "arms": "study arm n regimen weight",
    "settings": "study setting weight",
    "characteristics": "study arm population characteristic n count percent median lower upper interval proportion "
    "mean sd derivation difference flag used definition note source",
    "standardised_differences": "characteristic level study_a arm_a study_b arm_b n_a n_b value_a value_b difference "
    "se flag",
    "transitivity": "analysis group name characteristic kind studies of_studies patients value lowest lowest_study "
    "highest highest_study partial within within_study within_flag between between_studies between_flag",
    "risk_of_bias": "study outcome tool domain judgement level facts support place judge second_judge agreement "
    "direction source",
    "indirectness": "study outcome domain judgement level facts support place judge second_judge agreement direction "
    "source",
    "audit": "study item check severity reported recomputed source message analyses",
}


@pytest.fixture(scope="module")
def folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tables once."""
    folder = tmp_path_factory.mktemp("results") / "evidence"
    gather_evidence(project, folder)
    write_populations(project, [folder / f"{table}.csv" for table in POPULATION_TABLES])
    return folder


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_of_the_contract(folder: Path, table: str) -> None:
    """Every promised column stands in the table, in the promised order."""
    header = (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    promised = COLUMNS[table].split()
    assert [name for name in header if name in promised] == promised
    assert set(header) - set(promised) <= {"population", "criterion"}


def test_the_tables_that_the_rule_names() -> None:
    """The rule and this test know the same tables."""
    assert sorted((*TABLES, *POPULATION_TABLES)) == sorted(COLUMNS)


def test_no_temporary_files_are_left(folder: Path) -> None:
    """The folder holds these tables and nothing else."""
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.csv" for name in COLUMNS)


def test_one_selection_per_contrast(project: Project) -> None:
    """Every study has exactly one selected effect for OS and one for PFS."""
    selected = [(row["study"], row["outcome"]) for row in effect_rows(project) if row["selected"]]
    assert sorted(selected) == sorted((study, outcome) for study in STUDIES for outcome in ("os", "pfs"))


def test_selected_counts(project: Project) -> None:
    """Two arms for every study and count outcome, but no adverse events from nanchang_2023."""
    selected = [(row["study"], row["outcome"]) for row in count_rows(project) if row["selected"]]
    harms = {"ae_any", "ae_grade3", "discontinuation"}
    expected = [
        (study, outcome)
        for study in STUDIES
        for outcome in ("orr", "dcr", *sorted(harms))
        if not (study == "nanchang_2023" and outcome in harms)
    ]
    assert sorted(selected) == sorted(2 * expected)
    assert not any(row["selected"] for row in count_rows(project) if row["population"] == "matched")


def test_natural_scale(folder: Path) -> None:
    """severance_2024, PFS, adjusted: 0.540 (0.333-0.876), read back from the file."""
    (row,) = [
        row
        for row in read_table(folder / "effects.csv")
        if (row["study"], row["outcome"], row["selected"]) == ("severance_2024", "pfs", "true")
    ]
    estimate, lower, upper = (float(row[f"estimate{end}"]) for end in ("", "_lower", "_upper"))
    assert (estimate, lower, upper) == pytest.approx((0.540, 0.333, 0.876), abs=5e-4)
    assert log(estimate) == pytest.approx(float(row["log_effect"]), abs=1e-15)
    assert exp(float(row["se"]) * 2 * 1.959963984540054) == pytest.approx(upper / lower)


def test_printed_limits_are_shown_as_printed(folder: Path) -> None:
    """nanchang_2022, OS: 0.436 (0.191-0.966), not the 0.194 to 0.981 that its standard error implies around 0.436."""
    (row,) = [
        row
        for row in read_table(folder / "effects.csv")
        if (row["study"], row["outcome"], row["selected"]) == ("nanchang_2022", "os", "true")
    ]
    assert [float(row[f"estimate{end}"]) for end in ("", "_lower", "_upper")] == pytest.approx([0.436, 0.191, 0.966])
    assert float(row["se"]) == pytest.approx(log(0.966 / 0.191) / (2 * 1.959963984540054))


def test_sources_point_at_the_sheet(folder: Path) -> None:
    """The source names file, line and place, and that line starts the record."""
    for row in read_table(folder / "effects.csv"):
        for source in row["source"].split("; "):
            file, line = source.split(" (")[0].split(":")
            text = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert text.lstrip().startswith(f"- {{outcome: {row['outcome']},")


def test_arm_data_of_the_sheets(project: Project) -> None:
    """Best overall response by every criterion that gives all four categories, with its source."""
    rows = arm_data_rows(project)
    assert {row["outcome"] for row in rows} == {"response"}
    found = {(row["study"], row["criterion"], row["arm"]): (row["categories"], row["selected"]) for row in rows}
    assert found == {
        ("ditan_2022", "mrecist", "tki"): ("pd:20 sd:14 pr:2 cr:1", True),
        ("ditan_2022", "mrecist", "tki_ici"): ("pd:9 sd:35 pr:10 cr:2", True),
        ("ditan_2025", "mrecist", "tki"): ("pd:8 sd:9 pr:3 cr:1", True),
        ("ditan_2025", "mrecist", "tki_ici"): ("pd:7 sd:34 pr:7 cr:1", True),
        ("nanchang_2022", "mrecist", "rp"): ("pd:15 sd:24 pr:9 cr:0", True),
        ("nanchang_2022", "mrecist", "r"): ("pd:17 sd:10 pr:2 cr:1", True),
        ("nanchang_2022", "recist_1_1", "rp"): ("pd:17 sd:25 pr:6 cr:0", False),
        ("nanchang_2022", "recist_1_1", "r"): ("pd:17 sd:11 pr:2 cr:0", False),
    }
    assert all(row["source"].startswith(f"config/studies/{row['study']}.yaml:") for row in rows)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gather what the Parkinson example gives: means of arms, contrasts, and both."""
    monkeypatch.chdir(ROOT)
    gather_evidence(read_project(Path("config/examples/parkinsons.yaml")), tmp_path)
    return tmp_path


def test_contrasts_of_tables(both: Path) -> None:
    """Every line stands in the table of effects with its line; differences are their own estimates."""
    rows = read_table(both / "effects.csv")
    assert len(rows) == 8 + 4
    (row,) = [r for r in rows if r["study"] == "Lieberman 1998"]
    figures = [float(row[key]) for key in ("log_effect", "se", "baseline_se", "estimate")]
    assert figures == [-0.31, 0.668090, 0.503506, -0.31]
    limits = [float(row[f"estimate_{end}"]) for end in ("lower", "upper")]
    assert limits == pytest.approx([-0.31 - 1.959964 * 0.668090, -0.31 + 1.959964 * 0.668090], rel=1e-6)
    assert row["source"] == "config/examples/parkinsons_contrasts.csv:2"
    assert (row["method"], row["selected"], row["assumed"]) == ("table", "true", "false")


def test_means_of_tables(both: Path) -> None:
    """The first arm of the first trial: -1.22, sd 3.7, n 54."""
    rows = read_table(both / "arm_data.csv")
    assert len(rows) == 15 + 7
    row = rows[0]
    assert (row["study"], row["arm"], row["n"], row["mean"]) == ("Lieberman 1998", "placebo", "54", "-1.22")
    assert float(row["se"]) == pytest.approx(3.7 / 54**0.5)
    assert (row["source"], row["events"]) == ("config/examples/parkinsons_arms.csv:2", "")
    assert read_table(both / "counts.csv") == []
    arms = [(row["study"], row["arm"], row["n"], row["weight"]) for row in read_table(both / "arms.csv")]
    assert len(arms) == len(set(arms)) == 15
    assert ("Guttman 1997", "bromocriptine", "81", "1.0") in arms
    assert read_table(both / "settings.csv") == []


def test_counts_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smoking: 50 arms, each with its line."""
    monkeypatch.chdir(ROOT)
    smoking = read_project(Path("config/examples/smoking.yaml"))
    rows = count_rows(smoking)
    assert len(rows) == 50
    assert (rows[1]["events"], rows[1]["n"], rows[1]["source"]) == (363, 714, "config/examples/smoking.csv:3")
    assert arm_data_rows(smoking) == []
    assert effect_rows(smoking) == []


def test_weights_add_up(folder: Path) -> None:
    """Regimens of an arm and settings of a study are shares of their patients."""
    for table, keys in (("arms", ("study", "arm")), ("settings", ("study",))):
        totals: dict[tuple[str, ...], float] = {}
        for row in read_table(folder / f"{table}.csv"):
            key = tuple(row[name] for name in keys)
            totals[key] = totals.get(key, 0.0) + float(row["weight"])
        assert list(totals.values()) == pytest.approx([1.0] * len(totals))
    rows = {(row["study"], row["setting"]): float(row["weight"]) for row in read_table(folder / "settings.csv")}
    assert rows["nanchang_2022", "sorafenib_failure"] == 57 / 78
    assert len(rows) == 8


def test_limits_are_those_of_the_ratio_itself(project: Project) -> None:
    """Of two ratios from one place, one with limits and one with a p alone, and of one printed the other way round."""
    with_limits = hazard_ratio(treatment="sor", comparator="len")
    with_p = hazard_ratio(outcome="pfs", value=0.7, printed="0.7", p=figure("0.35", value=0.35))
    del with_p["lower"], with_p["upper"]
    both = synthetic(project.config, project.treatments, sheet(hazard_ratios=[with_p, with_limits]))
    rows = {row["outcome"]: row for row in effect_rows(both)}
    assert [rows["os"][f"estimate_{end}"] for end in ("lower", "upper")] == pytest.approx([1 / 1.28, 1 / 0.5])
    z = NormalDist().inv_cdf(1 - 0.35 / 2)
    assert rows["pfs"]["estimate_lower"] == pytest.approx(exp(log(0.7) - 1.959963984540054 * abs(log(0.7)) / z))
