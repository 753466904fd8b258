"""Pages of the site that are kept elsewhere: README and others are read where they are, so that there is no copy.

A hook of MkDocs (`make docs`). Links between files of the repository become links between pages of the site.
"""

import posixpath
import re
from functools import partial
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "results/README.md": "results.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/notebooks/first_network.ipynb": "first-network.md",
}
"""Page of the site by file of the repository; the other pages are those of docs/."""
_SOURCES = {page: file for file, page in ELSEWHERE.items()}
_LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are kept outside docs/, and the notebook."""
    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=notebook_page(text) if source.endswith(".ipynb") else text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site."""
    return _LINK.sub(partial(_link, source_of(page.file.src_uri)), markdown)


def source_of(page: str) -> str:
    """Return the file of the repository from which a page is made."""
    return _SOURCES.get(page, f"docs/{page}")


def _link(source: str, match: re.Match[str]) -> str:
    """Translate one link of a file; all pages that are made from files outside docs/ are at the top of the site."""
    before, target, after = match.groups()
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return before + ELSEWHERE.get(file, file.removeprefix("docs/")) + after


def notebook_page(text: str) -> str:
    """Write a notebook as a page: its text, its code, and what the code gave."""
    parts = []
    for cell in nbformat.reads(text, as_version=4).cells:
        parts.append(_fenced(cell.source, "python") if cell.cell_type == "code" else cell.source)
        parts += [_shown(output) for output in cell.get("outputs", [])]
    return "\n\n".join(parts) + "\n"


def _shown(output: nbformat.NotebookNode) -> str:
    """Show an output of a cell: a picture, a table, or text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        return f'<img alt="The figure that this code draws" src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/html" in data:
        return re.sub(r"<table [^>]*>", "<table>", data["text/html"].replace("\n", ""))
    return _fenced(data["text/plain"], "text")


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
