"""Verification against the papers: whatever the typesetting, a figure is found; one with a wrong digit is not."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from secondline.cell_values import ELSEWHERE, FOUND, NO_SOURCE, NOT_FOUND, UNREADABLE
from secondline.errors import UserError
from secondline.project.config import Project
from secondline.project.sheet_files import read_sheet
from secondline.report.settings import Labels
from secondline.report.tables.verification import doubtful_table, verification_sentences
from secondline.report.words import Names
from secondline.sources import read
from secondline.sources.figures import Printed, printed_figures
from secondline.sources.normalise import compact, is_short, is_weak, numbers, pieces_of, swapped
from secondline.sources.outline import Outline
from secondline.sources.paper import Paper
from secondline.sources.read import find_copy, read_lines
from secondline.sources.screen import screen_lines
from secondline.sources.verify import find_copies, look_up, verify_project, write_verdicts
from secondline.tables import read_table
from secondline.tools.sources import main

from tests.conftest import ROOT, STUDIES, hazard_ratio, sheet_data, synthetic
from tests.mutations import AUDITED, MISSED, MISSING, MODES, MOVED, REJECTED, draw, fate, figures_of
from tests.test_sheets import write

BY_ID = Names(Labels(), "main")
PAPER = """\
Alphanib or betanib after gammanib: an invented cohort
Abstract
Methods
Between January 2015 and December 2016 we treated 100 invented patients.
Results
Median OS was 11.4 months with alphanib and 8.9 months with betanib (P = 0.031).
Introduction
Nothing of this ever happened, and the 0.67 of another study (0.51–0.88) is not ours.
Methods
Patients
Patients enrolled from January 2015 to December 2016 had failed gammanib; we followed them for 14.2 months.
Results
Survival of the whole cohort
In the whole cohort 31 (77.5%) of the patients died with alphanib and 52 (86.7%) died with betanib. Median OS was
11.4 months (95% CI 9.1–14.8) with alphanib and 8.9 months (95% CI 7.0–10.6) with betanib (P = 0.031).

Table 1 Response and adverse events
Characteristic\tAlphanib (n=40)\tBetanib (n=60)\tP
Complete response\t0\t1 (1.7)\t0.412
Partial response\t9 (22.5)\t7 (11.7)\t0.149
Stable disease\t18 (45.0)\t25 (41.7)\t0.743
Any adverse event\t36 (90.0)\t51 (85.0)\t0.467
Grade 3 or 4
Yes\t12 (30.0)\t15 (25.0)\t0.581
Notes: numbers are patients with the percentage in brackets, as is usual for such invented tables of no consequence.

Treatment was stopped for toxicity in three patients given alphanib, and in 5 patients given betanib in this cohort.

