"""What may decide an answer, in sentences: one for every row of decisive.csv."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from secondline.cell_values import OVERALL, see_analyses
from secondline.report.prose.additivity import with_power
from secondline.report.settings import DecisiveWords
from secondline.report.words import Names, Row, listed, number, percentage, plural, ratio

SHOWN = 6
"""Facts of a list on the page; decisive.csv has all of them."""


@dataclass(frozen=True, kw_only=True)
class Behind:
    """What the sentences need beside the rows.

    Parameters
    ----------
    words : DecisiveWords
    axes, declared : mapping
        Labels of the choices, and of the level that the analysis takes, by choice.
    levels : mapping
        Labels of all levels, by choice and level.
    audit, differences, overlap, additivity : rows
        audit.csv, standardised_differences.csv, overlap.csv and additivity.csv.
    """

    words: DecisiveWords
    axes: Mapping[str, str]
    declared: Mapping[str, str]
    levels: Mapping[tuple[str, str], str]
    audit: Sequence[Row]
    differences: Sequence[Row]
    overlap: Sequence[Row]
    additivity: Sequence[Row]


@dataclass(frozen=True)
class DecisiveList:
    """What decides the answer of one setting: sentences, and how many more the table has."""

    place: str
    pair: str
    sentences: list[str]
    more: int
    anchors: list[str]
    """Those of the sentences."""


def decisive_facts(rows: Sequence[Row], outcome: str, setting: str) -> list[str]:
    """List what decides the answer of one outcome and setting, each sentence once, in the order of decisive.csv."""
    return list(dict.fromkeys(row["what"] for row in rows if (row["outcome"], row["setting"]) == (outcome, setting)))


def decisive_anchor(outcome: str, setting: str, place: int) -> str:
    """Name the place on the page of a sentence of `decisive_facts`, by its place in that list."""
    return f"decides-{outcome}-{setting}-{place + 1}"


def decisive_lists(rows: Sequence[Row], names: Names) -> list[DecisiveList]:
    """List what decides the answers of one outcome; of all settings together only where no setting is listed alone.

    Parameters
    ----------
    rows : rows
        decisive.csv
    """
    here = [row for row in rows if row["outcome"] == names.outcome]
    pairs = {row["setting"]: (row["first"], row["runner_up"]) for row in here}
    found = []
    for setting in [setting for setting in pairs if setting != OVERALL] or pairs:
        said = decisive_facts(rows, names.outcome, setting)
        first, runner_up = map(names.regimen, pairs[setting])
        anchors = [decisive_anchor(names.outcome, setting, k) for k in range(min(len(said), SHOWN))]
        pair, more = f"{first} against {runner_up}", max(len(said) - SHOWN, 0)
        found.append(DecisiveList(names.place(setting), pair, said[:SHOWN], more, anchors))
    return found


def decisive_sentence(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    """Say what may decide the answer of one setting, and how far it moves it.

    Parameters
    ----------
    row : mapping
        Of decisive.csv, without the sentence.
    """
    said = [_SUBJECTS[row["kind"]](row, behind, names), _moved(row, names), _more(row, behind, names)]
    return " ".join(filter(None, said))


def _reading(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    return f"How {names.study(row['subject'])} is read: {_instead(row, behind)}."


def _use(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    study = names.study(row["subject"])
    return f"Whether {study} is used: it is left out instead of read by “{_declared(row, behind)}”."


def _choice(row: Mapping[str, Any], behind: Behind, _: Names) -> str:
    return f"The choice “{behind.axes.get(row['subject'], row['subject'])}”: {_instead(row, behind)}."


def _instead(row: Mapping[str, Any], behind: Behind) -> str:
    return f"“{row['alternative_label']}” instead of “{_declared(row, behind)}”"


def _declared(row: Mapping[str, Any], behind: Behind) -> str:
    axis = str(row["row"]).partition("=")[0]
    return behind.declared.get(axis, "declared")


def _finding(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    found = _audit_row(row, behind)
    message = found["message"].removesuffix(f"; {see_analyses(found['analyses'].split())}")
    analysis = names.label_of_analysis(row["alternative"])
    return f"{names.study(row['subject'])}: {names.said(message)}. The analysis “{analysis}” reads it the other way."


def _audit_row(row: Mapping[str, Any], behind: Behind) -> Row:
    return behind.audit[int(str(row["row"]).partition(":")[0]) - 1]


def _events(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    return f"{names.study(row['subject'])}: {names.said(_audit_row(row, behind)['message'])}."


def _imbalance(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    named = str(row["row"]).partition(": ")[2].split(", ")
    rows = [
        each
        for each in behind.differences
        if (each["level"], each["study_a"]) == ("arms", row["subject"]) and each["characteristic"] in named
    ]
    parts = [f"{behind.words.prognostic[each['characteristic']]} ({_arms(each, behind)})" for each in rows]
    adjusted = [names.said(each["message"]) for each in behind.audit if _says_adjustment(each, row)]
    said = f"The arms of {names.study(row['subject'])} differ in prognostic factors: {listed(parts)}"
    return f"{'; '.join([said, *adjusted[:1]])}."


def _says_adjustment(finding: Row, row: Mapping[str, Any]) -> bool:
    """Whether a finding says for what the effect in use of the study of a row is adjusted."""
    return finding["check"] == "adjustment" and bool(row["place"]) and finding["source"] == row["place"]


def _arms(row: Row, behind: Behind) -> str:
    """Values of two arms, shares in per cent, and their standardised difference."""
    a, b = row["value_a"], row["value_b"]
    shares = row["characteristic"] in behind.words.proportions
    values = f"{percentage(a)} against {percentage(b)}" if shares else f"{number(a)} against {number(b)}"
    return f"{values}, standardised difference {number(row['difference'])}"


def _overlap(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    pair = str(row["subject"]).split()
    by_level = {each["level"]: each for each in behind.overlap if each["studies"] == row["subject"]}
    bound = by_level["bound"]
    correlated = f" (correlation {number(bound['correlation'])})" if bound["correlation"] else ""
    shared = "none of them shared" if row["alternative"] == "none" else "all of these shared"
    return (
        f"{listed(map(names.study, pair))} may share up to {float(bound['patients']):g} patients{correlated}; "
        f"the comparison is with {shared}."
    )


def _additivity(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    total = next(each for each in behind.additivity if each["kind"] == "total")
    tests = [each for each in behind.additivity if each["kind"] == "interaction" and each["detectable"]]
    df = int(total["df"])
    head = "The effects of components are assumed to add up; "
    head += f"the studies test this on {plural(df, 'degree')} of freedom" if df else "the studies cannot test this"
    if tests:
        least = min(tests, key=lambda each: float(each["detectable"]))
        in_ratio = f", a ratio of {ratio(str(exp(float(least['detectable']))))}," if names.is_ratio else ""
        head += f" and would detect an interaction of {number(least['detectable'])}{in_ratio} {with_power(least)}"
    other = row.get("alternative_label")
    return f"{head}. The comparison is with “{other}”." if other else f"{head}."


def _prior(row: Mapping[str, Any], _: Behind, names: Names) -> str:
    pair = f"{names.regimen(row['first'])} against {names.regimen(row['runner_up'])}"
    return f"The prior has a share of {percentage(row['share'])} in the {names.measure} of {pair}."


_SUBJECTS: dict[str, Callable[[Mapping[str, Any], Behind, Names], str]] = {
    "reading": _reading,
    "use": _use,
    "choice": _choice,
    "finding": _finding,
    "events_per_covariate": _events,
    "imbalance": _imbalance,
    "overlap": _overlap,
    "additivity": _additivity,
    "prior": _prior,
}
"""How a sentence begins, by the kind of the row."""


def _moved(row: Mapping[str, Any], names: Names) -> str:
    """Say how far the lead contrast moves and who is first then."""
    if row["share"]:
        return ""
    if not row.get("measured_by"):
        return "No table measures how far this moves the answer."
    pair = f"{names.regimen(row['first'])} against {names.regimen(row['runner_up'])}"
    head = "With the study left out" if row["measured_by"] == "left_out" else "Then"
    if row["other_effect"] is None or row["declared_effect"] is None:
        said = f"{head} the {names.measure} of {pair} is not compared"
    else:
        size = abs(row["standard_errors"])
        distance = number(repr(size), 1 if size >= 0.1 else 2)
        other, declared = (names.natural(repr(row[f"{end}_effect"])) for end in ("other", "declared"))
        instead = f"is {other} instead of {declared}" if other != declared else f"stays {declared}"
        said = f"{head} the {names.measure} of {pair} {instead}, {distance} standard errors away"
    return f"{said}, and {_then_first(row, names)}."


def _then_first(row: Mapping[str, Any], names: Names) -> str:
    if row["change"] == "nobody_placed":
        return "the candidates cannot be ranked"
    first = names.regimen(row["other_first"])
    if not row["change"]:
        return f"{first} still has the highest SUCRA"
    effects = row["declared_effect"], row["other_effect"]
    still = row["other_first"] == row["runner_up"] and None not in effects and effects[0] * effects[1] > 0
    although = f" of those ranked, although this effect still favours {names.regimen(row['first'])}"
    return f"{first} has the highest SUCRA{although if still else ''}"


def _more(row: Mapping[str, Any], behind: Behind, names: Names) -> str:
    """Say what share of the variance a choice explains, and with which other choice it changes who is first."""
    parts = []
    if row["total"]:
        parts.append(
            f"The choice explains {percentage(row['total'])} of the variance of this effect over the defensible "
            "analyses, including its interactions with other choices."
        )
    if row["with_choice"] and not row["change"]:
        level = behind.levels.get((row["with_choice"], row["with_level"]), row["with_level"])
        axis = behind.axes.get(row["with_choice"], row["with_choice"])
        parts.append(f"Together with “{axis}: {level}” it gives {names.regimen(row['with_first'])} the highest SUCRA.")
    return " ".join(parts)
