"""What readers call a study: its first author and year, as papers cite it."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_lowercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secondline.project.config import Project
    from secondline.project.sheets import StudySheet

_MOST_INITIALS = 4
_REFERENCE = re.compile(r"\s*\[[\d,–-]+\]")  # "[18]", which is a number of another paper's list
_LONGEST = 30
"""Letters of an author or a place; what is longer is no name to put into a figure."""


def study_names(project: "Project") -> dict[str, str]:
    """Name the studies of sheets by first author and year, ``Liu 2022``; others keep their id, as tables cite them.

    Without authors it is the place and the year, and the citation of a study known only from another paper. Studies of
    the same name are told apart by letters, in the order of their sheets: ``Liu 2022a``, ``Liu 2022b``.

    Returns
    -------
    dict
        Names of the studies of sheets, by id. They differ from each other and from all ids.
    """
    wanted = {study: name_of_sheet(sheet) or study for study, sheet in project.sheets.items()}
    often = Counter(wanted.values())
    taken = {study for study in project.studies if wanted.get(study, study) == study}
    found: dict[str, str] = {}
    for study, name in wanted.items():
        if name != study and (often[name] > 1 or name in taken):
            name = next(longer for longer in _lettered(name) if longer not in taken and longer not in often)
        taken.add(name)
        found[study] = name
    return found


def _lettered(name: str) -> Iterator[str]:
    """Put a, b, … z, aa, ab, … to a name."""
    return (f"{name}{''.join(letters)}" for n in count(1) for letters in product(ascii_lowercase, repeat=n))


def name_of_sheet(sheet: "StudySheet") -> str:
    """Name the study of one sheet, whatever others are called; nothing where the sheet does not say enough."""
    paper, report = sheet.bibliography, sheet.secondary_report
    if paper:
        who = _first_author(paper.authors or "") or _place(sheet.site or "")
        return f"{who} {paper.year}" if who else ""
    cited = _REFERENCE.sub("", report.cited_as).strip() if report else ""
    return cited if len(cited) <= _LONGEST else ""


def _first_author(authors: str) -> str:
    """Surname of the first author, or the group that stands in its place: ``Liu`` of ``Liu K, Wu J``."""
    words = re.split(r"[,;]| et al", authors, maxsplit=1)[0].split()
    while len(words) > 1 and _are_initials(words[-1]):
        words.pop()
    surname = " ".join(words)
    return surname if len(surname) <= _LONGEST else ""


def _are_initials(word: str) -> bool:
    """Whether a word is ``JP``, ``J.P.`` or ``J-P``."""
    letters = re.sub(r"[.-]", "", word)
    return letters.isalpha() and letters.isupper() and len(letters) <= _MOST_INITIALS


def _place(site: str) -> str:
    """Town of a site, before the country: ``Nanchang`` of ``Second Affiliated Hospital, Nanchang, China``."""
    parts = [part.strip() for part in site.split(",")]
    place = parts[-2] if len(parts) > 1 else parts[0]
    return place if len(place) <= _LONGEST else ""
