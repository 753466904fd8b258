"""What the page opens when it is asked for: whole, once, and found by the links that lead there."""

import re
import zlib
from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st
from secondline.report.page.folding import fold, unfold


@given(st.text())
def test_what_is_folded_comes_back(text: str) -> None:
    """Whatever it is: quotation marks, tags, other alphabets."""
    assert unfold(f"<div>{fold(text)}</div>") == f"<div>{text}</div>"


def test_what_is_folded_twice_is_compressed_once_and_comes_back() -> None:
    """The inner piece stands in a template of the outer one, whose list has the anchors of both."""
    inner = fold('<h4 id="inner">Inner &amp; “quoted”</h4>')
    middle = fold(f'<div><h3 id="middle">Middle</h3>{inner}</div>')
    outer = fold(f'<p id="no-anchor">Outer</p>{middle}{inner}')
    assert 'data-holds="middle inner"' in outer
    kept = re.fullmatch(r"<script[^>]*>(.*)</script>", outer)
    assert kept is not None
    plain = zlib.decompress(b64decode(kept[1]), -zlib.MAX_WBITS).decode()
    assert plain.count("<template") == 3
    assert "<script" not in plain
    words = '<h4 id="inner">Inner &amp; “quoted”</h4>'
    assert unfold(outer) == f'<p id="no-anchor">Outer</p><div><h3 id="middle">Middle</h3>{words}</div>{words}'


def test_folding_is_the_same_every_time_and_smaller() -> None:
    """The same bytes for the same words, and fewer of them."""
    table = "".join(f"<tr><td>{k}</td><td>the same words</td></tr>" for k in range(200))
    assert fold(table) == fold(table)
    assert len(fold(table)) < len(table) / 5
