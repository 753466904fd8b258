"""The sheet to fill in: every key of the models in it, and valid once filled, with or without what is optional."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.project.config import Project
from secondline.project.cross_checks import check_vocabulary
from secondline.project.documents import read_yaml
from secondline.project.read import read_project
from secondline.project.sheet_files import sheet_of
from secondline.project.sheets import StudySheet
from secondline.tools import new_study
from secondline.tools.new_study import template, write_sheet
from secondline.tools.schemas import MODELS, schema_of

from tests.conftest import CONFIG

STUDY = "smith_2027"
SETTING = "sorafenib_failure"
FIGURE = {"printed": "30, 10 months (5 to 15), 60 and 0.5", "place": "Table 1"}
PAIR = {"outcome": "os", "treatment": "arm_1", "comparator": "arm_2"}
P_VALUE = {"value": "0.5", **FIGURE, "elsewhere": {"value": "0.5", **FIGURE}}
COUNT = {"count": "10", **FIGURE}
# What a person types, by section and key. Every key that stands open must be here, and every key here must be open.
REQUIRED: dict[str, Any] = {
    "bibliography": {"authors": "Smith J", "title": "A trial", "journal": "A journal", "year": "2027"},
    "design": "randomised_trial",
    "site": "A hospital",
    "enrolment": {"start": "2020-01", "end": "2021-06", "printed": "January 2020 to June 2021", "place": "Methods"},
    "failed_first_line": {"setting": SETTING, "n": "60", **FIGURE},
    "arms": {
        "arm_1": {"label": "One", "n": "30", "regimens": "{lenvatinib: 30}", **FIGURE},
        "arm_2": {"label": "Two", "n": "30", "regimens": "{sorafenib: 30}", **FIGURE},
    },
    "contrast_sets": {"contrast_set_1": {"arms": "[arm_1, arm_2]", "comparator": "arm_2"}},
}
OPTIONAL: dict[str, Any] = {
    "secondary_report": {"quoted_by": "ditan_2022", "cited_as": "Smith", "unknown": "much", "place": "Discussion"},
    "endpoints": {"endpoint_1": FIGURE},
    "populations": {"population_1": {"kind": "matched", "label": "Matched", "n": "{arm_1: 10}", "place": "Methods"}},
    "covariates": "{}",
    "hazard_ratios": {
        **PAIR,
        "adjustment": "crude",
        "value": "10",
        "lower": "5",
        "upper": "15",
        "p": P_VALUE,
        **FIGURE,
    },
    "medians": {"outcome": "os", "arm": "arm_1", "value": "10", **FIGURE},
    "log_rank": {**PAIR, "favours": "arm_1", "stated": FIGURE, "p": P_VALUE},
    "events": {"outcome": "os", "arm": "arm_1", "events": COUNT},
    "assumed_events": {"outcome": "os", "fraction": "0.5", "plausible": "[0.4, 0.6]", "reason": "As in other trials"},
    "curves": {"outcome": "os", "points": "points.csv", "place": "Figure 1"},
    "responses": {"criterion": "mrecist", "arm": "arm_1", "cr": COUNT, "place": "Table 2"},
    "counts": {"outcome": "ae_any", "arm": "arm_1", "events": COUNT},
    "comparisons": {**PAIR, "outcome": "orr", "p": P_VALUE, "favours": "arm_1", "prose": FIGURE},
    "characteristics": {"characteristic": "age", "arm": "arm_1", "median": "10", "p": P_VALUE, **FIGURE},
    "treatment_at_least": {"value": "10", **FIGURE},
    "switching": {"arm": "arm_1", **COUNT},
    "risk_of_bias": {
        "tool": "robins_i",
        "judgements": {
            "domain": "confounding",
            "judgement": "serious",
            "support": FIGURE,
            "judge": "AB",
            "second": {"judge": "CD", "judgement": "serious"},
        },
        "facts": {"domain": "confounding", "statement": "The physician chose.", **FIGURE},
    },
    "indirectness": {
        "judgements": {
            "domain": "population",
            "judgement": "some",
            "support": FIGURE,
            "judge": "AB",
            "second": {"judge": "CD", "judgement": "some"},
        },
        "facts": {"domain": "outcome", "statement": "Its definition differs.", **FIGURE},
    },
    "reprinted": {"item": "deaths", "versions": FIGURE},
    "acknowledged": {"check": "percentage", "item": "orr arm_1", "reason": "so printed"},
    "notes": "[Nothing]",
}
# A part of its own, no list of entries.
SINGLE = ("secondary_report", "treatment_at_least", "risk_of_bias", "indirectness")
_KEY = re.compile(r"^( *)(- )?(\w+):(?: +(?!#)(\S.*?))?(?: +#.*)?$")


@pytest.fixture(scope="module")
def page(project: Project) -> str:
    """Write the sheet as it is for the shipped configuration."""
    return template(STUDY, project.config, project.treatments, "../schemas/study.json")


def leaves(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Values of a nested mapping, by path."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def keys_of(text: str) -> Iterator[tuple[int, tuple[str, ...], str | None, str]]:
    """Line, path, default and lead of every open key of a sheet to fill in."""
    parents: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines()):
        found = _KEY.match(line)
        if found:
            indent = len(found[1]) + len(found[2] or "")
            parents = [(depth, name) for depth, name in parents if depth < indent]
            path = (*(name for _, name in parents), found[3])
            parents.append((indent, found[3]))
            yield number, path, found[4], f"{found[1]}{found[2] or ''}{found[3]}:"


def fill(text: str, *values: Mapping[str, Any]) -> str:
    """Type values into the open keys of a sheet to fill in; every value must find its key."""
    typed: set[tuple[str, ...]] = set()
    lines, wanted = text.splitlines(), {path: value for each in values for path, value in leaves(each)}
    for number, path, _, lead in keys_of(text):
        if path in wanted:
            value, typed = wanted[path], {*typed, path}
            quoted = value if re.match(r"[\d{\[]", value) and path[-1] != "printed" else f'"{value}"'
            lines[number] = f"{lead} {quoted}"
    assert typed == set(wanted), f"no such keys: {set(wanted) - typed}"
    return "\n".join(lines) + "\n"


def take(text: str, *sections: str) -> str:
    """Take the # of optional sections away, as their first column; prose keeps its own."""
    blocks = text.split("\n\n")
    for i, block in enumerate(blocks):
        if any(re.search(rf"^#{section}:", block, flags=re.MULTILINE) for section in sections):
            blocks[i] = re.sub(r"^#(?! \S)", "", block, flags=re.MULTILINE)
    return "\n\n".join(blocks)


