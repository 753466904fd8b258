"""Formats of tables: the same data in every one of them gives the same rows, and the answers that are known."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.selection import evidence_csv
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.jobs.settings import treatments_of
from secondline.network.data import network_data
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.evidence_tables import Row, TableStudy, read_table
from secondline.project.formats import registry
from secondline.project.formats.base import Left, Reader, Sheet, Taken
from secondline.project.table_columns import TableFile, take
from secondline.project.table_lines import EvidenceTable, Vocabulary
from secondline.summaries.exact_analysis import analyse

from tests.conftest import ROOT
from tests.test_evidence_tables import complain
from tests.test_measures import project_of

FORMATS = ROOT / "tests/data/formats"
EXAMPLES = ROOT / "config/examples"
REGIMENS = {
    "parkinsons": ["placebo", "ropinirole", "pramipexole", "bromocriptine", "cabergoline"],
    "smoking": ["no_contact", "self_help", "ind_counseling", "grp_counseling"],
}
ARMS = {
    "european.csv": ("parkinsons", "arms"),
    "metainsight_long.csv": ("parkinsons", "arms"),
    "metainsight_wide.csv": ("parkinsons", "wide"),
    "gemtc_arms.tsv": ("smoking", "arms"),
    "excel_utf16.txt": ("smoking", "tidy"),
    "wide_counts.csv": ("smoking", "wide"),
    "bugs.txt": ("smoking", "wide"),
    "netmeta_pairwise.csv": ("smoking", "wide"),
    "smoking.xlsx": ("smoking", "tidy"),
    "cinema_project.cnm": ("smoking", "arms"),
    "revman5.rm5": ("smoking", "revman"),
}
ENTRIES: dict[str, dict[str, Any]] = {"cinema_project.cnm": {"ignore": ["id"]}}
"""What the entry of a table has to say beside its name."""
CONTRASTS = {
    "gemtc_contrasts.csv": "reference_rows",
    "multinma_contrasts.csv": "reference_rows",
    "netmeta_contrasts.csv": "contrasts",
    "wide_contrasts.csv": "wide_contrasts",
}
EVERY = [*ARMS, *CONTRASTS, "hazard_ratios.csv", "two_groups.csv"]


def vocabulary(regimens: Sequence[str], measure: str, likelihood: str, covariates: Sequence[str] = ()) -> Vocabulary:
    """One outcome `y`."""
    return Vocabulary(regimens, (), covariates, {"y": likelihood}, {}, {"y": measure})


def read(file: Path, words: Vocabulary, **entry: Any) -> tuple[list[TableStudy], TableFile]:
    """Read a file of the one outcome."""
    return read_table(EvidenceTable.model_validate({"file": str(file), "outcome": "y", **entry}), words, complain)


def figures(studies: Sequence[TableStudy]) -> dict[tuple[str, str], Row]:
    """Rows by study and arms, without where they were read."""
    return {
        (row["study"], row.get("arm") or f"{row['treatment_arm']} {row['comparator_arm']}"): {
            key: value for key, value in row.items() if key != "source"
        }
        for study in studies
        for row in study.rows
    }


def words_of(data: str) -> Vocabulary:
    """Words of a data set that the package ships, as arms."""
    kind = ("MD", "normal") if data == "parkinsons" else ("OR", "binomial_logit")
    return vocabulary(REGIMENS[data], *kind)


@pytest.mark.parametrize("name", ARMS)
def test_arms_in_every_format(name: str) -> None:
    """The rows are those of the tidy table that is shipped, whatever the file looks like."""
    data, kind = ARMS[name]
    tidy = EXAMPLES / {"parkinsons": "parkinsons_arms.csv", "smoking": "smoking.csv"}[data]
    found, file = read(FORMATS / name, words_of(data), **ENTRIES.get(name, {}))
    assert figures(found) == figures(read(tidy, words_of(data))[0])
    assert len(figures(found)) == (15 if data == "parkinsons" else 50)
    assert file.left == ()
    assert registry.READERS[kind].title in str(file) and str(file).endswith("all used")


def test_what_is_said_of_a_file() -> None:
    """One line: what separates the columns, what they were taken for, and what became of the rows."""
    _, file = read(FORMATS / "european.csv", words_of("parkinsons"))
    assert str(file).removeprefix(str(FORMATS)) == (
        "/european.csv: semicolons separate the columns, decimal commas; one row per arm, under the names of another "
        "program (sampleSize for n, std.dev for sd); 15 rows, all used"
    )
    _, file = read(FORMATS / "excel_utf16.txt", words_of("smoking"))
    assert "excel_utf16.txt: UTF-16, tabs separate the columns; a tidy table (one row per arm); 50 rows" in str(file)
    _, file = read(FORMATS / "gemtc_arms.tsv", words_of("smoking"), studies=["1", "2"])
    assert str(file).endswith(
        "50 rows, 5 used (line " + ", ".join(map(str, range(7, 52))) + ": of a study that is not "
        "among those named under studies)"
    )


def of_file(name: str, measure: str, likelihood: str | None, regimens: Sequence[str], **entry: Any) -> Project:
    """Read a project of an example."""
    return project_of(measure, likelihood, (FORMATS / name).read_text(encoding="utf-8-sig"), regimens, **entry)


def effects(project: Project, tau: float = 0) -> dict[str, dict[str, float]]:
    """Effects against the reference by the exact engine, with next to flat priors; fixed ones where tau is 0."""
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    data = network_data(rows, Structure.of(treatments_of(project)), project.config.outcomes["y"].likelihood)
    found = analyse(Fit(data, PriorScales(effect=100, tau=tau, omega=0, baseline=100)), "lower", 1)
    reference = project.treatments.reference
    return {row["treatment"]: row for row in found.effects if row["comparator"] == reference}


def least_squares(table: Path, reference: str) -> dict[str, tuple[float, float]]:
    """Estimate fixed effects of a tidy table of means by weighted least squares, with a mean for every study."""
    arms = pd.read_csv(table)
    names = [name for name in dict.fromkeys(arms["treatment"]) if name != reference]
    columns = [*(f"mean of {study}" for study in dict.fromkeys(arms["study"])), *names]
    own = [(f"mean of {study}", name) for study, name in zip(arms["study"], arms["treatment"], strict=True)]
    design = np.array([[column in means_of for column in columns] for means_of in own], float)
    weight = arms["n"].to_numpy() / arms["sd"].to_numpy() ** 2
    covariance = np.linalg.inv(design.T @ (weight[:, None] * design))
    means = covariance @ design.T @ (weight * arms["mean"].to_numpy())
    return {name: (means[i], sqrt(covariance[i, i])) for i, name in enumerate(columns) if name in names}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


PARKINSONS = {
    "pramipexole": (-1.81, 0.33),
    "ropinirole": (-0.47, 0.49),
    "bromocriptine": (-0.52, 0.48),
    "cabergoline": (-0.82, 0.52),
}
"""Fixed effects of TSD2, table A9."""


@pytest.mark.parametrize("name", [*CONTRASTS, "metainsight_wide.csv", "european.csv"])
def test_published_effects_from_every_format(name: str) -> None:
    """TSD2, example 5: from the file to least squares and to the published posterior, by the exact engine."""
    likelihood = "contrasts" if name in CONTRASTS else "normal"
    found = effects(of_file(name, "MD", likelihood, REGIMENS["parkinsons"]))
    assumed = name in ("multinma_contrasts.csv", "wide_contrasts.csv")  # no baseline se: the sizes of the arms say it
    right = least_squares(EXAMPLES / "parkinsons_arms.csv", "placebo")
    assert set(right) == set(PARKINSONS) == set(found)
    for treatment, published in PARKINSONS.items():
        here = (found[treatment]["mean"], found[treatment]["sd"])
        assert here == pytest.approx(right[treatment], abs=0.01 if assumed else 0.0005)
        assert here == pytest.approx(published, abs=0.025)


@pytest.mark.parametrize("name", CONTRASTS)
def test_contrasts_in_every_format(name: str) -> None:
    """Effects and standard errors are those of the tidy contrasts; the covariance is known, or said to be assumed."""
    words = vocabulary(REGIMENS["parkinsons"], "MD", "contrasts")
    tidy = {}
    for (study, arms), row in figures(read(EXAMPLES / "parkinsons_contrasts.csv", words)[0]).items():
        treatment, comparator = arms.split()
        tidy[study, treatment, comparator] = (row["effect"], row["se"])
        tidy[study, comparator, treatment] = (-row["effect"], row["se"])
    studies, file = read(FORMATS / name, words)
    assert registry.READERS[CONTRASTS[name]].title in file.words
    for (study, arms), row in figures(studies).items():
        if (study, *arms.split()) in tidy:  # netmeta's has other pairs of the study with three arms
            assert (row["effect"], row["se"]) == pytest.approx(tidy[(study, *arms.split())], abs=1e-6)
    (guttman,) = [study for study in studies if study.study == "Guttman 1997"]
    variance, pramipexole = 4.4**2 / 76, 4.3**2 / 71
    if name == "gemtc_contrasts.csv":
        assert [row["baseline_se"] for row in guttman.rows] == pytest.approx([sqrt(variance)] * 2, abs=1e-6)
    elif name == "netmeta_contrasts.csv":  # all pairs, of which pramipexole is the first comparator
        assert not any(row["assumed"] for row in guttman.rows)
        assert float(guttman.rows[1]["covariances"]) == pytest.approx(pramipexole, abs=1e-4)
    else:
        assert all(row["assumed"] for row in guttman.rows)
        assert "is possible" in (guttman.message or "")


def test_hazard_ratios_with_limits() -> None:
    """Against x, a rests on study b alone, and d on two studies, whose logarithms are pooled here by their weights."""
    found = effects(of_file("hazard_ratios.csv", "HR", "contrasts", "xabcdev"))
    a, d = ([(1.39, 1.21, 1.61)], [(0.83, 0.7, 0.99), (1.01, 0.8, 1.27)])
    for treatment, printed in {"a": a, "d": d}.items():
        weights = [(2 * 1.959964 / log(upper / lower)) ** 2 for _, lower, upper in printed]
        pooled = sum(w * log(ratio) for w, (ratio, _, _) in zip(weights, printed, strict=True)) / sum(weights)
        expected = (pooled, 1 / sqrt(sum(weights)))
        assert (found[treatment]["mean"], found[treatment]["sd"]) == pytest.approx(expected, abs=1e-4)
    assert exp(found["d"]["upper"]) == pytest.approx(1.024, abs=0.001)


THREE = (
    "y,se,trt,study\n-1,0.3,TrtA,StudyA\n-0.5,0.2,TrtB,StudyA\nNA,{},Pbo,StudyA\n-0.4,0.2,TrtA,StudyB\n"
    "NA,NA,Pbo,StudyB\n"
)


def test_reference_rows_of_a_forum() -> None:
    """With a baseline se of 0.05 in the study of three arms, TrtA is -0.585 (0.166) and TrtB -0.489 (0.200)."""
    found = effects(project_of("MD", "contrasts", THREE.format("0.05"), ["Pbo", "TrtA", "TrtB"]))
    for treatment, right in {"TrtA": (-0.585, 0.166), "TrtB": (-0.489, 0.200)}.items():
        assert (found[treatment]["mean"], found[treatment]["sd"]) == pytest.approx(right, abs=0.0006)


def test_a_baseline_error_that_is_not_given() -> None:
    """It is assumed, and the study says so with the range that is possible: covariances from 0 to 0.2^2."""
    project = project_of("MD", "contrasts", THREE.format("NA"), ["Pbo", "TrtA", "TrtB"])
    study = project.tables[0]
    assert [row["assumed"] for row in study.rows] == [True, True]
    assert 0 < float(study.rows[1]["covariances"]) < 0.04
    low, high = sqrt(0.3**2 + 0.2**2 - 2 * 0.2**2), sqrt(0.3**2 + 0.2**2)
    assert f"the standard error of TrtB against TrtA is then 0.29, where {low:.2f} to {high:.2f} is possible" in str(
        study.message
    )


def test_european_numbers_of_a_forum() -> None:
    """C -0.31 (0.67) and B -1.70 (0.38) against A, where `a` is the reference."""
    text = '"study";"treatment";"mean";"std.dev";"sampleSize"\n"1";"A";-1,22;3,7;54\n"1";"C";-1,53;4,28;95\n'
    text += '"2";"A";-0,7;3,7;172\n"2";"B";-2,4;3,4;173\n'
    found = effects(project_of("MD", "normal", text, "ABC"))
    for treatment, right in {"C": (-0.31, 0.67), "B": (-1.70, 0.38)}.items():
        assert (found[treatment]["mean"], found[treatment]["sd"]) == pytest.approx(right, abs=0.005)


def test_zero_cells_that_mirror_each_other() -> None:
    """Blanks separate the columns, and 0 of 15 against 2 of 13 meets its mirror: no difference by symmetry."""
    text = "study treatment responders  sampleSize\n01  Treatment1   0 15\n01  Placebo      2 13\n"
    text += "02  Treatment1   2 13\n02  Placebo      0 15\n"
    found = effects(project_of("OR", None, text, ["Placebo", "Treatment1"]), tau=1)
    assert found["Treatment1"]["median"] == pytest.approx(0, abs=0.05)


ERRORS: Mapping[str, tuple[str, str, str]] = {
    "two readings": (
        "study,treat1,treat2,TE,seTE,event1,n1,event2,n2\nx,a,b,0.1,0.2,1,10,2,10\n",
        "OR",
        "t.csv:1: this file can be read in 2 ways: contrasts: ",
    ),
    "a mean or a contrast": (
        "study,trt,y,se\nx,a,NA,NA\nx,b,1,0.2\nz,a,1,0.2\nz,b,2,0.2\n",
        "MD",
        "t.csv:1: this file can be read in 2 ways: arms: one row per arm, under the names of another program (trt for "
        "treatment, y for mean) or reference_rows: ",
    ),
    "two studies": (
        "studyn,studyc,treatment,r,n\n1,x,a,1,10\n1,x,b,2,10\n",
        "OR",
        "t.csv:1: studyn and studyc: these columns may both be study; say which under columns",
    ),
    "points and commas": (
        "study;treatment;events;n;time\nx;a;1;10;1,5\nx;b;2;10;2.5\n",
        "OR",
        "t.csv:2: '1,5' has a comma and '2.5' in line 3 a point: one of them is no decimal mark",
    ),
    "thousands": (
        "study;treatment;events;n\nx;a;1;1,000\nx;b;2;1,100\n",
        "OR",
        "t.csv:2: '1,000' may be 1000 or 1.000, and no other number says which; write it without a comma",
    ),
    "two separators": (
        "study;treatment,events;n\nx;a,1;10\nx;b,2;10\n",
        "OR",
        "t.csv: the columns may be separated by commas (2 columns) or semicolons (3 columns)",
    ),
    "a title": (
        "Trials of smoking cessation\nstudy;treatment;events;n\nx;a;1;10\nx;b;2;10\n",
        "OR",
        "t.csv:1: this line looks like a title, 'Trials of smoking cessation'; delete it",
    ),
    "no treatment in a wide table": (
        "study,t1,r1,n1,t2,r2,n2\nx,a,1,10,NA,2,10\n",
        "OR",
        "t.csv:2: t2 = 'NA': no treatment is named for r2 = 2; name it, or empty both",
    ),
    "a bad cell of a wide table": (
        "study,t1,r1,n1,t2,r2,n2\nx,a,1,10,b,two,10\n",
        "OR",
        "t.csv:2: r2 = 'two': not a number",
    ),
    "no reference": (
        "study,treatment,diff,std.err\nx,a,NA,NA\nx,b,1,0.2\nz,a,0.1,0.1\nz,b,1,0.2\n",
        "MD",
        "t.csv:5: diff = '1': 0 rows of study z have no effect; allowed: one, that of its reference",
    ),
    "hazard ratios for odds ratios": (
        "study,treat1,treat2,hr,lower,upper\nx,a,b,0.5,0.4,0.7\n",
        "OR",
        "t.csv:1: hr: these are hazard ratios, and y has measure OR",
    ),
    "zeros of UTF-16": ("study\0,treatment\0,events,n\nx,a,1,10\n", "OR", "t.csv: not text: it holds bytes of zero"),
    "an archive": ("PK\x03\x04", "OR", "t.csv: a zip archive, and no Excel workbook that can be"),
    "a short row": ("study\ttreatment\tevents\tn\nx\ta\t1\t10\nx\tb\t2\n", "OR", "t.csv:3: 3 cells; allowed: 4"),
    "a pair with other figures": (
        "study,treat1,treat2,event1,n1,event2,n2\nx,a,b,1,10,2,10\nx,a,c,1,11,3,10\nx,b,c,2,10,3,10\n",
        "OR",
        "t.csv:3: treat1 = 'a': study x has this arm already, in line 2; the same patients: keep one line",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_read(name: str) -> None:
    """One line that names the place, and both readings where there are two."""
    text, measure, says = ERRORS[name]
    with pytest.raises(UserError) as error:
        project_of(measure, "contrasts" if "diff" in text or "trt,y" in text else None, text)
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


def test_the_format_that_is_named() -> None:
    """Of two readings the one that the entry names; what that one does not read must be ignored."""
    text = "study,treat1,treat2,TE,seTE,event1,n1,event2,n2\nx,a,b,-0.8,0.9,1,10,2,10\n"
    project = project_of("OR", None, text, format="wide", ignore=["TE", "seTE"])
    assert [row["events"] for row in project.tables[0].rows] == [1, 2]
    project = project_of("OR", "contrasts", text, format="contrasts", ignore=["event1", "event2"])
    assert [(row["effect"], row["n_treatment"]) for row in project.tables[0].rows] == [(-0.8, 10)]
    with pytest.raises(UserError, match=r"evidence\.0\.format = 'long': .*'tidy', 'arms', 'contrasts'"):
        project_of("OR", None, text, format="long")


def test_columns_that_the_entry_names() -> None:
    """Names under `columns` come before all others, those of numbered columns by what they have in common."""
    text = "trial no,drug.1,cases.1,total.1,drug.2,cases.2,total.2\nx,a,1,10,b,2,11\n"
    named = {"study": "trial no", "treatment": "drug", "events": "cases", "n": "total"}
    project = project_of("OR", None, text, columns=named)
    assert [(row["arm"], row["events"], row["n"]) for row in project.tables[0].rows] == [("a", 1, 10), ("b", 2, 11)]


def test_missing_values_are_declared() -> None:
    """A dash is a mistake until it is declared; nought never means that nothing is known."""
    text = "study,t1,r1,n1,t2,r2,n2,t3,r3,n3\nx,a,1,10,b,2,11,-,-,-\nz,-,-,-,-,-,-,-,-,-\n"
    with pytest.raises(UserError, match="t3 = '-': unknown treatment"):
        project_of("OR", None, text)
    project = project_of("OR", None, text, missing=["-"])
    assert [row["arm"] for row in project.tables[0].rows] == ["a", "b"]
    assert project.files[0].left == (Left(3, "no treatment is named in it"),)
    assert str(project.files[0]).endswith("2 rows, 1 used (line 3: no treatment is named in it)")
    with pytest.raises(UserError, match=r"evidence\.0\.missing\.0 = '0\.0': 0 is a figure"):
        project_of("OR", None, text, missing=["0.0"])


def test_thousands_among_decimal_commas() -> None:
    """A number with a decimal comma says what a comma is, so that 1,234 is read as it is printed there."""
    text = "study;treatment;mean;sd;n\nx;a;1,234;2,5;20\nx;b;3;2;20\n"
    (study,) = project_of("MD", "normal", text).tables
    assert [row["mean"] for row in study.rows] == [1.234, 3.0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_ends_of_lines(end: str, encoding: str) -> None:
    """A name with an accent is the same whatever wrote it."""
    text = end.join(["study\ttreatment\tevents\tn", "Müller\ta\t1\t10", "Müller\tb\t2\t10", ""])
    Path("t.csv").write_bytes(text.encode(encoding))
    studies, file = read(Path("t.csv"), vocabulary("ab", "OR", "binomial_logit"))
    assert [study.study for study in studies] == ["Müller"] and file.read == 2


def test_every_reader_is_registered_and_accounts_for_its_rows() -> None:
    """A module of the package with a reader is in the registry, and every reader has a file here that only it reads."""
    modules = {file.stem for file in (ROOT / "workflow/secondline/project/formats").glob("*.py")}
    there = {
        name for name in modules if "READER = " in (ROOT / f"workflow/secondline/project/formats/{name}.py").read_text()
    }
    assert there == set(registry.READERS)
    found: dict[str, list[str]] = {}
    for name in EVERY:
        sheet, taken, _ = take(EvidenceTable(file=str(FORMATS / name)), complain)
        assert taken.used() | {one.number for one in taken.left} == {row.number for row in sheet.rows}
        (reader,) = [one.name for one in registry.READERS.values() if one.recognises(sheet)]
        found.setdefault(reader, []).append(name)
    assert set(found) == there


class _Careless(Reader):
    """Loses its last line, or uses it and leaves it out."""

    name, title = "careless", "careless"

    def __init__(self, left: tuple[Left, ...], kept: int) -> None:
        self.left, self.kept = left, kept

    def recognises(self, sheet: Sheet) -> str | None:
        """Say yes to everything."""
        return "anything"

    def tidy(self, sheet: Sheet) -> Taken:
        """Take the first rows only."""
        return Taken(sheet.rows[: self.kept], {}, self.left)


def test_a_lost_row_is_found() -> None:
    """The base of all readers counts the lines, whatever a reader does."""
    Path("t.csv").write_text("study,treatment,events,n\nx,a,1,10\nx,b,2,10\n", encoding="utf-8")
    sheet, _, _ = take(EvidenceTable(file="t.csv"), complain)
    with pytest.raises(AssertionError, match="lost a line"):
        _Careless((), 1).read(sheet)
    with pytest.raises(AssertionError, match="both used"):
        _Careless((Left(3, "x"),), 2).read(sheet)
    assert _Careless((Left(3, "x"),), 1).read(sheet).used() == {2}


def test_logs_of_the_fixture_are_right() -> None:
    """The hand-made hazard ratios are read as ratios: the log and the width of the interval."""
    words = vocabulary("xabcdev", "HR", "contrasts")
    row = figures(read(FORMATS / "hazard_ratios.csv", words)[0])["b", "a x"]
    assert row["effect"] == pytest.approx(log(1.39))
    assert row["se"] == pytest.approx(log(1.61 / 1.21) / (2 * 1.959964), rel=1e-6)


def test_the_registry_is_in_the_schema() -> None:
    """An editor offers the formats."""
    schema = yaml.safe_load((ROOT / "config/schemas/config.json").read_text(encoding="utf-8"))
    options = schema["$defs"]["EvidenceTable"]["properties"]["format"]["anyOf"][0]["enum"]
    assert options == list(registry.READERS)
