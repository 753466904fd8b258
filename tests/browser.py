"""A headless Chromium for the tests of the report, and what every report must pass in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.picture import find_browser, running

AXE = Path(__file__).parent / "data" / "axe" / "axe.min.js"  # axe-core, MPL 2.0, for tests only
MISSING = "needs a browser: install Debian's package chromium (apt-get install chromium), or any Chrome on the PATH"
NO_DRIVER = "needs playwright from envs/requirements-dev.txt (make setup)"
WIDTHS = (1280, 390)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser, or skip the test and say what to install."""
    pytest.importorskip("playwright.sync_api", reason=NO_DRIVER)
    found = find_browser()
    if found is None:
        pytest.skip(MISSING)
    with running(found) as browser:
        yield browser


class Page:
    """A report in a window, and everything that went wrong or out."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, **context: Any) -> None:
        self.window = browser.new_page(viewport={"width": width, "height": 900}, **context)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.window.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.window.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.window.on("request", lambda request: self.requests.append(request.url))
        self.window.goto(file.as_uri())
        self.address = file.as_uri()

    def run(self, script: str, *given: Any) -> Any:
        """Evaluate a script in the page."""
        return self.window.evaluate(script, *given)

    def texts(self, selector: str) -> list[str]:
        """Texts of what is there, shown or not."""
        return [" ".join(text.split()) for text in self.window.locator(selector).all_text_contents()]

    def shown(self, selector: str) -> int:
        """How many of what matches take room on the page."""
        return sum(place.is_visible() for place in self.window.locator(selector).all())

    def show_all(self) -> None:
        """Open everything that is closed, of the outcome and the setting that are asked for."""
        self.window.wait_for_function(
            """() => { document.querySelectorAll("details").forEach(node => { node.open = true; });
              return !document.querySelector("details > .folded, .fold:not(.off) > .folded"); }"""
        )

    def ask(self, **wanted: str) -> None:
        """Ask for an outcome, a setting or both, and wait for what is folded of it."""
        for name, value in wanted.items():
            narrow = self.window.locator(f".ask select[data-of={name}]")
            if narrow.is_visible():
                at = [one.get_attribute("value") for one in narrow.locator("option").all()].index(value)
                for key in ("Home", *["ArrowDown"] * at):  # as a reader does, so that the page keeps the choice
                    narrow.press(key)
            else:
                self.window.locator(f".ask [name={name}][value='{value}']").check(force=True)
        self.window.wait_for_function("() => !document.querySelector('.room .fold:not(details):not(.off) > .folded')")

    def open(self, part: str) -> None:
        """Open a part of the page that is closed."""
        self.run("part => { document.getElementById(part).open = true; }", part)
        self.window.wait_for_selector(f"#section-{part}")

    def violations(self) -> list[str]:
        """List what axe-core finds, with the first places of each."""
        if not self.run("() => 'axe' in window"):
            self.window.add_script_tag(path=AXE)
        found = self.run("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
        return [f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes'][:3]]}" for v in found]


def assert_sound(page: Page, folded: bool = False) -> None:
    """Check that a report complains of nothing, asks for nothing, draws every figure and stays within the window.

    Accessibility is checked of the page with everything unfolded, or as it opens if ``folded``.
    """
    assert not folded or page.violations() == []
    page.show_all()
    assert page.complaints == []
    assert page.requests == [page.address]
    assert page.run("() => document.documentElement.scrollWidth <= innerWidth")
    drawn = page.run(
        """() => [...document.querySelectorAll("figure svg")].map(svg => {
          const box = svg.getBoundingClientRect();
          return box.width > 200 && box.height > 80 && svg.querySelectorAll("path, text").length > 3; })"""
    )
    assert drawn
    assert all(drawn)
    found = [] if folded else page.violations()
    assert found == []
