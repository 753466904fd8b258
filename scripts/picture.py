"""Take the picture of the README: the first screen of a report, as a reader sees it.

    python scripts/picture.py results/primary/report.html docs/report.png

Needs Chromium or Chrome on the PATH.
"""

import shutil
import sys
from pathlib import Path

WIDTH, HEIGHT = 1280, 800
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main(page: str, picture: str) -> None:
    """Open a page and write what the window shows."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        sys.exit(f"picture.py needs a browser, one of: {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        window.goto(Path(page).resolve().as_uri())
        window.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
