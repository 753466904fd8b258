"""Take the picture of the README: the first screen of a report, as a reader sees it.

    python scripts/picture.py results/primary/report.html docs/report.png

Needs Chromium or Chrome on the PATH.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1280, 800
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Find a browser on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running(browser: str) -> Iterator[Any]:
    """Run a browser without a window; as root it takes no sandbox."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()


def main(page: str, picture: str) -> None:
    """Open a page and write what the window shows."""
    found = find_browser()
    if found is None:
        sys.exit(f"picture.py needs a browser, one of: {', '.join(NAMES)}")
    with running(found) as browser:
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        window.goto(Path(page).resolve().as_uri())
        window.wait_for_timeout(1000)  # the panel draws in its own time
        window.screenshot(path=picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
