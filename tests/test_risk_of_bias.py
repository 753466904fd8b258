"""Risk of bias and indirectness: judgements with judge and support, facts without judgement, and what nobody judged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from secondline.cell_values import ELSEWHERE, FOUND, NOT_FOUND, NOT_JUDGED
from secondline.errors import UserError
from secondline.evidence.gather import TABLES
from secondline.evidence.judgements import (
    INDIRECTNESS_COLUMNS,
    RISK_OF_BIAS_COLUMNS,
    indirectness_rows,
    risk_of_bias_rows,
)
from secondline.evidence.selection import evidence_digest
from secondline.jobs.settings import fits
from secondline.project.config import Project
from secondline.project.documents import Document
from secondline.project.read import read_project
from secondline.project.risk_of_bias import DOMAINS, LEVELS, PICO, WHOLE, RiskOfBias
from secondline.project.sheet_files import sheet_of
from secondline.sources.paper import Paper
from secondline.sources.verify import Copy, verify_sheet
from secondline.tools.check import summary

from tests.conftest import CONFIG, QUOTED, STUDIES, figure, hazard_ratio, sheet, sheet_data, synthetic

Edit = Callable[[str, str, str], int]
SAME = {"judgement": "no_information"}
QUOTE = figure("chosen by the physician")


def judgement(**changes: Any) -> dict[str, Any]:
    """Return a judgement on confounding."""
    return {"domain": "confounding", "judgement": "serious", "support": [QUOTE], "judge": "AB", **changes}


def assessed(*judgements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an assessment by ROBINS-I."""
    return {"tool": "robins_i", "judgements": list(judgements), **more}


def message(section: str, assessment: dict[str, Any]) -> str:
    """Return the one-line error of a sheet with an assessment."""
    data = sheet_data(**{section: assessment})
    with pytest.raises(UserError) as error:
        sheet_of(Document(Path("alpha.yaml"), data, {(): 1, (section,): 7}))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tools() -> None:
    """Every tool has levels; those that are published have domains, the last of which is overall."""
    tools = get_args(RiskOfBias.model_fields["tool"].annotation)
    assert set(tools) == set(LEVELS) == {*DOMAINS, "own"}
    for tool, domains in DOMAINS.items():
        assert domains[-1] == WHOLE
        assert len(set(domains)) == len(domains)
        assert {level for level in LEVELS[tool].values() if level} == {1, 2, 3}
    assert [len(DOMAINS[tool]) - 1 for tool in ("robins_i", "rob_2", "rob_1")] == [7, 5, 7]


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("risk_of_bias", assessed({k: v for k, v in judgement().items() if k != "judge"}), "judgements.0.judge", ""),
    ("risk_of_bias", assessed({k: v for k, v in judgement().items() if k != "support"}), "judgements.0.support", ""),
    ("risk_of_bias", assessed(judgement(judge="")), "judgements.0.judge", ""),
    ("risk_of_bias", assessed(judgement(support=[])), "judgements.0.support", ""),
    (
        "risk_of_bias",
        assessed(judgement(domain="randomisation_process")),
        "0.domain",
        "allowed: confounding, selection",
    ),
    ("risk_of_bias", assessed(judgement(judgement="high")), "0.judgement", "allowed: low, moderate, serious, critical"),
    ("risk_of_bias", assessed(judgement(judgement="not_judged")), "0.judgement", "not judged: leave the entry out"),
    ("risk_of_bias", assessed(judgement(), judgement()), "1.domain", "judgements.0 judges confounding of all outcomes"),
    ("risk_of_bias", assessed(judgement(direction="cabo")), "0.direction", "allowed: len, sor, towards_null"),
    (
        "risk_of_bias",
        assessed(judgement(second={"judge": "AB", "judgement": "low"})),
        "0.second.judge",
        "another person",
    ),
    (
        "risk_of_bias",
        assessed(judgement(second={"judge": "CD", "judgement": "low"})),
        "0.second.consensus",
        "the judges differ, serious and low",
    ),
    ("risk_of_bias", assessed(domains=["x"]), "domains", "robins_i has its own domains"),
    ("risk_of_bias", {"tool": "own"}, "domains", "name the domains of your tool"),
    ("risk_of_bias", {"tool": "grade"}, "tool", "'robins_i', 'rob_2', 'rob_1' or 'own'"),
    ("risk_of_bias", assessed(facts=[{**QUOTE, "domain": "luck", "statement": "x"}]), "facts.0.domain", "confounding"),
    ("indirectness", {"judgements": [judgement()]}, "0.domain", "allowed: population, intervention"),
    (
        "indirectness",
        {"judgements": [judgement(domain="population")]},
        "0.judgement",
        "allowed: low, some, high",
    ),
]


