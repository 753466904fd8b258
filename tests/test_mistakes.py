"""Mistakes that users make: one line on stderr with file, line, key, value and what is allowed, and exit status 2."""

from collections.abc import Callable
from pathlib import Path

import pytest
from secondline.jobs.script import EXIT_USER_ERROR
from secondline.jobs.start import open_project

from tests.conftest import QUOTED, write_plain

Edit = Callable[[str, str, str], int]
D22, N22, SEV = "studies/ditan_2022.yaml", "studies/nanchang_2022.yaml", "studies/severance_2024.yaml"
REGIMENS = "sorafenib, lenvatinib, regorafenib, other_tki, sorafenib_ici"
STUDIES = "ditan_2022, ditan_2025, nanchang_2022, nanchang_2023, severance_2024"
METHODS = (
    "'adjusted_hr', 'crude_hr', 'hr_p', 'logrank_p', 'km_reconstruction', 'medians_ci', 'medians_events' or 'medians_p'"
)

# name: file, text to replace, its replacement, lines from the start of the text to the key, and what the line says
MISTAKES = {
    "unknown regimen in an arm": (
        D22,
        "{lenvatinib: 34, regorafenib: 3}",
        "{lenvatinib: 34, axitinib: 3}",
        0,
        ["arms.tki.regimens.axitinib = 'axitinib'", "unknown regimen", f"allowed: {REGIMENS}"],
    ),
    "more events than patients": (
        SEV,
        'events: {count: 75, percent: 87.2, printed: "75 patients',
        'events: {count: 95, percent: 87.2, printed: "95 patients',
        0,
        ["counts.1.events.count = 95", "more events than patients", "allowed: 0 to 86"],
    ),
    "an interval without its estimate": (
        D22,
        'value: 0.28, lower: 0.16, upper: 0.51, printed: "0.28 (0.16–0.51)"',
        'value: 0.82, lower: 0.16, upper: 0.51, printed: "0.82 (0.16–0.51)"',
        0,
        ["hazard_ratios.1.value = 0.82", "outside its interval, 0.16 to 0.51"],
    ),
    "a composition that does not add up": (
        D22,
        "{lenvatinib: 34, regorafenib: 3}",
        "{lenvatinib: 33, regorafenib: 3}",
        0,
        ["arms.tki.regimens = {'lenvatinib': 33, 'regorafenib': 3}", "add up to 36, the arm has n = 37"],
    ),
    "failed first lines that do not add up": (
        N22,
        'n: 21, arms: {rp: 17, r: 4},  printed: "21 (26.9)',
        'n: 20, arms: {rp: 16, r: 4},  printed: "20 (26.9)',
        -2,
        ["failed_first_line = 77", "the failed first lines add up to 77, the arms to 78"],
    ),
    "a misspelt key": (
        "config.yaml",
        "headline: pooled",
        "headlin: pooled",
        0,
        ["headlin = 'pooled'", "unknown key", "did you mean headline?", "allowed: question, title, results, shared,"],
    ),
    "a misspelt key of a figure": (
        D22,
        "value: 0.28, lower",
        "vallue: 0.28, lower",
        0,
        ["hazard_ratios.1.vallue = 0.28", "did you mean value?"],
    ),
    "an unknown study in an analysis": (
        "config.yaml",
        "      nanchang_2023: its regorafenib",
        "      nanchang_2032: its regorafenib",
        0,
        ["analyses.four_cohorts.exclude.nanchang_2032", "unknown study", f"allowed: {STUDIES}"],
    ),
    "a key that stands twice": (
        "treatments.yaml",
        "  regorafenib: {label: Regorafenib, components",
        "  lenvatinib: {label: Regorafenib, components",
        0,
        ["lenvatinib", "this key occurs twice, first in line 15"],
    ),
    "a percentage where a count belongs": (
        SEV,
        'events: {count: 75, percent: 87.2, printed: "75 patients (87.2%)"',
        'events: {count: 87.2, printed: "75 patients (87.2%)"',
        0,
        ["counts.1.events.count = 87.2", "whole number of patients; write a percentage as percent:"],
    ),
    "a percentage with its sign": (
        SEV,
        'events: {count: 75, percent: 87.2, printed: "75 patients (87.2%)"',
        'events: {count: 87.2%, printed: "75 patients (87.2%)"',
        0,
        ["counts.1.events.count = '87.2%'", "write a percentage as percent:"],
    ),
    "a negative number of patients": (
        SEV,
        "n: 40, regimens",
        "n: -40, regimens",
        0,
        ["arms.lenvatinib.n = -40", "greater than 0"],
    ),
    "a missing figure": (
        SEV,
        "value: 1.852, lower: 1.142",
        "lower: 1.142",
        -2,
        ["hazard_ratios.0.value", "Field required"],
    ),
    "YAML that does not parse": (
        "config.yaml",
        "criteria: [mrecist, recist_1_1]",
        "criteria: [mrecist, recist_1_1",
        4,
        ["not valid YAML"],
    ),
    "an unknown outcome in a sheet": (
        D22,
        "- {outcome: ae_grade3, arm: tki, ",
        "- {outcome: ae_grade_3, arm: tki, ",
        0,
        ["counts.2.outcome = 'ae_grade_3'", "unknown outcome", "allowed: ae_any, ae_grade3, discontinuation"],
    ),
    "an unknown setting": (
        D22,
        "{setting: sorafenib_failure",
        "{setting: sorafenib",
        0,
        ["failed_first_line.0.setting = 'sorafenib'", "unknown setting", "allowed: sorafenib_failure, lenvatinib"],
    ),
    "a margin on the wrong side": (
        "config.yaml",
        "orr: {label: Objective response, measure: OR, better: higher, margin: 1.25",
        "orr: {label: Objective response, measure: OR, better: higher, margin: 0.80",
        0,
        ["outcomes.orr.margin = 0.8", "with better: higher the margin lies above 1"],
    ),
    "an unknown method": (
        "config.yaml",
        "nanchang_2023: {method: medians_ci}",
        "nanchang_2023: {method: medians}",
        0,
        ["analyses.nanchang_2023_medians.select.nanchang_2023.method = 'medians'", METHODS],
    ),
    "a study that is not the file's name": (
        D22,
        "study: ditan_2022",
        "study: ditan_2025",
        0,
        ["study = 'ditan_2025'", "must be the name of the file: ditan_2022"],
    ),
    "a figure that is not in its printed string": (
        SEV,
        "value: 1.852, lower: 1.142",
        "value: 1.825, lower: 1.142",
        0,
        ["hazard_ratios.0.value = 1.825", "does not occur in what is printed: aHR=1.852; 95% CI, 1.142–3.003"],
    ),
    "an unknown contrast set": (
        "config.yaml",
        "contrast_set: regimens",
        "contrast_set: drugs",
        0,
        ["select.ditan_2025.contrast_set = 'drugs'", "unknown contrast set; allowed: classes, regimens"],
    ),
    "an unknown population": (
        "config.yaml",
        "nanchang_2023: {method: medians_ci}",
        "nanchang_2022: {population: child_c}",
        0,
        [
            "select.nanchang_2022.population = 'child_c'",
            "unknown population; allowed: all, bclc_b, bclc_c, extrahepatic_metastasis",
        ],
    ),
    "an unknown arm": (
        SEV,
        "{outcome: ae_any,    arm: sorafenib,",
        "{outcome: ae_any,    arm: sora,",
        0,
        ["counts.1.arm = 'sora'", "unknown arm; allowed: lenvatinib, sorafenib"],
    ),
    "a word where a number belongs": (
        "config.yaml",
        "target_accept: 0.9\n",
        "target_accept: high\n",
        0,
        ["sampler.target_accept = 'high'", "valid number"],
    ),
    "a missing folder": (
        "config.yaml",
        "studies: config/studies",
        "studies: studies",
        0,
        ["studies = 'studies'", "no such folder"],
    ),
    "a missing file of treatments": (
        "config.yaml",
        "treatments: config/treatments.yaml",
        "treatments: treatments.yaml",
        0,
        ["treatments = 'treatments.yaml'", "no such file"],
    ),
}


