"""Tables for Word: one document for an analysis, landscape, each table on a page of its own."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secondline.report.certainty import Shade
from secondline.report.export.archives import EPOCH, without_times
from secondline.report.tables.results import Table
from secondline.tables import write_bytes

if TYPE_CHECKING:
    from docx.document import Document

POINTS = 7.5  # size of the text in a table
MOST_TOGETHER = 15  # rows of a table that stays on one page with its notes


def write_document(
    file: Path, title: str, notes: Sequence[str], tables: Sequence[Table], legend: Sequence[Shade] = ()
) -> None:
    """Write tables as a Word document.

    Parameters
    ----------
    title : str
        Heading of the document.
    notes : sequence of str
        Paragraphs under the heading: how to read the tables, and fits that failed.
    tables : sequence of Table
        Each under its caption and above its notes; a table begins a page, but for those that follow in its section.
    legend : sequence of Shade
        The colours of certainty that occur, each with its letters.
    """
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm, Pt

    document = Document()
    section = document.sections[0]
    section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Cm(29.7), Cm(21.0)
    section.left_margin = section.right_margin = Cm(1.5)
    section.top_margin = section.bottom_margin = Cm(1.5)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title, "", ""
    properties.created = properties.modified = EPOCH
    document.styles["Normal"].font.size = Pt(10)
    document.styles["Normal"].font.name = "Calibri"
    document.add_heading(title, level=1)
    for note in notes:
        document.add_paragraph(note)
    if legend:
        _add_legend(document, legend)
    for i, table in enumerate(tables):
        begins = i == 0 or not table.section or table.section != tables[i - 1].section
        if table.section and begins:
            document.add_heading(table.section, level=2).paragraph_format.page_break_before = i > 0
        caption = document.add_paragraph()
        caption.add_run(table.caption).bold = True
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.page_break_before = i > 0 and not table.section
        caption.paragraph_format.space_before = Pt(0 if begins else 14)
        _add_table(document, table)
        _add_notes(document, table)
    content = BytesIO()
    document.save(content)
    write_bytes(file, without_times(content.getvalue()))


def _add_legend(document: "Document", legend: Sequence[Shade]) -> None:
    """Add a row of cells with the colours of certainty, their letters and their words."""
    document.add_paragraph("Certainty of the evidence, by colour and letter:").paragraph_format.keep_with_next = True
    row = document.add_table(rows=1, cols=len(legend)).rows[0]
    for cell, shade in zip(row.cells, legend, strict=True):
        cell.paragraphs[0].add_run(shade.letters).bold = True
        cell.paragraphs[0].add_run(f" {shade.words}")
        _fill(cell, shade)


def _add_notes(document: "Document", table: Table) -> None:
    """Add the notes of a table with their numbers."""
    from docx.shared import Pt

    for k, note in enumerate(table.notes, start=1):
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_before = Pt(4 if k == 1 else 0)
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.add_run(f"{k}. {note}").font.size = Pt(POINTS + 0.5)


def _fill(cell: Any, shade: Shade) -> None:
    """Colour a cell."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    fill = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", shade.colour.removeprefix("#").upper())):
        fill.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(fill)


def _add_table(document: "Document", table: Table) -> None:
    """Add a table with a header row that is repeated on every page, treatments in bold, and its colours."""
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    drawn = document.add_table(rows=1 + len(table.rows), cols=len(table.columns))
    drawn.style = "Table Grid"
    for i, (row, texts) in enumerate(zip(drawn.rows, [list(table.columns), *table.rows], strict=True)):
        if i == 0:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        shades = table.shades[i - 1] if table.shades and i else [None] * len(texts)
        marks = table.marks[i - 1] if table.marks and i else [""] * len(texts)
        for k, (cell, text, shade, mark) in enumerate(zip(row.cells, texts, shades, marks, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.paragraph_format.keep_with_next = len(table.rows) <= MOST_TOGETHER
            run = paragraph.add_run(text)
            run.font.size = Pt(POINTS)
            run.bold = i == 0 or k == 0
            if mark:
                raised = paragraph.add_run(f"\u00a0{mark}")
                raised.font.size, raised.font.superscript = Pt(POINTS), True
            if shade:
                _fill(cell, shade)
                if not text.startswith(shade.words):
                    letters = paragraph.add_run(f" {shade.letters}")
                    letters.font.size, letters.bold = Pt(POINTS), True
