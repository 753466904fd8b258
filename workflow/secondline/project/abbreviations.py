"""Abbreviations in the labels of a network, and the words that they stand for."""

import re
from collections.abc import Iterable

_ABBREVIATION = re.compile(r"\b[A-Z]{2,}\b")
_WORD = re.compile(r"[A-Za-z]+")


def abbreviations(labels: Iterable[str], spelled: Iterable[str]) -> dict[str, str]:
    """Find the abbreviations of some labels that other labels spell out: ICI in “Immune checkpoint inhibitor”.

    Parameters
    ----------
    labels : iterable of str
        Labels that readers meet: those of regimens and settings.
    spelled : iterable of str
        Labels in whose words the first letters are looked for: those of components and classes.

    Returns
    -------
    dict
        Words by abbreviation, which begin with small letters, in the order in which the abbreviations occur.

    Examples
    --------
    >>> abbreviations(["Other TKI + ICI"], ["Immune checkpoint inhibitor", "Other tyrosine kinase inhibitor"])
    {'TKI': 'tyrosine kinase inhibitor', 'ICI': 'immune checkpoint inhibitor'}
    """
    known = list(spelled)
    found: dict[str, str] = {}
    for short in dict.fromkeys(short for label in labels for short in _ABBREVIATION.findall(label)):
        words = next(filter(None, (_words_of(short, label) for label in known)), "")
        if words:
            found[short] = words
    return found


def _words_of(short: str, label: str) -> str:
    """Consecutive words of a label whose first letters make an abbreviation; nothing where there are none."""
    places = list(_WORD.finditer(label))
    initials = "".join(place[0][0] for place in places).upper()
    start = initials.find(short)
    if start < 0:
        return ""
    words = label[places[start].start() : places[start + len(short) - 1].end()]
    return words[0].lower() + words[1:]