@pytest.mark.parametrize(("section", "assessment", "key", "words"), MISTAKES)
def test_mistakes(section: str, assessment: dict[str, Any], key: str, words: str) -> None:
    """A judgement without judge or support, and every word that no tool has, is one line with its place."""
    found = message(section, assessment)
    assert found.startswith("alpha.yaml:7")
    assert key in found
    assert words in found


def test_unknown_outcome(workdir: Path, edit: Edit) -> None:
    """Judgements name outcomes of the configuration."""
    entry = "{domain: overall, outcomes: [cure], judgement: low, judge: A, support: [{printed: x, place: Methods}]}"
    line = edit("studies/ditan_2022.yaml", "  tool: robins_i\n", f"  tool: robins_i\n  judgements:\n    - {entry}\n")
    with pytest.raises(UserError, match=rf"ditan_2022.yaml:{line + 2}.*cure.*unknown outcome; allowed: os"):
        read_project(CONFIG)


def test_own_outcome_before_all_outcomes() -> None:
    """A judgement that names an outcome is that of the outcome, whichever comes first."""
    found = RiskOfBias.model_validate(assessed(judgement(), judgement(outcomes=["os"], judgement="low")))
    judged = [found.judged("confounding", name) for name in ("os", "pfs")]
    assert [one[1].judgement for one in judged if one] == ["low", "serious"]
    assert found.judged("missing_data", "os") is None


def test_rows_of_a_sheet(project: Project) -> None:
    """One row per domain and outcome reported: what two judges said, the words and facts, and what nobody judged."""
    study = sheet(
        hazard_ratios=[hazard_ratio()],
        risk_of_bias=assessed(
            judgement(
                support=[QUOTE, figure("of 60", place="Methods")],
                direction="len",
                second={"judge": "CD", "judgement": "moderate", "consensus": "critical"},
            ),
            judgement(domain="missing_data", judgement="no_information", second={"judge": "CD"} | SAME),
            facts=[{**figure("by the ward"), "domain": "confounding", "statement": "The ward chose."}],
        ),
    )
    rows = risk_of_bias_rows(synthetic(project.config, project.treatments, study))
    assert {(row["study"], row["outcome"], row["tool"]) for row in rows} == {("alpha", "os", "robins_i")}
    assert [row["domain"] for row in rows] == list(DOMAINS["robins_i"])
    by_domain = {row["domain"]: row for row in rows}
    assert by_domain["confounding"] | {"source": ""} == {
        "study": "alpha",
        "outcome": "os",
        "tool": "robins_i",
        "domain": "confounding",
        "judgement": "critical",
        "level": 3,
        "facts": "The ward chose.",
        "support": "chosen by the physician; of 60",
        "place": "Table 1; Methods",
        "judge": "AB",
        "second_judge": "CD",
        "agreement": "serious and moderate",
        "direction": "len",
        "source": "",
    }
    unknown = by_domain["missing_data"]
    assert (unknown["judgement"], unknown["level"], unknown["agreement"]) == ("no_information", None, "agreed")
    rest = [row for row in rows if row["domain"] not in ("confounding", "missing_data")]
    assert {(row["judgement"], row.get("level"), row.get("judge")) for row in rest} == {(NOT_JUDGED, None, None)}


