"""SVG figures as part of an HTML page."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


def inline_svg(file: Path, prefix: str, label: str) -> "Markup":
    """Read an SVG file for use inside HTML.

    Ids that nothing refers to are dropped and the others get a prefix, since several figures share one page.
    The style rule of a figure would hold for the whole page; it is dropped and the page sets it for figures.
    """
    from markupsafe import Markup, escape

    text = file.read_text(encoding="utf-8")
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<style[^>]*>.*?</style>|<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))

    def renamed(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r' id="([^"]*)"', renamed, text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"\n\s*", " ", text)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))
