"""Numbers and dates in printed strings, and the sheets that say something else than the paper prints."""

from pathlib import Path
from typing import Any

import pytest
from secondline.errors import UserError
from secondline.numbers_in_text import decimals, digits, holds_date, percentages, put_together
from secondline.project.sheet_files import read_sheet

from tests.conftest import figure, sheet_data
from tests.test_sheets import write


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("hepatic encephalopathy in 1", [1]),
        ("hepatitis in 1 patient, hypertension in 2 patients", [1, 2, 3]),
        ("One patient (2.4%)", [2.4, 1]),
        ("None of the patients", [0]),
        ("seven and 12", [12, 7, 19]),
    ],
)
def test_counts_put_together(text: str, numbers: list[float]) -> None:
    """Figures, words up to twelve, and the sum of the whole numbers."""
    assert set(put_together(text)) == set(numbers) | {sum(n for n in numbers[:2] if float(n).is_integer())}


def test_decimals_as_printed() -> None:
    """The fewest that the number is printed with; of a number that is not printed, its own."""
    assert decimals(0.24, "0.240–0.678") == 3
    assert decimals(5.0, "5.0 (5 to 7)") == 0
    assert [decimals(value, "none") for value in (0.25, 1e-05, 120.0)] == [2, 5, 0]


def test_shares_in_words() -> None:
    """`k of n` in per cent."""
    assert percentages("7 of 37 and 18 of 56 are 25 of 93") == [18.92, 32.14, 26.88]
    assert percentages("by the interval") == []


def test_digits_as_printed() -> None:
    """Middle dots are decimal points, ranges two numbers."""
    assert digits("0·34 (0.2–0.59), .5") == [0.34, 0.2, 0.59, 0.5]


@pytest.mark.parametrize(
    ("text", "date", "holds"),
    [
        ("May 2018 to May 2021", "2018-05", True),
        ("May 2018 to May 2021", "2019-05", False),
        ("May 2018 to May 2021", "2018-06", False),
        ("cutoff was March 20, 2022", "2022-03-20", True),
        ("cutoff was March 20, 2022", "2022-03-21", False),
        ("01/2015 to 12/2016", "2016-12", True),
        ("01/2015 to 12/2016", "2016-11", False),
        ("January 2015", "in winter", False),
    ],
)
def test_dates(text: str, date: str, holds: bool) -> None:
    """The year, the day, and the month by its name or number."""
    assert holds_date(text, date) is holds


POPULATION = {"kind": "subgroup", "label": "Old", "n": {"len": 8, "sor": 7}, "place": "Table 1"}
DERIVED = {"outcome": "discontinuation", "arm": "len"}
DATES = {"start": "2015-01", "end": "2016-12", **figure("January 2015 to December 2016")}

# sections of the synthetic sheet, and what the line says
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "population": (
        {"populations": {"old": {**POPULATION, "printed": "8 (20.0) 9 (15.0)"}}},
        r"populations\.old\.n\.sor = 7: does not occur in what is printed: 8 \(20\.0\) 9",
    ),
    "derived count": (
        {
            "counts": [
                {
                    **DERIVED,
                    "events": {"count": 4, "derived": "1 and 2 in prose", **figure("1 with rash, 2 with fever")},
                }
            ]
        },
        r"counts\.0\.events\.count = 4: occurs neither in what is printed, .*, nor in derived: 1 and 2 in prose",
    ),
    "month": (
        {"enrolment": {**DATES, "end": "2016-11"}},
        r"enrolment\.end = '2016-11': does not occur in what is printed: January 2015 to December 2016",
    ),
    "follow-up": (
        {"enrolment": {**DATES, "median_follow_up_months": 14.2, "follow_up": figure("14.1 months")}},
        r"enrolment\.follow_up\.printed = '14\.1 months': allowed: what is printed of the cutoff, None, or of the "
        r"median, 14\.2 months",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_not_printed(tmp_path: Path, mistake: str) -> None:
    """One line with file, line, key, value and what is printed."""
    sections, message = MISTAKES[mistake]
    with pytest.raises(UserError, match=r"alpha\.yaml:\d+: " + message):
        read_sheet(write(tmp_path, sheet_data(**sections)))


def test_what_is_printed(tmp_path: Path) -> None:
    """The same figures as printed, and a count put together from what is printed, are accepted."""
    sections = {
        "populations": {"old": {**POPULATION, "printed": "8 (20.0) 7 (11.7)"}},
        "counts": [{**DERIVED, "events": {"count": 3, "derived": "from prose", **figure("1 with rash, 2 with fever")}}],
        "enrolment": {**DATES, "cutoff": "2017-03-20", "follow_up": figure("March 20, 2017")},
    }
    assert read_sheet(write(tmp_path, sheet_data(**sections))).counts[0].events.count == 3
