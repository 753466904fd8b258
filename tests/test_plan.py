"""Settings and digests: what an edit touches reruns, and nothing else."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.selection import evidence_csv, evidence_digest, select_evidence
from secondline.evidence.spread import derivation_digest
from secondline.inference.priors import PriorScales
from secondline.jobs.network_checks import check_networks
from secondline.jobs.report_settings import figure_labels
from secondline.jobs.settings import (
    evidence_files,
    fit_settings,
    fits,
    input_files,
    model_settings,
    summary_settings,
)
from secondline.network.predictor import Effects
from secondline.network.slopes import Slopes
from secondline.project.config import Project
from secondline.project.config_parts import Analysis
from secondline.project.read import read_project
from secondline.sd_points import ABSENT
from secondline.sd_priors import HalfNormal

from tests.conftest import CONFIG, QUOTED, ROOT, STUDIES, hazard_ratio, sheet, sheet_data, synthetic, write_plain

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
            'sd:  {count: 9,  percent: 42.9, printed: "9 (42.9)",',
            'sd:  {count: 8,  percent: 42.9, printed: "8 (42.9)",',
            "dcr response",
        ),
    ],
)
def test_an_edit_to_one_outcome(project: Project, edit: Edit, file: str, old: str, new: str, outcome: str) -> None:
    """The evidence of that outcome changes in every analysis that uses the figure, that of others does not."""
    edit(file, old, new)
    touched = changed(project, read_project(CONFIG))
    assert {("primary", name) for name in outcome.split()} <= touched
    assert {name for _, name in touched} == set(outcome.split())


def test_an_edit_to_what_an_effect_is_derived_from(project: Project, edit: Edit) -> None:
    """Plausible limits of an assumption change no evidence, but the derivations of the outcome that it is about."""
    before = {outcome: derivation_digest(project, outcome) for outcome in ("os", "pfs")}
    edit("studies/nanchang_2023.yaml", "pfs, fraction: 0.95, plausible: [0.85", "pfs, fraction: 0.95, plausible: [0.80")
    edit("studies/ditan_2022.yaml", "label: TKI-ICI, n: 56", "label: Combination, n: 56")
    after = {outcome: derivation_digest(read_project(CONFIG), outcome) for outcome in ("os", "pfs")}
    assert before["os"] == after["os"]
    assert before["pfs"] != after["pfs"]
    assert changed(project, read_project(CONFIG)) == set()


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
        before = evidence_files(project, "primary", outcome)
        assert set(evidence_files(after, "primary", outcome)) - set(before) == new


def test_sheets_behind_an_outcome(project: Project) -> None:
    """All five report survival and response, nanchang_2023 no totals of adverse events."""
    assert evidence_files(project, "primary", "os") == EVERY_SHEET
    with_harms = [file for file in EVERY_SHEET if "nanchang_2023" not in file]
    assert evidence_files(project, "primary", "ae_grade3") == with_harms


def test_sheets_behind_an_analysis_that_takes_secondary_reports(project: Project) -> None:
    """Both quotations give OS, one of them PFS; no other analysis depends on them."""
    quoted = [f"config/studies/{study}.yaml" for study in QUOTED]
    assert evidence_files(project, "extended", "os") == sorted([*EVERY_SHEET, *quoted])
    assert evidence_files(project, "extended", "pfs") == sorted([*EVERY_SHEET, quoted[1]])
    assert set(quoted) < set(input_files(project))
    for analysis, outcome in fits(project.config):
        if analysis != "extended":
            assert not set(quoted) & set(evidence_files(project, analysis, outcome))
            assert not any(study in evidence_csv(project, analysis, outcome) for study in QUOTED)


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
    given = figure_labels(project)
    kinds = (given.outcomes, given.regimens, given.components, given.settings, given.analyses)
    labels = {label for kind in kinds for label in kind.values()}
    assert {"Overall survival", "Sorafenib + ICI", "After lenvatinib", "All five studies"} <= labels
    for analysis, outcome in fits(project.config):
        fit, summary = map(asdict, (fit_settings(project, analysis, outcome), summary_settings(project, outcome)))
        assert not labels & (set(strings(fit)) | set(strings(summary)))
        assert not {"margin", "better", "label"} & set(strings(fit))


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


def priors(project: Project, outcome: str) -> dict[str, PriorScales]:
    """Prior scales of every model."""
    return {name: model.prior for name, model in model_settings(project, "primary", outcome).items()}


def test_prior_scales_of_the_models(project: Project) -> None:
    """A parameter that a model does not have has scale 0; slopes have the prior of effects."""
    common = {"effect": 1.5, "baseline": 2.5, "slope": 1.5, "cutpoint": 1.5}
    assert priors(project, "os") == {
        "fixed": PriorScales(**common, tau=0.0, omega=0.0),
        "pooled": PriorScales(**common, tau=0.5, omega=0.0),
        "setting": PriorScales(**common, tau=0.5, omega=0.25),
    }
    assert priors(project, "dcr")["setting"] == PriorScales(**common, tau=1.0, omega=0.5)


def test_effects_of_the_shipped_models(project: Project) -> None:
    """Only the last has departures by setting; none has more."""
    effects = {name: model.effects for name, model in model_settings(project, "primary", "os").items()}
    assert effects == {"fixed": Effects(), "pooled": Effects(), "setting": Effects(settings=True)}


def test_likelihoods_of_the_fits(project: Project) -> None:
    """A fit knows its likelihood, its summary whether effects are ratios."""
    fits_of = {outcome: fit_settings(project, "primary", outcome).likelihood for outcome in project.config.outcomes}
    assert {name for name, likelihood in fits_of.items() if likelihood == "contrasts"} == {"os", "pfs"}
    assert fits_of["response"] == "ordered_logit"
    assert fits_of["orr"] == "binomial_logit"
    summary = summary_settings(project, "response")
    assert (summary.ratio, summary.baselines, summary.measure) == (True, {}, "OR")


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Path, Project]]:
    """Write a plain data set of three trials with two covariates, and read it."""
    monkeypatch.chdir(tmp_path)
    rows = ["study,treatment,events,n,age,year", "x,a,1,10,60,2001", "x,b,2,10,60,2001", "y,a,1,10,70.5,"]
    rows += ["y,c,2,10,70.5,", "z,a,1,10,50,2003", "z,b,2,10,50,2003"]
    Path("trials.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def write(model: dict[str, Any], **analysis: Any) -> tuple[Path, Project]:
        config = {
            "evidence": [{"file": "trials.csv", "outcome": "death", "ignore": ["age", "year"]}],
            "treatments": {
                "reference": "a",
                "regimens": {"a": "A", "b": "B", "c": "C"},
                "classes": {"active": {"label": "Active", "components": ["b", "c"]}},
            },
            "seed": 1,
            "outcomes": {"death": {"label": "D", "measure": "OR", "better": "lower", "margin": 0.8, "prior": "p"}},
            "models": {"main": {"heterogeneity": True, **model}},
            "headline": "main",
            "priors": {"p": {"effect": 10, "tau": 2, "omega": 1, "slope": 0.1, "cutpoint": 2}},
            "sampler": yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["sampler"],
            "analyses": {"all": {"label": "All", **analysis}},
        }
        name = model.get("covariate", {}).get("name")
        config["evidence"][0]["ignore"] = [column for column in ("age", "year") if column != name]
        Path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        return Path("config.yaml"), read_project(Path("config.yaml"))

    return write


Trials = Callable[..., tuple[Path, Project]]


def test_classes(trials: Trials) -> None:
    """A class model knows the class of every component, and needs omega."""
    file, project = trials({"classes": True})
    check_networks(project, file)
    (model,) = model_settings(project, "all", "death").values()
    assert model.effects.classes == {"b": "active", "c": "active"}
    assert model.prior.omega == HalfNormal(1)
    (model,) = model_settings(trials({})[1], "all", "death").values()
    assert model.effects.classes == {}
    assert model.prior.omega == ABSENT
    with pytest.raises(UserError, match="without them this is the model with settings: false"):
        trials({"settings": True})


def test_models_of_combinations(edit: Edit) -> None:
    """A declared standard deviation is a prior scale of its own; summaries know the effects of every model."""
    edit(
        "config.yaml",
        "  setting: {heterogeneity: true, settings: true}",
        "  varying: {heterogeneity: true, exchangeable_interactions: {component: ici, sd: 0.3}}\n"
        "  regimens: {heterogeneity: true, regimen_level: true}\n"
        "  contrast: {heterogeneity: true, mixed_arms: class_contrast}",
    )
    project = read_project(CONFIG)
    check_networks(project, CONFIG)
    models = model_settings(project, "primary", "os")
    effects = {name: model.effects for name, model in models.items()}
    assert effects == {
        "fixed": Effects(),
        "pooled": Effects(),
        "varying": Effects(varying="ici"),
        "regimens": Effects(regimen_level=True),
        "contrast": Effects(mixed_arms="class_contrast"),
    }
    assert {name: model.prior.interaction for name, model in models.items() if model.prior.interaction} == {
        "varying": 0.3
    }
    assert summary_settings(project, "os").effects == effects


def test_a_class_contrast_of_no_regimen(edit: Edit) -> None:
    """A mix that an arm would need but no regimen is names the model, the study and the arm."""
    edit("treatments.yaml", "components: [regorafenib, ici]}", "components: [regorafenib, ici, other_tki]}")
    line = edit(
        "config.yaml", "pooled: {heterogeneity: true", "pooled: {heterogeneity: true, mixed_arms: class_contrast"
    )
    with pytest.raises(UserError) as error:
        check_networks(read_project(CONFIG), CONFIG)
    expected = f"config/config.yaml:{line}: models.pooled.mixed_arms = 'class_contrast': the class contrast gives arm "
    assert str(error.value).startswith(expected)


def test_regimens_with_effects_of_their_own_already(trials: Trials) -> None:
    """In a plain network there is no additivity to do without, and no interaction."""
    with pytest.raises(UserError, match="every regimen has an effect of its own without it"):
        trials({"regimen_level": True})
    with pytest.raises(UserError, match="only regimen b contains it; allowed: one of several, none here"):
        trials({"exchangeable_interactions": {"component": "b", "sd": 0.3}})


def test_the_centre_of_a_covariate(trials: Trials) -> None:
    """The mean over the studies in use, each counting once, unless it is given."""
    age = {"covariate": {"name": "age"}}
    for analysis, centre in (({}, 60.5 - 1 / 3), ({"exclude": {"z": "small"}}, 65.25)):
        file, project = trials(age, **analysis)
        check_networks(project, file)
        (model,) = model_settings(project, "all", "death").values()
        (slopes,) = model.effects.slopes
        assert slopes == Slopes("age", pytest.approx(centre, rel=1e-14))
        assert (model.prior.slope, model.prior.cutpoint) == (0.1, 2)
    for given in (0, 55.5):
        (model,) = model_settings(trials({"covariate": {"name": "age", "centre": given}})[1], "all", "death").values()
        assert model.effects.centres == {"age": given}


def test_a_study_without_the_covariate(trials: Trials) -> None:
    """A model leaves it out, unless that leaves no network, or the headline model without one of its treatments."""
    file, project = trials({"covariate": {"name": "year"}})
    line = file.read_text(encoding="utf-8").splitlines().index("      name: year") + 1
    with pytest.raises(UserError) as error:
        check_networks(project, file)
    problem = "without y, where it is missing, the headline model of death of all loses c"
    assert str(error.value) == f"config.yaml:{line}: models.main.covariate.name = 'year': {problem}"
    check_networks(*reversed(trials({"covariate": {"name": "year"}}, exclude={"y": "no year"})))


def test_files_of_tables(trials: Trials, project: Project) -> None:
    """An outcome depends on its sheets and tables; a reader of everything on the treatments, too."""
    small = trials({})[1]
    assert evidence_files(small, next(iter(small.config.analyses)), "death") == input_files(small) == ["trials.csv"]
    sheets = [f"config/studies/{study}.yaml" for study in project.sheets]
    assert input_files(project) == [*sheets, "config/treatments.yaml", "config/characteristics.yaml"]


def test_one_source_for_a_study(edit: Edit) -> None:
    """A table must not repeat what a sheet reports, but may add another outcome of that study."""
    edit("config.yaml", "treatments: config", "evidence: [{file: config/more.csv}]\ntreatments: config")
    header = "study,treatment,outcome,events,n\n"
    for outcome, fine in (("ae_grade3", True), ("dcr", False)):
        rows = f"nanchang_2023,regorafenib,{outcome},3,27\nnanchang_2023,lenvatinib_ici,{outcome},4,41\n"
        Path("config/more.csv").write_text(header + rows, encoding="utf-8")
        after = read_project(CONFIG)
        if fine:
            check_networks(after, CONFIG)
            files = evidence_files(after, "primary", outcome)
            assert files[-1] == "config/more.csv"
            assert len(files) == 5
        else:
            with pytest.raises(UserError) as error:
                check_networks(after, CONFIG)
            problem = "this study gives dcr already, in config/studies/nanchang_2023.yaml; allowed: one source"
            assert str(error.value) == f"config/more.csv:2: study = 'nanchang_2023': {problem}"


def test_covariates_of_sheets(edit: Edit, project: Project) -> None:
    """A sheet may give covariates of its study; only those that a model uses are evidence."""
    for study in (*STUDIES, *QUOTED):
        edit(f"studies/{study}.yaml", f"study: {study}\n", f"study: {study}\ncovariates: {{year: 2020, age: 58.5}}\n")
    assert changed(project, read_project(CONFIG)) == set()
    edit("config.yaml", "pooled: {heterogeneity: true", "pooled: {heterogeneity: true, covariate: {name: age}")
    after = read_project(CONFIG)
    check_networks(after, CONFIG)
    assert all(row["covariates"] == "age:58.5" for row in select_evidence(after, "primary", "os"))
    assert model_settings(after, "primary", "orr")["pooled"].effects.centres == {"age": 58.5}


def test_the_shipped_networks_pass(project: Project, workdir: Path) -> None:
    """A component network need not be connected as a graph."""
    check_networks(project, CONFIG)


def test_an_outcome_without_evidence(project: Project, workdir: Path) -> None:
    """An analysis must not ask for an outcome that nobody reports."""
    small = synthetic(project.config, project.treatments, sheet(hazard_ratios=[hazard_ratio()]))
    with pytest.raises(UserError, match="no study gives evidence on pfs; leave it out"):
        check_networks(small, CONFIG)


def test_why_a_study_is_no_evidence(project: Project, workdir: Path) -> None:
    """Where every study that reports an outcome is left out of it, the reasons are said."""
    small = synthetic(project.config, project.treatments, sheet(hazard_ratios=[hazard_ratio()]))
    name = next(iter(small.sheets))
    analyses = {"main": Analysis(label="All", outcomes=["os"], exclude={name: "its arms overlap"})}
    config = small.config.model_copy(update={"analyses": analyses})
    with pytest.raises(
        UserError, match=rf"evidence on os \({name}: excluded by the analysis: its arms overlap\); leave"
    ):
        check_networks(small.model_copy(update={"config": config}), CONFIG)


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
        with pytest.raises(UserError, match=r"is disconnected: \{a, b\}; \{c, d\}"):
            check_networks(project, file)


def test_only_files_that_no_rule_makes_hide_their_age() -> None:
    """Snakemake forgets changed settings of a job whose `ancient` input another job of the run makes."""
    rules = [file.read_text(encoding="utf-8") for file in (ROOT / "workflow/rules").glob("*.smk")]
    hidden = [text for rule in rules for text in re.findall(r"ancient\(\s*(?:lambda w: )?([\w.]+)\(project\b", rule)]
    assert len(hidden) == sum(rule.count("ancient(") for rule in rules) > 0
    assert set(hidden) <= {"settings.evidence_files", "settings.input_files"}
