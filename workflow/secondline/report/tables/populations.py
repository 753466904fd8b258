"""Tables and sentences on the patients of the studies: how alike they are, and where nothing is known."""

from collections.abc import Iterable, Sequence

from secondline.cell_values import OVERALL
from secondline.report.figures.populations import FLAGS, NOT_GIVEN
from secondline.report.settings import PopulationSettings
from secondline.report.tables.results import Table
from secondline.report.words import Names, Row, average, is_true, listed, number, percentage, plural

COMPARISON = "comparison"
SOME_ARMS = "*"  # marks an average to which a study contributes some of its arms only
CELLS = "average over patients (range over studies), and number of studies that report it"


def population_tables(transitivity: Sequence[Row], populations: PopulationSettings, names: Names) -> list[Table]:
    """Tabulate the characteristics of an analysis by setting, with the largest differences, and by comparison.

    Parameters
    ----------
    transitivity : rows
        evidence/transitivity.csv
    populations : PopulationSettings
        From `secondline.jobs.report_settings.population_settings`.
    """
    rows = [row for row in transitivity if row["analysis"] == names.analysis]
    labels = populations.characteristics
    overall = {row["characteristic"]: row for row in _overall(rows)}
    places = {row["name"]: names.setting(row["name"]) for row in rows if row["group"] != COMPARISON}
    pairs = {row["name"]: _comparison(row["name"], names) for row in rows if row["group"] == COMPARISON}
    return [
        Table(
            f"Patients: {CELLS}",
            ("Characteristic", *places.values(), "Largest between arms", "Largest between studies"),
            [
                [
                    label,
                    *_cells(rows, name, places),
                    *(_largest(overall[name], end, names) for end in ("within", "between")),
                ]
                for name, label in labels.items()
                if name in overall
            ],
            "By setting",
        ),
        Table(
            f"Patients by comparison: {CELLS}",
            ("Characteristic", *pairs.values()),
            [[label, *_cells(rows, name, pairs)] for name, label in labels.items() if name in overall],
            "By comparison",
        ),
    ]


def definitions_table(characteristics: Sequence[Row], populations: PopulationSettings, names: Names) -> Table:
    """Tabulate where a paper's own name or cut departs from the label.

    Parameters
    ----------
    characteristics : rows
        evidence/characteristics.csv
    """
    labels, studies = populations.characteristics, populations.arms
    found = dict.fromkeys(
        (row["characteristic"], row["study"], row["definition"])
        for row in characteristics
        if row["definition"] and row["study"] in studies and is_true(row, "used")
    )
    rows = [
        [label, names.study(study), words]
        for name, label in labels.items()
        for key, study, words in found
        if key == name
    ]
    return Table("Definitions of the papers", ("Characteristic", "Study", "Definition"), rows, "Definitions")


def _overall(rows: Iterable[Row]) -> list[Row]:
    """Rows over all studies of the characteristics that any of them gives."""
    return [row for row in rows if row["group"] == OVERALL and int(row["studies"])]


def _comparison(name: str, names: Names) -> str:
    return " against ".join(map(names.node, name.split(" against ")))


def _cells(rows: Iterable[Row], characteristic: str, groups: Iterable[str]) -> list[str]:
    found = {row["name"]: row for row in rows if row["characteristic"] == characteristic}
    return [_cell(found[group]) for group in groups]


def _cell(row: Row) -> str:
    """Write an average, its range over studies if several give it, and how many do."""
    if not row["value"]:
        return NOT_GIVEN
    value, low, high = (_value(row, key) for key in ("value", "lowest", "highest"))
    span = f" ({low} to {high})" if int(row["studies"]) > 1 else ""
    return f"{value}{span}, {row['studies']} of {row['of_studies']}{SOME_ARMS if row['partial'] else ''}"


def _value(row: Row, key: str) -> str:
    return percentage(row[key]) if row["kind"] == "binary" else average(row[key])


def _largest(row: Row, end: str, names: Names) -> str:
    """Write the largest standardised difference between arms or studies, with its flag and where it stands."""
    if not row[end]:
        return NOT_GIVEN
    studies = row[f"{end}_{'study' if end == 'within' else 'studies'}"].split(" against ")
    where = " against ".join(map(names.study, studies))
    return f"{FLAGS[row[f'{end}_flag']]}{number(row[end])}, {where}"


def population_sentences(transitivity: Sequence[Row], populations: PopulationSettings, names: Names) -> list[str]:
    """Say which characteristics every study gives, how many differ, and what that means for indirect comparisons."""
    overall = _overall(row for row in transitivity if row["analysis"] == names.analysis)
    labels, large = populations.characteristics, populations.thresholds.large
    if not overall:
        return ["No study in this analysis reports baseline characteristics."]
    everywhere = [labels[row["characteristic"]] for row in overall if row["studies"] == row["of_studies"]]
    given = (
        f"Every study reports {listed(everywhere)}." if everywhere else "No characteristic is reported by all studies."
    )
    return [
        f"{plural(len(overall), 'characteristic is', 'characteristics are')} reported by at least one study. {given}",
        _count(overall, "within", "between the arms of a study", large),
        _count(overall, "between", "between studies", large),
        "Indirect comparisons are valid only if the effect modifiers are similarly distributed across studies; where a "
        "characteristic is not reported, this cannot be assessed.",
    ]


def _count(rows: Sequence[Row], end: str, words: str, large: float) -> str:
    """Count the characteristics that differ beyond the threshold between arms or studies."""
    known = [row for row in rows if row[end]]
    beyond = sum(row[f"{end}_flag"] == "large" for row in known)
    verb = "differs" if beyond == 1 else "differ"
    return f"Of {len(known)} that can be compared {words}, {beyond} {verb} by more than {large:g} SD."
