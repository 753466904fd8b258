"""Study sheets: what a sheet may say, and that the shipped ones say what the papers print."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import evidence_csv
from secondline.jobs.settings import fits
from secondline.numbers_in_text import digits
from secondline.project.config import Config, Project
from secondline.project.sheet_files import read_sheet, read_sheets
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments

from tests.conftest import ROOT, STUDIES, arm, figure, hazard_ratio, sheet_data, synthetic

REGIMENS = {
    "ditan_2022": {
        "tki": {"lenvatinib": 34, "regorafenib": 3},
        "tki_ici": {"lenvatinib_ici": 40, "regorafenib_ici": 16},
    },
    "ditan_2025": {
        "tki": {"regorafenib": 12, "sorafenib": 9},
        "tki_ici": {"regorafenib_ici": 23, "sorafenib_ici": 10, "other_tki_ici": 16},
    },
    "nanchang_2022": {"rp": {"regorafenib_ici": 48}, "r": {"regorafenib": 30}},
    "nanchang_2023": {"lp": {"lenvatinib_ici": 41}, "r": {"regorafenib": 27}},
    "severance_2024": {"lenvatinib": {"lenvatinib": 40}, "sorafenib": {"sorafenib": 86}},
}
FAILED = {
    "ditan_2022": {"sorafenib_failure": 93},
    "ditan_2025": {"lenvatinib_failure": 70},
    "nanchang_2022": {"sorafenib_failure": 57, "lenvatinib_failure": 21},
    "nanchang_2023": {"sorafenib_failure": 68},
    "severance_2024": {"atezolizumab_bevacizumab_failure": 126},
}
ENROLMENT = {
    "ditan_2022": ("2018-05", "2021-05"),
    "ditan_2025": ("2018-05", "2023-12"),
    "nanchang_2022": ("2018-10", "2022-01"),
    "nanchang_2023": ("2018-06", "2021-09"),
    "severance_2024": ("2019-08", "2022-12"),
}


def write(folder: Path, data: dict[str, Any], name: str = "alpha") -> Path:
    """Write a sheet as YAML."""
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


@pytest.mark.parametrize("study", STUDIES)
def test_patients_of_the_shipped_sheets(project: Project, study: str) -> None:
    """Arms, regimens, failed first lines and dates as in the papers."""
    shipped = project.sheets[study]
    main = shipped.contrast_sets[shipped.default_contrast_set]
    assert {name: dict(shipped.arms[name].regimens) for name in main.arms} == REGIMENS[study]
    assert {line.setting: line.n for line in shipped.failed_first_line} == FAILED[study]
    assert (shipped.enrolment.start, shipped.enrolment.end) == ENROLMENT[study]


def test_matched_patients(project: Project) -> None:
    """Everybody, or 36 and 36."""
    severance = project.sheets["severance_2024"]
    assert [severance.patients("lenvatinib", population) for population in ("all", "matched")] == [40, 36]
    assert [severance.patients("sorafenib", population) for population in ("all", "matched")] == [86, 36]
    with pytest.raises(KeyError):
        severance.patients("lenvatinib", "absent")


def test_sources(project: Project) -> None:
    """A sheet read from a file knows its lines; one made in memory only its name."""
    source = project.sheets["ditan_2022"].source(("hazard_ratios", 0), "Table 2")
    assert re.fullmatch(r"config/studies/ditan_2022\.yaml:\d+ \(Table 2\)", source)
    assert StudySheet.model_validate(sheet_data()).source(("arms",), "Table 1") == "alpha (Table 1)"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.34 (0.2–0.59)", [0.34, 0.2, 0.59]),
        ("0·85", [0.85]),
        ("81 (64.3%)", [81, 64.3]),
        (".5 of 20", [0.5, 20]),
        ("10.3 [IQR, 6.8–N/A]", [10.3, 6.8]),
        ("no number", []),
    ],
)
def test_numbers_in_print(text: str, numbers: list[float]) -> None:
    """Ranges, middle dots and brackets."""
    assert digits(text) == numbers


def event(count: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a count record of the synthetic sheet."""
    events = {key: value for key, value in {"count": count, **more}.items() if value is not None}
    text = " ".join(str(value) for value in events.values())
    return {"outcome": "ae_any", "arm": "len", "events": {**events, "printed": text}}


MATCHED = {"kind": "matched", "label": "Matched", "place": "Table 1"}
LOG_RANK = {"outcome": "os", "treatment": "len", "comparator": "sor", "favours": "len", "p": figure("0.2", value=0.2)}
RESPONSE = {"criterion": "mrecist", "arm": "len", "place": "Table 2"}


