"""The text of a paper, line by line, from plain text, HTML or PDF."""

import re
from html.parser import HTMLParser
from pathlib import Path

from nma.errors import UserError

KINDS = (".txt", ".html", ".htm", ".pdf")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|caption|d[dlt]|div|fig(caption|ure)|footer|h[1-6r]|header|li|main|nav|[ou]l|p|pre"
    "|section|table|t(body|head|foot|r)|title"
)
_CELLS = ("td", "th")
_SILENT = ("script", "style", "template", "noscript")


def find_copy(folder: Path, study: str) -> Path | None:
    """Find the user's copy of a paper: ``<study>.txt``, ``.html``, ``.htm`` or ``.pdf``.

    Raises
    ------
    UserError
        There are two copies, so that it is not clear which one counts.
    """
    found = [file for file in (folder / f"{study}{kind}" for kind in KINDS) if file.is_file()]
    if len(found) > 1:
        raise UserError(f"two copies of one paper, this and {found[1].name}; allowed: one file a study", found[0])
    return found[0] if found else None


def read_lines(file: Path) -> list[str]:
    """Read a copy of a paper as lines of text.

    HTML gives a line for every block and every row of a table, its cells separated by tabs; PDF the lines of its
    pages one after the other.

    Raises
    ------
    UserError
        The file cannot be read, or holds no text, as a scanned PDF.
    """
    try:
        lines = _pdf(file) if file.suffix == ".pdf" else _decode(file.read_bytes()).splitlines()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file) from None
    if file.suffix in (".html", ".htm"):
        lines = _html("\n".join(lines))
    if not any(line.strip() for line in lines):
        raise UserError("holds no text; a scanned paper has to be saved with its text first", file)
    return lines


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class _Blocks(HTMLParser):
    """Collects the text of a page, one line a block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        self.silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        self.silent = max(0, self.silent - (tag in _SILENT))

    def _break(self, tag: str) -> None:
        if _BLOCKS.fullmatch(tag):
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append("\t")
        elif tag in ("sup", "sub"):  # a raised reference is no digit of the number before it
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _html(text: str) -> list[str]:
    page = _Blocks()
    page.feed(text)
    page.close()
    lines = "".join(page.parts).split("\n")
    return [re.sub(r"\s*\t\s*", "\t", line).strip() for line in lines]


def _pdf(file: Path) -> list[str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() for page in PdfReader(file).pages]
    except PyPdfError as error:
        raise UserError(f"not a PDF that can be read: {error}", file) from None
    return "\n".join(pages).splitlines()
