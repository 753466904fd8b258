"""SVG figures as part of an HTML page."""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

LARGER = 1.25  # figures have the small text of journals; on a screen they are that much larger
_ABOUT = "margin: .3rem 0 0; font-size: .85rem; max-width: 60rem; color: #5f6670"  # on the white ground of a figure


def inline_svg(file: Path, prefix: str, label: str, marks: Mapping[str, Mapping[str, str]] | None = None) -> "Markup":
    """Read an SVG file for use inside HTML.

    Ids that nothing refers to are dropped and the others get a prefix, since several figures share one page.
    The style rule of a figure would hold for the whole page; it is dropped and the page sets it for figures. What its
    caption says beside its title stands under it.

    Parameters
    ----------
    marks : mapping
        What groups of the figure stand for, by id: attributes, and a ``title`` that becomes one. The page finds such
        groups by their class, ``mark``.
    """
    from markupsafe import Markup, escape

    text = file.read_text(encoding="utf-8")
    text = text[text.index("<svg") :].strip()
    described = re.search(r"<dc:description>(.*?)</dc:description>", text, flags=re.DOTALL)
    about = f'<div style="{_ABOUT}">{escape(unescape(described[1]))}</div>' if described else ""
    text = re.sub(r"<title>.*?</title>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<style[^>]*>.*?</style>|<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))

    def marked(match: re.Match[str]) -> str:
        known = dict((marks or {}).get(match[1], {}))
        if not known:
            return match[0]
        title = escape(known.pop("title"))
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in known.items())
        return f'<g class="mark"{attributes}><title>{title}</title>'

    def renamed(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r'<g id="([^"]*)">', marked, text)
    text = re.sub(r' id="([^"]*)"', renamed, text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"\n\s*", " ", text)
    text = re.sub(r'width="([\d.]+)pt" height="([\d.]+)pt"', _larger, text, count=1)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1) + about)


def _larger(size: re.Match[str]) -> str:
    """Size of a figure on a screen; a narrow one is not to be stretched."""
    width, height = (LARGER * float(text) for text in size.groups())
    return f'width="{width:.2f}pt" height="{height:.2f}pt" style="min-width: min({width:.2f}pt, 36rem)"'
