"""Sheets from a flat table: an exported data set comes back with the same evidence, and a bad cell writes nothing."""

import csv
import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.evidence import gather
from secondline.evidence.judgements import indirectness_rows, risk_of_bias_rows
from secondline.jobs.network_checks import check_networks
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.project.sheet_files import read_sheets
from secondline.project.sheets import StudySheet
from secondline.tables import to_csv
from secondline.tools import import_studies as import_module
from secondline.tools.import_studies import COLUMNS, import_studies

from tests.conftest import CONFIG, ROOT, figure, sheet_data, synthetic

REGIMENS = ("sorafenib", "lenvatinib", "regorafenib", "lenvatinib_ici", "other_tki")
SETTINGS = ("sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure")
HAZARDS, COUNTS = ("os", "pfs"), ("ae_any", "ae_grade3", "discontinuation")
CRITERIA = ("mrecist", "recist_1_1")
Record = tuple[str, dict[str, Any]]
TABLES = {
    "effects": (gather.effect_rows, gather.EFFECT_COLUMNS),
    "counts": (gather.count_rows, gather.COUNT_COLUMNS),
    "arm_data": (gather.arm_data_rows, gather.ARM_DATA_COLUMNS),
    "arms": (gather.arm_rows, gather.ARM_COLUMNS),
    "settings": (gather.setting_rows, gather.SETTING_COLUMNS),
}


def printed(*values: float | None, **more: Any) -> dict[str, Any]:
    """Return the printed string of some figures, and their place."""
    return figure(" ".join(str(value) for value in values if value is not None), **more)


def p_value(p: float, relation: str = "=") -> dict[str, Any]:
    """Return a p-value."""
    return {"value": p, "relation": relation, **printed(p)}