def counted(count: int) -> dict[str, Any]:
    """Return a printed count."""
    return {"count": count, "printed": str(count)}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"arms": {"len": arm(40, lenvatinib=39), "sor": arm(60, sorafenib=60)}}, "add up to 39, the arm has n = 40"),
        ({"failed_first_line": [{"setting": "x", "n": 90, **figure("90")}]}, "add up to 90, the arms to 100"),
        (
            {"failed_first_line": [{"setting": "x", "n": 100, "arms": {"len": 40, "sor": 50}, **figure("100")}]},
            "the arms add up to 90, the failed first line has n = 100",
        ),
        ({"contrast_sets": {"arms": {"arms": ["len", "sor"], "comparator": "x"}}}, "allowed: len, sor"),
        ({"contrast_sets": {"arms": {"arms": ["len", "len"], "comparator": "len"}}}, "an arm occurs twice"),
        ({"populations": {"all": {**MATCHED}}}, "reserved"),
        ({"populations": {"part": {**MATCHED, "n": {"len": 41}}}}, "the whole arm has 40 patients"),
        ({"populations": {"part": {**MATCHED, "n": {"x": 4}}}}, "unknown arm; allowed: len, sor"),
        ({"hazard_ratios": [hazard_ratio(population="part")]}, "unknown population; allowed: all"),
        ({"hazard_ratios": [hazard_ratio(treatment="x")]}, "unknown arm; allowed: len, sor"),
        ({"hazard_ratios": [hazard_ratio(treatment="sor")]}, "the same arm"),
        ({"hazard_ratios": [hazard_ratio(lower=1.28, upper=0.5)]}, "the upper limit is below the lower one, 1.28"),
        ({"hazard_ratios": [hazard_ratio(lower=0.8, upper=0.8)]}, "the interval has no width"),
        ({"hazard_ratios": [hazard_ratio(label_inverted=True)]}, "needs the reason"),
        ({"hazard_ratios": [hazard_ratio(level=95)]}, "hazard_ratios.0.level = 95"),
        ({"log_rank": [{**LOG_RANK, "favours": "x"}]}, "allowed: len, sor"),
        (
            {"populations": {"part": MATCHED}, "log_rank": [{**LOG_RANK, "population": "part"}]},
            "log_rank.0 needs to know how many patients of len are in this population",
        ),
        ({"counts": [event(41)]}, "counts.0.events.count = 41: more events than patients; allowed: 0 to 40"),
        ({"counts": [event(-1)]}, "counts.0.events.count = -1"),
        ({"counts": [event(7.5)]}, "write a percentage as percent:"),
        ({"counts": [event("75%")]}, "write a percentage as percent:"),
        ({"counts": [event(percent=101)]}, "counts.0.events.percent = 101"),
        ({"counts": [event(of=40)]}, "give count, percent or both"),
        (
            {"responses": [{**RESPONSE, "cr": counted(10), "pr": counted(15), "sd": counted(16)}]},
            "the categories add up to 41; allowed: 0 to 40 patients",
        ),
        (
            {"assumed_events": [{"outcome": "os", "fraction": 0.9, "plausible": [0.5, 0.8], "reason": "x"}]},
            "must lie within plausible [0.5, 0.8]",
        ),
        ({"enrolment": {"start": "2016-01", "end": "2015-12", **figure("x")}}, "enrolment ends before it starts"),
        ({"enrolment": {"start": "2016-13", "end": "2017-01", **figure("x")}}, "enrolment.start = '2016-13'"),
        (
            {"medians": [{"outcome": "os", "arm": "len", "value": 9, "lower": 9, "upper": 8, **figure("9 8")}]},
            "the upper limit is below the lower one, 9",
        ),
        ({"medians": [{"outcome": "os", "arm": "len", "value": 9, **figure("8")}]}, "9: does not occur in what is"),
        ({"study": "beta"}, "must be the name of the file: alpha"),
    ],
)
def test_rules_of_a_sheet(tmp_path: Path, sections: dict[str, Any], message: str) -> None:
    """Every rule is reported in one line with file, line and key."""
    file = write(tmp_path, sheet_data(**sections))
    with pytest.raises(UserError) as error:
        read_sheet(file)
    assert re.match(re.escape(str(file)) + r":\d+: [a-z]", str(error.value))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "sections",
    [
        {"hazard_ratios": [hazard_ratio(upper=None)]},
        {"hazard_ratios": [hazard_ratio(value=0.5)]},
        {"counts": [event(40)]},
        {"counts": [event(0)]},
        {"counts": [event(41, of=50)]},
        {"counts": [event(percent=75)]},
        {"responses": [{**RESPONSE, "cr": counted(10), "pr": counted(15), "sd": counted(15)}]},
        {"populations": {"part": {**MATCHED, "kind": "subgroup"}}, "hazard_ratios": [hazard_ratio(population="part")]},
    ],
)
def test_what_a_sheet_may_say(tmp_path: Path, sections: dict[str, Any]) -> None:
    """Limits that were not reached, counts at the edges, subgroups of unknown size."""
    assert read_sheet(write(tmp_path, sheet_data(**sections))).study == "alpha"


