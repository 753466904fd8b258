"""The site of the documents: built without a warning, every link leads somewhere, and nothing comes from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import secondline as sl

from docs.pages import ELSEWHERE, notebook_page, source_of
from tests.browser import Page, chromium
from tests.built_pages import BuiltPage, broken, built_pages, is_elsewhere, loaded_by_style
from tests.conftest import ROOT

SEARCH_IS_READY = """() => /Type to start/.test(document.querySelector(".md-search-result__meta").textContent)"""
PARTS = ("mkdocs.yml", "docs", *ELSEWHERE, "workflow/secondline")


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a folder as `make docs` does (with --quiet, MkDocs does not count its warnings)."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BuiltPage]:
    """Read its pages."""
    return built_pages(site)


def test_make_docs_is_this_build() -> None:
    """The target of the Makefile, which the README names."""
    plan = subprocess.run(["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict" in plan.splitlines()
    assert "`make docs`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "/site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_document_is_a_page(site: Path, pages: dict[Path, BuiltPage]) -> None:
    """README is the first page; every page of docs/ is there, and in the navigation of all others."""
    documents = {file.stem for file in ROOT.glob("docs/*.md")} | {Path(page).stem for page in ELSEWHERE.values()}
    assert {page.stem for page in pages} - {"404"} == documents
    assert {file.name for file in site.iterdir() if file.suffix in (".md", ".py", ".ipynb")} == set()
    home = pages[site / "index.html"]
    assert {f"{name}.html" for name in documents} <= {*home.links, "index.html"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)", readme, flags=re.MULTILINE)
    assert {heading.lower().replace(" ", "-") for heading in headings} <= home.anchors
    assert "docs/" not in " ".join(home.links)


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, BuiltPage]) -> None:
    """Links between pages, to headings and to files."""
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert list(broken(site, pages)) == []


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, BuiltPage]) -> None:
    """No font, script, style or picture, in pages and in style sheets."""
    styles = {file: loaded_by_style(file.read_text(encoding="utf-8")) for file in site.rglob("*.css")}
    assert styles
    assert min(len(page.loaded) for page in pages.values()) >= 4
    loaded = [*chain(*(page.loaded for page in pages.values()), *styles.values())]
    assert [address for address in loaded if is_elsewhere(address)] == []


def test_the_browser_loads_nothing_else(site: Path) -> None:
    """A page that is opened as a file asks for files alone and complains of nothing; the search works there too."""
    with chromium() as browser:
        for name in ("index", "first-network", "api"):
            page = Page(browser, site / f"{name}.html")
            page.window.click("input[name=query]")
            page.window.wait_for_function(SEARCH_IS_READY)
            assert page.complaints == []
            assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []
        page.window.keyboard.type("snakedeploy")
        found = page.window.locator(".md-search-result__link").first
        found.wait_for()
        assert found.get_attribute("href").startswith((site / "containers.html").as_uri())
        assert page.complaints == []


def test_the_api_page_lists_the_library(site: Path, pages: dict[Path, BuiltPage]) -> None:
    """All public names and methods, with their documentation, and no other."""
    anchors = {name for name in pages[site / "api.html"].anchors if name.startswith("secondline.")}
    assert {name for name in anchors if name.count(".") == 1} == {f"secondline.{name}" for name in sl.__all__}
    for owner in (sl.Network, sl.Result):
        methods = {name for name in dir(owner) if not name.startswith("_") and callable(getattr(owner, name))}
        assert {f"secondline.{owner.__name__}.{name}" for name in methods} <= anchors
    text = (site / "api.html").read_text(encoding="utf-8")
    assert "Which columns are named says what the arms give" in text  # of Network.from_arms
    assert "Compute the expected loss of deciding now" in " ".join(text.split())  # inherited by Result


def copy(folder: Path) -> Path:
    """Copy what the site is made of."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, folder / part)
    return folder


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    """A file that is not there, a heading that is not there, and a page that the navigation does not name."""
    folder = copy(tmp_path / "copy")
    with (folder / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n[one](docs/nowhere.md), [two](docs/tutorial.md#nothing)\n")
    (folder / "docs/forgotten.md").write_text("# Forgotten\n", encoding="utf-8")
    done = build(folder, tmp_path / "built")
    assert done.returncode == 1
    for complaint in ("'nowhere.md'", "'#nothing'", "forgotten.md"):
        assert complaint in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ('<a href="absent.html">x</a>', "no such file"),
        ('<a href="#absent">x</a>', "no such anchor"),
        ('<a href="page.html#absent">x</a>', "no such anchor"),
        ('<img src="absent.png">', "no such file"),
        ('<p id="there"></p><a href="#there">x</a><a href="https://example.org">x</a>', None),
    ],
)
def test_what_is_broken_is_noticed(html: str, complaint: str | None, tmp_path: Path) -> None:
    """In a page made up for it."""
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    found = list(broken(tmp_path, built_pages(tmp_path)))
    assert len(found) == (complaint is not None)
    assert not complaint or complaint in found[0]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        '<link rel="preconnect" href="https://example.org">',
        '<img srcset="a.png 1x, https://example.org/b.png 2x">',
        "<style>@import 'https://example.org/x.css'; p { color: red }</style>",
        '<p style="background: url(https://example.org/x.png)"></p>',
        '<iframe src="http://example.org"></iframe>',
    ],
)
def test_what_is_loaded_from_elsewhere_is_noticed(html: str, tmp_path: Path) -> None:
    """In a page made up for it."""
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    (page,) = built_pages(tmp_path).values()
    assert len([address for address in page.loaded if is_elsewhere(address)]) == 1


def test_sources_of_pages() -> None:
    """Pages of docs/ by their own name, others by the file that they are read from."""
    assert source_of("tutorial.md") == "docs/tutorial.md"
    assert source_of("index.md") == "README.md"


def test_the_notebook_is_a_page_with_its_output() -> None:
    """Its text, code, tables and one picture."""
    page = notebook_page((ROOT / "docs/notebooks/first_network.ipynb").read_text(encoding="utf-8"))
    assert page.startswith("# A first network\n")
    assert page.count("```python\n") == page.count("```") / 2 - page.count("```text\n")
    assert (page.count("<table"), page.count("<img ")) == (4, 1)
    assert "<Network: 7 studies, 5 treatments, reference placebo>" in page