def read(folder: Path, text: str, project: Project) -> StudySheet:
    """Validate a filled sheet as the pipeline does."""
    file = folder / f"{STUDY}.yaml"
    file.write_text(text, encoding="utf-8")
    sheet = sheet_of(read_yaml(file))
    check_vocabulary(sheet, project.treatments, project.config)
    return sheet


def test_open_keys_are_the_required_ones(page: str) -> None:
    """What stands open is what must be filled in, and nothing else."""
    values = dict(leaves(REQUIRED))
    scalars = {path for _, path, _, _ in keys_of(page)} - {path[:i] for path in values for i in range(1, len(path))}
    assert scalars == {("study",), *values}


def test_a_filled_sheet_is_valid(page: str, tmp_path: Path, project: Project) -> None:
    """The required keys alone make a sheet."""
    sheet = read(tmp_path, fill(page, REQUIRED), project)
    assert sheet.study == STUDY
    assert sheet.arms["arm_1"].regimens == {"lenvatinib": 30}
    assert sheet.failed_first_line[0].n == 60


@pytest.mark.parametrize("section", OPTIONAL)
def test_every_optional_section(page: str, tmp_path: Path, project: Project, section: str) -> None:
    """A section whose # is taken away is valid once filled, and holds one entry."""
    text = fill(take(page, section), REQUIRED, {section: OPTIONAL[section]})
    found = getattr(read(tmp_path, text, project), section)
    assert found is not None
    assert section == "covariates" or isinstance(found, list | dict) is (section not in SINGLE)
    if isinstance(found, list):
        assert len(found) == 1


@given(sections=st.sets(st.sampled_from(list(OPTIONAL))))
def test_any_optional_sections(
    page: str, tmp_path_factory: pytest.TempPathFactory, project: Project, sections: set[str]
) -> None:
    """Optional sections do not depend on each other."""
    text = fill(take(page, *sections), REQUIRED, {name: OPTIONAL[name] for name in sections})
    read(tmp_path_factory.getbasetemp(), text, project)


def test_everything_uncommented(page: str, tmp_path: Path, project: Project) -> None:
    """Every key of the file at once; those left empty are as if they were not there."""
    text = re.sub(r"^#(?! \S)", "", page, flags=re.MULTILINE)
    follow_up = {"median_follow_up_months": "10", "follow_up": {"printed": "10 months", "place": "Results"}}
    sheet = read(tmp_path, fill(text, REQUIRED, OPTIONAL, {"enrolment": follow_up}), project)
    assert {name for name in OPTIONAL if not getattr(sheet, name)} == {"covariates"}
    assert sheet.bibliography is not None
    assert sheet.bibliography.doi is None


