"""Tables of certainty: the summary of findings with its reasons as notes, and the judgements by domain."""

from collections.abc import Iterable, Mapping, Sequence

from secondline.likelihoods import SCALES
from secondline.report.certainty import OVERALL_CERTAINTY, SHADES, START, Certainty, Shade, shade_of
from secondline.report.prose.certainty import DOMAINS, draws_words, judgement_words, reasons, start_words
from secondline.report.tables.results import Table
from secondline.report.words import INTERVAL, Names, Row, differences, number, percentage, plural, settings_of

PER_THOUSAND = "per 1,000 patients"


def findings_tables(certainty: Certainty, names: Names) -> list[Table]:
    """Tabulate the summary of findings of an outcome, a table for every setting."""
    return [findings_table(certainty, setting, names) for setting in settings_of(certainty.findings)]


def findings_table(certainty: Certainty, setting: str, names: Names) -> Table:
    """Tabulate every treatment of a setting against its reference; the reasons for the certainty are notes.

    Where no outcome is given at all, and always for the same reason, the caption says so in place of two columns.
    """
    here = [row for row in certainty.findings if row["setting"] == setting]
    reference = names.regimen(here[0]["comparator"])
    missing = {row[f"{side}_not_given"] for row in here for side in ("without", "with")}
    with_outcomes = len(missing) > 1 or missing == {""}
    notes: list[str] = []
    rows: list[list[str]] = []
    shades: list[list[Shade | None]] = []
    for row in here:
        judged = certainty.by_names.get((setting, row["treatment"], row["comparator"]))
        why = reasons(judged, names) if judged else []
        notes += [note for note in why if note not in notes]
        outcomes = [outcome_words(row, side) for side in ("without", "with")] if with_outcomes else []
        numbers = sorted(notes.index(note) + 1 for note in why)
        before = [names.regimen(row["treatment"]), behind_words(row), names.estimate(row), *outcomes]
        rows.append([*before, row["certainty"], ", ".join(map(str, numbers)) or "–"])
        shades.append([*[None] * len(before), shade_of(row["certainty"]), None])
    scale = outcome_scale(here)
    outcome_columns = (f"{scale} with {reference}", f"{scale} with the treatment") if with_outcomes else ()
    effect = f"{names.measure} (95% CrI)"
    columns = ("Treatment", "Studies (participants)", effect, *outcome_columns, "Certainty", "Reasons")
    caption = f"{names.heading(setting)}: every treatment against {reference}, with {INTERVAL}s; {names.direction}"
    caption += "" if with_outcomes else f"; the outcomes are {next(iter(missing))}"
    return Table(
        caption,
        columns,
        rows,
        names.place(setting),
        shades=shades,
        notes=tuple(notes),
        anchor=f"reason-{names.outcome}-{setting}",
    )


def behind_words(row: Row) -> str:
    """Say how many studies and participants stand behind an effect, and how many of them compare the two directly."""
    if not row["studies"]:
        return "not assessable"
    share = direct_words(row)
    direct = f"; {row['direct_studies']} direct, {share}" if int(row["direct_studies"]) else "; none direct"
    return f"{row['studies']} ({row['participants'] or 'number not known'}){direct}"


def outcome_scale(rows: Sequence[Row]) -> str:
    """Name the scale of outcomes in a heading: per 1,000 patients, or a median in its unit."""
    row = next((row for row in rows if row["scale"]), None)
    if row is None:
        return "Outcome"
    if SCALES[row["scale"]].per_hundred:
        return f"Outcome {PER_THOUSAND}"
    return f"Median {row['unit']}" if row["unit"] else f"{row['scale'][0].upper()}{row['scale'][1:]}"


