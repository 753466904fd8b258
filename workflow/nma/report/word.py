"""League tables for Word: one document an analysis, landscape, a table a page."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from nma.report.archives import EPOCH, without_times
from nma.report.report_tables import Table
from nma.tables import write_bytes

if TYPE_CHECKING:
    from docx.document import Document

POINTS = 7.5  # size of the text in a table


def write_league_tables(file: Path, title: str, notes: Sequence[str], tables: Sequence[Table]) -> None:
    """Write tables as a Word document.

    Parameters
    ----------
    title : str
        Heading of the document.
    notes : sequence of str
        Paragraphs under the heading: how to read the tables, and fits that failed.
    tables : sequence of Table
        Each on a page of its own, under its caption.
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
    for i, table in enumerate(tables):
        caption = document.add_paragraph()
        caption.add_run(table.caption).bold = True
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.page_break_before = i > 0
        _add_table(document, table)
    content = BytesIO()
    document.save(content)
    write_bytes(file, without_times(content.getvalue()))


def _add_table(document: "Document", table: Table) -> None:
    """Add a table with a header row that is repeated on every page and treatments in bold."""
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    drawn = document.add_table(rows=1 + len(table.rows), cols=len(table.columns))
    drawn.style = "Table Grid"
    for i, (row, texts) in enumerate(zip(drawn.rows, [list(table.columns), *table.rows], strict=True)):
        if i == 0:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        for k, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            run = paragraph.add_run(text)
            run.font.size = Pt(POINTS)
            run.bold = i == 0 or k == 0
