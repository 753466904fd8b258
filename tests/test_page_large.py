"""The page of a network of 60 treatments and 300 studies: as small and as quick as that of five."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from secondline.doubt.page_models import page_models
from secondline.layout import PAGE_MODELS
from secondline.network.structure import Treatments
from secondline.report.settings import WeighFacts

from tests.browser import Page, chromium
from tests.page_targets import assert_targets
from tests.panel_network import ASKED, FIT, row
from tests.test_plots import Network
from tests.test_report import network_report

TREATMENTS = [f"treatment_{k:02}" for k in range(60)]
STUDIES = 300


def drawn() -> dict[str, tuple[str, str]]:
    """Draw the arms of every study: a chain that links all treatments, and pairs at random."""
    rng = np.random.default_rng(60)
    chain = list(pairwise(TREATMENTS))
    pairs = [tuple(rng.choice(TREATMENTS, 2, replace=False).tolist()) for _ in range(STUDIES - len(chain))]
    return {f"study_{k:03}": (a, b) for k, (a, b) in enumerate([*chain, *pairs])}


def models(designs: dict[str, tuple[str, str]], effects: dict[str, float]) -> dict[str, Any]:
    """Solve the network by the exact engine, for the panel."""
    rng = np.random.default_rng(300)
    evidence = [
        {**row(study, b, a, effects[b] - effects[a] + rng.normal(0, 0.3), 0.25), "setting_mix": "overall:120"}
        for study, (a, b) in designs.items()
    ]
    regimens = {name: (name,) if k else () for k, name in enumerate(TREATMENTS)}
    treatments = Treatments(components=tuple(TREATMENTS[1:]), regimens=regimens, settings=())
    fit = replace(FIT, outcome="result", treatments=treatments)
    return page_models(evidence, [], fit, replace(ASKED, reference=TREATMENTS[0]))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of the network."""
    folder = tmp_path_factory.mktemp("large")
    effects = {name: 0.02 * k for k, name in enumerate(TREATMENTS)}
    designs = drawn()
    (folder / "main" / "result").mkdir(parents=True)
    (folder / "main" / "result" / PAGE_MODELS).write_text(json.dumps(models(designs, effects)), encoding="utf-8")
    network_report(folder, Network(effects=effects, designs=designs), weigh=WeighFacts(solved=["result"]))
    return folder / "main" / "report.html"


def test_a_large_page_keeps_the_targets(large: Path) -> None:
    """Size, elements, height and printed pages do not grow with the square of the treatments."""
    with chromium() as browser:
        assert_targets(browser, large, "60 treatments, 300 studies")


def test_a_large_page_opens_what_is_asked_for(large: Path) -> None:
    """The comparisons of one treatment; the panel, which solves the network and finds the declared analysis."""
    with chromium() as browser:
        page = Page(browser, large)
        page.open("effects")
        assert page.window.locator("#explorer tbody tr").count() == len(TREATMENTS)
        page.window.locator("#panel button").click()
        page.window.wait_for_selector("#panel[data-quality=fine]")
        assert page.window.locator("#panel li[data-study]").count() == STUDIES
        assert page.complaints == []
        page.window.close()
