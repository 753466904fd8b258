"""What a reader finds who sees the first screen of a report only."""

import re
from html import unescape

from tests.browser import Page

MOST_REASONS = 4


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def assert_answers(page: Page, html: str, lead: str, candidates: dict[str, list[str]], is_whole: bool) -> None:
    """Check that the first screen answers the question after every failed drug, as far as the studies do.

    Parameters
    ----------
    lead : str
        The first outcome.
    candidates : dict
        Labels of the candidates, by label of the setting.
    is_whole : bool
        Whether the run has the outcome that tells of harm beside the first, and the specification curve.
    """
    head = html[html.index("<h1") : html.index("<nav")]
    assert re.search(r"<h1>[^<]+\?</h1>", head), "the question"
    assert re.search(r"\d+ [a-z ]*(?:cohort|trial|stud)", _words(head)), "how many studies of which design"
    assert re.search(r"[\d,]+ patients", _words(head)), "how many patients"
    anchors = set(re.findall(r'\bid="([^"]+)"', html)) | {
        name for holds in re.findall(r'data-holds="([^"]*)"', html) for name in holds.split()
    }
    articles = re.findall(r'<article class="answer" data-place="([^"]*)" data-of="([^"]*)">(.*?)</article>', html, re.S)
    found = {place: body for place, outcome, body in articles if outcome == lead}
    assert set(map(unescape, found)) == set(candidates), "every failed drug"
    for place, body in found.items():
        said = _words(body[: body.index("<aside")])
        assert any(name.lower() in said.lower() for name in candidates[unescape(place)]), f"{place}: a candidate"
        assert re.search(r"better than|might|cannot tell|not known", said), f"{place}: how sure"
        assert re.search(r"(?:hazard|odds|risk|rate) ratio [\d.]+ \([\d.]+ to [\d.]+\)", said), f"{place}: by how much"
        assert bool(re.search(r"safe|harm", said)) == is_whole, f"{place}: harm"
        assert ("defensible ways" in said) == is_whole, f"{place}: other analyses"
        assert not re.search(r"SUCRA|P\(best\)", said), f"{place}: terms of statisticians"
        aside = body[body.index("<aside") :]
        assert re.search(r"Certainty: (high|moderate|low|very low|not assessable|not judged)", aside), place
        reasons = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a></li>', aside)
        assert 1 <= len(reasons) <= MOST_REASONS, f"{place}: the reasons"
        assert {anchor for anchor, _ in reasons} <= anchors, f"{place}: where more is said"
    box = page.window.locator(".answer:not(.off)").bounding_box()
    assert box["y"] + box["height"] < page.window.viewport_size["height"], "all of it above the fold"
