"""Tables of the report on how far the answer can be trusted."""

from dataclasses import replace

from secondline.report.doubt import Doubt
from secondline.report.figures.bias_fan import bias_words
from secondline.report.figures.thresholds import figure_label, threshold_rows
from secondline.report.prose.doubt import bias_rows, choice_words, far_rows
from secondline.report.prose.next_study import loss_words, size_words
from secondline.report.tables.results import Table, trimmed
from secondline.report.words import Names, Row, is_true, number, percentage, plural, probability, settings_of

_FLIPS = 12  # rows; the CSV file has all of them


def doubt_tables(doubt: Doubt, names: Names) -> list[Table]:
    """Make the tables of one outcome that have rows."""
    tables = {
        "Who ranks first": _first(doubt, names),
        "sets of choices": _flips(doubt, names),
        "thresholds": _thresholds(doubt, names),
        "shared patients": _overlap(doubt, names),
        "biases": _bias(doubt, names),
        "figures not used": _held_out(doubt, names),
        "next study": _next_study(doubt, names),
    }
    return [replace(table, title=title) for title, table in tables.items() if table.rows]


def _first(doubt: Doubt, names: Names) -> Table:
    """Tabulate how often every candidate has the highest SUCRA."""
    rows = [row for row in doubt.rows("specification_levels") if not row["axis"] and row["treatment"]]
    ordered = sorted(rows, key=lambda row: (settings_of(rows).index(row["setting"]), -float(row["share_first"])))
    cells = [
        [
            names.regimen(row["treatment"]),
            names.place(row["setting"]) or "–",
            percentage(row["share_of_placed"]),
            percentage(row["share_first"]),
            percentage(row["share_named"]),
        ]
        for row in ordered
    ]
    columns = ("Treatment", "Setting", "Highest SUCRA, of the analyses that rank", "Of all analyses", "Named first")
    return trimmed(f"{names.outcome_label}: who ranks first over all combinations of choices", columns, cells)


def _flips(doubt: Doubt, names: Names) -> Table:
    """Tabulate the smallest sets of choices that change who ranks first."""
    rows = [row for row in doubt.rows("specification_flips") if row["first"]]
    cells = [
        [
            choice_words(doubt, row, names),
            names.place(row["setting"]) or "–",
            names.regimen(row["declared_first"]) if row["declared_first"] else "nobody ranked",
            names.regimen(row["first"]),
            probability(row["p_better"]) if row["p_better"] else "–",
        ]
        for row in rows[:_FLIPS]
    ]
    more = f", {_FLIPS} of {len(rows)}" if len(rows) > _FLIPS else ""
    columns = ("Choices", "Setting", "Highest SUCRA as declared", "Highest SUCRA then", "P(better) than the next")
    return trimmed(
        f"{names.outcome_label}: smallest sets of choices that change the highest SUCRA{more}", columns, cells
    )


def _thresholds(doubt: Doubt, names: Names) -> Table:
    """Tabulate the thresholds of the first setting that has any: those of a setting, if there are settings."""
    rows = threshold_rows(doubt.rows("thresholds"))
    places = settings_of(rows)
    setting = next((place for place in places if place in names.labels.settings and place != places[0]), "") or (
        places[0] if places else ""
    )
    here = [row for row in rows if row["setting"] == setting]
    cells = [
        [
            figure_label(row, here, names),
            names.natural(row["effect"]),
            *(_end(row, end, names) for end in ("lower", "upper")),
            row["reason"] or "–",
        ]
        for row in here
    ]
    columns = ("Study", names.measure, "Changes below", "Changes above", "Note")
    return trimmed(f"{names.heading(setting)}: values beyond which another has the highest SUCRA", columns, cells)


def _end(row: Row, end: str, names: Names) -> str:
    if not row[end]:
        return "–"
    return f"{names.natural(row[end])} ({number(row[f'{end}_se'], 1)} SE): {names.regimen(row[f'{end}_first'])}"


def _overlap_level(level: str, names: Names) -> str:
    """How much is shared, or which study is left out instead, by its name."""
    study = level.removeprefix("without ")
    return level if study == level else f"without {names.study(study)}"