def complaint(capsys: pytest.CaptureFixture[str], *configfiles: Path) -> str:
    """Open a project with a mistake in it and return the one line that it gives."""
    with pytest.raises(SystemExit) as stop:
        open_project(list(configfiles))
    assert stop.value.code == EXIT_USER_ERROR == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert printed.err.endswith("\n")
    assert len(printed.err.splitlines()) == 1
    return printed.err.removesuffix("\n")


@pytest.fixture(autouse=True)
def keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore PYTHONPATH, which opening a project sets, after every test."""
    monkeypatch.setenv("PYTHONPATH", "")


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(edit: Edit, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The line names the file, the line of the key, the key, the value and what is allowed."""
    file, old, new, offset, says = MISTAKES[name]
    line = edit(file, old, new) + offset
    message = complaint(capsys)
    assert message.startswith(f"error: config/{file}:{line}: ")
    for part in says:
        assert part in message


def test_a_missing_configuration(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no line to name, but the file."""
    assert complaint(capsys, Path("config/other.yaml")) == "error: config/other.yaml: no such file"


def test_every_study_excluded(edit: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    """The analysis that excludes everything is named."""
    line = edit(
        "config.yaml",
        "  primary: {label: All five studies}\n",
        "  primary: {label: None, exclude: {" + ", ".join(f"{study}: bad" for study in STUDIES.split(", ")) + "}}\n",
    )
    message = complaint(capsys)
    assert message == f"error: config/config.yaml:{line}: analyses.primary.exclude: every study is excluded"


def test_a_disconnected_plain_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two studies without a common treatment cannot be put into one ranking."""
    monkeypatch.chdir(tmp_path)
    file = write_plain(tmp_path, {"one": ("b", "a"), "two": ("c", "d")})
    lines = file.read_text(encoding="utf-8").splitlines()
    message = complaint(capsys, file)
    assert message.startswith(f"error: plain/config.yaml:{lines.index('  main:') + 1}: analyses.main: ")
    assert "the network of os is disconnected: {a, b}; {c, d}; allowed: one connected network" in message


def test_a_sheet_twice(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copied sheet keeps the id of the first, and the copy is what is reported."""
    copy = Path("config/studies/ditan_2023.yaml")
    copy.write_text(Path("config/studies/ditan_2022.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    message = complaint(capsys)
    assert message.startswith(f"error: {copy}:3: study = 'ditan_2022': ")


def test_paths_are_shown_as_they_were_given(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An absolute configuration inside the working directory is shown relative to it."""
    Path("config/mine.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert complaint(capsys, Path.cwd() / "config/mine.yaml").startswith("error: config/mine.yaml:1: ")


def test_a_sound_project_opens(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped configuration gives no line at all."""
    file, project = open_project([])
    assert file == Path("config/config.yaml")
    assert set(project.sheets) == {*STUDIES.split(", "), *QUOTED}
    assert capsys.readouterr() == ("", "")
