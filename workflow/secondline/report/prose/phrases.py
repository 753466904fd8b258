"""Labels within sentences: small letters, outcomes after “better for”, abbreviations spelled out."""

import re
from collections.abc import Iterable

from secondline.report.words import Names


def small(text: str) -> str:
    """Begin a label within a sentence with a small letter, but for abbreviations."""
    return text[0].lower() + text[1:] if len(text) > 1 and text[1].islower() else text


def outcome_in_text(name: str, names: Names) -> str:
    """Label of an outcome within a sentence."""
    return small(names.label_of_outcome(name))


def aim(names: Names) -> str:
    """Name an outcome as that for which a treatment is better: overall survival, but avoiding any adverse event."""
    label = small(names.outcome_label)
    return f"avoiding {label}" if names.outcome in names.labels.avoided else label


def spelled_out(texts: Iterable[str], names: Names) -> list[str]:
    """Spell every abbreviation out where it first occurs in texts that are read one after another.

    Its own words stand before it: immune checkpoint inhibitor (ICI).
    """
    left = dict(names.labels.abbreviations)
    found = []
    for text in texts:
        said = text
        for short in [short for short in left if re.search(rf"\b{short}\b", said)]:
            words = left.pop(short)
            said = re.sub(rf"\b{short}\b", f"{words} ({short})", said, count=1)
            said = said[0].upper() + said[1:] if said.startswith(words) else said
        found.append(said)
    return found
