"""SVG figures as part of an HTML page."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


def inline_svg(file: Path, prefix: str, label: str, marks: Mapping[str, Mapping[str, str]] | None = None) -> "Markup":
    """Read an SVG file for use inside HTML.

    Ids that nothing refers to are dropped and the others get a prefix, since several figures share one page.
    The style rule of a figure would hold for the whole page; it is dropped and the page sets it for figures.

    Parameters
    ----------
    marks : mapping
        What groups of the figure stand for, by id: attributes, and a ``title`` that becomes one. The page finds such
        groups by their class, ``mark``.
    """
    from markupsafe import Markup, escape

    text = file.read_text(encoding="utf-8")
    text = text[text.index("<svg") :].strip()
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
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))
