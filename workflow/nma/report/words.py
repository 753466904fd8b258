"""How ids and numbers of the tables read in figures and in the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nma.network.graph import OVERALL as OVERALL

Row = Mapping[str, str]

REFERENCE = "reference"
INTERVAL = "95% equal-tailed credible interval"
NOT_A_CANDIDATE = "not a candidate"
MEASURES = {"HR": "Hazard ratio", "OR": "Odds ratio"}
METHODS = {
    "adjusted_hr": "adjusted HR",
    "crude_hr": "crude HR",
    "hr_p": "HR and p",
    "logrank_p": "log-rank p",
    "medians_ci": "medians and their intervals",
    "medians_events": "medians and events",
}
EVIDENCE_WORDS = {
    REFERENCE: "reference",
    "direct": "direct",
    "indirect": "indirect",
    "extrapolated": "extrapolated",
    "prior_driven": "prior-driven",
}


@dataclass(frozen=True)
class Names:
    """Labels of everything a figure or a report names; an id without a label stands for itself.

    ``labels`` comes from `nma.plan.label_settings`.
    """

    labels: Mapping[str, Any]
    analysis: str
    outcome: str = ""
    model: str = ""

    def of(self, kind: str, name: str) -> str:
        """Label of an id; ``kind`` is a key of the labels such as ``regimens``."""
        return str(self.labels[kind].get(name, name))

    def regimen(self, name: str) -> str:
        """Label of a regimen."""
        return self.of("regimens", name)

    def setting(self, name: str) -> str:
        """Label of a setting."""
        return self.of("settings", name)

    @property
    def outcome_label(self) -> str:
        """Label of the outcome."""
        return self.of("outcomes", self.outcome)

    @property
    def analysis_label(self) -> str:
        """Label of the analysis."""
        return self.of("analyses", self.analysis)

    @property
    def measure(self) -> str:
        """Effect measure of the outcome, abbreviated."""
        return self.of("measures", self.outcome)

    @property
    def lower_is_better(self) -> bool:
        """Whether an effect below 1 favours the treatment."""
        return bool(self.labels["better"][self.outcome] == "lower")


def number(text: str, digits: int = 2) -> str:
    """Format a number of a table; an empty cell becomes a dash."""
    if text == "":
        return "–"
    shown = f"{float(text):.{digits}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown.replace("-", "−")


def ratio(text: str) -> str:
    """Format a ratio: two decimals, three digits from 10 on, one digit for tiny values."""
    value = float(text)
    if value >= 100:
        return f"{value:.0f}" if value < 10_000 else f"{value:.0e}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def ratio_interval(row: Row) -> str:
    """Estimate and 95% interval of a row of relative effects, natural scale."""
    return f"{ratio(row['estimate'])} ({ratio(row['estimate_lower'])} to {ratio(row['estimate_upper'])})"


def probability(text: str) -> str:
    """Format a probability; never as a certainty that draws cannot give."""
    value = float(text)
    if 0 < value < 0.005:
        return "<0.01"
    if 0.995 <= value < 1:
        return ">0.99"
    return f"{value:.2f}"


def evidence_words(label: str) -> str:
    """Evidence label in words."""
    return EVIDENCE_WORDS.get(label, label.replace("_", "-"))


def is_true(row: Row, column: str) -> bool:
    """Read a flag of a table."""
    return row[column] == "true"


def listed(words: Iterable[str]) -> str:
    """Join words as prose does: a, b and c."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def settings_of(rows: Iterable[Row]) -> list[str]:
    """List the settings of a table, in its order."""
    return list(dict.fromkeys(row["setting"] for row in rows))


def reference_of(ranking: Iterable[Row], setting: str) -> str:
    """Find the reference treatment of a setting: the one whose evidence label says so."""
    return next(row["treatment"] for row in ranking if row["setting"] == setting and row["evidence"] == REFERENCE)


def by_rank(ranking: Iterable[Row], setting: str) -> list[Row]:
    """Rows of one setting, best SUCRA first; ties keep the order of the table."""
    return sorted((row for row in ranking if row["setting"] == setting), key=lambda row: -float(row["sucra"]))