@dataclass(frozen=True)
class Simulated:
    """Facts and figures of a simulated study, drawn one after the other."""

    random: Random

    def chance(self) -> bool:
        """Toss a coin."""
        return self.random.random() < 0.5

    def text(self) -> str:
        """Return a text with what tends to go wrong in CSV and YAML."""
        return " ".join(
            self.random.choices(["Müller", "J:", '"', ",", "#", "- x", "{a}", "null", "7", "'", "é•–"], k=4)
        )

    def shares(self, names: Sequence[str], n: int) -> dict[str, int]:
        """Share out the patients of an arm among one or two names."""
        first, second = self.random.sample(names, 2)
        share = self.random.randrange(n) if self.chance() else 0
        return {first: n - share, **({second: share} if share else {})}

    def estimate(self) -> dict[str, Any]:
        """Return an estimate with both limits, with one or with none."""
        value = round(self.random.uniform(0.2, 30), 2)
        lower, upper = self.random.choice([(0.5, 1.7), (0.5, 1.7), (0.5, None), (None, None)])
        numbers = (value, lower and round(lower * value, 2), upper and round(upper * value, 2))
        return {**dict(zip(("value", "lower", "upper"), numbers, strict=True)), **printed(*numbers)}

    def leveled(self) -> dict[str, Any]:
        """Return an estimate, its interval at one of the usual levels."""
        found = self.estimate()
        return found | ({"level": self.random.choice([0.9, 0.95, 0.99])} if found.get("lower") else {})

    def p(self, *relations: str) -> dict[str, Any]:
        """Return a p-value or a bound."""
        return p_value(self.random.choice([0.001, 0.04, 0.5, 0.93]), self.random.choice(["=", *relations]))

    def arms(self, sizes: Mapping[str, int], comparator: str) -> dict[str, Any]:
        """Return the arms, and what their patients had before."""
        arms = {
            arm: {"label": self.text(), "n": n, "regimens": self.shares(REGIMENS, n), **printed(n)}
            for arm, n in sizes.items()
        }
        before: dict[str, dict[str, int]] = {}
        for arm, n in sizes.items():
            for setting, count in self.shares(SETTINGS, n).items():
                before.setdefault(setting, {})[arm] = count
        totals = {setting: sum(counts.values()) for setting, counts in before.items()}
        lines = [{"setting": s, "n": totals[s], "arms": counts, **printed(totals[s])} for s, counts in before.items()]
        sets = {"arms": {"arms": list(sizes), "comparator": comparator}}
        return {"arms": arms, "failed_first_line": lines, "contrast_sets": sets}

    def time_to_event(self, outcome: str, sizes: Mapping[str, int], comparator: str) -> Iterator[Record]:
        """Return hazard ratios, medians, tests, events and assumptions on one outcome."""
        assumed = self.chance()
        for arm, n in sizes.items():
            about: dict[str, Any] = {"outcome": outcome, "arm": arm}
            pair = {"outcome": outcome, "treatment": arm, "comparator": comparator}
            if arm != comparator and self.chance():
                more = {"adjustment": self.random.choice(["crude", "adjusted", "matched"])}
                covariates = self.random.choice([[], ["age"], ["age", "AFP above 400"]])
                p = self.p("<", ">=") if self.chance() else None
                yield "hazard_ratios", {**pair, **self.leveled(), **more, "covariates": covariates, "p": p}
            if self.chance():
                yield "medians", {**about, **self.leveled(), "unit": self.random.choice(["months", "weeks", "years"])}
            if arm != comparator and self.chance():
                yield "log_rank", {**pair, "favours": self.random.choice([arm, comparator]), "p": self.p()}
            if not assumed and self.chance():
                count = self.random.randint(0, n)
                yield "events", {**about, "events": {"count": count, **printed(count)}}
        if assumed:
            guess = {"fraction": 0.6, "plausible": [0.4, 0.75], "reason": self.text()}
            yield "assumed_events", {"outcome": outcome, **guess}

    def counts(self, outcome: str, sizes: Mapping[str, int]) -> Iterator[Record]:
        """Return counts, percentages or both."""
        for arm, n in sizes.items():
            events = self.random.randint(0, n)
            count = events if self.chance() else None
            percent = round(100 * events / n, 1) if count is None or self.chance() else None
            of = n if self.chance() else None
            shown = {"count": count, "percent": percent, "of": of, **printed(count, percent, of)}
            yield "counts", {"outcome": outcome, "arm": arm, "events": shown}

    def responses(self, criterion: str, sizes: Mapping[str, int]) -> Iterator[Record]:
        """Return some categories of best response, or all of them."""
        for arm, n in sizes.items():
            left, counts = n, {}
            for category in self.random.sample(["cr", "pr", "sd", "pd"], self.random.choice([1, 4, 4])):
                counts[category] = self.random.randint(0, left)
                left -= counts[category]
            figures = {category: {"count": count, "printed": str(count)} for category, count in counts.items()}
            yield "responses", {"criterion": criterion, "arm": arm, "place": "Table 3", **figures}

    def study(self, name: str) -> StudySheet:
        """Return a sheet of all that a flat table can hold."""
        sizes = {arm: self.random.randint(2, 300) for arm in ("a", "b", "c")[: self.random.choice([2, 2, 3])]}
        comparator = self.random.choice(list(sizes))
        sections: dict[str, Any] = self.arms(sizes, comparator)
        records = [record for outcome in HAZARDS for record in self.time_to_event(outcome, sizes, comparator)]
        records += [record for outcome in COUNTS for record in self.counts(outcome, sizes)]
        records += [record for criterion in CRITERIA if self.chance() for record in self.responses(criterion, sizes)]
        for section, record in records:
            sections.setdefault(section, []).append(record)
        bibliography = {name: self.text() for name in ("authors", "title", "journal")}
        return StudySheet.model_validate(sheet_data(name, bibliography={**bibliography, "year": 2020}, **sections))


def mixture(counts: dict[str, int]) -> str:
    """Write patients by name as one cell, or the name alone."""
    return " ".join(f"{name}:{n}" for name, n in counts.items()) if len(counts) > 1 else next(iter(counts))


def p_cell(p: Any) -> str:
    """Write a p-value or its bound."""
    return f"{'' if p.relation == '=' else p.relation}{p.value}"


