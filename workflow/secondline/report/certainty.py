"""The tables of how certain the evidence of one outcome is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secondline.cell_values import NOT_ASSESSABLE, NOT_JUDGED, PRIOR_SHARE
from secondline.layout import BEHIND_TABLE, CERTAINTY_TABLE, FINDINGS_TABLE, SMALL_STUDY_TABLES
from secondline.report.words import Row
from secondline.tables import read_table

FOLDER = "certainty"
OVERALL_CERTAINTY, START = "overall", "start"
"""What certainty.csv has beside the domains: the certainty, and the level at which it starts."""
LEVELS = ("high", "moderate", "low", "very low")
_AT_MOST = f"{NOT_JUDGED}; at most "
Names = tuple[str, str, str]
"""Setting, treatment and comparator."""


@dataclass(frozen=True)
class Shade:
    """How a level of certainty is shown: its class in the page, its letters, its colour, and its words in a legend."""

    name: str
    letters: str
    colour: str
    words: str


SHADES = {
    "high": Shade("high", "H", "#6baed6", "high"),
    "moderate": Shade("moderate", "M", "#b3d7ec", "moderate"),
    "low": Shade("low", "L", "#fde3a7", "low"),
    "very low": Shade("very-low", "VL", "#f5b08a", "very low"),
}
"""Levels of certainty: dark text is legible on every colour, and letters tell them apart without any."""
GREY = "#dcdfe3"
NOTHING = Shade("none", "NA", GREY, NOT_ASSESSABLE)


def shade_of(certainty: str) -> Shade:
    """Find how a certainty is shown; grey unless a level was reached, with the best that is still possible."""
    if certainty.startswith(_AT_MOST):
        level = certainty.removeprefix(_AT_MOST)
        return Shade("none", f"≤{SHADES[level].letters}", GREY, f"{NOT_JUDGED}; at most {level}")
    if certainty == NOT_JUDGED:
        return Shade("none", "?", GREY, NOT_JUDGED)
    return SHADES.get(certainty, NOTHING)


@dataclass(frozen=True)
class Certainty:
    """Rows of the tables under certainty/ of one outcome, and of its risk of bias.

    Parameters
    ----------
    findings, judgements, behind : rows
        summary_of_findings.csv, certainty.csv, and the rows of studies_behind.csv that are of the headline model.
    contributions : rows
        Those of contributions.csv that are of the headline model.
    risk_of_bias : rows
        Study, outcome, tool, domain and level of the outcome's rows of evidence/risk_of_bias.csv.
    small_studies, small_study_test : rows
        small_study.csv and small_study_test.csv.
    """

    findings: Sequence[Row]
    judgements: Sequence[Row]
    behind: Sequence[Row]
    contributions: Sequence[Row] = ()
    risk_of_bias: Sequence[Row] = ()
    small_studies: Sequence[Row] = ()
    small_study_test: Sequence[Row] = ()
    by_names: Mapping[Names, Mapping[str, Row]] = field(default_factory=dict)
    """Rows of certainty.csv by comparison and domain, in both directions."""

    def of(self, setting: str, treatment: str, comparator: str) -> Shade | None:
        """Find how the certainty of a comparison is shown; None where it is not in the table."""
        found = self.by_names.get((setting, treatment, comparator))
        return shade_of(found[OVERALL_CERTAINTY]["judgement"]) if found else None


def certainty_of(
    findings: Sequence[Row], judgements: Sequence[Row], behind: Sequence[Row], **more: Sequence[Row]
) -> Certainty:
    """Put tables together."""
    by_names: dict[Names, dict[str, Row]] = {}
    for row in judgements:
        setting, *pair = (row[key] for key in ("setting", "treatment", "comparator"))
        for treatment, comparator in (pair, pair[::-1]):
            by_names.setdefault((setting, treatment, comparator), {})[row["domain"]] = row
    return Certainty(findings, judgements, behind, by_names=by_names, **more)


def read_certainty(folder: Path, judged: Sequence[Row], model: str) -> Certainty:
    """Read the tables of an outcome.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>
    judged : rows
        Risk of bias of the studies, as settings have it.
    """
    tables = (FINDINGS_TABLE, CERTAINTY_TABLE, BEHIND_TABLE)
    findings, judgements, behind = (read_table(folder / FOLDER / f"{table}.csv") for table in tables)
    own = [row for row in read_table(folder / FOLDER / "contributions.csv") if row["model"] == model]
    studies = studies_of(own)
    small, test = (read_table(folder / FOLDER / f"{table}.csv") for table in SMALL_STUDY_TABLES)
    return certainty_of(
        findings,
        judgements,
        [row for row in behind if row["model"] == model],
        contributions=own,
        risk_of_bias=[row for row in judged if row["study"] in studies],
        small_studies=small,
        small_study_test=test,
    )


def level_of(row: Row) -> int | None:
    """Level of concern of a row of risk_of_bias.csv: 1 low, 2 some, 3 high; None is not judged."""
    return int(row["level"]) if row["level"] else None


def studies_of(shares: Sequence[Row]) -> list[str]:
    """List the studies of rows of contributions.csv, without the prior."""
    return [name for name in dict.fromkeys(row["study"] for row in shares) if name and name != PRIOR_SHARE]
