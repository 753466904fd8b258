"""The network as springs in a browser: it opens, it balances where the exact engine says, and it stays legible."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from secondline.doubt.page_models import page_models
from secondline.layout import PAGE_MODELS
from secondline.report.settings import WeighFacts

from tests.browser import Page, chromium
from tests.page_engine import random_network
from tests.panel_network import springs, write_models
from tests.test_plots import LABELS
from tests.test_report import settings_of, write_and_read, write_project

CROWDED = 654  # seed of a network of 39 treatments in 102 contrasts


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write reports whose panel has the small network, and another with the crowded one."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("small", "crowded")}
    labels = replace(LABELS, studies={"one": "First 2001"})
    write_project(folders["small"])
    shutil.copytree(folders["small"], folders["crowded"], dirs_exist_ok=True)
    write_models(folders["small"] / "main" / "pain")
    rows, fit, asked = random_network(CROWDED)
    crowded = folders["crowded"] / "main" / "pain" / PAGE_MODELS
    crowded.write_text(json.dumps(page_models(rows, [], fit, asked)), encoding="utf-8")
    for folder in folders.values():
        write_and_read(folder, settings_of(labels, weigh=WeighFacts(solved=["pain"])))
    return {name: folder / "main" / "report.html" for name, folder in folders.items()}


@pytest.fixture
def page(browser: Any, files: dict[str, Path]) -> Iterator[Page]:
    """Open the small report afresh."""
    opened = Page(browser, files["small"])
    yield opened
    assert opened.complaints == []
    opened.window.close()


def panel(page: Page) -> Any:
    """Return the panel, its state solved finely."""
    page.window.wait_for_selector("#panel[data-quality=fine]")
    return page.window.locator("#panel")


def rested(page: Page) -> None:
    """Wait until a change has come to rest."""
    page.window.wait_for_timeout(150)
    panel(page)


def as_springs(page: Page) -> Any:
    """Unfold the picture of springs, and return it when nothing in it moves."""
    panel(page).locator(".springs summary").click()
    page.window.wait_for_selector(".springs[data-still=true]")
    return page.window.locator(".springs")


def balanced(page: Page, means: dict[str, float], far: dict[str, float]) -> None:
    """Hold the picture to the exact engine: where the beads rest and are drawn, how far springs are from rest."""
    page.window.wait_for_selector(".springs[data-still=true]")
    found = page.run(
        """() => { const drawn = bead => document.querySelector(`circle[data-bead=${bead}]`).getAttribute("cx");
          return Object.fromEntries([...document.querySelectorAll(".springs li[data-bead]")].map(
            ({dataset: {bead, at}}) => [bead, [Number(at), parseFloat(drawn(bead))]])); }"""
    )
    assert {name: at for name, (at, _) in found.items()} == pytest.approx(means, abs=1e-6)
    slope, origin = np.polyfit(*np.transpose(list(found.values())), 1)
    assert slope > 0
    assert all(drawn == pytest.approx(origin + slope * at, abs=2e-3) for at, drawn in found.values())
    z = {row.get_attribute("data-spring"): row for row in page.window.locator(".springs li[data-spring]").all()}
    assert {name: float(row.get_attribute("data-z")) for name, row in z.items()} == pytest.approx(far, abs=1e-5)
    farthest = max(far, key=lambda name: abs(far[name]))
    said = page.texts(".springs .farthest")[0]
    assert f" {'First 2001' if farthest == 'one' else farthest}: OR " in said
    assert f"{abs(far[farthest]):.1f} SE" in z[farthest].locator(".value").text_content()
    assert page.window.locator(".springs .picture > svg").get_attribute("aria-label").endswith(said)


def test_springs_balance_where_the_engine_says(page: Page) -> None:
    """Folded at first; the exact posterior means as declared and with a study dragged, by way of motion."""
    assert panel(page).locator(".springs").get_attribute("open") is None
    assert page.window.locator(".springs circle").count() == 0
    shown = as_springs(page)
    balanced(page, *springs())
    assert "1/(variance + τ²), drawn at τ" in shown.text_content()
    handle = page.window.locator("li[data-study=three] .handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.window.mouse.move(box["x"] + 12, box["y"] + 12)
    page.window.mouse.down()
    page.window.mouse.move(box["x"] - 60, box["y"] + 12, steps=4)
    page.window.mouse.up()
    rested(page)
    y = float(handle.get_attribute("data-y"))
    assert y < 0.7
    balanced(page, *springs(three=y))
    still = """key => { const handle = document.querySelector("li[data-study=three] .handle");
      handle.dispatchEvent(new KeyboardEvent("keydown", {key}));
      return document.querySelector(".springs").dataset.still; }"""
    assert page.window.evaluate(still, "Home") == "false"
    rested(page)
    balanced(page, *springs())
    page.window.emulate_media(reduced_motion="reduce")
    assert page.window.evaluate(still, "PageDown") == "true"


def test_a_study_left_out_has_no_spring(page: Page) -> None:
    """Its line goes; without any study nothing but the comparator is left."""
    shown = as_springs(page)
    for study in ("two", "one", "three", "four", "five"):
        assert shown.locator(f"[data-spring={study}]").count() == 1
        page.window.locator(f"li[data-study={study}] input").uncheck()
        rested(page)
        assert shown.locator(f"[data-spring={study}]").count() == 0
    assert shown.locator(".coil:not(.prior)").count() == 0
    assert "No study is in use" in shown.locator(".farthest").text_content()
    assert shown.locator("circle.bead").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_springs_of_forty_treatments_are_legible(browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
    """Names beside each other, the springs farthest from rest, all of them for the asking; accessible."""
    page = Page(browser, files["crowded"], width, color_scheme=scheme)
    shown = as_springs(page)
    assert shown.locator("circle[data-bead]").count() == 39
    far = farness(shown)
    assert len(far) == 40
    assert "springs nearer to rest: 62" in shown.text_content()
    boxes = page.run(
        """() => [...document.querySelectorAll(".springs .lines .name, .springs .lines .value")].map(node => {
          const {left, right, top, bottom} = node.getBoundingClientRect(), line = node.parentElement;
          return [left, right, top, bottom, line.scrollHeight - line.clientHeight]; })"""
    )
    assert max(cut for *_, cut in boxes) <= 1
    pairs = combinations(boxes, 2)
    assert not [1 for a, b in pairs if a[0] < b[1] and b[0] < a[1] and a[2] < b[3] - 1 and b[2] < a[3] - 1]
    assert page.run("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.violations() == []
    shown.locator("button").click()
    every = farness(shown)
    assert far == every[:40]
    assert len(every) == 102
    assert page.complaints == []
    page.window.close()


def farness(shown: Any) -> list[float]:
    """How far the springs drawn are from rest, the farthest first."""
    rows = shown.locator("li[data-spring]").all()
    return sorted((abs(float(row.get_attribute("data-z"))) for row in rows), reverse=True)