def exported(sheet: StudySheet) -> list[dict[str, Any]]:
    """Write a sheet as rows of a flat table; facts of the study and of an arm stand in the first row only."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}

    def row(arm: str, outcome: str, criterion: str = "") -> dict[str, Any]:
        new = {"study": sheet.study, "arm": arm, "outcome": outcome, "criterion": criterion}
        return rows.setdefault((outcome, criterion, arm), new)

    (contrast_set,) = sheet.contrast_sets.values()
    for outcome in HAZARDS:
        for arm in contrast_set.arms:
            for ratio in sheet.hazard_ratios:
                if (ratio.outcome, ratio.treatment) == (outcome, arm):
                    cells = {"hr": ratio.value, "hr_lower": ratio.lower, "hr_upper": ratio.upper}
                    cells |= {"hr_level": ratio.level if ratio.level != 0.95 else None}
                    cells |= {"adjustment": ratio.adjustment, "covariates": "; ".join(ratio.covariates)}
                    row(arm, outcome).update(cells, hr_p=ratio.p and p_cell(ratio.p))
            for median in sheet.medians:
                if (median.outcome, median.arm) == (outcome, arm):
                    cells = {"median": median.value, "median_lower": median.lower, "median_upper": median.upper}
                    cells |= {"median_level": median.level if median.level != 0.95 else None}
                    row(arm, outcome).update(cells, median_unit=median.unit)
            for test in sheet.log_rank:
                if (test.outcome, test.treatment) == (outcome, arm):
                    row(arm, outcome).update(logrank_p=p_cell(test.p), favours=test.favours)
            for record in sheet.events:
                if (record.outcome, record.arm) == (outcome, arm):
                    row(arm, outcome).update(events=record.events.count)
        for assumed in sheet.assumed_events:
            if assumed.outcome == outcome:
                cells = {"assumed_fraction": assumed.fraction, "assumed_reason": assumed.reason}
                cells |= dict(zip(("assumed_low", "assumed_high"), assumed.plausible, strict=True))
                row(contrast_set.comparator, outcome).update(cells)
    for count in sheet.counts:
        row(count.arm, count.outcome).update(
            events=count.events.count, percent=count.events.percent, of=count.events.of
        )
    for response in sheet.responses:
        figures = {name: getattr(response, name) for name in ("cr", "pr", "sd", "pd")}
        counts = {name: count.count for name, count in figures.items() if count}
        row(response.arm, "response", response.criterion).update(counts)
    assert sheet.bibliography and sheet.enrolment
    facts = sheet.bibliography.model_dump() | {"design": sheet.design, "site": sheet.site}
    facts |= {"enrolment_start": sheet.enrolment.start, "enrolment_end": sheet.enrolment.end}
    table, told = list(rows.values()), set()
    table[0].update({name: facts[name] for name in facts if name in COLUMNS})
    for cells in table:
        if cells["arm"] not in told:
            arm = sheet.arms[cells["arm"]]
            lines = {
                line.setting: line.arms[cells["arm"]] for line in sheet.failed_first_line if cells["arm"] in line.arms
            }
            cells |= {"label": arm.label, "n": arm.n, "regimens": mixture(arm.regimens), "settings": mixture(lines)}
            cells["comparator"] = "yes" if cells["arm"] == contrast_set.comparator else ""
            told.add(cells["arm"])
    return table


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Write rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tables(project: Project) -> dict[str, list[str]]:
    """Lines of every evidence table, but for the place of the figures; arms are ordered as a table names them."""
    return {
        name: sorted(to_csv(rows(project), [column for column in columns if column != "source"]).splitlines())
        for name, (rows, columns) in TABLES.items()
    }


@pytest.fixture
def empty(workdir: Path) -> Path:
    """Leave no sheet in the copy of config/, and of the analyses the first."""
    shutil.rmtree("config/studies")
    Path("config/studies").mkdir()
    return Path("config/studies")


@pytest.mark.parametrize("seed", range(20))
def test_round_trip(seed: int, project: Project, tmp_path: Path) -> None:
    """Exported, imported and derived again, simulated studies give the same evidence tables to the last digit."""
    simulated = Simulated(Random(seed))
    sheets = [simulated.study(f"study_{i}") for i in range(4)]
    text = (ROOT / CONFIG).read_text(encoding="utf-8").replace("config/studies", str(tmp_path / "studies"))
    (tmp_path / "config.yaml").write_text(text.replace("config/treatments", str(ROOT / "config/treatments")))
    rows = [row for sheet in sheets for row in exported(sheet)]
    (tmp_path / "table.csv").write_text(csv_text(rows), encoding="utf-8")
    files = import_studies(tmp_path / "table.csv", tmp_path / "config.yaml")
    assert files == [tmp_path / "studies" / f"{sheet.study}.yaml" for sheet in sheets]
    imported = read_sheets(tmp_path / "studies")
    assert [imported[sheet.study].bibliography for sheet in sheets] == [sheet.bibliography for sheet in sheets]
    before = synthetic(project.config, project.treatments, *sheets)
    after = synthetic(project.config, project.treatments, *imported.values())
    assert tables(after) == tables(before)
    assert all(len(lines) > 1 for lines in tables(after).values())


FIRST = {
    "study": "smith_2027",
    "authors": "Smith J",
    "title": "A trial",
    "journal": "A journal",
    "year": "2027",
    "design": "randomised_trial",
    "site": "A hospital",
    "enrolment_start": "2020-01",
    "enrolment_end": "2021-06",
}
LEN = {"arm": "len", "n": "40", "regimens": "lenvatinib", "settings": "sorafenib_failure"}
SOR = {"arm": "sor", "n": "60", "regimens": "sorafenib:50 regorafenib:10", "settings": "sorafenib_failure"}
ROWS: list[dict[str, str]] = [
    {**FIRST, **LEN, "outcome": "os", "hr": "0.8", "hr_lower": "0.5", "hr_upper": "1.28", "hr_p": "0.35"},
    {"study": "smith_2027", **SOR, "comparator": "yes", "outcome": "os", "median": "8.1", "events": "44"},
    {"study": "smith_2027", "arm": "len", "outcome": "response", "criterion": "mrecist", "cr": "1", "pr": "7"},
    {"study": "smith_2027", "arm": "sor", "outcome": "ae_any", "percent": "50"},
]


BIAS = {
    "risk_of_bias_tool": "robins_i",
    "risk_of_bias": "serious",
    "risk_of_bias_support": "chosen by the physician",
    "risk_of_bias_place": "Methods",
    "risk_of_bias_judge": "AB",
}
INDIRECT = {"indirectness": "some", "indirectness_support": "from 2 centers", "indirectness_judge": "AB"}


def bad(row: int, message: str, **cells: str) -> tuple[int, dict[str, str], str]:
    """Return cells to change in a row of `ROWS`, and what the line then says."""
    return row, cells, f"table.csv:{row + 2}: {message}"


MISTAKES = [
    bad(0, "hr = '0,8': not a number", hr="0,8"),
    bad(0, "hazard_ratios.0.upper = 0.5: the interval has no width", hr="0.5", hr_upper="0.5"),
    bad(0, "hr_p = '0.35': nothing in hr that this belongs to", hr="", hr_lower="", hr_upper=""),
    bad(0, "hr_level = '0.9': nothing in hr_lower that this belongs to", hr_lower="", hr_upper="", hr_level="0.9"),
    bad(0, "hazard_ratios.0.level = 90.0: Input should be less than or equal to 0.999", hr_level="90"),
    bad(0, "medians.0.unit = 'week': Input should be 'days', 'weeks', 'months'", median="40", median_unit="week"),
    bad(0, "hr_p = 'n.s.': not a number", hr_p="n.s."),
    bad(0, "favours = 'len': nothing in logrank_p that this belongs to", favours="len"),
    bad(0, "favours = '': an empty cell", logrank_p="0.3"),
    bad(0, "log_rank.0.favours = 'lenvatinib': allowed: len, sor", logrank_p="0.3", favours="lenvatinib"),
    bad(0, "hazard_ratios.0.adjustment = 'yes': Input should be 'crude', 'adjusted' or 'matched'", adjustment="yes"),
    bad(0, "percent = '50': os has no such figure", percent="50"),
    bad(
        0, "hazard_ratios.0.p.value = 0.35: does not occur in what is printed: 0.8 (0.5-1.28)", printed="0.8 (0.5-1.28)"
    ),
    bad(0, "n = '': an empty cell; this is needed once in the rows of the study or arm", n=""),
    bad(0, "n = '40.5': allowed: a whole number, 1 or more", n="40.5"),
    bad(0, "year = 'MMXX': not a number", year="MMXX"),
    bad(0, "design = 'cohort': Input should be", design="cohort"),
    bad(0, "enrolment.start = '2020': allowed: a month, YYYY-MM", enrolment_start="2020"),
    bad(0, "enrolment.end = '2019-01': enrolment ends before it starts", enrolment_end="2019-01"),
    bad(0, "bibliography.authors: Field required", authors=""),
    bad(0, "study = 'smith_2027': comparator is yes in len, sor of its arms; allowed: in one", comparator="yes"),
    bad(0, "arms.len.regimens.aspirin = 'aspirin': unknown regimen; allowed: sorafenib", regimens="aspirin"),
    bad(0, "failed_first_line.0.setting = 'no': unknown setting", settings="no"),
    bad(1, "regimens = 'sorafenib:50': these add up to 50, the arm has n = 60", regimens="sorafenib:50"),
    bad(1, "regimens = 'sorafenib:50 10': allowed: one name, or patients by name", regimens="sorafenib:50 10"),
    bad(1, "hr = '1': this arm is the comparator", hr="1"),
    bad(1, "comparator = 'maybe': allowed: yes, no or an empty cell", comparator="maybe"),
    bad(1, "events.0.events.count = 61: more events than patients; allowed: 0 to 60", events="61"),
    bad(1, "events = '-3': allowed: a whole number, 0 or more", events="-3"),
    bad(2, "criterion = '': an empty cell", criterion=""),
    bad(2, "responses.0: the categories add up to 41", cr="34"),
    bad(2, "outcome = 'response': no figure in this row; allowed: cr, pr, sd, pd", cr="", pr=""),
    bad(
        2, "outcome = 'os': a second row of len on this outcome; allowed: one", outcome="os", criterion="", cr="", pr=""
    ),
    bad(2, "n = '41': line 2 says 40; allowed: the same, or an empty cell", n="41"),
    bad(
        3,
        "counts.0.outcome = 'toxicity': unknown outcome; allowed: ae_any, ae_grade3, discontinuation",
        outcome="toxicity",
    ),
    bad(3, "counts.0.events.percent = 150.0: Input should be less than or equal to 100", percent="150"),
    bad(3, "outcome = 'ae_any': no figure in this row; allowed: events, percent, of", percent=""),
    bad(3, "arm = '': an empty cell", arm=""),
    bad(3, "study = '': an empty cell", study=""),
    bad(3, "of = '0': allowed: a whole number, 1 or more", of="0"),
    bad(0, "risk_of_bias_judge = '': a judgement without judge; give who judged", risk_of_bias="low"),
    bad(
        0,
        "risk_of_bias_support = '': a judgement without support; give the words of the paper",
        risk_of_bias="low",
        risk_of_bias_judge="AB",
    ),
    bad(0, "risk_of_bias_judge = 'AB': nothing in risk_of_bias that this belongs to", risk_of_bias_judge="AB"),
    bad(0, "risk_of_bias_tool = 'rob_2': a tool without a judgement", risk_of_bias_tool="rob_2"),
    bad(0, "risk_of_bias_tool = '': risk of bias was judged; name the tool", **{**BIAS, "risk_of_bias_tool": ""}),
    bad(0, "risk_of_bias.judgements.0.judgement = 'low risk': ", **{**BIAS, "risk_of_bias": "low risk"}),
    bad(0, "risk_of_bias.judgements.0.judgement = 'high': unknown level; ", **{**BIAS, "risk_of_bias": "high"}),
]


def write(rows: list[dict[str, Any]]) -> Path:
    """Write a table into the working directory."""
    Path("table.csv").write_text(csv_text(rows), encoding="utf-8")
    return Path("table.csv")


@pytest.mark.parametrize(("row", "cells", "message"), MISTAKES, ids=[message for _, _, message in MISTAKES])
def test_mistakes(empty: Path, row: int, cells: dict[str, str], message: str) -> None:
    """One line with file, line and column; and no sheet, not even that of a study without mistakes."""
    sound = [{**cells, "study": "before_2026"} for cells in ROWS]
    rows = [*ROWS[:row], {**ROWS[row], **cells}, *ROWS[row + 1 :], *sound]
    with pytest.raises(UserError) as error:
        import_studies(write(rows), CONFIG)
    assert str(error.value).startswith(message)
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv: the table is empty"),
        ("study,arm,outcome\n", "table.csv: the table has no rows"),
        ("study,arm\na,b\n", "table.csv:1: no column outcome"),
        ("study,arm,outcome,hr,hr\n", "table.csv:1: hr: this column occurs twice"),
        ("study,arm,outcome,medain\n", "table.csv:1: medain: unknown column; did you mean median? allowed: study, "),
        ("study,arm,outcome\na,b\n", "table.csv:2: 2 cells; allowed: 3, as in the header"),
        ('study,arm,outcome\n"a,b,os\n', "table.csv:2: not valid CSV"),
    ],
)
def test_broken_tables(empty: Path, text: str, message: str) -> None:
    """A table that is no table."""
    Path("table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        import_studies(Path("table.csv"), CONFIG)
    assert str(error.value).startswith(message)


def test_nothing_is_overwritten(workdir: Path) -> None:
    """A study that has a sheet stops the import before anything is written."""
    rows = [*ROWS, *({**row, "study": "ditan_2022"} for row in ROWS)]
    before = {file: file.read_bytes() for file in Path("config/studies").iterdir()}
    with pytest.raises(UserError, match=r"ditan_2022.yaml: this sheet is there already"):
        import_studies(write(rows), CONFIG)
    assert {file: file.read_bytes() for file in Path("config/studies").iterdir()} == before


def test_assumed_events_once(empty: Path) -> None:
    """Two assumptions on one outcome would leave one of them unused."""
    assumed = {"assumed_fraction": "0.6", "assumed_low": "0.4", "assumed_high": "0.8", "assumed_reason": "guess"}
    rows = [{**ROWS[0], **assumed}, {**ROWS[1], **assumed}]
    with pytest.raises(UserError) as error:
        import_studies(write(rows), CONFIG)
    assert (
        str(error.value) == "table.csv:3: assumed_fraction = '0.6': given in line 2 already; allowed: once an outcome"
    )


def test_an_imported_sheet(workdir: Path) -> None:
    """The sheet beside the shipped ones: the project reads, and every figure keeps its string and its line."""
    (file,) = import_studies(write(ROWS), CONFIG)
    project = read_project(CONFIG)
    check_networks(project, CONFIG)
    sheet = project.sheets["smith_2027"]
    assert sheet.arms["sor"].regimens == {"sorafenib": 50, "regorafenib": 10}
    assert sheet.failed_first_line[0].n == 100
    (ratio,) = sheet.hazard_ratios
    assert (ratio.printed, ratio.place) == ("0.8 0.5 1.28", "table.csv, line 2")
    (row,) = [row for row in gather.effect_rows(project) if row["study"] == "smith_2027" and row["selected"]]
    assert (row["method"], row["treatment_arm"], row["estimate"]) == ("crude_hr", "len", pytest.approx(0.8))
    head = file.read_text(encoding="utf-8").splitlines()[:2]
    assert head == ["# yaml-language-server: $schema=../schemas/study.json", "# Imported from table.csv."]


def test_imported_judgements(workdir: Path) -> None:
    """By outcome: those of the category rows apply to all outcomes made of them; the others are not judged."""
    rows = [{**ROWS[0], **BIAS}, ROWS[1], {**ROWS[2], **INDIRECT, "risk_of_bias_tool": "robins_i"}, *ROWS[3:]]
    import_studies(write(rows), CONFIG)
    project = read_project(CONFIG)
    found = {
        row["outcome"]: row
        for row in risk_of_bias_rows(project)
        if row["study"] == "smith_2027" and row["domain"] == "overall"
    }
    assert {outcome: row["judgement"] for outcome, row in found.items()} == {
        outcome: "serious" if outcome == ROWS[0]["outcome"] else "not judged" for outcome in found
    }
    judged = found[ROWS[0]["outcome"]]
    assert [judged[name] for name in ("tool", "support", "place", "judge")] == [
        "robins_i",
        "chosen by the physician",
        "Methods",
        "AB",
    ]
    made = [name for name, outcome in project.config.outcomes.items() if outcome.categories]
    assert set(found) > {"orr", "dcr"}
    indirect = {
        row["outcome"]: (row["judgement"], row["place"])
        for row in indirectness_rows(project)
        if row["study"] == "smith_2027" and row["judgement"] != "not judged"
    }
    assert indirect == dict.fromkeys(made, ("some", "table.csv, line 4"))


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")), min_size=1, max_size=4))
def test_any_text_comes_back(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands in a cell is quoted so that YAML gives it back."""
    folder = tmp_path_factory.mktemp("texts")
    file = folder / "alpha.yaml"
    texts = [text for text in texts if text] or ["x"]
    file.write_text(import_module.sheet_text(sheet_data(notes=texts), "table.csv", "study.json"), encoding="utf-8")
    assert read_sheets(folder)["alpha"].notes == texts


def test_the_command(empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It lists the sheets; a mistake ends it with exit status 2 and one line."""
    monkeypatch.setattr("sys.argv", ["importer", str(write(ROWS))])
    import_module.main()
    assert capsys.readouterr().out == "config/studies/smith_2027.yaml\n"
    with pytest.raises(SystemExit) as stop:
        import_module.main()
    assert stop.value.code == 2
    message = "error: config/studies/smith_2027.yaml: this sheet is there already; it is left as it is\n"
    assert capsys.readouterr().err == message
