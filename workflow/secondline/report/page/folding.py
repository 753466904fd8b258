"""What the page opens only when it is asked for: kept compressed, so that the file stays small and quick to open."""

import re
import zlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

_KEPT = re.compile(r'<script type="text/plain" class="folded" data-holds="([^"]*)">([^<]*)</script>')
_OPENED = re.compile(
    r'<template class="folded" data-holds="[^"]*">((?:(?!<template|</template>).)*)</template>', re.DOTALL
)
_WITHOUT_SCRIPT = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
_ANCHOR = re.compile(r'<(?:h\d|details|li)\b[^>]*\bid="([^"]+)"')


def fold(html: str) -> "Markup":
    """Compress a piece of the page (deflate, base64) into an element that its script opens.

    ``data-holds`` lists the ids inside, for links that lead there. What is folded inside is compressed once, with the
    whole.

    Examples
    --------
    >>> folded = fold('<h4 id="here">Words</h4>')
    >>> folded.startswith('<script type="text/plain" class="folded" data-holds="here">')
    True
    >>> unfold(f"<div>{folded}</div>")
    '<div><h4 id="here">Words</h4></div>'
    """
    from markupsafe import Markup

    plain = _KEPT.sub(lambda kept: f'<template class="folded" data-holds="{kept[1]}">{_read(kept[2])}</template>', html)
    holds = " ".join(dict.fromkeys(_ANCHOR.findall(plain)))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(plain.encode()) + deflate.flush()
    return Markup(
        f'<script type="text/plain" class="folded" data-holds="{holds}">{b64encode(packed).decode("ascii")}</script>'
    )


def unfold(page: str) -> str:
    """Give a page as its script would show it: all that is folded in its place, and nothing that stands in for it."""
    plain = _KEPT.sub(lambda kept: _read(kept[2]), _WITHOUT_SCRIPT.sub("", page))
    while _OPENED.search(plain):
        plain = _OPENED.sub(lambda opened: opened[1], plain)
    return plain


def _read(packed: str) -> str:
    return zlib.decompress(b64decode(packed), -zlib.MAX_WBITS).decode()
