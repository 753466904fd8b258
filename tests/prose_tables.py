"""What the prose of a report is held against: passages, tables, and numbers as they are shown."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from secondline.report.settings import Labels
from secondline.tables import read_table

N = r"([<>−-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"  # a number as the page writes it
Row = Mapping[str, str]


@dataclass
class Passage:
    """A piece of prose and where it stands; ``rows`` counts the rows that a summary unfolds to."""

    section: str
    outcome: str
    setting: str
    text: str = ""
    rows: int = 0


def agrees(shown: str, value: str | float) -> bool:
    """Whether a number as shown is the value to its last digit."""
    number, text = float(value), shown.replace("−", "-")
    if text[0] in "<>":
        return 0 < number < float(text[1:]) if text[0] == "<" else float(text[1:]) < number < 1
    digits, _, power = text.partition("e")
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(float(text) - number) <= unit / 2 * (1 + 1e-9)


@dataclass
class Tables:
    """The tables of a report; labels as `secondline.jobs.report_settings.figure_labels` gives them."""

    analysis: Path
    evidence: Path
    labels: Labels
    lead: list[str]
    name: str
    cache: dict[Path, list[dict[str, str]]] = field(default_factory=dict)

    def read(self, *parts: str) -> list[dict[str, str]]:
        """Rows of a table of the analysis; ``model`` stands for the headline model."""
        file = self.analysis.joinpath(*(self.labels.headline if part == "model" else part for part in parts))
        return self.cache.setdefault(file, read_table(file))

    def id(self, kind: str, label: str) -> str:
        """Id of a label."""
        return next((name for name, text in getattr(self.labels, kind).items() if text == label), label)

    def ranking(self, outcome: str, setting: str) -> list[dict[str, str]]:
        """Ranking of a setting, by its label, best first."""
        wanted = self.id("settings", setting) if setting else "overall"
        rows = [row for row in self.read(outcome, "model", "ranking.csv") if row["setting"] == wanted]
        return sorted(rows, key=lambda row: -float(row["sucra"]))

    def candidates(self, outcome: str, setting: str) -> list[dict[str, str]]:
        """Candidates of a setting that have a rank among them, best first."""
        rows = [row for row in self.ranking(outcome, setting) if row["candidate_sucra"]]
        return sorted(rows, key=lambda row: -float(row["candidate_sucra"]))

    def direct_share(self, outcome: str, effect: Mapping[str, str]) -> str:
        """Share of direct evidence that an effect is said to have; nothing where it is not direct, or not known."""
        file = self.analysis / outcome / "certainty" / "studies_behind.csv"
        if effect["evidence"] != "direct" or not file.exists():
            return ""
        pair = {effect["treatment"], effect["comparator"]}
        return next(
            f"{100 * float(row['direct_share']):.0f}%"
            for row in self.read(outcome, "certainty", "studies_behind.csv")
            if (row["model"], row["setting"]) == (self.labels.headline, effect["setting"])
            and {row["treatment"], row["comparator"]} == pair
        )

    def rankings(self) -> Iterator[list[dict[str, str]]]:
        """Every ranking of the lead outcomes that has candidates."""
        for outcome in self.lead:
            rows = self.read(outcome, "model", "ranking.csv")
            for setting in dict.fromkeys(row["setting"] for row in rows):
                here = [row for row in rows if row["setting"] == setting]
                if any(row["candidate"] == "true" for row in here):
                    yield here

    def orders(self) -> Iterator[list[dict[str, str]]]:
        """Candidates of every ranking of the lead outcomes."""
        for outcome in self.lead:
            for setting in dict.fromkeys(row["setting"] for row in self.read(outcome, "model", "ranking.csv")):
                yield self.candidates(outcome, self.labels.settings.get(setting, setting))

    def of_lead(self) -> list[dict[str, str]]:
        """Effects against the reference, of the lead outcomes: by setting, where there are settings."""
        rows = [row for outcome in self.lead for row in self.read(outcome, "model", "ranking.csv")]
        by_setting = len(self.labels.settings) > 1
        return [
            row for row in rows if row["evidence"] != "reference" and (row["setting"] != "overall" or not by_setting)
        ]


Check = Callable[[re.Match[str], Passage, Tables], bool]