def test_nothing_is_inferred(project: Project) -> None:
    """Facts without judgement leave the domain not judged, and show their words; no sheet gets a judgement from us."""
    rows = [*risk_of_bias_rows(project), *indirectness_rows(project)]
    assert {row["study"] for row in rows} == {*STUDIES, *QUOTED}
    assert {(row["judgement"], row.get("level"), row.get("judge")) for row in rows} == {(NOT_JUDGED, None, None)}
    least = [row for row in rows if row["study"] == "nanchang_2023" and row["domain"] == "selection_of_participants"]
    assert least
    for row in least:
        assert "immortal time" in row["facts"]
        assert "at least 2 cycles" in row["support"]
        assert row["source"].startswith("config/studies/nanchang_2023.yaml:")
    for study in STUDIES:
        assert any(row["facts"] for row in rows if row["study"] == study and row["domain"] == "confounding")
    assert {row["domain"] for row in indirectness_rows(project) if row["study"] == "ditan_2025"} == set(PICO)


def test_quotations_are_looked_up() -> None:
    """A quotation at its place is found, elsewhere so, and one that the paper does not have is not found."""
    quotes = [
        {"printed": "at the discretion of the attending physician", "place": "Methods"},
        {"printed": "patients were not blinded", "place": "Methods"},
        {"printed": "chosen by lot", "place": "Methods"},
    ]
    study = sheet(
        risk_of_bias=assessed(
            judgement(support=quotes[:1]),
            judgement(domain="measurement_of_outcomes", support=quotes[2:]),
            facts=[{**quotes[1], "domain": "confounding", "statement": "x"}],
        )
    )
    lines = (
        *("Methods", "", "Treatment was at the discretion of", "the attending physician.", ""),
        *("Discussion", "", "The patients were not blinded."),
    )
    verdicts = verify_sheet(study, Copy(Path("alpha.txt"), Paper(lines)))
    found = {verdict.figure.printed: verdict for verdict in verdicts if verdict.figure.path[0] == "risk_of_bias"}
    assert [found[quote["printed"]].status for quote in quotes] == [FOUND, ELSEWHERE, NOT_FOUND]
    assert found["chosen by lot"].figure.item == "risk of bias judgements measurement_of_outcomes support"


def test_no_fit_depends_on_judgements(workdir: Path, edit: Edit, project: Project) -> None:
    """An edited judgement, or a new fact, leaves the evidence of every fit as it was."""
    before = {fit: evidence_digest(project, *fit) for fit in fits(project.config)}
    entry = "{domain: overall, judgement: critical, judge: A, support: [{printed: retrospective, place: Methods}]}"
    edit("studies/ditan_2022.yaml", "  tool: robins_i\n", f"  tool: robins_i\n  judgements:\n    - {entry}\n")
    after = read_project(CONFIG)
    assert {row["judgement"] for row in risk_of_bias_rows(after)} == {NOT_JUDGED, "critical"}
    assert {fit: evidence_digest(after, *fit) for fit in before} == before


