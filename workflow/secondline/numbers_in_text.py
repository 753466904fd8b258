"""Numbers and dates in the strings that a paper prints."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def digits(text: str) -> list[float]:
    """Numbers in a printed string, with middle dots and Unicode minus signs read as printed.

    A hyphen after a digit, a letter or a bracket joins two words or the ends of a range; before any other it is a sign.
    """
    plain = text.replace("·", ".").replace("−", "-")
    return [float(number) for number in re.findall(r"(?:(?<![\w.%)\]])-)?(?:\d+(?:\.\d+)?|\.\d+)", plain)]


def decimals(value: float, text: str) -> int:
    """Decimals that a number is printed with: the fewest, if it stands there more than once.

    Where it does not stand in the text, those of the number itself.
    """
    tokens = _NUMBER.findall(text.replace("·", "."))
    there = [len(token.partition(".")[2]) for token in tokens if float(token) == abs(value)]
    return min(there) if there else _own_decimals(value)


def _own_decimals(value: float) -> int:
    """Decimals that a number needs: 2 for 0.25, 5 for 1e-05, none for 120."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def put_together(text: str) -> list[float]:
    """Numbers that a text gives: those in digits, those in words up to twelve, and the sum of the whole ones."""
    words = [_WORDS.index(word) for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    found = [*digits(text), *map(float, words)]
    return [*found, sum(number for number in found if number.is_integer())]


def percentages(text: str) -> list[float]:
    """Shares that a text gives as `k of n`, in per cent with two decimals."""
    return [round(100 * int(k) / int(n), 2) for k, n in re.findall(r"(\d+) of (\d+)", text) if int(n)]


def holds_date(text: str, date: str) -> bool:
    """Say whether a text gives a date, YYYY-MM or YYYY-MM-DD: its year, its day, and its month by name or number."""
    if not re.fullmatch(r"\d{4}-\d\d(-\d\d)?", date):
        return False
    year, month, *day = map(int, date.split("-"))
    found, named = digits(text), [word[:3] for word in re.findall(r"[a-z]+", text.lower())]
    is_named = _MONTHS[month - 1] in named if set(_MONTHS) & set(named) else float(month) in found
    return is_named and {float(year), *map(float, day)} <= set(found)
