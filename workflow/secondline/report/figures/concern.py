"""How levels of concern about studies are drawn: a colour, a sign and a word each, and the share of the prior."""

from dataclasses import dataclass
from typing import Any

from secondline.report.figures.style import GREY


@dataclass(frozen=True)
class Concern:
    """A level of concern: its words, its sign, its colour, and its hatch if it has one."""

    words: str
    sign: str
    colour: str
    hatch: str = ""


CONCERNS: dict[int | None, Concern] = {
    1: Concern("low risk of bias", "+", "#7fb8da"),
    2: Concern("some concerns", "–", "#f2cf63"),
    3: Concern("high risk of bias", "×", "#e8804a"),
    None: Concern("not judged", "?", "#d0d4d9"),
}
"""By level; dark text is legible on all of them."""
PRIOR = Concern("the prior", "", "#ffffff", "//////")


def bar_style(concern: Concern) -> dict[str, Any]:
    """Give the properties of a bar, with a light edge so that neighbours of one colour stay apart."""
    edge = {"edgecolor": GREY, "hatch": concern.hatch} if concern.hatch else {"edgecolor": "white"}
    return {"facecolor": concern.colour, "linewidth": 0.6, **edge}


def concern_handles(concerns: list[Concern]) -> list[Any]:
    """Make the handles of a legend, in the order given."""
    from matplotlib.patches import Patch

    return [Patch(**bar_style(concern), label=f"{concern.sign} {concern.words}".strip()) for concern in concerns]