def with_columns(workdir: Path, cells: dict[str, tuple[str, str]], entry: str) -> Project:
    """Read the smoking example with two more columns: cells by study, and what the configuration says of them."""
    table, config = workdir / "config/examples/smoking.csv", workdir / "config/examples/smoking.yaml"
    head, *lines = table.read_text(encoding="utf-8").splitlines()
    name = head.split(",").index("study")
    judged = [",".join([line, *cells.get(line.split(",")[name], ("NA", "NA"))]) for line in lines]
    table.write_text("\n".join([f"{head},rob,indirectness", *judged]) + "\n", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    file = "file: config/examples/smoking.csv"
    assert text.count(file) == 1
    config.write_text(text.replace(file, ", ".join([file, *entry.splitlines()])), encoding="utf-8")
    return read_project(config.relative_to(workdir))


def test_columns_as_metainsight_has_them(workdir: Path) -> None:
    """Numbers from 1 to 3 under MetaInsight's names, or words; NA is not judged; no digest depends on them."""
    plain = read_project(Path("config/examples/smoking.yaml"))
    digest = {fit: evidence_digest(plain, *fit) for fit in fits(plain.config)}
    first, second, third, *_ = plain.studies
    cells = {first: ("3", "1"), second: ("some", "High"), third: ("NA", "2")}
    project = with_columns(workdir, cells, "columns: {risk_of_bias: rob}\njudged_by: the review group")
    bias = {row["study"]: row for row in risk_of_bias_rows(project)}
    indirect = {row["study"]: row for row in indirectness_rows(project)}
    assert [bias[name]["judgement"] for name in (first, second, third)] == ["high", "some", NOT_JUDGED]
    assert [indirect[name]["level"] for name in (first, second, third)] == [1, 3, 2]
    assert [bias[name]["judge"] for name in (first, second, third)] == ["the review group", "the review group", None]
    assert {(row["domain"], row["outcome"]) for row in bias.values()} == {(WHOLE, next(iter(project.config.outcomes)))}
    assert set(bias) == set(project.studies)
    assert {fit: evidence_digest(project, *fit) for fit in digest} == digest


def test_mistakes_in_columns(workdir: Path) -> None:
    """A level that is none, a table that does not say who judged, and a judge of nothing are one line each."""
    study = read_project(Path("config/examples/smoking.yaml")).studies[0]
    table, config = workdir / "config/examples/smoking.csv", workdir / "config/examples/smoking.yaml"
    before = table.read_text(encoding="utf-8"), config.read_text(encoding="utf-8")
    for cell, entry, words in (
        ("4", "columns: {risk_of_bias: rob}\njudged_by: us", "rob.*4.*allowed: 1, 2 or 3, or low, some, high"),
        ("2", "columns: {risk_of_bias: rob}", "judged_by.*say who judged risk_of_bias and indirectness, or ignore the"),
        ("2", "ignore: [rob, indirectness]\njudged_by: us", "judged_by.*has no column risk_of_bias or indirectness"),
    ):
        with pytest.raises(UserError, match=words) as error:
            with_columns(workdir, {study: (cell, "1")}, entry)
        assert "\n" not in str(error.value)
        table.write_text(before[0], encoding="utf-8")
        config.write_text(before[1], encoding="utf-8")


def test_one_judgement_per_study(workdir: Path) -> None:
    """The rows of a study agree."""
    project = with_columns(workdir, {}, "columns: {risk_of_bias: rob}\njudged_by: us")
    table = workdir / "config/examples/smoking.csv"
    head, one, *rest = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, one.removesuffix("NA,NA") + "1,NA", *rest]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"rob.*must be the same on every line of study {project.studies[0]}"):
        read_project(Path("config/examples/smoking.yaml"))


def test_check_counts_them(project: Project) -> None:
    """Domains judged in all outcomes, in some and in none, and facts, by study."""
    both = {"hazard_ratios": [hazard_ratio(), hazard_ratio(outcome="pfs")]}
    judged = assessed(judgement(), judgement(domain="missing_data", outcomes=["os"]))
    beta = sheet("beta", **both, indirectness={"facts": [{**QUOTE, "domain": "outcome", "statement": "x"}]})
    page = summary(synthetic(project.config, project.treatments, sheet(**both, risk_of_bias=judged), beta))
    (block,) = [block for block in page.split("\n\n") if block.startswith("Risk of bias and indirectness")]
    head, *lines = block.splitlines()
    assert head.endswith("nothing is judged in 3 of 4 assessments")
    assert [line.split() for line in lines[1:]] == [
        ["alpha", "risk", "of", "bias", "8", "1", "1", "6", "0"],
        ["beta", "indirectness", "5", "0", "0", "5", "1"],
    ]


def test_columns_of_the_tables() -> None:
    """Both tables are gathered, and have the same columns but for the tool."""
    assert {"risk_of_bias", "indirectness"} <= set(TABLES)
    assert [name for name in RISK_OF_BIAS_COLUMNS if name != "tool"] == list(INDIRECTNESS_COLUMNS)


def test_empty_support_is_refused_by_the_model() -> None:
    """The models themselves refuse a judgement without support, so that no importer can write one."""
    with pytest.raises(ValidationError):
        RiskOfBias.model_validate(assessed(judgement(support=[])))