def _overlap(doubt: Doubt, names: Names) -> Table:
    """Tabulate the first setting of every pair of studies at every level of what they share."""
    rows = [row for row in doubt.rows("overlap") if row["setting"]]
    first = settings_of(rows)[:1]
    cells = [
        [
            names.studies(row["studies"]),
            _overlap_level(row["level"], names),
            number(row["patients"], 0),
            number(row["correlation"]),
            names.regimen(row["first"]) if row["first"] else "–",
            names.regimen(row["runner_up"]) if row["runner_up"] else "–",
            names.estimate(row) if row["estimate"] else row["reason"] or "–",
            probability(row["p_better"]) if row["p_better"] else "–",
        ]
        for row in rows
        if row["setting"] in first
    ]
    columns = (
        "Studies", "Level", "Patients shared", "Correlation", "Highest SUCRA", "Next", f"{names.measure} (95% CrI)",
        "P(better)",
    )  # fmt: skip
    heading = names.heading(first[0]) if first else names.outcome_label
    return trimmed(f"{heading}: patients that two studies may share", columns, cells)


def _bias(doubt: Doubt, names: Names) -> Table:
    """Tabulate the tipping points of every bias and setting."""
    tipping = doubt.rows("bias_tipping")
    rows = [row for place in settings_of(row for row in tipping if row["setting"]) for row in bias_rows(tipping, place)]
    cells = [
        [
            doubt.facts.schemes.get(row["scheme"], row["scheme"]),
            names.place(row["setting"]) or "–",
            names.regimen(row["first"]),
            bias_words(row, names) if row["tipping"] else "–",
            names.regimen(row["new_first"]) if row["new_first"] else "–",
            row["reason"] or "–",
        ]
        for row in rows
    ]
    columns = ("Bias of", "Setting", "Highest SUCRA", "Changes from", "Highest SUCRA then", "Note")
    return trimmed(f"{names.outcome_label}: bias without which another has the highest SUCRA", columns, cells)


def _held_out(doubt: Doubt, names: Names) -> Table:
    """Tabulate the printed figures that are not used and differ most from their prediction."""
    cells = [
        [
            f"{names.study(row['study'])}, {row['treatment_arm']} against {row['comparator_arm']}",
            row["kind"],
            row["source"] or "–",
            _natural(row["printed_natural"]),
            f"{_natural(row['predicted_natural'])} ({_natural(row['predicted_lower'])} to "
            f"{_natural(row['predicted_upper'])})",
            number(row["z"]),
            probability(row["p_value"]) if row["p_value"] else "same patients",
        ]
        for row in far_rows(doubt.rows("held_out"))
    ]
    columns = ("Figure", "Kind", "Source", "Printed", "Predicted (95% interval)", "z", "p")
    caption = f"{names.outcome_label}: {plural(len(cells), 'printed figure')} not used, with |z| above 1.5"
    return trimmed(caption, columns, cells)


def _next_study(doubt: Doubt, names: Names) -> Table:
    """Tabulate the trial of every size that avoids most of the expected loss, where any avoids some."""
    rows = [row for row in doubt.rows("next_study") if is_true(row, "best")]
    cells = [
        [
            f"{names.regimen(row['treatment'])} against {names.regimen(row['comparator'])}",
            names.place(row["setting"]) or "–",
            size_words(row),
            percentage(row["p_change"]),
            loss_words(row, "expected_loss_now"),
            loss_words(row, "loss_left"),
            percentage(row["p_decisive"]),
        ]
        for row in rows
    ]
    decisive = next((f"{float(row['decisive']):g}" for row in rows), "")
    columns = (
        "Trial", "Setting", "Size", "Changes the choice", "Expected loss now", "Expected loss after it",
        f"P(better) above {decisive} after it",
    )  # fmt: skip
    unit = f", losses as {rows[0]['unit']}" if rows else ""
    return trimmed(
        f"{names.outcome_label}: the trial of every size that avoids most of the expected loss{unit}", columns, cells
    )


def _natural(text: str) -> str:
    return number(text) if text else "–"
