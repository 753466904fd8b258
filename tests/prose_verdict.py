"""The sentences of the first screen, held against the tables: who is compared with whom, and what is claimed of it."""

import re

from secondline.tables import read_table

from tests.prose_tables import Check, N, Passage, Row, Tables, agrees

_NUMBER = N[1:-1]
"""A number, without the brackets of a group."""
_FIGURES = rf"[a-z ]+? {N} \({N} to {N}\)"


def _id(tables: Tables, label: str) -> str:
    """Id of a treatment that begins with a small letter or a large one."""
    for name, text in tables.labels.regimens.items():
        if label in (text, text[0].lower() + text[1:]):
            return name
    return label


def _first(here: Passage, tables: Tables) -> str:
    """Candidate that is named first in the setting; empty where none is."""
    rows = tables.ranking(here.outcome, here.setting)
    return next((row["treatment"] for row in rows if row["named_first"] == "true"), "")


def _effect(here: Passage, tables: Tables, outcome: str, pair: tuple[str, str]) -> Row:
    setting = tables.id("settings", here.setting) if here.setting else "overall"
    rows = tables.read(outcome, "model", "relative_effects.csv")
    return next(row for row in rows if (row["setting"], row["treatment"], row["comparator"]) == (setting, *pair))


def _shows(row: Row, *shown: str) -> bool:
    values = (row["estimate"], row["estimate_lower"], row["estimate_upper"])
    return all(agrees(text, value) for text, value in zip(shown, values, strict=True))


def _sides(row: Row, tables: Tables, outcome: str) -> tuple[bool, bool]:
    """Whether an interval excludes no effect, and whether the estimate favours the treatment."""
    none = 1.0 if tables.labels.measures[outcome] in ("HR", "OR", "RR", "IRR") else 0.0
    clear = float(row["estimate_upper"]) < none or float(row["estimate_lower"]) > none
    return clear, (float(row["estimate"]) < none) == (tables.labels.better[outcome] == "lower")


def _who(text: str, here: Passage, tables: Tables) -> str:
    """Whom a sentence is about: *it* is the treatment named first, and the setting may stand before the name."""
    if text.lower() == "it":
        return _first(here, tables)
    return _id(tables, text.removeprefix(f"{here.setting}, "))