Table 2 Cox regression for OS
Factor\tUnivariate\tP\tMultivariate\tP
Alphanib against betanib\t0.67 (0.42–1.07)\t0.092\t0.64 (0.39–1.05)\t0.077
Age\t1.02 (0.99–1.05)\t0.192\t–\t–
Discussion
We found the OS of alphanib to be numerically longer, by 2.5 months, which is what we invented it for in the beginning.
References
1. Other A, et al. A paper with 0.64 (0.39–1.05) in its title. Journal of Nothing 2011;12:1200-1207.
"""


def paper(text: str = PAPER) -> Paper:
    """Return a paper of these lines."""
    return Paper(tuple(text.splitlines()))


def status(printed: str, place: str = "", near: str | None = None, text: str = PAPER) -> tuple[str, int | None]:
    """Look a string up in a paper."""
    return look_up(paper(text), Printed("item", printed, place, near, ()))


# --- what counts in a string -------------------------------------------------------------------------------------

SAME = [
    ("0.48 (0.26–0.88)", ["0.48 (0.26-0.88)", "0·48 (0·26–0·88)", "0.48 (0.26 — 0.88)", "0.48 [0.26 to 0.88]"]),
    ("HR 0.48, 95% CI 0.26–0.88", ["HR=0.48; 95 % CI: 0.26−0.88", "hr 0.48 (95% ci, 0.26\u20100.88)"]),
    ("P < 0.001", ["P<.001", "<i>P</i> &lt; 0.001", "$P<0.001$", "p <\u2009\u20090.001"]),
    ("AFP ≥ 400 ng/mL", ["AFP >= 400ng/mL", r"AFP $\geq$ 400 ng/mL", "AFP ⩾ 400 ng / mL"]),
    ("first-line efficacy", ["ﬁrst-line eﬃcacy", "first- line effi\u00adcacy", "First\u2011line efficacy"]),
    ("81.1% (n = 30)", ["81.1 % ($n = 30$)", "81.1% (n=30)"]),
    ("10·5 months", ["10.5\u00a0months", "10.5 mon-\nths"]),
    ("ALBI ≥ −2.60", ["ALBI ≥-2.60", "ALBI≥ –2.60"]),
    ("the 19 patients²", ["the 19 patients", "the 19 patients ³"]),
]
DIFFERENT = [
    ("0.48", "0.84"),
    ("P < 0.001", "P = 0.001"),
    ("P < 0.001", "P > 0.001"),
    ("1.2", "12"),
    ("2", "2.0"),
    ("AFP ≥ 400", "AFP ≤ 400"),
    ("5.9²", "5.92"),
]


@pytest.mark.parametrize(("printed", "others"), SAME)
def test_typesetting_does_not_count(printed: str, others: list[str]) -> None:
    """Dashes, spaces, dots, ligatures, formulas, markup and hyphens leave a string what it is."""
    assert [compact(other).text for other in others] == [compact(printed).text] * len(others)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_digits_and_relations_count(one: str, other: str) -> None:
    """What changes the meaning changes what is looked for."""
    assert compact(one).text != compact(other).text


DASHES = ["-", "–", "—", "−", "\u2010", "\u2011", " to ", " – "]
SPACES = [" ", "\u00a0", "\u2009", "\u202f", "\t", "\n", "  "]
DOTS = [".", "·", "∙", "•"]


@given(
    value=st.decimals("0.01", "99.99", places=2),
    limits=st.tuples(st.decimals("0.01", "9.99", places=2), st.decimals("0.1", "99.9", places=1)),
    dash=st.sampled_from(DASHES),
    space=st.sampled_from(SPACES),
    dot=st.sampled_from(DOTS),
    brackets=st.sampled_from(["()", "[]", "  "]),
)
def test_any_typesetting_of_an_interval(value, limits, dash: str, space: str, dot: str, brackets: str) -> None:
    """An interval set in any way has the compact form of the plain one, and its numbers."""
    low, high = limits
    plain = f"HR {value} ({low}-{high})"
    numbers_set = [str(number).replace(".", dot) for number in (value, low, high)]
    fancy = f"HR{space}{numbers_set[0]}{space}{brackets[0]}{numbers_set[1]}{dash}{numbers_set[2]}{brackets[1]}"
    assert compact(fancy).text == compact(plain).text
    assert numbers(compact(fancy).text) == [str(value), str(low), str(high)]


@given(text=st.text(max_size=60))
def test_the_compact_form_is_final(text: str) -> None:
    """Any text has one, and words begin and end within it."""
    once = compact(text)
    assert all(0 <= at < len(once.text) for at in once.starts | once.ends)
    assert not any(character.isspace() for character in once.text)


@given(st.data())
def test_a_changed_digit_is_not_found(data: st.DataObject) -> None:
    """A figure with another digit is not found where the right one stands."""
    figure = data.draw(st.sampled_from(["31 (77.5%)", "11.4 months (95% CI 9.1–14.8)", "8.9 months (95% CI 7.0–10.6)"]))
    at = data.draw(st.sampled_from([i for i, character in enumerate(figure) if character.isdigit()]))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != figure[at])
    place = "Results, Survival of the whole cohort"
    assert status(figure, place)[0] == FOUND
    assert status(figure[:at] + digit + figure[at + 1 :], place)[0] == NOT_FOUND


@pytest.mark.parametrize(
    ("printed", "short", "weak"),
    [
        ("0", True, True),
        ("(12)", True, True),
        ("18.8", False, True),
        ("P = 0.031", False, True),
        ("<0.001", False, True),
        ("31 (77.5%)", False, False),
        ("1 patient", False, False),
        ("OS", False, False),
    ],
)
def test_how_much_a_string_proves(printed: str, short: bool, weak: bool) -> None:
    """A number or two digits prove little by themselves."""
    assert (is_short(printed), is_weak(printed)) == (short, weak)


def test_an_ellipsis_leaves_words_out() -> None:
    """The pieces are looked for one after the other, not far apart."""
    assert pieces_of("31 (77.5%) … 52 (86.7%)") == ["⟨31⟩⟨77.5⟩", "⟨52⟩⟨86.7⟩"]
    place = "Results, Survival of the whole cohort"
    assert status("31 (77.5%) … 52 (86.7%) died", place) == (FOUND, 14)
    assert status("52 (86.7%) … 31 (77.5%)", place)[0] == NOT_FOUND
    assert status("Nothing of this … numerically longer")[0] == NOT_FOUND


# --- where a place is --------------------------------------------------------------------------------------------

PLACES = {
    "Abstract, Results": (FOUND, 6),
    "Results, Survival of the whole cohort": (FOUND, 15),
    "Results": (FOUND, 15),
    "Methods, Patients": (ELSEWHERE, 6),
    "Table 1": (ELSEWHERE, 6),
    "Figure 7": (ELSEWHERE, 6),
    "Results, No such heading": (ELSEWHERE, 6),
}


@pytest.mark.parametrize("place", PLACES)
def test_sections_of_a_paper(place: str) -> None:
    """The parts of an abstract are not the sections of the paper; a place that is not there is no place."""
    assert status("11.4 months", place) == PLACES[place]


def test_a_section_goes_on_after_a_table() -> None:
    """Tables set into a section are not part of it; what follows them is."""
    assert status("5 patients given betanib", "Results, Survival of the whole cohort") == (FOUND, 27)
    assert status("36 (90.0)", "Results, Survival of the whole cohort") == (ELSEWHERE, 22)
    assert status("numerically longer", "Results") == (ELSEWHERE, 34)


def test_headings_in_other_dress() -> None:
    """Numbered, upper case, broken over two lines, at the head of a paragraph."""
    text = "INTRODUCTION\nwords\n2 RESULTS\n2.1 Survival of the\nwhole cohort\nthe HR was 0.71 overall\n"
    assert status("HR was 0.71", "Results, Survival of the whole cohort", text=text) == (FOUND, 6)
    text = "Results\nSurvival of the whole cohort. The HR was 0.71 overall.\nDiscussion\nThe HR was 0.72 overall."
    assert status("HR was 0.71", "Results, Survival of the whole cohort", text=text) == (FOUND, 2)
    assert status("HR was 0.72", "Results, Survival of the whole cohort", text=text) == (ELSEWHERE, 4)


def test_tables_are_known_by_their_captions() -> None:
    """A sentence that begins with a table's number is no caption; a continued table is one table."""
    lines = ["Table 3 shows it", "Table 3. Events", "Deaths\t4", "Table 3 (Continued)", "Others\t5", "Discussion", "6"]
    assert Outline(lines).captioned("Table", "3") == [(1, 3), (3, 5)]
    assert Outline(["FIG. 2. Curves of survival", "with numbers at risk", "", "text"]).captioned("Figure", "2") == [
        (0, 2)
    ]


