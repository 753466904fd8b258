"""The patients of the studies: what sheets may say of them, the figures of the papers, and who is alike."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.populations import characteristic_rows, describe, describe_study, difference_rows
from secondline.evidence.transitivity import transitivity_rows
from secondline.numbers_in_text import digits
from secondline.project.characteristics import Characteristics
from secondline.project.config import Config, Project
from secondline.project.read import read_project
from secondline.project.sheet_files import read_sheet
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments

from tests.conftest import CONFIG, ROOT, arm, figure, sheet, sheet_data

Row = dict[str, Any]
VOCABULARY = Characteristics.model_validate(
    {
        "characteristics": {
            "age": {"label": "Age", "kind": "continuous", "unit": "years"},
            "male": {"label": "Male", "kind": "binary"},
        }
    }
)

# A second reading of the papers: patients by arm, in the order of the arms, None for what is not printed by arm.
COUNTS: dict[str, dict[str, tuple[int | None, ...]]] = {
    "ditan_2022": {
        "male": (30, 49),
        "ecog_1": (28, 32),
        "ecog_2": (0, 0),
        "viral": (37, 56),
        "hbv": (34 + 1, 51 + 3),
        "hcv": (2 + 1, 2 + 3),
        "child_pugh_a": (37 - 13, 56 - 16),
        "bclc_c": (37 - 6, 56 - 15),
        "tumours_4": (37 - 10, 56 - 20),
        "tumour_5_cm": (37 - 27, 56 - 43),
        "vascular_invasion": (16, 21),
        "extrahepatic_spread": (17, 24),
        "afp_400": (37 - 21, 56 - 34),
        "prior_surgery": (6, 15),
        "prior_ablation": (29, 33),
        "prior_tace": (35, 54),
    },
    "ditan_2025": {
        "male": (21 - 3, 49 - 8),
        "ecog_1": (21 - 9, 49 - 19),
        "ecog_2": (0, 0),
        "viral": (21 - 0, 49 - 2),
        "hbv": (19, 44),
        "hcv": (2, 3),
        "cirrhosis": (21 - 2, 49 - 5),
        "child_pugh_a": (21 - 8, 49 - 15),
        "albi_grade_1": (21 - 16, 49 - 36),
        "bclc_c": (21 - 6, 49 - 12),
        "tumours_4": (21 - 11, 49 - 19),
        "tumour_5_cm": (21 - 12, 49 - 23),
        "vascular_invasion": (21 - 15, 49 - 29),
        "extrahepatic_spread": (21 - 10, 49 - 26),
        "afp_400": (21 - 10, 49 - 32),
        "prior_surgery": (2, 7),
        "prior_ablation": (14, 21),
        "prior_tace": (21, 45),
    },
    "nanchang_2022": {
        "male": (48 - 9, 30 - 3),
        "ecog_1": (48 - 29, 30 - 20),
        "ecog_2": (0, 0),
        "hbv": (48 - 15, 30 - 7),
        "cirrhosis": (22, 24),
        "child_pugh_a": (24 + 20, 12 + 9),
        "child_pugh_5": (48 - 20 - 4, 30 - 9 - 9),
        "albi_grade_1": (48 - 24, 30 - 21 - 2),
        "bclc_c": (48 - 8, 30 - 7),
        "vascular_invasion": (11, 6),
        "extrahepatic_spread": (39, 23),
        "afp_400": (48 - 29, 30 - 15),
        "prior_surgery_or_ablation": (34, 20),
        "prior_tace": (45, 23),
        "regorafenib_160_mg": (1, 2),
    },
    "nanchang_2023": {
        "regorafenib_160_mg": (None, 27),
        "ecog_2": (None, 5),
        "hbv": (None, 18),
        "child_pugh_a": (35, 54 - 35),
        "prior_tace": (24, 21),
    },
    "severance_2024": {"child_pugh_a": (37, 91 - 37)},
}
WHOLE = {
    "nanchang_2023": {"male": 68 - 6, "bclc_c": 68 - 21, "vascular_invasion": 19, "extrahepatic_spread": 44},
    "severance_2024": {"male": 111, "viral": 92, "bclc_c": 109},
}
# Median and quartiles, by arm or of the whole study.
QUARTILES = {
    ("ditan_2022", "age"): {"tki": (53, 49, 60), "tki_ici": (58.5, 51.5, 66.2)},
    ("ditan_2025", "age"): {"tki": (54, 46, 61), "tki_ici": (56, 52, 63)},
    ("nanchang_2022", "age"): {"rp": (54, 47, 60), "r": (55, 47, 61)},
    ("nanchang_2022", "albi"): {"rp": (-2.58, -2.90, -2.27), "r": (-2.27, -2.56, -1.83)},
    ("nanchang_2022", "first_line_months"): {"rp": (6.2, 4.0, 10.1), "r": (8.2, 4.2, 13.9)},
    ("nanchang_2022", "second_line_cycles"): {"rp": (6, 4, 10), "r": (3, 3, 6)},
    ("severance_2024", "age"): {None: (63, 55, 70)},
    ("severance_2024", "first_line_cycles"): {"lenvatinib": (6, 4, 10), "sorafenib": (3, 2, 6)},
}


@pytest.mark.parametrize("study", COUNTS)
def test_shares_of_the_papers(project: Project, study: str) -> None:
    """Every count of the sheet is the one read from the paper a second time, and none is missing or too many."""
    shipped, expected = project.sheets[study], {}
    arms = shipped.contrast_sets[shipped.default_contrast_set].arms
    for name, counts in COUNTS[study].items():
        expected |= {(name, a): n for a, n in zip(arms, counts, strict=True) if n is not None}
    expected |= {(name, None): n for name, n in WHOLE.get(study, {}).items()}
    found = {
        (record.characteristic, record.arm): round(describe(shipped, record).value * shipped.patients_of(record))
        for record in shipped.characteristics
        if record.is_binary and not record.not_used
    }
    assert found == expected


def test_quartiles_of_the_papers(project: Project) -> None:
    """Likewise every median and its quartiles."""
    found: dict[tuple[str, str], dict[str | None, tuple[Any, ...]]] = {}
    for study, shipped in project.sheets.items():
        for record in shipped.characteristics:
            if not record.is_binary:
                assert record.interval == "IQR"
                values = (record.median, record.lower, record.upper)
                found.setdefault((study, record.characteristic), {})[record.arm] = values
    assert found == QUARTILES


def described(characteristic: str = "age", **figures: Any) -> Row:
    """Return a characteristic of the synthetic sheet, printed as given."""
    numbers = [str(value) for value in figures.values() if isinstance(value, int | float)]
    record = {"characteristic": characteristic, "arm": "len", **figure(" ".join(numbers) or "none")}
    return {**record, **figures}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (described(), "give one kind of figure: count or percent, mean, or median"),
        (described(count=3, mean=2.5), "give one kind of figure"),
        (described(median=2.5, sd=1.0), "a standard deviation goes with a mean"),
        (described(median=2.5, lower=1, upper=3), "interval (IQR or range)"),
        (described(median=2.5, lower=1, interval="IQR"), "interval (IQR or range)"),
        (described(median=9, lower=1, upper=3, interval="range"), "outside its interval 1.0 to 3.0"),
        (described(median=2, lower=2, upper=2, interval="range"), "the interval has no width"),
        (described("male", count=41), "more events than patients; allowed: 0 to 40"),
        (described("male", count=20, of=19), "allowed: 0 to 19"),
        (described("male", count=20, arm="sora"), "unknown arm; allowed: len, sor"),
        (described("male", count=20, population="odd"), "unknown population; allowed: all"),
        (described("male", count=2.5), "allowed: a whole number"),
        (described("male", percent=101), "less than or equal to 100"),
    ],
)
def test_what_a_sheet_may_not_say(tmp_path: Path, record: Row, message: str) -> None:
    """One line that names the place."""
    file = tmp_path / "alpha.yaml"
    file.write_text(yaml.safe_dump(sheet_data(characteristics=[record])), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_sheet(file)
    assert message in str(error.value)
    assert "characteristics.0" in str(error.value)


def test_a_characteristic_twice(tmp_path: Path) -> None:
    """Two figures for one arm need a reason why one is not used."""
    two = [described("male", count=20), described("male", count=21)]
    file = tmp_path / "alpha.yaml"
    file.write_text(yaml.safe_dump(sheet_data(characteristics=two)), encoding="utf-8")
    with pytest.raises(UserError, match=r"characteristics\.1.*this arm has a figure for it already"):
        read_sheet(file)
    two[1]["not_used"] = "another row"
    file.write_text(yaml.safe_dump(sheet_data(characteristics=two)), encoding="utf-8")
    assert len(read_sheet(file).characteristics) == 2


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("-2.58 (-2.90–-2.27)", [-2.58, -2.90, -2.27]),
        ("−2.58 to −1", [-2.58, -1]),
        ("0.2-0.59", [0.2, 0.59]),
        ("5.6%-8%", [5.6, 8]),
        ("PD-1", [1]),
    ],
)
def test_signs_in_print(text: str, numbers: list[float]) -> None:
    """A hyphen is a sign only where it joins nothing."""
    assert digits(text) == numbers


def test_a_lost_sign_is_noticed(tmp_path: Path) -> None:
    """2.58 does not occur in what is printed as -2.58."""
    record = described(median=2.58) | figure("-2.58")
    file = tmp_path / "alpha.yaml"
    file.write_text(yaml.safe_dump(sheet_data(characteristics=[record])), encoding="utf-8")
    with pytest.raises(UserError, match="does not occur in what is printed"):
        read_sheet(file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "characteristic: male, arm: rp",
            "characteristic: mael, arm: rp",
            "unknown characteristic; allowed: age, male",
        ),
        (
            'age, arm: rp, median: 54, lower: 47, upper: 60, interval: IQR, printed: "54 (47–60)"',
            'age, arm: rp, count: 4, printed: "4"',
            "this characteristic is continuous; give a mean or a median",
        ),
    ],
)
def test_the_vocabulary_is_kept(edit: Any, old: str, new: str, message: str) -> None:
    """A sheet names what the configuration declares, with figures of its kind."""
    line = edit("studies/nanchang_2022.yaml", old, new)
    with pytest.raises(UserError) as error:
        read_project(CONFIG)
    assert str(error.value).startswith(f"config/studies/nanchang_2022.yaml:{line}: characteristics.")
    assert message in str(error.value)


def test_sheets_need_a_vocabulary(edit: Any) -> None:
    """Characteristics without any declared are a mistake, not silence."""
    edit("config.yaml", "characteristics: config/characteristics.yaml\n", "")
    with pytest.raises(UserError, match="the configuration declares no characteristics"):
        read_project(CONFIG)


def test_thresholds_in_order(edit: Any) -> None:
    """A large difference is larger than a notable one."""
    line = edit("characteristics.yaml", "large: 0.2", "large: 0.1")
    with pytest.raises(UserError) as error:
        read_project(CONFIG)
    where = f"config/characteristics.yaml:{line}: standardised_difference.large = 0.1: "
    assert str(error.value) == f"{where}must lie above notable, 0.1"


def test_flags() -> None:
    """Beyond the threshold, not at it; the sign does not matter."""
    thresholds = VOCABULARY.standardised_difference
    assert [thresholds.flag(x) for x in (None, 0.1, -0.11, 0.2, -0.21)] == [None, None, "notable", "notable", "large"]


def network(config: Config, treatments: Treatments, *sheets: StudySheet) -> Project:
    """Return a project of synthetic sheets with two characteristics."""
    by_study = {s.study: s for s in sheets}
    return Project(config=config, treatments=treatments, characteristics=VOCABULARY, sheets=by_study)


def males(n_len: int, n_sor: int) -> list[Row]:
    """Return counts of men in both arms of the synthetic sheet."""
    return [described("male", count=n_len), described("male", count=n_sor, arm="sor")]


def only(rows: list[Row], **wanted: Any) -> Row:
    """Return the one row with these values."""
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row


def test_one_scale(project: Project) -> None:
    """Counts, percentages, means, quartiles and ranges, each with how it was derived."""
    records = [
        described("male", percent=47.5),
        described("male", count=30, of=50, arm="sor"),
        described(median=50, lower=40, upper=60, interval="IQR"),
        described(mean=61, sd=9, arm="sor"),
    ]
    rows = characteristic_rows(network(project.config, project.treatments, sheet(characteristics=records)))
    assert [row["characteristic"] for row in rows] == ["age", "age", "male", "male"]
    quartiles, printed, percent, count = rows
    assert (quartiles["mean"], quartiles["derivation"]) == (50, "median and quartiles (Wan 2014)")
    assert quartiles["sd"] == pytest.approx(20 / (2 * 0.65025), rel=1e-4)  # probability 29.875 / 40.25
    assert (printed["mean"], printed["sd"], printed["derivation"]) == (61, 9, "mean and standard deviation")
    assert (percent["proportion"], percent["derivation"]) == (19 / 40, "count next to the percentage")
    assert (count["proportion"], count["n"]) == (30 / 50, 50)
    # All patients together: 49 of 90.
    whole = 49 / 90
    assert count["difference"] == pytest.approx((0.6 - whole) / ((0.24 + whole * (1 - whole)) / 2) ** 0.5)


def test_a_mean_without_spread_has_no_difference(project: Project) -> None:
    """What is not known is left empty."""
    sheets = [
        sheet("a", characteristics=[described(mean=60, arm=None)]),
        sheet("b", characteristics=[described(mean=50, sd=5)]),
    ]
    small = network(project.config, project.treatments, *sheets)
    (row,) = difference_rows(small)
    assert (row["value_a"], row["arm_a"], row["arm_b"], row["difference"], row["se"]) == (60, "", "len", None, None)


def test_studies_and_arms(project: Project) -> None:
    """20 of 40 and 15 of 60 in one study, 35%; 36 of 40 and 54 of 60 in the other, 90%."""
    sheets = [sheet("a", characteristics=males(20, 15)), sheet("b", characteristics=males(36, 54))]
    rows = difference_rows(network(project.config, project.treatments, *sheets))
    assert [(row["level"], row["study_a"], row["arm_a"], row["study_b"], row["arm_b"]) for row in rows] == [
        ("arms", "a", "len", "a", "sor"),
        ("arms", "b", "len", "b", "sor"),
        ("studies", "a", "", "b", ""),
    ]
    assert rows[0]["difference"] == pytest.approx(0.534522, abs=1e-6)  # 0.5 against 0.25
    assert (rows[1]["difference"], rows[1]["flag"]) == (0, None)
    assert rows[2]["difference"] == pytest.approx((0.35 - 0.9) / ((0.2275 + 0.09) / 2) ** 0.5)
    assert rows[2]["flag"] == "large"


def test_matched_patients_and_rows_not_used_stay_out(project: Project) -> None:
    """They stand in the table of characteristics, and nowhere else."""
    matched = {"kind": "matched", "label": "Matched", "n": {"len": 30, "sor": 30}, "place": "Table 1"}
    records = [
        *males(20, 15),
        described("male", count=3, population="matched"),
        described("male", count=4, not_used="another row"),
    ]
    small = network(
        project.config, project.treatments, sheet(populations={"matched": matched}, characteristics=records)
    )
    rows = characteristic_rows(small)
    assert [(row["population"], row["used"], row["n"]) for row in rows[2:]] == [
        ("matched", True, 30),
        ("all", False, 40),
    ]
    assert len(difference_rows(small)) == 1
    assert only(transitivity_rows(small), analysis="primary", group="overall")["value"] == 0.35


def test_some_arms_only(project: Project) -> None:
    """A study that describes one arm counts with that arm and is named."""
    sheets = [sheet("a", characteristics=males(20, 15)), sheet("b", characteristics=males(36, 54)[:1])]
    rows = transitivity_rows(network(project.config, project.treatments, *sheets))
    row = only(rows, analysis="primary", group="overall")
    assert (row["studies"], row["of_studies"], row["patients"], row["partial"]) == (2, 2, 140, "b")
    assert row["value"] == (20 + 15 + 36) / 140
    assert (row["lowest_study"], row["highest_study"]) == ("a", "b")


def test_settings_weigh_patients(project: Project) -> None:
    """30 of the 40 and 30 of the 60 failed sorafenib: (30 * 20/40 + 30 * 15/60) / 60 in that setting."""
    lines = [
        {"setting": "sorafenib_failure", "n": 60, "arms": {"len": 30, "sor": 30}, **figure("60")},
        {"setting": "lenvatinib_failure", "n": 40, "arms": {"len": 10, "sor": 30}, **figure("40")},
    ]
    small = network(project.config, project.treatments, sheet(failed_first_line=lines, characteristics=males(20, 15)))
    rows = [row for row in transitivity_rows(small) if row["analysis"] == "primary" and row["group"] == "setting"]
    assert {row["name"]: (row["patients"], row["value"]) for row in rows} == {
        "sorafenib_failure": (60, (15 + 7.5) / 60),
        "lenvatinib_failure": (40, (5 + 7.5) / 40),
    }


def test_comparisons_of_many_studies_and_arms(project: Project) -> None:
    """A study with three arms belongs to three comparisons; one of two arms joins one of them, either way round."""
    arms = {"len": arm(40, lenvatinib=40), "sor": arm(60, sorafenib=60), "reg": arm(20, regorafenib=20)}
    three = sheet(
        "three",
        arms=arms,
        contrast_sets={"arms": {"arms": ["len", "reg", "sor"], "comparator": "sor"}},
        characteristics=[*males(20, 15), described("male", count=20, arm="reg")],
    )
    two = sheet(
        "two",
        contrast_sets={"arms": {"arms": ["sor", "len"], "comparator": "len"}},
        characteristics=males(10, 33),
    )
    rows = [
        row
        for row in transitivity_rows(network(project.config, project.treatments, three, two))
        if row["analysis"] == "primary" and row["group"] == "comparison"
    ]
    found = {row["name"]: (row["studies"], row["patients"], row["value"], row["partial"]) for row in rows}
    assert found == {
        "regorafenib against lenvatinib": (1, 60, 40 / 60, ""),
        "lenvatinib against sorafenib": (2, 200, 78 / 200, ""),
        "regorafenib against sorafenib": (1, 80, 35 / 80, ""),
    }
    row = only(rows, name="regorafenib against sorafenib")
    assert row["within"] == pytest.approx(0.75 / (0.1875 / 2) ** 0.5)  # all of 20 against 15 of 60
    assert only(rows, name="lenvatinib against sorafenib")["within_study"] == "two"


def test_excluded_studies_stay_out_of_their_analysis(project: Project) -> None:
    """four_cohorts leaves out nanchang_2023."""
    rows = [row for row in transitivity_rows(project) if row["group"] == "overall" and row["characteristic"] == "male"]
    assert {row["analysis"]: (row["studies"], row["of_studies"], row["patients"]) for row in rows} == {
        "primary": (5, 5, 435),
        "four_cohorts": (4, 4, 367),
        "nanchang_2023_medians": (5, 5, 435),
        "regimen_level": (5, 5, 435),
        "extended": (5, 7, 435),  # quotations describe no patients
    }


def test_every_characteristic_of_every_paper_is_in_the_table(project: Project) -> None:
    """Complete: what a sheet gives counts in every group that its study belongs to, but for the course of treatment."""
    rows = [row for row in transitivity_rows(project) if row["analysis"] == "primary"]
    course = {name for name, c in project.characteristics.characteristics.items() if c.course}
    assert course and not course & {row["characteristic"] for row in rows}
    for name in set(project.characteristics.characteristics) - course:
        givers = {
            s for s, shipped in project.sheets.items() if any(r.characteristic == name for r in shipped.characteristics)
        }
        assert only(rows, group="overall", characteristic=name)["studies"] == len(givers)
        for setting in project.treatments.settings:
            there = {s for s in givers if any(line.setting == setting for line in project.sheets[s].failed_first_line)}
            assert only(rows, name=setting, characteristic=name)["studies"] == len(there)


def test_shipped_figures(project: Project) -> None:
    """By hand: men after sorafenib, and Child-Pugh A in the two arms after atezolizumab and bevacizumab."""
    rows = [row for row in transitivity_rows(project) if row["analysis"] == "primary"]
    row = only(rows, name="sorafenib_failure", characteristic="male")
    assert row["patients"] == 93 + 57 + 68
    assert row["value"] == pytest.approx((79 + 31 * 39 / 48 + 26 * 27 / 30 + 62) / 218)
    row = only(rows, name="atezolizumab_bevacizumab_failure", characteristic="child_pugh_a")
    assert row["within"] == pytest.approx((37 / 40 - 54 / 86) / ((0.069375 + 0.233640) / 2) ** 0.5, abs=1e-5)
    assert row["within_flag"] == "large"
    whole = describe_study(project.sheets["ditan_2022"], "age")
    assert whole is not None
    assert whole.value == pytest.approx((37 * 54 + 56 * 176.2 / 3) / 93)


def test_networks_without_characteristics(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rows and no trouble."""
    monkeypatch.chdir(ROOT)
    smoking = read_project(Path("config/examples/smoking.yaml"))
    assert characteristic_rows(smoking) == difference_rows(smoking) == transitivity_rows(smoking) == []


def test_percentages_that_do_not_match_are_reported(project: Project) -> None:
    """34 (63.0) of 48, 23 (76.3) of 30, 47 (60.1) of 68, 109 (86.6) of 126; no other percentage is off."""
    named = set(project.characteristics.characteristics)
    found = {
        (finding.study, finding.item, finding.severity)
        for finding in audit_project(project)
        if finding.check == "percentage" and finding.item.split()[0] in named
    }
    assert found == {
        ("nanchang_2022", "prior_surgery_or_ablation rp", "warning"),
        ("nanchang_2022", "prior_tace r", "warning"),
        ("nanchang_2023", "bclc_c all arms", "warning"),
        ("severance_2024", "bclc_c all arms", "info"),
    }
