"""The text of a paper, line by line, from plain text, HTML or PDF."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import NoReturn

from secondline.errors import UserError

KINDS = (".txt", ".html", ".htm", ".pdf")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|caption|d[dlt]|div|fig(caption|ure)|footer|h[1-6r]|header|li|main|nav|[ou]l|p|pre"
    "|section|table|t(body|head|foot|r)|title"
)
_CELLS = ("td", "th")
_SILENT = ("script", "style", "template", "noscript")
# No paper comes near; what does was made by mistake or to do harm.
MOST_BYTES, MOST_SECONDS = 50_000_000, 60


def find_copy(folder: Path, study: str) -> Path | None:
    """Find the user's copy of a paper: ``<study>.txt``, ``.html``, ``.htm`` or ``.pdf``.

    Raises
    ------
    UserError
        There are two copies, so that it is not clear which one counts.
    """
    found = [file for file in (folder / f"{study}{kind}" for kind in KINDS) if file.is_file()]
    if len(found) > 1:
        raise UserError(f"two copies of one paper, this and {found[1].name}; allowed: one file per study", found[0])
    return found[0] if found else None


def read_lines(file: Path) -> list[str]:
    """Read a copy of a paper as lines of text.

    HTML gives a line for every block and every row of a table, its cells separated by tabs; PDF the lines of its
    pages one after the other.

    Raises
    ------
    UserError
        The file cannot be read, whatever the reason, or holds no text, as a scanned PDF.
    """
    try:
        with _time_limit(MOST_SECONDS):
            lines = _lines(file)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", file) from None
    except (Exception, RecursionError) as error:  # a reader of other people's files may raise anything
        problem = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"cannot be read: {problem}", file) from None
    if not any(line.strip() for line in lines):
        raise UserError(
            "cannot be read: it contains no text; a scanned paper has to be saved with its text first", file
        )
    return lines


def _lines(file: Path) -> list[str]:
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes; allowed: up to {MOST_BYTES}")
    if file.suffix == ".pdf":
        return _pdf(file)
    text = _decode(file.read_bytes())
    return _html(text) if file.suffix in (".html", ".htm") else text.splitlines()


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """End what takes longer than any paper does; outside the main thread, which alone gets signals, without a limit."""

    def stop(*_: object) -> NoReturn:
        raise TimeoutError(f"reading took longer than {seconds} seconds")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class _Blocks(HTMLParser):
    """Collects the text of a page, one line per block."""

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


def _without_comments(text: str) -> str:
    """Leave out comments; one that is never closed runs to the end, as in a browser."""
    first, *rest = text.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in rest)


def _html(text: str) -> list[str]:
    page = _Blocks()
    page.feed(_without_comments(text))
    page.close()
    lines = "".join(page.parts).split("\n")
    return [re.sub(r"\s*\t\s*", "\t", line).strip() for line in lines]


def _pdf(file: Path) -> list[str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() for page in PdfReader(file).pages]
    except PyPdfError as error:
        raise ValueError(f"not a PDF of text, or one with a password: {error}") from None
    return "\n".join(pages).splitlines()
