"""Settings and digests: what an edit touches reruns, and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from nma.config import Project, read_project
from nma.errors import UserError
from nma.plan import (
    check_networks,
    evidence_digest,
    evidence_sheets,
    fit_settings,
    fits,
    label_settings,
    model_settings,
    structure_settings,
    summary_settings,
)

from tests.conftest import CONFIG, STUDIES, hazard_ratio, sheet, sheet_data, synthetic, write_plain

Edit = Callable[[str, str, str], int]
EVERY_SHEET = [f"config/studies/{study}.yaml" for study in STUDIES]


def digests(project: Project) -> dict[tuple[str, str], str]:
    """Digest of the evidence of every fit."""
    return {fit: evidence_digest(project, *fit) for fit in fits(project.config)}


def changed(before: Project, after: Project) -> set[tuple[str, str]]:
    """Fits whose evidence differs between two projects."""
    old, new = digests(before), digests(after)
    return {fit for fit in new if old.get(fit) != new[fit]}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("studies/ditan_2022.yaml", "label: TKI-ICI, n: 56", "label: Combination, n: 56"),
        ("studies/ditan_2022.yaml", "study: ditan_2022\n", "# a comment\n\n\nstudy: ditan_2022\n"),
        ("studies/ditan_2022.yaml", 'place: "Table 2, univariate",\n     p', 'place: "Table 2",\n     p'),
        ("studies/ditan_2022.yaml", "note: upper limit not reached", "note: not reached"),
        ("studies/nanchang_2023.yaml", "  - Third-line therapy of R is 10 patients (37.4%)", "  - Third line (37.4%)"),
        ("studies/severance_2024.yaml", "journal: Clinical and Molecular Hepatology", "journal: CMH"),
        ("config.yaml", "label: All five studies", "label: Everything"),
        ("config.yaml", "pfs: {label: Progression-free survival", "pfs: {label: PFS"),
        ("config.yaml", "log_hr: {effect: 1.5", "log_hr: {effect: 2.5"),
        ("treatments.yaml", "regorafenib: Regorafenib\n", "regorafenib: Stivarga\n"),
    ],
)
def test_edits_that_touch_no_evidence(project: Project, edit: Edit, file: str, old: str, new: str) -> None:
    """Labels, notes, places, priors and lines are not evidence."""
    edit(file, old, new)
    assert changed(project, read_project(CONFIG)) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "outcome"),
    [
        (
            "studies/ditan_2022.yaml",
            'value: 0.28, lower: 0.16, upper: 0.51, printed: "0.28 (0.16–0.51)"',
            'value: 0.29, lower: 0.16, upper: 0.51, printed: "0.29 (0.16–0.51)"',
            "os",
        ),
        ("studies/nanchang_2023.yaml", "{outcome: pfs, fraction: 0.95", "{outcome: pfs, fraction: 0.90", "pfs"),
        (
            "studies/severance_2024.yaml",
            'events: {count: 12, percent: 30.0, printed: "12 [30.0%]"',
            'events: {count: 13, percent: 30.0, printed: "13 [30.0%]"',
            "discontinuation",
        ),
        (
            "studies/ditan_2025.yaml",
            'sd:  {count: 9,  percent: 42.9, printed: "9 (42.9)"}',
            'sd:  {count: 8,  percent: 42.9, printed: "8 (42.9)"}',
            "dcr",
        ),
    ],
)
def test_an_edit_to_one_outcome(project: Project, edit: Edit, file: str, old: str, new: str, outcome: str) -> None:
    """The evidence of that outcome changes in every analysis that uses the figure, that of others does not."""
    edit(file, old, new)
    touched = changed(project, read_project(CONFIG))
    assert ("primary", outcome) in touched
    assert {name for _, name in touched} == {outcome}


def test_an_edit_to_a_figure_that_one_analysis_uses(project: Project, edit: Edit) -> None:
    """The medians of ditan_2025 by regimen enter one analysis."""
    old = 'value: 3.63,  lower: 2.39, upper: 4.86,  interval: IQR, interval_is: confidence,\n     printed: "3.63'
    edit("studies/ditan_2025.yaml", old, old.replace("3.63", "3.64"))
    assert changed(project, read_project(CONFIG)) == {("regimen_level", "pfs")}


def test_an_edit_to_an_arm(project: Project, edit: Edit) -> None:
    """The composition of an arm enters every outcome of its study."""
    old = "regimens: {lenvatinib: 34, regorafenib: 3}"
    edit("studies/ditan_2022.yaml", old, "regimens: {lenvatinib: 33, regorafenib: 4}")
    assert changed(project, read_project(CONFIG)) == set(fits(project.config))


def test_a_new_sheet_with_one_outcome(project: Project, workdir: Path) -> None:
    """A study that reports OS only changes the evidence of OS only."""
    setting = "atezolizumab_bevacizumab_failure"
    data = sheet_data("zulu", hazard_ratios=[hazard_ratio()])
    assert data["failed_first_line"][0]["setting"] == setting
    Path("config/studies/zulu.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    after = read_project(CONFIG)
    assert changed(project, after) == {fit for fit in fits(project.config) if fit[1] == "os"}
    for outcome in project.config.outcomes:
        new = {"config/studies/zulu.yaml"} if outcome == "os" else set()
        assert set(evidence_sheets(after, outcome)) - set(evidence_sheets(project, outcome)) == new


def test_sheets_behind_an_outcome(project: Project) -> None:
    """All five report survival and response, nanchang_2023 no totals of adverse events."""
    assert evidence_sheets(project, "os") == EVERY_SHEET
    assert evidence_sheets(project, "ae_grade3") == [file for file in EVERY_SHEET if "nanchang_2023" not in file]


def strings(value: Any) -> Iterator[str]:
    """All strings anywhere in nested settings, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (str(key), *strings(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_no_labels_among_the_settings_of_fits(project: Project) -> None:
    """Neither fits nor their summaries see a label, and fits see no margin and no direction."""
    labels = set(strings(label_settings(project))) - set(strings(structure_settings(project)))
    labels -= {*project.config.outcomes, *project.config.analyses, "pooled", "HR", "OR", "lower", "higher"}
    labels -= {"outcomes", "measures", "better", "margins", "analyses", "reference", "overall", "headline"}
    assert {"Overall survival", "Sorafenib + ICI", "After lenvatinib", "All five studies"} <= labels
    for analysis, outcome in fits(project.config):
        fit, summary = fit_settings(project, analysis, outcome), summary_settings(project, outcome)
        assert not labels & (set(strings(fit)) | set(strings(summary)))
        assert not {"margin", "better", "label"} & set(strings(fit))
        json.dumps([fit, summary])  # Snakemake stores settings as plain data


def test_edits_and_the_settings_of_fits(project: Project, edit: Edit) -> None:
    """A margin changes summaries only, a prior the fits of its outcomes only."""
    edit(
        "config.yaml",
        "os: {label: Overall survival, measure: HR, better: lower, margin: 0.80",
        "os: {label: OS, measure: HR, better: lower, margin: 0.75",
    )
    edit("config.yaml", "log_or: {effect: 1.5, tau: 1.0", "log_or: {effect: 1.5, tau: 0.9")
    after = read_project(CONFIG)
    assert summary_settings(after, "os") != summary_settings(project, "os")
    assert fit_settings(after, "primary", "os") == fit_settings(project, "primary", "os")
    assert fit_settings(after, "primary", "orr") != fit_settings(project, "primary", "orr")
    assert summary_settings(after, "orr") == summary_settings(project, "orr")


def test_prior_scales_of_the_models(project: Project) -> None:
    """A parameter that a model does not have has scale 0."""
    assert model_settings(project, "os") == {
        "fixed": {"effect": 1.5, "tau": 0.0, "omega": 0.0, "baseline": 2.5},
        "pooled": {"effect": 1.5, "tau": 0.5, "omega": 0.0, "baseline": 2.5},
        "setting": {"effect": 1.5, "tau": 0.5, "omega": 0.25, "baseline": 2.5},
    }
    assert model_settings(project, "dcr")["setting"] == {"effect": 1.5, "tau": 1.0, "omega": 0.5, "baseline": 2.5}


def test_the_shipped_networks_pass(project: Project, workdir: Path) -> None:
    """A component network need not be connected as a graph."""
    check_networks(project, CONFIG)


def test_an_outcome_without_evidence(project: Project, workdir: Path) -> None:
    """An analysis must not ask for an outcome that nobody reports."""
    small = synthetic(project.config, project.treatments, sheet(hazard_ratios=[hazard_ratio()]))
    with pytest.raises(UserError, match="no study gives evidence on pfs"):
        check_networks(small, CONFIG)


@pytest.mark.parametrize(
    ("pairs", "connected"),
    [
        ({"one": ("b", "a"), "two": ("c", "d")}, False),
        ({"one": ("b", "a"), "two": ("c", "b"), "three": ("d", "c")}, True),
        ({"one": ("b", "a")}, True),
    ],
)
def test_plain_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: dict[str, tuple[str, str]], connected: bool
) -> None:
    """A plain network must be connected."""
    monkeypatch.chdir(tmp_path)
    file = write_plain(tmp_path, pairs)
    project = read_project(file)
    if connected:
        check_networks(project, file)
    else:
        with pytest.raises(UserError, match=r"falls apart into \{a, b\}; \{c, d\}"):
            check_networks(project, file)