# --- what stands where -------------------------------------------------------------------------------------------


def test_a_short_number_needs_its_row() -> None:
    """A 0 or a 12 stands on every page: it counts in its own row only."""
    assert status("0", "Table 1") == (NOT_FOUND, None)
    assert status("0", "Table 1", "Complete response") == (FOUND, 19)
    assert status("0", "Table 1", "Partial response") == (NOT_FOUND, None)


def test_a_row_is_told_from_its_neighbours() -> None:
    """The label of the row decides between like figures, and the line of the right one is given."""
    assert status("0.743", "Table 1", "Stable disease") == (FOUND, 21)
    assert status("0.743", "Table 1", "Partial response") == (NOT_FOUND, None)
    assert status("12 (30.0)", "Table 1", "Grade 3 or 4") == (FOUND, 24)  # the cells stand below their label
    assert status("0.077", "Table 2, multivariate", "Alphanib against betanib") == (FOUND, 31)


def test_cells_on_lines_of_their_own() -> None:
    """Text taken from a PDF may give every cell a line; a row then runs to the next label."""
    text = "\n".join(PAPER.replace("\t", "\n").splitlines())
    assert status("36 (90.0)", "Table 1", "Any adverse event", text)[0] == FOUND
    assert status("36 (90.0)", "Table 1", "Stable disease", text)[0] == NOT_FOUND
    split = text.replace("36 (90.0)", "36\n(90.0)")
    assert status("36 (90.0)", "Table 1", "Any adverse event", split)[0] == FOUND


