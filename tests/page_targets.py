"""What a report may weigh: the targets of the page, measured in a browser and printed."""

from pathlib import Path
from typing import Any

from pypdf import PdfReader

from tests.browser import Page

MOST = {"bytes": 2_000_000, "elements": 6_000, "height": 5_000, "pages": 11}
SLOWEST = {"load": 300, "change": 100}
"""Milliseconds on a quiet machine; a test prints them and fails at ten times as many."""


def measured(browser: Any, file: Path) -> dict[str, float]:
    """Measure a report as it opens, 1280 pixels wide, and how long its script takes to load and to change outcome."""
    page = Page(browser, file)
    if page.run("() => Boolean(document.getElementById('panel'))"):
        page.window.wait_for_selector("#panel[data-quality=fine], #panel > button")
    found = {
        "bytes": file.stat().st_size,
        "elements": page.run("() => document.querySelectorAll('*').length"),
        "height": page.run("() => document.documentElement.scrollHeight"),
        "load": page.run("() => performance.getEntriesByType('measure').reduce((sum, one) => sum + one.duration, 0)"),
        "change": page.run(
            """() => { const radio = [...document.querySelectorAll(".ask input:not(:checked)")].at(-1);
              const start = performance.now(); radio?.click(); return performance.now() - start; }"""
        ),
    }
    page.window.close()
    page = Page(browser, file)
    printed = file.with_suffix(".pdf")
    page.window.pdf(path=printed, prefer_css_page_size=True)
    found["pages"] = len(PdfReader(printed).pages)
    printed.unlink()
    assert page.complaints == []
    assert page.requests == [page.address]
    page.window.close()
    return found


def assert_targets(browser: Any, file: Path, name: str) -> None:
    """Measure a report, print it, and hold it to the targets."""
    found = measured(browser, file)
    print(f"\n{name}: " + ", ".join(f"{value:,.0f} {what}" for what, value in found.items()))
    assert {what: found[what] for what in MOST if found[what] > MOST[what]} == {}
    assert {what: found[what] for what in SLOWEST if found[what] > 10 * SLOWEST[what]} == {}
