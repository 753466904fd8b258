"""The rules by which the certainty of an effect is judged, read as data: domain, version, condition, judgement.

A condition is one comparison or several, joined by ``and``: ``kind = mixed and p_split < 0.1``. The conditions of
one version of a domain exclude each other and cover everything that can occur, so that exactly one of them holds. The
published versions disagree (Nikolakopoulou 2020; Papakonstantinou 2020); `cinema.csv` has each with its source.

References
----------
Nikolakopoulou A, Higgins JPT, Papakonstantinou T et al. (2020) PLoS Medicine 17:e1003082 (CINeMA; preprint 2019).
Papakonstantinou T, Nikolakopoulou A, Higgins JPT et al. (2020) Campbell Systematic Reviews 16:e1080 (the software).
Guyatt GH, Oxman AD, Schünemann HJ et al. (2011) Journal of Clinical Epidemiology 64:380 (GRADE).
Schünemann HJ, Cuello C, Akl EA et al. (2019) Journal of Clinical Epidemiology 111:105 (GRADE and ROBINS-I).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path

from secondline.tables import read_table

RULES = Path(__file__).with_name("cinema.csv")
MISSING = "missing"
"""In a condition: the value of a feature that is not there."""
Feature = str | float | None
"""What a condition asks for: a word, a number, or nothing."""
_COMPARISON = re.compile(r"(\w+) (<=|>=|!=|=|<|>) (.+)")
_NUMERIC: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_WORDS: dict[str, Callable[[str, str], bool]] = {"=": eq, "!=": ne}


@dataclass(frozen=True)
class Comparison:
    """One comparison of a condition: a feature, ``< <= > >= = !=``, and a number or word."""

    feature: str
    operator: str
    value: str

    def holds(self, features: Mapping[str, Feature]) -> bool:
        """Whether the comparison holds; a number that is missing is neither above nor below anything.

        Raises
        ------
        KeyError
            The features do not include that of the comparison.
        """
        found = features[self.feature]
        if self.operator in _WORDS:
            return _WORDS[self.operator](_word(found), self.value)
        return found is not None and _NUMERIC[self.operator](float(found), float(self.value))


def _word(found: Feature) -> str:
    """Give a feature as a condition writes it: a whole number without a decimal point."""
    if found is None:
        return MISSING
    return found if isinstance(found, str) else f"{found:g}"


@dataclass(frozen=True)
class Rule:
    """A condition and what is judged where it holds."""

    domain: str
    version: str
    condition: str
    judgement: str
    source: str

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons that all have to hold."""
        return [_comparison(part) for part in self.condition.split(" and ")]

    def holds(self, features: Mapping[str, Feature]) -> bool:
        """Whether every comparison of the condition holds."""
        return all(one.holds(features) for one in self.comparisons)


@cache
def _comparison(text: str) -> Comparison:
    found = _COMPARISON.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: allowed: a feature, one of < <= > >= = !=, and a number or a word")
    return Comparison(*found.groups())


@cache
def read_rules(file: Path = RULES) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """Read the rules by domain and version, in the order of the file."""
    found: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for row in read_table(file):
        rule = Rule(**row)
        key = rule.domain, rule.version
        found[key] = (*found.get(key, ()), rule)
    return found


def versions_of(domain: str) -> list[str]:
    """List the versions that a domain has."""
    return [version for name, version in read_rules() if name == domain]


def judge(domain: str, version: str, features: Mapping[str, Feature]) -> Rule:
    """Find the rule of a version that holds.

    Parameters
    ----------
    features : mapping
        What the conditions ask for; more is ignored.

    Raises
    ------
    LookupError
        No rule holds, or more than one: the rules, or the features, are wrong.
    """
    found = [rule for rule in read_rules()[domain, version] if rule.holds(features)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} rules of {domain}, {version}, for {dict(features)}; allowed: one")
    return found[0]