def test_percent_before_count() -> None:
    """A count and its percentage may stand the other way round, but not across two cells."""
    text = PAPER.replace("36 (90.0)\t51 (85.0)", "90.0% (36)\t85.0% (n = 51)")
    assert status("36 (90.0%)", "Table 1", text=text) == (FOUND, 22)
    assert status("51 (85.0%)", "Table 1", text=text) == (FOUND, 22)
    assert status("85.0% (51)", "Table 1") == (FOUND, 22)
    assert status("51 (90.0)", "Table 1") == (NOT_FOUND, None)  # 36 (90.0) 51 (85.0): two cells
    assert swapped("31 of 40") is None


def test_a_weak_figure_counts_at_its_place_only() -> None:
    """One number alone is no proof anywhere else, unless the paper has no such place."""
    assert status("P = 0.031", "Results") == (FOUND, 15)
    assert status("P = 0.031", "Discussion") == (NOT_FOUND, None)
    assert status("P = 0.031", "Supplement") == (ELSEWHERE, 6)


def test_bounds_and_parts_of_numbers() -> None:
    """A bound is no estimate, a part of a number no number, a part of a word no word."""
    text = "Results\nThe HR was 12.5 (P<0.001), the dose was close to 1,200.\n"
    for printed in ("0.001", "2.5", "12", "HR was 12", "P = 0.001"):
        assert status(printed, "Results", text=text)[0] == NOT_FOUND, printed
    for printed in ("<0.001", "P < 0.001", "12.5", "HR was 12.5", "HR"):
        assert status(printed, "Results", text=text)[0] == FOUND, printed
    assert status("OS", "Results", text=text)[0] == NOT_FOUND


def test_near_in_a_text() -> None:
    """In a text the words have to stand not far from the figure."""
    assert status("5 patients", "Results", "betanib in this cohort") == (FOUND, 27)
    assert status("5 patients", "Results", "Cox regression") == (NOT_FOUND, None)


# --- copies of papers --------------------------------------------------------------------------------------------

HTML = """<html><head><title>x</title><style>p {margin: 0.67px}</style></head><body>
<h2>Results</h2><h3>Survival of the whole cohort</h3>
<p>In the whole cohort <b>31</b> (77&middot;5%) of the patients died with
alphanib<sup>12</sup> (<i>P</i>&nbsp;&lt;&thinsp;0.001) and there is nothing else to say.</p>
<table><caption>Table 1. Response</caption>
<tr><th>Any adverse event</th><td>36<br>(90.0)</td><td>51 (85.0)</td></tr>
<tr><td>Stable disease</td><td>18 (45.0)</td><td></td></tr></table>
<script>var x = "99 (99.9)";</script></body></html>"""


def test_html(tmp_path: Path) -> None:
    """A saved page: a line a block and a row, no scripts, entities and raised references resolved."""
    file = tmp_path / "alpha.html"
    file.write_text(HTML, encoding="utf-8")
    page = Paper(tuple(read_lines(file)))

    def found(printed: str, place: str, near: str | None = None) -> str:
        return look_up(page, Printed("", printed, place, near, ()))[0]

    assert found("31 (77.5%)", "Results, Survival of the whole cohort") == FOUND
    assert found("alphanib 12 (P < 0.001)", "Results") == FOUND
    assert found("36 (90.0)", "Table 1", "Any adverse event") == FOUND
    assert found("18 (45.0)", "Table 1", "Any adverse event") == NOT_FOUND
    assert found("99 (99.9)", "") == NOT_FOUND
    assert found("0.67", "") == NOT_FOUND


def write_pdf(file: Path, lines: list[str]) -> None:
    """Write a PDF of one page by hand."""
    shown = " ".join(f"({line.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) Tj T*" for line in lines)
    stream = f"BT /F1 10 Tf 50 800 Td 12 TL {shown} ET".encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    file.write_bytes(data + end % (table, len(data)))