def test_prose_counts_need_not_be_printed(tmp_path: Path) -> None:
    """A derived count explains itself instead of standing in the printed string."""
    record = {"outcome": "ae_any", "arm": "len", "events": {"count": 2, "printed": "one and one"}}
    with pytest.raises(UserError, match="does not occur in what is printed"):
        read_sheet(write(tmp_path, sheet_data(counts=[record])))
    record["events"]["derived"] = "1 + 1"
    assert read_sheet(write(tmp_path, sheet_data(counts=[record]))).counts[0].events.count == 2


def test_a_folder_of_sheets(tmp_path: Path) -> None:
    """Sheets come in alphabetical order; an empty folder is a mistake."""
    with pytest.raises(UserError, match="no study sheets"):
        read_sheets(tmp_path)
    for name in ("beta", "alpha"):
        write(tmp_path, sheet_data(name), name)
    assert list(read_sheets(tmp_path)) == ["alpha", "beta"]


TEXTS = {study: (ROOT / f"config/studies/{study}.yaml").read_text(encoding="utf-8") for study in STUDIES}
GARBAGE = ["", "x", "-1", "0", "1", "0.5", "1e400", "99999999999999999999", "nan", "[]", "{}", "[1, 2]", "null"]
GARBAGE += ["true", "{a: 1}", "'", '"', "*x", "&x 1", "!!int y", "100%", "12", ": :", "- -", "\t", "é", "all", "..."]


@st.composite
def damaged_sheets(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a shipped sheet with one to three lines deleted, doubled, shifted or partly replaced by garbage."""
    study = draw(st.sampled_from(STUDIES))
    lines = TEXTS[study].split("\n")
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["delete", "double", "indent", "outdent", "value", "value", "value"]))
        if kind == "delete":
            del lines[i]
        elif kind == "double":
            lines.insert(i, lines[i])
        elif kind == "indent":
            lines[i] = " " * draw(st.integers(1, 4)) + lines[i]
        elif kind == "outdent":
            lines[i] = lines[i].removeprefix(" ")
        else:
            values = list(re.finditer(r"(?<=[:\[{,] )[^\s,{}\[\]]+", lines[i]))
            if values:
                span = draw(st.sampled_from(values)).span()
                lines[i] = lines[i][: span[0]] + draw(st.sampled_from(GARBAGE)) + lines[i][span[1] :]
    return study, "\n".join(lines)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged_sheets())
def test_damaged_sheets(project: Project, tmp_path: Path, damaged: tuple[str, str]) -> None:
    """A damaged sheet is a usable sheet or a mistake reported in one line, never a bug."""
    study, text = damaged
    file = tmp_path / f"{study}.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        read = read_sheet(file)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        assert str(error).startswith(str(file))
    else:
        assert_usable(project.config, project.treatments, read)


def assert_usable(config: Config, treatments: Treatments, read: StudySheet) -> None:
    """Derive everything that a project with this sheet alone would derive."""
    alone = synthetic(config, treatments, read)
    audit_project(alone)
    for fit in fits(config):
        if fit[0] != "regimen_level" or "regimens" in read.contrast_sets:
            evidence_csv(alone, *fit)


def test_quoted_number_is_a_mistake(edit: Callable[[str, str, str], int]) -> None:
    """A number in quotes would escape the check against the printed string."""
    edit("studies/ditan_2022.yaml", "value: 0.28,", 'value: "0.28",')
    with pytest.raises(UserError, match="without quotes"):
        read_sheet(Path("config/studies/ditan_2022.yaml"))


def test_sheet_with_another_ending_is_not_dropped_in_silence(workdir: Path) -> None:
    """A sheet that ends in .yml is a mistake, not a study left out."""
    Path("config/studies/ditan_2022.yaml").rename("config/studies/ditan_2022.yml")
    with pytest.raises(UserError, match=r"rename it to ditan_2022\.yaml"):
        read_sheets(Path("config/studies"))