def test_an_unfilled_sheet_is_one_line(page: str, tmp_path: Path, project: Project) -> None:
    """A forgotten key is named with its line."""
    line = next(number + 1 for number, path, _, _ in keys_of(page) if path == ("design",))
    with pytest.raises(UserError) as error:
        read(tmp_path, fill(page, {key: value for key, value in REQUIRED.items() if key != "design"}), project)
    assert str(error.value).startswith(f"{tmp_path / STUDY}.yaml:{line}: design: ")


def properties(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every key of a schema, with the model that has it."""
    schema = schema_of(MODELS[name])
    for model, node in {name: schema, **schema.get("$defs", {})}.items():
        for key, value in node.get("properties", {}).items():
            yield model, key, value


@pytest.mark.parametrize("name", MODELS)
def test_every_key_says_what_it_means(name: str) -> None:
    """An editor shows a description for each key of every file."""
    described = [(model, key, value.get("description", "")) for model, key, value in properties(name)]
    assert len(described) > 5
    assert [(model, key) for model, key, words in described if not words.strip()] == []


def test_every_key_of_the_models_is_in_the_sheet(page: str) -> None:
    """Each key with its meaning, and each word that a key allows."""
    text = " ".join(re.sub(r"^[ #]*|(?<= )# ", "", line) for line in page.splitlines())
    text = " ".join(text.split())
    for model, key, value in properties("study"):
        assert re.search(rf"^#? *(- )?{key}:", page, flags=re.MULTILINE), (model, key)
        assert " ".join(value["description"].split()) in text, (model, key)
        kinds = [value, *value.get("anyOf", ())]
        for word in [word for kind in kinds for word in kind.get("enum", ())]:
            assert str(word) in text, (model, key, word)


def test_lines_fit_the_page(page: str) -> None:
    """120 columns, no tab, and the words of the configuration at the top."""
    assert max(map(len, page.splitlines())) <= 120
    assert "\t" not in page
    head = page[: page.index("study: ")]
    assert "time-to-event outcomes: os, pfs" in head
    assert "counted outcomes: ae_any, ae_grade3, discontinuation" in head
    assert "sorafenib_failure, lenvatinib_failure" in head


def test_a_long_name(project: Project, tmp_path: Path) -> None:
    """The comment beside the name stays a comment."""
    study = "smith_and_everybody_else_of_that_group_2027"
    text = fill(template(study, project.config, project.treatments, "study.json"), REQUIRED)
    assert read(tmp_path, text, project).study == study


def test_writing_a_sheet(workdir: Path, project: Project, page: str) -> None:
    """The sheet goes into the folder of the configuration; filled in, the whole project reads."""
    file = write_sheet(STUDY, CONFIG)
    assert file == Path(f"config/studies/{STUDY}.yaml")
    assert file.read_text(encoding="utf-8") == page
    schema = re.search(r"\$schema=(\S+)", page)
    assert schema
    assert (file.parent / schema[1]).is_file()
    file.write_text(fill(take(page, "medians"), REQUIRED, {"medians": OPTIONAL["medians"]}), encoding="utf-8")
    assert STUDY in read_project(CONFIG).sheets


@pytest.mark.parametrize(
    ("study", "problem"),
    [
        ("ditan_2022", "config/studies/ditan_2022.yaml: this sheet is there already; it is left as it is"),
        ("../smith", "study = '../smith': allowed: letters, digits, _ and -, such as smith_2027"),
        ("", "name the study: make new-study ID=smith_2027"),
        ("smith 2027", "study = 'smith 2027': allowed: letters, digits, _ and -, such as smith_2027"),
    ],
)
def test_refusals(workdir: Path, study: str, problem: str) -> None:
    """No sheet is overwritten, and no name leaves the folder."""
    before = {file: file.read_bytes() for file in workdir.rglob("*") if file.is_file()}
    with pytest.raises(UserError) as error:
        write_sheet(study, CONFIG)
    assert str(error.value) == problem
    assert {file: file.read_bytes() for file in workdir.rglob("*") if file.is_file()} == before


def test_the_command(workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where the sheet is and what comes next; the second time it refuses, with exit status 2."""
    monkeypatch.setattr("sys.argv", ["new_study", STUDY])
    new_study.main()
    assert capsys.readouterr().out == f"config/studies/{STUDY}.yaml: fill it in, then run: make check\n"
    with pytest.raises(SystemExit) as stop:
        new_study.main()
    assert stop.value.code == 2
    message = f"error: config/studies/{STUDY}.yaml: this sheet is there already; it is left as it is\n"
    assert capsys.readouterr().err == message