def test_pdf(tmp_path: Path) -> None:
    """The text of a PDF, words broken at the end of a line included."""
    lines = [
        "Results",
        "The median progres-",
        "sion-free survival was 5.3 months (95% CI, 4.0–7.2).",
        "Table 1",
        "CR 0 1 (2.4)",
    ]
    write_pdf(tmp_path / "alpha.pdf", lines)
    document = Paper(tuple(read_lines(tmp_path / "alpha.pdf")))
    printed = "progression-free survival was 5.3 months (95% CI, 4.0–7.2)"
    assert look_up(document, Printed("", printed, "Results", None, ())) == (FOUND, 2)
    assert look_up(document, Printed("", "0", "Table 1", "CR", ())) == (FOUND, 5)


def test_old_encodings(tmp_path: Path) -> None:
    """A text that is not UTF-8 is read as Windows wrote it."""
    (tmp_path / "alpha.txt").write_bytes("0·48 (0·26–0·88)".encode("cp1252"))
    assert compact(read_lines(tmp_path / "alpha.txt")[0]).text == "⟨0.48⟩⟨0.26⟩⟨0.88⟩"


def test_copies_that_cannot_be_used(tmp_path: Path) -> None:
    """Two copies, no text, a broken PDF: one line each."""
    (tmp_path / "two.txt").write_text("a")
    (tmp_path / "two.html").write_text("a")
    with pytest.raises(UserError, match=r"two\.txt: two copies of one paper, this and two\.html"):
        find_copy(tmp_path, "two")
    assert find_copy(tmp_path, "none") is None
    (tmp_path / "empty.txt").write_text(" \n")
    write_pdf(tmp_path / "scan.pdf", [])
    for name in ("empty.txt", "scan.pdf"):
        with pytest.raises(UserError, match="contains no text"):
            read_lines(tmp_path / name)


BAD_COPIES = {
    "broken.pdf": (b"%PDF-1.4 and no more", "not a PDF of text"),
    "text.pdf": (b"no PDF at all", "not a PDF of text"),
    "empty.pdf": (b"", "not a PDF of text"),
    "deep.pdf": (b"%PDF-1.4\n1 0 obj\n" + b"[" * 100_000 + b"\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n", ""),
    "scan.html": (b"<html><body><img src=x></body></html>", "contains no text"),
    "comments.html": (b"<!--" * 100_000, "contains no text"),
    "folder.txt": (None, "Is a directory"),
}


