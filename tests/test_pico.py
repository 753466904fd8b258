"""Questions of an assessment: the effects that they select, what is missing, and mistakes in one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.errors import UserError
from secondline.jobs.settings import pico_settings
from secondline.project.read import read_project
from secondline.summaries.pico import NO_EFFECT, NO_OUTCOME, PicoQuestion, PicoSettings, pico_rows, tabulate_pico
from secondline.tables import read_table, write_table

from tests.conftest import ROOT

QUESTION = PicoQuestion(label="Late", population="late", treatment="t", comparators=("c", "x"), outcomes=("os", "pfs"))
SETTINGS = PicoSettings(headline="pooled", questions=(QUESTION,), available=("os", "qol"), outcomes={"os": "Survival"},
                        populations={"late": "Late stage"})  # fmt: skip


def effect(setting: str, treatment: str, comparator: str, estimate: str) -> dict[str, str]:
    """Row of relative_effects.csv."""
    rest = dict.fromkeys(
        ("mean", "sd", "predictive_lower", "predictive_upper", "p_better", "p_margin", "interval"), "1"
    )
    limits = {
        "estimate": estimate,
        "estimate_lower": "0.5",
        "estimate_upper": "0.9",
        "engine": "exact",
        "converged": "true",
    }
    pair = {"setting": setting, "treatment": treatment, "comparator": comparator}
    return {**pair, "measure": "HR", **limits, **rest, "evidence": "direct"}


def test_the_effects_of_a_question_and_what_is_missing(tmp_path: Path) -> None:
    """Of its population, in the direction of its treatment; an outcome that the analysis does not have is said."""
    rows = [effect("overall", "t", "c", "0.6"), effect("late", "t", "c", "0.7"), effect("late", "c", "t", "1.4")]
    write_table(tmp_path / "os/pooled/relative_effects.csv", rows, list(rows[0]))
    tabulate_pico(tmp_path, SETTINGS, tmp_path / "pico.csv")
    found = [
        (row["outcome"], row["comparator"], row["estimate"], row["reason"]) for row in read_table(tmp_path / "pico.csv")
    ]
    assert found == [
        ("os", "c", "0.7", ""),
        ("os", "x", "", NO_EFFECT),
        ("pfs", "c", "", NO_OUTCOME),
        ("pfs", "x", "", NO_OUTCOME),
    ]
    (first, *_) = pico_rows({"os": rows}, SETTINGS)
    assert (first["population_label"], first["outcome_label"], first["evidence"]) == (
        "Late stage",
        "Survival",
        "direct",
    )


def written(folder: Path, **question: Any) -> Path:
    """Write the smoking example with one question."""
    config = yaml.safe_load((ROOT / "config/examples/smoking.yaml").read_text(encoding="utf-8"))
    config["evidence"][0]["file"] = str(ROOT / "config/examples/smoking.csv")
    outcome, regimens = next(iter(config["outcomes"])), list(config["treatments"]["regimens"])
    asked = {"treatment": regimens[1], "comparators": [regimens[0]], "outcomes": [outcome], **question}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"pico": [asked]}), encoding="utf-8")
    return folder / "config.yaml"


def test_settings_of_an_analysis(tmp_path: Path) -> None:
    """All settings together by default."""
    project = read_project(written(tmp_path))
    (question,) = pico_settings(project, project.config.base).questions
    assert (question.label, question.population) == ("All settings", "overall")


@pytest.mark.parametrize(
    ("question", "key", "words"),
    [
        ({"population": "late"}, "pico.0.population", "unknown setting; allowed: overall"),
        ({"treatment": "gum"}, "pico.0.treatment", "unknown regimen; allowed: "),
        ({"comparators": ["gum"]}, "pico.0.comparators.0", "unknown regimen; allowed: "),
        ({"outcomes": ["gum"]}, "pico.0.outcomes.0", "allowed: "),
        ({"outcomes": []}, "pico.0.outcomes", ""),
        ({"comparators": ["gum", "gum"]}, "pico.0.comparators.1", "named twice"),
        ({"treatment": "gum", "comparators": ["gum"]}, "pico.0.comparators.0", "this is the treatment itself"),
    ],
)
def test_mistakes_in_one_line(tmp_path: Path, question: dict[str, Any], key: str, words: str) -> None:
    """Key, value and what is allowed."""
    with pytest.raises(UserError) as error:
        read_project(written(tmp_path, **question))
    (line,) = error.value.lines
    assert key in line
    assert words in line
