"""Fixtures and builders for the evidence tests: the shipped project, copies to damage, small synthetic ones."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from secondline.inference.sampling import use_compile_cache
from secondline.project.config import Config, Project
from secondline.project.read import read_project
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments

# Timings of single examples say nothing on a busy machine. `make test` repeats the same examples, `make test-all` looks
# for new ones.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("new", deadline=None)
hypothesis.settings.load_profile("same")

ROOT = Path(__file__).parent.parent
use_compile_cache(ROOT / ".cache" / "compiled")
CONFIG = Path("config/config.yaml")
STUDIES = ("ditan_2022", "ditan_2025", "nanchang_2022", "nanchang_2023", "severance_2024")
QUOTED = ("persano_secondary", "yoo_secondary")  # secondary reports


@pytest.fixture(scope="session")
def project() -> Project:
    """Read the project as it is shipped."""
    with contextlib.chdir(ROOT):
        return read_project(CONFIG)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy config/ to a fresh directory, which becomes the working directory."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def edit(workdir: Path) -> Callable[[str, str, str], int]:
    """Replace a text that stands once in a file of the copy; gives the line on which it starts."""

    def replace(file: str, old: str, new: str) -> int:
        path = workdir / "config" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return replace


def figure(text: str, **more: Any) -> dict[str, Any]:
    """Return a printed figure with its place."""
    return {"printed": text, "place": "Table 1", **more}


def arm(n: int, **regimens: int) -> dict[str, Any]:
    """Return an arm of a synthetic sheet."""
    return {"label": "Arm", "n": n, "regimens": regimens, **figure(str(n))}


def sheet_data(study: str = "alpha", **sections: Any) -> dict[str, Any]:
    """Return a sheet as plain data: 40 on lenvatinib against 60 on sorafenib, and the sections given."""
    data: dict[str, Any] = {
        "study": study,
        "bibliography": {"authors": "A", "title": "T", "journal": "J", "year": 2020},
        "design": "retrospective_cohort",
        "site": f"Site of {study}",
        "enrolment": {"start": "2015-01", "end": "2016-12", **figure("January 2015 to December 2016")},
        "arms": {"len": arm(40, lenvatinib=40), "sor": arm(60, sorafenib=60)},
        "contrast_sets": {"arms": {"arms": ["len", "sor"], "comparator": "sor"}},
        **sections,
    }
    if "failed_first_line" not in data:
        main = next(iter(data["contrast_sets"].values()))["arms"]
        n = sum(data["arms"][name]["n"] for name in main)
        setting = "atezolizumab_bevacizumab_failure"
        data["failed_first_line"] = [{"setting": setting, "n": n, **figure(str(n))}]
    return data


def hazard_ratio(**changes: Any) -> dict[str, Any]:
    """Return a crude hazard ratio of the synthetic sheet."""
    ratio = {"outcome": "os", "treatment": "len", "comparator": "sor", "adjustment": "crude"}
    values = {"value": 0.8, "lower": 0.5, "upper": 1.28}
    return {**ratio, **values, **figure("0.8 0.5 1.28"), **changes}


def sheet(study: str = "alpha", **sections: Any) -> StudySheet:
    """Return a synthetic sheet."""
    return StudySheet.model_validate(sheet_data(study, **sections))


def synthetic(config: Config, treatments: Treatments, *sheets: StudySheet) -> Project:
    """Return a project of synthetic sheets with the shipped configuration."""
    return Project(config=config, treatments=treatments, sheets={s.study: s for s in sheets})


NO_DOUBT: dict[str, Any] = {"specifications": None, "overlaps": [], "bias": None, "next_study": None}
"""Keys of a configuration that name studies and outcomes of the shipped network, without them."""


def write_plain(folder: Path, pairs: dict[str, tuple[str, str]]) -> Path:
    """Write a plain network of the treatments a, b, c, d: one study for every pair, with a hazard ratio each."""
    names = ("a", "b", "c", "d")
    regimens = {name: {"label": name, "components": [] if name == "a" else [name]} for name in names}
    treatments = {
        "reference": "a",
        "components": {name: name for name in names[1:]},
        "regimens": regimens,
        "settings": {},
    }
    config = yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))
    config |= {"studies": "plain/studies", "treatments": "plain/treatments.yaml", "criteria": []}
    config["characteristics"] = None
    config |= {"analyses": {"main": {"label": "Plain"}}, "leave_one_out": None, "inconsistency": None}
    config |= NO_DOUBT
    config |= {"outcomes": {"os": config["outcomes"]["os"]}, "baselines": {}, "pairs": [], "lead": []}
    plain = folder / "plain"
    (plain / "studies").mkdir(parents=True)
    for study, (treatment, comparator) in pairs.items():
        data = sheet_data(
            study,
            arms={"t": arm(50, **{treatment: 50}), "c": arm(50, **{comparator: 50})},
            contrast_sets={"arms": {"arms": ["t", "c"], "comparator": "c"}},
            hazard_ratios=[hazard_ratio(treatment="t", comparator="c")],
            failed_first_line=[{"setting": "any", "n": 100, **figure("100")}],
        )
        (plain / "studies" / f"{study}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    treatments["settings"] = {"any": {"label": "Any"}}
    (plain / "treatments.yaml").write_text(yaml.safe_dump(treatments, sort_keys=False))
    (plain / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return Path("plain/config.yaml")