@pytest.mark.parametrize("name", BAD_COPIES)
def test_a_copy_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    """Whatever a reader raises, the file is named and nothing hangs."""
    content, problem = BAD_COPIES[name]
    (tmp_path / name).mkdir() if content is None else (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{re.escape(name)}: cannot be read: .*{problem}") as error:
        read_lines(tmp_path / name)
    assert "\n" not in str(error.value)


def test_comments_are_left_out(tmp_path: Path) -> None:
    """As in a browser: an unclosed one hides the rest of the page."""
    file = tmp_path / "a.html"
    file.write_text("<p>12.3<!-- 45.6 --> months</p><!-- <p>7</p>", encoding="utf-8")
    assert [line for line in read_lines(file) if line] == ["12.3 months"]


@pytest.mark.parametrize("attribute", ["MOST_BYTES", "MOST_SECONDS"])
def test_copies_are_bounded(tmp_path: Path, attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any paper, or one that takes longer, is one line; so it is with a reader that never ends."""
    (tmp_path / "a.html").write_text("<p>12.3</p>", encoding="utf-8")
    monkeypatch.setattr(read, attribute, 1)
    monkeypatch.setattr(read, "_html", lambda text: list(iter(lambda: 0, 1)))
    wanted = "11 bytes; allowed: up to 1" if attribute == "MOST_BYTES" else "longer than 1 seconds"
    with pytest.raises(UserError, match=f"cannot be read: .*{wanted}"):
        read_lines(tmp_path / "a.html")


@pytest.mark.parametrize("password", ["", "secret"])
def test_a_publishers_pdf(tmp_path: Path, password: str) -> None:
    """One encrypted by AES with an empty password, as publishers do, reads like any other."""
    from pypdf import PdfWriter

    write_pdf(tmp_path / "plain.pdf", ["The median survival was 5.3 months."])
    writer = PdfWriter(clone_from=tmp_path / "plain.pdf")
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    writer.write(tmp_path / "alpha.pdf")
    if not password:
        assert read_lines(tmp_path / "alpha.pdf") == ["The median survival was 5.3 months."]
        return
    with pytest.raises(UserError, match=r"alpha\.pdf: cannot be read: not a PDF of text, or one with a password"):
        read_lines(tmp_path / "alpha.pdf")


# --- a project ---------------------------------------------------------------------------------------------------


def figure(printed: str, place: str, **more: object) -> dict[str, object]:
    """Return a printed figure."""
    return {"printed": printed, "place": place, **more}


def whole_sheet() -> dict[str, object]:
    """Return the sheet of the invented paper, as plain data."""
    cox, survival = "Table 2", "Results, Survival of the whole cohort"
    row = {"near": "Alphanib against betanib"}
    ends = {"treatment": "len", "comparator": "sor"}
    medians = [
        ("len", 11.4, 9.1, 14.8, "11.4 months (95% CI 9.1–14.8)"),
        ("sor", 8.9, 7.0, 10.6, "8.9 months (95% CI 7.0–10.6)"),
    ]
    counts = [("ae_any", "Any adverse event", 36, 90.0, 51, 85.0), ("ae_grade3", "Grade 3 or 4", 12, 30.0, 15, 25.0)]
    responses = {"len": (None, (9, 22.5), (18, 45.0)), "sor": ((1, 1.7), (7, 11.7), (25, 41.7))}
    labels = ("Complete response", "Partial response", "Stable disease")
    return sheet_data(
        arms={
            "len": {"label": "A", "n": 40, "regimens": {"lenvatinib": 40}, **figure("Alphanib (n=40)", "Table 1")},
            "sor": {"label": "B", "n": 60, "regimens": {"sorafenib": 60}, **figure("Betanib (n=60)", "Table 1")},
        },
        enrolment={
            "start": "2015-01",
            "end": "2016-12",
            "median_follow_up_months": 14.2,
            "follow_up": figure("14.2 months", "Methods, Patients"),
            **figure("January 2015 to December 2016", "Methods, Patients"),
        },
        failed_first_line=[
            {"setting": "sorafenib_failure", "n": 100, **figure("100 invented patients", "Abstract, Methods")}
        ],
        hazard_ratios=[
            hazard_ratio(value=0.67, lower=0.42, upper=1.07, p={"value": 0.092, **figure("0.092", cox, **row)})
            | figure("0.67 (0.42–1.07)", cox),
            hazard_ratio(
                value=0.64,
                lower=0.39,
                upper=1.05,
                p={"value": 0.077, **figure("0.077", cox, **row)},
                adjustment="adjusted",
            )
            | figure("0.64 (0.39–1.05)", cox),
        ],
        medians=[
            {"outcome": "os", "arm": arm, "value": v, "lower": low, "upper": up, **figure(printed, survival)}
            for arm, v, low, up, printed in medians
        ],
        log_rank=[{"outcome": "os", **ends, "favours": "len", "p": {"value": 0.031, **figure("P = 0.031", survival)}}],
        events=[
            {"outcome": "os", "arm": arm, "events": {"count": n, "percent": p, **figure(f"{n} ({p}%)", survival)}}
            for arm, n, p in (("len", 31, 77.5), ("sor", 52, 86.7))
        ],
        responses=[
            {
                "criterion": "mrecist",
                "arm": arm,
                "place": "Table 1",
                **{
                    name: {"count": cell[0], "percent": cell[1], "printed": f"{cell[0]} ({cell[1]})", "near": label}
                    if cell
                    else {"count": 0, "printed": "0 1 (1.7)", "near": label}
                    for name, label, cell in zip(("cr", "pr", "sd"), labels, cells, strict=True)
                },
            }
            for arm, cells in responses.items()
        ],
        counts=[
            {
                "outcome": name,
                "arm": arm,
                "events": {"count": n, "percent": p, **figure(f"{n} ({p})", "Table 1", near=row)},
            }
            for name, row, *cells in counts
            for arm, n, p in (("len", *cells[:2]), ("sor", *cells[2:]))
        ]
        + [
            {
                "outcome": "discontinuation",
                "arm": "len",
                "events": {"count": 3, "derived": "stated in words", **figure("three patients", "Results")},
            }
        ],
    )


@pytest.fixture
def alpha(workdir: Path, project: Project) -> Project:
    """Return a project of the invented study, its paper beside it."""
    (workdir / "sources").mkdir()
    (workdir / "sources" / "alpha.txt").write_text(PAPER, encoding="utf-8")
    read = read_sheet(write(workdir, whole_sheet()))
    return synthetic(project.config, project.treatments, read)


def test_the_run_goes_on_without_a_copy_that_cannot_be_read(alpha: Project, workdir: Path) -> None:
    """Its figures say so, and so do the report and the screen."""
    (workdir / "sources" / "alpha.txt").rename(workdir / "sources" / "alpha.pdf")
    said: list[str] = []
    rows = [
        {key: str(value or "") for key, value in verdict.row.items()} for verdict in verify_project(alpha, said.append)
    ]
    assert {row["status"] for row in rows} == {UNREADABLE}
    assert len(said) == 1 and said[0].startswith("warning: sources/alpha.pdf: cannot be read: ")
    assert verification_sentences(rows, BY_ID) == ["Not verified (copy of the paper cannot be read): alpha."]
    assert list(screen_lines(alpha)) == [
        "alpha: 25 figures, 25 copy cannot be read; not verified",
        f"  {said[0]}",
    ]


def test_every_figure_of_the_invented_paper(alpha: Project, tmp_path: Path) -> None:
    """All are found at their place, and the table of verdicts is the same every time."""
    verdicts = verify_project(alpha, print)
    assert len(verdicts) == 25
    assert {verdict.status for verdict in verdicts} == {FOUND}
    for name in ("one.csv", "two.csv"):
        write_verdicts(alpha, tmp_path / name, print)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    rows = read_table(tmp_path / "one.csv")
    assert list(rows[0]) == ["study", "item", "printed", "place", "status", "line"]
    row = next(row for row in rows if row["item"] == "hazard ratios os adjusted len against sor p")
    assert row == {**row, "printed": "0.077", "place": "Table 2", "status": "found", "line": "31"}


def test_slips_in_the_invented_paper(alpha: Project, workdir: Path) -> None:
    """Of the slips of a digit, 500 in three modes, at least 95% are caught by the sheet, the paper or the audit."""
    papers = {"alpha": paper()}
    fates = Counter(fate(made, alpha, papers, workdir) for made in draw([workdir / "alpha.yaml"], 500, seed=1))
    assert set(fates) <= {REJECTED, MISSING, MOVED, AUDITED, MISSED}
    assert fates[MISSED] + fates[MOVED] <= 25, fates
    assert fates[REJECTED] > 100
    assert fates[MISSING] > 100


def test_without_copies_nothing_is_verified(alpha: Project, workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every figure says so, and so do the report and the screen."""
    (workdir / "sources" / "alpha.txt").unlink()
    rows = [{key: str(value or "") for key, value in verdict.row.items()} for verdict in verify_project(alpha, print)]
    assert {row["status"] for row in rows} == {NO_SOURCE}
    assert verification_sentences(rows, BY_ID) == ["Not verified: no copies of the papers were available."]
    assert doubtful_table(rows, BY_ID).rows == []
    assert list(screen_lines(alpha)) == ["alpha: 25 figures, 25 no source; not verified"]
    unset = alpha.model_copy(update={"config": alpha.config.model_copy(update={"sources": None})})
    assert find_copies(unset) == {}


def test_the_screen_shows_the_nearest_line(alpha: Project) -> None:
    """A figure that is not found comes with the line that looks most like it."""
    ratio = alpha.sheets["alpha"].hazard_ratios[0].model_copy(update={"printed": "0.61 (0.42–1.07)", "value": 0.61})
    changed = alpha.sheets["alpha"].model_copy(update={"hazard_ratios": [ratio]})
    lines = list(screen_lines(alpha.model_copy(update={"sheets": {"alpha": changed}})))
    assert lines[0].endswith("(sources/alpha.txt)")
    assert lines[1] == "  not found: hazard ratios os crude len against sor: 0.61 (0.42–1.07)"
    nearest = "Alphanib against betanib 0.67 (0.42–1.07) 0.092 0.64 (0.39–1.05) 0.077"
    assert lines[3] == f"    nearest, line 31: {nearest}"
    shown = [line for line in screen_lines(alpha, everything=True) if "three patients" in line]
    assert shown[1].startswith("    line 27: Treatment was stopped for toxicity in three patients given alphanib")


def test_the_report_says_what_was_verified() -> None:
    """Counts by status, the studies without a copy, and a table of what is in doubt."""
    verdict = {"item": "os", "printed": "0.5", "place": "Table 1", "line": ""}
    rows = [{**verdict, "study": "a", "status": s} for s in (FOUND, FOUND, ELSEWHERE, NOT_FOUND)]
    rows += [{**verdict, "study": "b", "status": NO_SOURCE}]
    assert verification_sentences(rows, BY_ID) == [
        "Of 4 figures checked against the papers, 2 were found at the stated place, 1 elsewhere in the paper and 1 "
        "not at all.",
        "Not verified (no copy of the paper): b.",
    ]
    assert [row[4] for row in doubtful_table(rows, BY_ID).rows] == [NOT_FOUND, ELSEWHERE]
    assert verification_sentences([], BY_ID) == []


def test_the_command(workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a study; a copy that cannot be read is named, and the others are read."""
    monkeypatch.setattr("sys.argv", ["secondline.sources"])
    assert main() == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert re.fullmatch(r"ditan_2022: (\d+) figures, \1 no source; not verified", first), first
    (workdir / "sources").mkdir()
    (workdir / "sources" / "ditan_2022.txt").write_text("Nothing of the kind.")
    assert main() == 1
    (workdir / "sources" / "ditan_2022.txt").write_text("")
    capsys.readouterr()
    assert main() == 1
    assert "ditan_2022.txt: cannot be read: it contains no text" in capsys.readouterr().out


def test_every_printed_string_is_looked_up(project: Project) -> None:
    """No figure of the shipped sheets is left out."""
    for study in STUDIES:
        data = yaml.safe_load((ROOT / f"config/studies/{study}.yaml").read_text(encoding="utf-8"))
        printed = [found["printed"] for _, found in figures_of(data)]
        assert sorted(found.printed for found in printed_figures(project.sheets[study])) == sorted(printed)
        assert all(found.place for found in printed_figures(project.sheets[study]))


# --- the five papers, where they are at hand ---------------------------------------------------------------------


@pytest.fixture
def papers() -> dict[str, Paper]:
    """Read the five papers, or skip the test."""
    folders = [Path(os.environ.get("SECONDLINE_SOURCES", ROOT / "sources")), ROOT.parent / "shared" / "sources"]
    for folder in folders:
        found = {study: find_copy(folder, study) for study in STUDIES}
        if all(found.values()):
            return {study: Paper(tuple(read_lines(file))) for study, file in found.items() if file}
    pytest.skip("the five papers are not at hand; put copies into sources/ to run this")


def test_every_figure_of_the_five_papers_is_found(project: Project, papers: dict[str, Paper]) -> None:
    """None is missing."""
    for study, text in papers.items():
        statuses = {f.item: look_up(text, f)[0] for f in printed_figures(project.sheets[study])}
        assert {item for item, found in statuses.items() if found not in (FOUND, ELSEWHERE)} == set(), study


@pytest.mark.slow
def test_slips_in_the_five_sheets(project: Project, papers: dict[str, Paper], tmp_path: Path) -> None:
    """Of 200 random figures with one digit changed at least 190 are caught, in any of the three modes."""
    files = [ROOT / f"config/studies/{study}.yaml" for study in STUDIES]
    fates: dict[str, Counter[str]] = {mode: Counter() for mode in MODES}
    for made in draw(files, 200, seed=20261121):
        outcome = fate(made, project, papers, tmp_path)
        fates[made.mode][outcome] += 1
        if outcome in (MISSED, MOVED):
            print(f"{outcome}: {made.study} {made.path} {made.mode}: {made.before} -> {made.after}")
    for mode, counts in fates.items():
        print(f"{mode}: {dict(counts)}")
    total = sum(fates.values(), Counter())
    caught = total[REJECTED] + total[MISSING] + total[AUDITED]
    print(f"{caught} of {total.total()} caught")
    assert caught >= 190