def _better(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    """Only a clear effect of the treatment named first is called better, and never one that depends on the priors."""
    treatment = _who(found[1], here, tables)
    row = _effect(here, tables, here.outcome, (treatment, _id(tables, found[3])))
    clear, favours = _sides(row, tables, here.outcome)
    said = clear and favours == (found[2] == "better") and row["evidence"] != "prior_driven"
    return said and treatment == _first(here, tables) and _shows(row, *found.groups()[3:6])


def _not_known(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    row = _effect(here, tables, here.outcome, (_who(found[1], here, tables), _id(tables, found[2])))
    return not _sides(row, tables, here.outcome)[0] and _shows(row, *found.groups()[2:5])


def _driven(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    row = _effect(here, tables, here.outcome, (_who(found[1], here, tables), _id(tables, found[2])))
    return row["evidence"] == "prior_driven" and _shows(row, *found.groups()[2:5])


def _apart(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    pair = [row["treatment"] for row in tables.candidates(here.outcome, here.setting)[:2]]
    row = _effect(here, tables, here.outcome, (pair[0], pair[1]))
    named = [_id(tables, text) for text in found.groups()[:2]] == pair
    if found[7] and not agrees(found[7], 100 * float(row["prior_sensitivity"])):
        return False
    return named and _shows(row, *found.groups()[2:5]) and bool(found[6]) == (row["evidence"] == "prior_driven")


def _against(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    other = _id(tables, found[1])
    each = re.findall(rf"{N} \({N} to {N}\) for (.+?)(?: \([^()]+\))?(?= and [\d.]|$)", found[2])
    rows = [_effect(here, tables, here.outcome, (_id(tables, name), other)) for *_, name in each]
    return bool(rows) and all(
        _shows(row, *shown[:3]) and row["evidence"] != "prior_driven" for row, shown in zip(rows, each, strict=True)
    )


def _harm(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    outcome = next(k for k, text in tables.labels.outcomes.items() if text.lower() == found["label"].lower())
    row = _effect(here, tables, outcome, (_first(here, tables), _id(tables, found["other"])))
    clear, favours = _sides(row, tables, outcome)
    how = found.groupdict().get("how")
    said = not clear if how is None else clear and favours == (how == "less")
    return said and row["evidence"] != "prior_driven" and _shows(row, *(found[k] for k in ("a", "b", "c")))


def _safest(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    """Call the first in harm safest only where its effect is clear."""
    outcome = next(k for k, text in tables.labels.outcomes.items() if text.lower() == found["label"].lower())
    best = next(row for row in tables.candidates(outcome, here.setting) if row["named_first"] == "true")
    row = _effect(here, tables, outcome, (_id(tables, found["who"]), _id(tables, found["other"])))
    clear = _sides(row, tables, outcome)[0] and row["evidence"] != "prior_driven"
    said = "is not known" not in found[0]
    return said == clear and row["treatment"] == best["treatment"] and _shows(row, *(found[k] for k in ("a", "b", "c")))


def _fits_without(here: Passage, tables: Tables) -> list[Row]:
    rows = read_table(tables.analysis.parent / "summary" / "sensitivity.csv")
    key = (here.outcome, tables.id("settings", here.setting) if here.setting else "overall", tables.labels.headline)
    mine = [row for row in rows if (row["outcome"], row["setting"], row["model"]) == key]
    return [row for row in mine if row["analysis"].startswith(f"{tables.name}_without_")]


def _left_out(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    first, rows = _first(here, tables), _fits_without(here, tables)
    named = {row["analysis"] for row in rows if row["treatment"] == first and row["named_first"] == "true"}
    counts = len(named), len({row["analysis"] for row in rows})
    return _id(tables, found[1]) == first and (int(found[2]), int(found[3])) == counts


def _none_left(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = _fits_without(here, tables)
    return int(found[1]) == len({row["analysis"] for row in rows}) and "true" not in {r["named_first"] for r in rows}


_THREE = rf"(?P<a>{_NUMBER}) \((?P<b>{_NUMBER}) to (?P<c>{_NUMBER})\)"
_OF_HARM = rf"(?P<other>.+?)(?: is not known)? \((?P<label>.+?): [a-z ]+? {_THREE}\)\."
_PLACE, _FOR = r"^(?:.+?, )?", r"(?: for [^:]+?)?"
_VERB = "(?:is|is probably|may be|might be)"
VERDICT_RULES: list[tuple[str, Check]] = [
    (rf"^(?!.*[Ww]hether )(.+?) {_VERB} (better|worse) than (.+?){_FOR}: {_FIGURES}(?=[.,;])", _better),
    (rf"{_PLACE}[Ww]hether (.+?) is better than (.+?){_FOR} is not known: {_FIGURES}\.", _not_known),
    (rf"{_PLACE}[Tt]he studies cannot tell how (.+?) compares with (.+?){_FOR}: {_FIGURES}, prior-driven\.", _driven),
    (rf"[Tt]he studies cannot tell which treatment is best for [^:]+?: (.+?) and (.+?) cannot be told apart "
     rf"\({_FIGURES}(, which depends on the priors)?(?:: with one twice as wide, its standard error would be "
     r"(\d+)% larger)?\)\.", _apart),
    (rf"^Against (.+?), the [a-z ]+? is ({_NUMBER} .+?)\.$", _against),
    (rf"^Which treatment is safest is not known \((?P<label>.+?): [a-z ]+? {_THREE} for (?P<who>.+?) against "
     r"(?P<other>.+?)\)\.", _safest),
    (rf"^.+? ranks first for safety \((?P<label>.+?): [a-z ]+? {_THREE} for (?P<who>.+?) against (?P<other>.+?)\)\.",
     _safest),
    (r"^With each study left out in turn, (.+?) ranks first in (\d+) of (\d+) analyses\.", _left_out),
    (r"^With any of the (\d+) studies left out, no treatment can be named first\.", _none_left),
    (rf"^Whether it causes more harm than {_OF_HARM}", _harm),
    (rf"^It appears to cause (?P<how>less|more) harm than {_OF_HARM}", _harm),
]  # fmt: skip
