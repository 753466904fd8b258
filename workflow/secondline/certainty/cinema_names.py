"""Names as CINeMA takes them, ASCII letters, digits and underscores, with a lookup that restores the original names.

A name that is clean already stays as it is. In any other, accents are dropped and whatever is left that CINeMA does not
take becomes an underscore, so that a person still recognises it; of names that would then be the same, the later ones
get a number. Names are distinct if and only if their clean ones are.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import count

_CLEAN = re.compile("[a-zA-Z0-9_]+")
_OTHERS = re.compile("[^a-zA-Z0-9]+")
_NOTHING_LEFT = "unnamed"


def clean_names(names: Iterable[str], between: str = "_") -> dict[str, str]:
    """Find a clean name for every name.

    Parameters
    ----------
    names : iterable of str
        Any text; one that comes twice counts once.
    between : str
        What separates words in a name that has to be cleaned: an underscore, or a space for labels of studies, which in
        CINeMA may have spaces and no underscores.

    Returns
    -------
    dict
        By name, in the order given. No two values are the same, so that `restored` is its inverse.
    """
    order = list(dict.fromkeys(names))
    found = {name: name for name in order if is_clean(name, between)}
    taken = set(found.values())
    for name in order:
        if name not in found:
            found[name] = _free(_words(name, between), taken, between)
            taken.add(found[name])
    return {name: found[name] for name in order}


def restored(clean: Mapping[str, str]) -> dict[str, str]:
    """Give the name behind every clean name."""
    return {value: name for name, value in clean.items()}


def is_clean(name: str, between: str = "_") -> bool:
    """Whether CINeMA takes a name as it is."""
    if between == "_":
        return bool(_CLEAN.fullmatch(name))
    return all(word and not _OTHERS.search(word) for word in name.split(between))


def _words(name: str, between: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return _OTHERS.sub(between, plain).strip(between) or _NOTHING_LEFT


def _free(wanted: str, taken: set[str], between: str) -> str:
    numbered = (f"{wanted}{between}{number}" for number in count(2))
    return wanted if wanted not in taken else next(name for name in numbered if name not in taken)
