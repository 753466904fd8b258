"""Figures as files: SVG, PDF and PNG of the same size, each with its caption, and the caption as a text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secondline.report.figures.fonts import use_light_fonts
from secondline.report.figures.pages import TALLEST, page_tops
from secondline.report.figures.style import styled
from secondline.tables import write_bytes

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

RESOLUTION = 300  # dots per inch of the PNG files
SCREEN = ("svg",)
PAPER = ("svg", "pdf", "png", "txt")


def save(figure: "Figure", path: str | Path, formats: Sequence[str] = PAPER) -> None:
    """Write ``path``.svg, ``path``.pdf, ``path``.png and the caption ``path``.txt, each under a temporary name first.

    The same figure gives the same bytes: no date, no program version, ids from a fixed salt.
    """
    title, about = caption(figure)
    if "pdf" in formats:
        use_light_fonts()
    with styled():
        for suffix in formats:
            match suffix:
                case "txt":
                    content = f"{title}. {about}\n".encode()
                case "pdf":
                    content = _pdf(figure, {"Title": title, "Subject": about})
                case "png":
                    words = {"Software": None, "Title": title, "Description": about}
                    content = _drawn(figure, suffix, words, dpi=RESOLUTION, pil_kwargs={"compress_level": 3})
                case _:
                    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
                    content = _drawn(figure, suffix, {**nothing, "Title": title, "Description": about})
            write_bytes(f"{path}.{suffix}", content)


def caption(figure: "Figure") -> tuple[str, str]:
    """Title of a figure, and what a reader has to know of it."""
    title, _, about = str(figure.get_label()).partition("\n")
    return title, about


def _drawn(figure: "Figure", suffix: str, metadata: dict[str, str | None], **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=suffix, metadata=metadata, **options)
    return buffer.getvalue()


def _pdf(figure: "Figure", words: dict[str, str | None]) -> bytes:
    """Draw a PDF with a page for every page of the figure."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.transforms import Bbox

    metadata = {**dict.fromkeys(("CreationDate", "Creator", "Producer")), **words}
    width, height = figure.get_size_inches()
    tops = page_tops(height)
    if len(tops) == 1:
        return _drawn(figure, "pdf", metadata)
    buffer = BytesIO()
    with PdfPages(buffer, metadata=metadata) as pages:
        for top in tops:
            foot = max(height - top - TALLEST, 0.0)
            with _only(figure, foot / height, 1 - top / height):
                pages.savefig(figure, bbox_inches=Bbox([[0, foot], [width, height - top]]))
    return buffer.getvalue()


@contextmanager
def _only(figure: "Figure", foot: float, top: float) -> Iterator[None]:
    """Hide what stands on other pages than the one between two heights, as shares of the figure."""
    places: list[tuple[Artist, float]] = [(axes, axes.get_position().ymax) for axes in figure.axes]
    places += [(text, text.get_position()[1]) for text in figure.texts]
    places += [(legend, 0.0) for legend in figure.legends]
    hidden = [artist for artist, y in places if artist.get_visible() and not foot <= y <= top]
    for artist in hidden:
        artist.set_visible(False)
    yield
    for artist in hidden:
        artist.set_visible(True)
