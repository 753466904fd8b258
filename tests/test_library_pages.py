"""The pages on the library: every block of code runs, and the notebook shows what its code gives."""

import json
import re
from typing import Any

import pytest

from docs.notebooks.build import build
from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs/notebooks/first_network.ipynb"
_LARGEST = 150_000


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are named relative to the project."""
    monkeypatch.chdir(ROOT)


def blocks(page: str) -> list[str]:
    """Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_block_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, as a reader pastes them; the first of them is five lines that need nothing else."""
    names: dict[str, Any] = {}
    first, *others = blocks("docs/library.md")
    assert len([line for line in first.splitlines() if line]) == 5
    exec(first, names)
    assert "pramipexole" in capsys.readouterr().out
    for block in others:
        exec(block, names)
    printed = capsys.readouterr().out
    for expected in (
        "<Network: 24 studies, 4 treatments, reference no_contact>",
        "<Network: 7 studies, 5 treatments, reference placebo, MD>",
        "binomial likelihood with logit link, random effects",
        "r_hat",
        "['effect', 'tau', 'mu', 'z']",
    ):
        assert expected in printed


def test_the_lines_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Five lines that need nothing else, with the ranking of the smoking trials as their output."""
    (block,) = blocks("README.md")
    assert len([line for line in block.splitlines() if line]) == 5
    exec(block, {})
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["treatment", "sucra", "sucra_lower", "sucra_upper"]
    sucra = {row.split()[1]: float(row.split()[2]) for row in rows}
    assert max(sucra, key=lambda name: sucra[name]) == "grp_counseling"
    assert min(sucra, key=lambda name: sucra[name]) == "no_contact"


def without_pictures(notebook: Any) -> Any:
    """Leave the bytes of pictures out: they differ between processors."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output["data"]:
                output["data"]["image/png"] = bool(output["data"]["image/png"])
    return notebook


def test_the_notebook_shows_what_its_code_gives() -> None:
    """Built again from its page, cell by cell: the same text, tables and one picture; small."""
    stored = NOTEBOOK.read_text(encoding="utf-8")
    assert len(stored) < _LARGEST
    again = without_pictures(json.loads(build(NOTEBOOK.with_suffix(".md"))))
    assert without_pictures(json.loads(stored)) == again
    assert sum("image/png" in o["data"] for cell in again["cells"] for o in cell.get("outputs", [])) == 1
