"""What counts in a printed string: its numbers, words and relation signs, however they were set.

Dashes, spaces, brackets, percent signs, line breaks and hyphens are left to the typesetter; a digit, a word or a sign
of relation is not.
"""

import html
import re
import unicodedata
from dataclasses import dataclass

OPEN, CLOSE = "⟨", "⟩"  # around every number, so that 9 is not found in 19 nor 1.2 in 1.25

_TAG = re.compile(r"</?(?:i|b|em|strong|sup|sub|u|span)\b[^<>]*>", re.IGNORECASE)
_FORMULA = {"geq": "≥", "ge": "≥", "leq": "≤", "le": "≤", "lt": "<", "gt": ">"}
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉]+")
_DOT = re.compile(r"(?<=\d)[·•∙⋅‧](?=\d)")
_RELATIONS = ((re.compile(r"<=|=<|[≦⩽≲]"), "≤"), (re.compile(r">=|=>|[≧⩾≳]"), "≥"))
_TOKEN = re.compile(r"(?P<number>\d+(?:\.\d+)*|(?<![\w.])\.\d+)|(?P<word>[^\W\d_]+)|(?P<relation>[<>≤≥])")
_ELLIPSIS = re.compile(r"…|\.\.\.")
_COUNT_PERCENT = re.compile(r"n?⟨(\d+)⟩⟨(\d+(?:\.\d+)?)⟩")
_PERCENT_COUNT = re.compile(r"⟨(\d+(?:\.\d+)?)⟩n?⟨(\d+)⟩")


@dataclass(frozen=True)
class Compact:
    """A text without its typesetting.

    Attributes
    ----------
    text : str
        Lower case letters, relation signs, and numbers between `OPEN` and `CLOSE`; nothing else.
    starts, ends : frozenset of int
        Offsets at which a word begins and ends.
    """

    text: str
    starts: frozenset[int]
    ends: frozenset[int]


def compact(text: str) -> Compact:
    """Reduce a text to what counts in it."""
    tokens = list(_TOKEN.finditer(clean(text)))
    parts: list[str] = []
    starts: set[int] = set()
    ends: set[int] = set()
    length = 0
    for i, token in enumerate(tokens):
        part = token.group()
        if token.lastgroup == "number":
            part = f"{OPEN}{'0' if part.startswith('.') else ''}{part}{CLOSE}"
        elif token.lastgroup == "word":
            if part.lower() == "to" and _between_numbers(tokens, i):  # 0.2 to 0.6 is 0.2–0.6
                continue
            part = part.casefold()
            starts.add(length)
            ends.add(length + len(part) - 1)
        parts.append(part)
        length += len(part)
    return Compact("".join(parts), frozenset(starts), frozenset(ends))


def _between_numbers(tokens: list[re.Match[str]], i: int) -> bool:
    return 0 < i < len(tokens) - 1 and tokens[i - 1].lastgroup == tokens[i + 1].lastgroup == "number"


def clean(text: str) -> str:
    """Undo markup, formulas, ligatures and look-alikes; the words stay as they are."""
    text = _COMMAND.sub(lambda match: _FORMULA.get(match.group(1), " "), html.unescape(_TAG.sub("", text)))
    text = unicodedata.normalize("NFKC", _RAISED.sub(" ", text))
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    text = _DOT.sub(".", text)
    for pattern, relation in _RELATIONS:
        text = pattern.sub(relation, text)
    return text


def numbers(compacted: str) -> list[str]:
    """Numbers of a compact text, as written."""
    return re.findall(f"{OPEN}(.*?){CLOSE}", compacted)


def pieces_of(printed: str) -> list[str]:
    """Compact pieces of a printed string, to be found one after the other: an ellipsis marks omitted words."""
    return [piece for piece in (compact(part).text for part in _ELLIPSIS.split(printed)) if piece]


def swapped(printed: str) -> re.Pattern[str] | None:
    """Pattern of a count and its percentage the other way round: ``81.1% (n = 30)`` for ``30 (81.1%)``, or back.

    To be looked for in `clean` text. The bracket tells the second figure of a cell from the first of the next.
    """
    text = compact(printed).text
    if not any(sign in printed for sign in "(%["):
        return None
    whole, other = _COUNT_PERCENT.fullmatch(text), _PERCENT_COUNT.fullmatch(text)
    orders = []
    if whole:
        orders.append(_bracketed(whole[2], whole[1]))
    if other:
        orders.append(_bracketed(other[2], other[1]))
        orders.append(_bracketed(other[1], other[2]))
    return re.compile("|".join(orders)) if orders else None


def _bracketed(first: str, second: str) -> str:
    return rf"(?<![\d.]){re.escape(first)}\s*%?\s*[(\[]\s*(?:n\s*=?\s*)?{re.escape(second)}(?!\.?\d)"


def is_short(printed: str) -> bool:
    """Say whether a string is a number of one or two digits and nothing else: it stands on every page."""
    text = compact(printed).text
    found = numbers(text)
    return len(found) == 1 and text == f"{OPEN}{found[0]}{CLOSE}" and len(found[0]) <= 2


def is_weak(printed: str) -> bool:
    """Say whether a string is one number with at most a letter or three, such as ``p = 0.04``: no proof elsewhere."""
    text = compact(printed).text
    return len(numbers(text)) == 1 and sum(character.isalpha() for character in text) <= 3
