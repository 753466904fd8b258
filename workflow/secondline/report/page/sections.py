"""The sections of the page, and the parts that each is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Part:
    """A part of a section; its id is that of its anchor and of its file in templates/sections/."""

    id: str
    title: str
    needs: str = ""
    """The entry of the context without which, or with which empty, there is no such part."""
    live: bool = False
    """Whether it is made by the script of the page, and hidden without."""


@dataclass(frozen=True)
class Section:
    """A section of the page: a line of the contents."""

    id: str
    word: str
    title: str
    parts: tuple[Part, ...]
    closed: bool = False
    """Whether its parts stay closed until a reader opens them."""


SECTIONS = (
    Section(
        "first",
        "Answer",
        "The answer",
        (Part("answer", ""), Part("weigh", "Weigh the evidence yourself", needs="weigh", live=True)),
    ),
    Section(
        "belief",
        "How much to believe it",
        "How much to believe it",
        (
            Part("doubt", "How far the answer can be trusted", needs="doubt"),
            Part("hangs-on", "Robustness of the first rank"),
            Part("certainty", "Certainty of the evidence", needs="certainty"),
        ),
    ),
    Section(
        "balance",
        "Benefit and harm",
        "Benefit and harm",
        (Part("benefit", ""), Part("absolute", "Absolute effects", needs="absolute")),
    ),
    Section(
        "basis",
        "Evidence",
        "Evidence",
        (
            Part("network", "Network of comparisons"),
            Part("evidence-map", "Evidence map"),
            Part("studies", "Studies and risk flags"),
            Part("populations", "Populations", needs="populations"),
            Part("audit", "Audit of the evidence"),
        ),
    ),
    Section(
        "statistics",
        "For the statistician",
        "For the statistician",
        (
            Part("glance", "Every ranking at a glance"),
            Part("effects", "Relative effects"),
            Part("rankings", "Rankings"),
            Part("outcome-pairs", "Two outcomes together", needs="pairs"),
            Part("checking", "Model checking"),
        ),
        closed=True,
    ),
    Section(
        "how",
        "Methods",
        "Methods, checklists and versions",
        (
            Part("reading", "How to read this report"),
            Part("methods", "Methods"),
            Part("prisma", "Checklists"),
            Part("versions", "Reproducibility"),
        ),
        closed=True,
    ),
)


def sections_with(context: Mapping[str, Any]) -> list[Section]:
    """List the sections with the parts for which the context of the page holds something."""
    return [
        replace(section, parts=tuple(part for part in section.parts if not part.needs or context[part.needs]))
        for section in SECTIONS
    ]


def titles() -> dict[str, str]:
    """Give every part the words by which checklists point to it."""
    return {part.id: part.title or section.title for section in SECTIONS for part in section.parts}