def outcome_words(row: Row, side: str) -> str:
    """Outcome ``with`` or ``without`` a treatment and its interval, or why it is not given."""
    texts = [row[f"{side}{end}"] for end in ("", "_lower", "_upper")]
    if not texts[0]:
        return row[f"{side}_not_given"]
    known = [text for text in texts if text]
    if SCALES[row["scale"]].per_hundred:
        shown = [number(str(1000 * float(text)), 0) for text in known]
    else:
        shown = [number(text, 1) for text in known] if row["unit"] else differences(known)
    words = dict(zip(known, shown, strict=True))
    value, *limits = (words.get(text, "not reached") for text in texts)
    return f"{value} ({' to '.join(limits)})" if any(texts[1:]) else value


def judgements_table(certainty: Certainty, setting: str, names: Names) -> Table:
    """Tabulate the judgements of every treatment of a setting against its reference, domain by domain."""
    rows: list[list[str]] = []
    shades: list[list[Shade | None]] = []
    for row in (row for row in certainty.findings if row["setting"] == setting):
        judged = certainty.by_names.get((setting, row["treatment"], row["comparator"]))
        if judged:
            rows.append([names.regimen(row["treatment"]), *_judgements(judged)])
            shades.append([*[None] * 8, shade_of(row["certainty"])])
    columns = ("Treatment", "Start", *(f"{words[0].upper()}{words[1:]}" for words in DOMAINS.values()), "Certainty")
    caption = f"{names.heading(setting)}: judgements by domain, and the share of draws in which each would differ"
    return Table(caption, columns, rows, names.place(setting), shades=shades)


def _judgements(judged: Mapping[str, Row]) -> list[str]:
    """Start, domains and certainty of a comparison, with how often each would differ over the draws."""
    said = [start_words(judged[START]["judgement"])]
    for domain in (*DOMAINS, OVERALL_CERTAINTY):
        row = judged[domain]
        words = row["judgement"] if domain == OVERALL_CERTAINTY else judgement_words(row["judgement"])
        draws, person = draws_words(row), "by a person" if row["override"] else ""
        more = "; ".join(filter(None, [person, draws]))
        said.append(f"{words} ({more})" if more else words)
    return said


def legend(certainty: Certainty) -> list[Shade]:
    """List the shades of the certainties that occur, the levels first."""
    judgements = (row["judgement"] for row in certainty.judgements if row["domain"] == OVERALL_CERTAINTY)
    return _in_order(set(map(shade_of, judgements)))


def all_shades(certainties: Sequence[Certainty]) -> list[Shade]:
    """List the shades that occur in the tables of any outcome, in the same order."""
    return _in_order({shade for certainty in certainties for shade in legend(certainty)})


def _in_order(found: Iterable[Shade]) -> list[Shade]:
    levels = list(SHADES.values())
    return sorted(found, key=lambda shade: (levels.index(shade) if shade in levels else len(levels), shade.letters))


def counted_sentence(certainty: Certainty) -> str:
    """Say which studies are counted, and which of them as direct."""
    least = percentage(certainty.behind[0]["least_share"]) if certainty.behind else "some share"
    return (
        f"A study is counted if it contributes at least {least} to the effect; it is direct if whole arms compare "
        "the two treatments, in the setting alone where one is named. The percentage is "
        "what these studies contribute to the effect, out of what all studies contribute."
    )


def unjudged_sentence(certainty: Certainty) -> str:
    """Say how many studies nobody has judged, and what this means for the certainty."""
    whole = [row for row in certainty.risk_of_bias if row["domain"] == "overall"]
    missing = [row for row in whole if not row["level"]]
    if not missing:
        return ""
    if len(missing) == len(whole):
        return "Nobody has judged the risk of bias of any study as a whole; a person has to do this first."
    studies = plural(len(whole), "study", "studies")
    return f"For {len(missing)} of {studies} nobody has judged the risk of bias as a whole."


def direct_words(row: Row) -> str:
    """Share of the study evidence that is direct, as a percentage; nothing where it is not known."""
    return percentage(row["direct_share"]) if row["direct_share"] else ""
