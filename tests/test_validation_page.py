"""The page on validation: its numbers are those of the files that they come from."""

import re
from collections import Counter

import pytest
from secondline.likelihoods import OWN_LIKELIHOODS

from scripts.calibrate import CASES, PRIOR_CASES
from scripts.published import NETWORKS, read_figures
from scripts.validate import PAGE as TEMPLATE
from scripts.validate import VERDICTS, title_of
from tests.conftest import ROOT

PAGE = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
CALIBRATION = (ROOT / "docs/calibration.md").read_text(encoding="utf-8")


def lines_of_calibration() -> tuple[list[list[str]], list[list[str]]]:
    """Read both tables of docs/calibration.md: by likelihood and model, and over all of them."""
    lines = [line.strip("| ").split(" | ") for line in CALIBRATION.splitlines() if line.startswith("| ")]
    lines = [line for line in lines if line[0] not in ("likelihood", "parameter")]
    return [line for line in lines if len(line) == 8], [line for line in lines if len(line) == 4]


def test_calibration() -> None:
    """Likelihoods, models, data sets, sets of ranks, and the verdict."""
    lines, overall = lines_of_calibration()
    crossed = [line for line in lines if line[1] not in PRIOR_CASES]
    models, likelihoods = {line[1] for line in crossed}, {line[0] for line in crossed}
    assert len(crossed) == len(models) * len(likelihoods)
    assert likelihoods == set(OWN_LIKELIHOODS)
    (datasets,) = {line[2] for line in lines}
    said = f"covers {len(likelihoods)} likelihoods under {len(models)} models of the effects, with {datasets} data sets"
    assert said in TEXT
    assert {line[4] for line in lines} == {"0"}
    assert {line[-1] for line in lines + overall} == {"uniform"}
    ranks = sum(int(line[3]) for line in lines) + len(overall)
    assert f"{ranks} sets of ranks" in TEXT
    assert f"{ranks} sets of ranks" in CALIBRATION
    missing = {"exchangeable_interactions", "regimen_level", "class_contrast", "own_class_sds", "unequal_heterogeneity"}
    assert set(CASES) - models == missing, "say which models the table does not have"
    missing_models = (
        "exchangeable interactions, effects by regimen, class contrasts of mixed arms, own standard deviations of "
    )
    missing_models += "classes, unequal heterogeneity"
    assert f"five that the table does not contain yet ({missing_models})" in TEXT


def test_the_page_is_the_template_filled() -> None:
    """Between what `make validate` fills in stand the words of validation/page.md."""
    rest, pieces = PAGE, re.split(r"\$[a-z]+", TEMPLATE.read_text(encoding="utf-8").rstrip("\n"))
    for words in filter(None, pieces):
        _, found, rest = rest.partition(words)
        assert found == words, f"make validate writes the page anew; not there: {words[:200]!r}"
    assert bool(rest.strip()) == (not pieces[-1]), "only what is filled in may stand behind the last words"


def test_published_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of every network has its row, with its verdict; how many there are, of which kind."""
    monkeypatch.chdir(ROOT)
    figures = {network: read_figures(network) for network in NETWORKS}
    kinds = Counter(figure.kind for found in figures.values() for figure in found)
    assert f"{len(NETWORKS)} published networks are run" in TEXT
    assert f"{kinds.total():,} figures are looked up" in TEXT
    assert f"{kinds['printed']} of them are printed" in TEXT
    assert f"{kinds['software']} come from runs" in TEXT
    assert f"{kinds['recomputed']} were recomputed" in TEXT
    for network, found in figures.items():
        title, size = title_of(network)
        section = PAGE.split(f"\n### {title}\n")[1].split("\n### ")[0]
        assert section.lstrip().startswith(f"{size}. ")
        rows = [line for line in section.splitlines() if line.endswith(tuple(f"| {verdict} |" for verdict in VERDICTS))]
        assert len(rows) == len(found)
        counts = [sum(row.endswith(f"| {verdict} |") for row in rows) for verdict in VERDICTS]
        (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| [{title}]("))
        assert line.strip("| ").split(" | ")[1:] == [size, *(str(count) for count in (len(found), *counts))]
        assert counts[-1] == sum(figure.reason != "" for figure in found), "what differs has a reason"


def test_numbers_of_the_audit() -> None:
    """Those that docs/audit.md gives."""
    audit = " ".join((ROOT / "docs/audit.md").read_text(encoding="utf-8").split())
    for number in ("1,000 simulated studies", "31 typ"):
        assert number in TEXT
        assert number in audit


def test_named_files_are_there() -> None:
    """Every file and folder that the page names."""
    named = set(re.findall(r"`((?:tests|config|validation)/[^`<]*)`", TEXT))
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []
