"""How ids and numbers of the tables read in figures and in the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from nma.network.arms import OVERALL as OVERALL
from nma.outcomes import RATIOS

Row = Mapping[str, str]

REFERENCE = "reference"
PROBABILITY, MEDIAN = "probability", "median time"  # natural scales of absolute effects
INTERVAL = "95% equal-tailed credible interval"
DECLARED = "declared baseline"
NOT_A_CANDIDATE = "not a candidate"
NOT_RANKED = "not ranked, prior-driven"
NOT_CONVERGED = "NOT CONVERGED"
NOT_ASSESSABLE = "not assessable"
MEASURES = {
    "HR": "Hazard ratio",
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "IRR": "Incidence rate ratio",
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "PD": "Probit difference",
}
SPREADS = {
    "tau": "τ: standard deviation between studies",
    "settings": "ω: standard deviation of component effects between settings",
    "classes": "ω: standard deviation of component effects within classes",
}
METHODS = {
    "adjusted_hr": "adjusted HR",
    "crude_hr": "crude HR",
    "hr_p": "HR and p",
    "logrank_p": "log-rank p",
    "km_reconstruction": "reconstructed Kaplan-Meier curves",
    "medians_ci": "medians and their intervals",
    "medians_events": "medians and events",
    "medians_p": "medians and p",
    "table": "as tabulated",
    "standardised": "Hedges g from means and standard deviations",
    "printed": "pairwise intervals, as printed",
    "reconstructed": "reconstructed from pairwise intervals",
    "reconstructed_assumed": "reconstructed from pairwise intervals, with assumptions",
}
CRITERIA = {"mrecist": "mRECIST", "recist_1_1": "RECIST 1.1"}
EVIDENCE_WORDS = {
    REFERENCE: "reference",
    "direct": "direct",
    "mixed_setting": "mixed-setting",
    "indirect": "indirect",
    "extrapolated": "extrapolated",
    "prior_driven": "prior-driven",
}


GLOSSARY = {
    "SUCRA": "Share of the other treatments that a treatment beats, on average: 1 is surely best, 0 surely worst.",
    "Median rank": "Rank 1 is best; beside it the interval of the rank.",
    "P(best)": "Probability of the first rank among the treatments that are ranked.",
    "P(better)": "Probability that the first treatment is better than the second.",
    "POTH": "Precision of the ranking: 1 if the order is certain, 0 if every order is as probable as any other.",
    "Predictive interval": "Where the effect in a new study would lie; wider than the interval of the mean effect.",
    "Residual deviance": "Misfit; about as large as the number of data points if the model fits.",
    "pD": "Effective number of parameters.",
    "DIC": "Deviance information criterion: the lower, the better; differences below 3 to 5 say little.",
    "elpd LOO (SE)": "How well the model predicts a study left out, with standard error: the higher, the better.",
    "p LOO": "Effective number of parameters, from leaving studies out.",
    "LOO by": "Integration and refits leave the study out; PSIS approximates that, badly where k is above 0.7.",
    "Exact check": "Whether the posterior was compared with one without Markov chains, and if not why not.",
    "Largest Pareto k": "Reliability of the importance sampling of the exact engine; above 0.7 it is unreliable.",
    "Largest R-hat": "Agreement of the chains: 1 is perfect.",
    "Smallest bulk ESS": "How many independent draws the draws are worth.",
    "τ": "Standard deviation of effects between studies.",
}


@dataclass(frozen=True)
class Names:
    """Labels of everything a figure or a report names; an id without a label stands for itself.

    ``labels`` comes from `nma.report.settings.figure_labels`.
    """

    labels: Mapping[str, Any]
    analysis: str
    outcome: str = ""
    model: str = ""

    def of(self, kind: str, name: str) -> str:
        """Label of an id; ``kind`` is a key of the labels such as ``regimens``."""
        return str(self.labels.get(kind, {}).get(name, name))

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
        """Whether an effect below that of no difference favours the treatment."""
        return bool(self.labels["better"][self.outcome] == "lower")

    @property
    def is_ratio(self) -> bool:
        """Whether effects are ratios, and their logarithms on the link scale."""
        return self.measure in RATIOS

    @property
    def no_effect(self) -> str:
        """Effect of a treatment that is no different, natural scale."""
        return "1" if self.is_ratio else "0"

    @property
    def link_scale(self) -> str:
        """Scale on which effects add up: ``log OR``, or the measure itself."""
        return f"log {self.measure}" if self.is_ratio else self.measure

    @property
    def direction(self) -> str:
        """Say which effects favour the treatment."""
        side = "below" if self.lower_is_better else "above"
        return f"{self.measure} {side} {self.no_effect} favours the treatment"

    @property
    def direction_of_outcome(self) -> str:
        """Outcome, and which effects favour the treatment."""
        return f"{self.outcome_label}: {self.direction}."

    @property
    def has_settings(self) -> bool:
        """Whether the network tells settings apart."""
        return any(name != OVERALL for name in self.labels["settings"])

    def place(self, setting: str) -> str:
        """Label of a setting; nothing in a network that has no settings."""
        return self.setting(setting) if self.has_settings else ""

    def heading(self, setting: str) -> str:
        """Outcome, and the setting where there are any."""
        return ", ".join(filter(None, [self.outcome_label, self.place(setting)]))

    def parameter(self, name: str) -> str:
        """Say of what tau or omega is the standard deviation."""
        return SPREADS["tau" if name == "tau" else self.labels["omega"][self.model]]

    def node(self, name: str) -> str:
        """Label of what an arm received: a regimen, or regimens that it mixes, joined by +."""
        return " / ".join(map(self.regimen, [name] if name in self.labels["regimens"] else name.split("+")))

    def test(self, row: Row) -> str:
        """Name a test of inconsistency: a node-split, or an interaction of components."""
        if row["kind"] == "split":
            return f"node-split of {self.data_point(row['name'])}"
        return "interaction of " + " and ".join(self.of("components", part) for part in row["name"].split("*"))

    def coefficient(self, name: str) -> str:
        """Name a coefficient of the linear predictor: what it is of, with labels."""
        kind, _, inside = name.partition("[")
        words = [self.of("settings", self.of("components", part)) for part in inside.removesuffix("]").split(",")]
        match kind:
            case "beta" if "*" in words[0]:
                return "interaction of " + " and ".join(self.of("components", part) for part in words[0].split("*"))
            case "beta":
                return words[0]
            case "delta":
                return f"{words[1]}: departure, {words[0]}"
            case "slope":
                return f"slope of {words[0]}, per unit"
            case _:
                return f"{kind.replace('_', ' ')} of {', '.join(words)}"

    def data_point(self, name: str) -> str:
        """Label of a data point: an arm, or two arms joined by ``against``."""
        return " against ".join(self.regimen(part) for part in name.split(" against "))

    def estimate(self, row: Row) -> str:
        """Estimate and 95% interval of a row, natural scale."""
        return self._interval([row["estimate"], row["estimate_lower"], row["estimate_upper"]])

    def absolute(self, row: Row) -> str:
        """Absolute outcome of a row and its 95% interval as far as they are known, on the scale of `absolute_scale`."""
        texts = [row[f"absolute{end}"] for end in ("", "_lower", "_upper")]
        shown = dict(zip(filter(None, texts), self._absolute(row, list(filter(None, texts))), strict=True))
        value, *limits = (shown.get(text, "not reached") for text in texts)
        return "–" if not texts[0] else f"{value} ({' to '.join(limits)})" if any(texts[1:]) else value

    def _absolute(self, row: Row, texts: list[str]) -> list[str]:
        if row["scale"] == PROBABILITY:
            return [percentage(text).removesuffix("%") for text in texts]
        return [number(text, 1) for text in texts] if row.get("unit") else differences(texts)

    def more_is_better(self, row: Row) -> bool:
        """Whether more of an absolute outcome is better: a longer median, if the event is one to be put off."""
        return self.lower_is_better if row["scale"] == MEDIAN else not self.lower_is_better

    def _interval(self, values: list[str]) -> str:
        value, lower, upper = map(ratio, values) if self.is_ratio else differences(values)
        return f"{value} ({lower} to {upper})"


def absolute_scale(row: Row) -> str:
    """Say on which scale an absolute outcome is shown: per 100 patients, median in months, or as the table names it."""
    if row["scale"] == PROBABILITY:
        return "per 100 patients"
    return f"median, {row['unit']}" if row.get("unit") else row["scale"]


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


def differences(texts: Iterable[str]) -> list[str]:
    """Format differences that stand together, with the digits that the largest of them needs."""
    values = [float(text) for text in texts]
    largest = max(map(abs, values), default=0.0)
    power = floor(log10(largest)) if largest else 0
    digits = min(max((2 if power >= 0 else 1) - power, 0), 6)
    return [number(str(value), digits) for value in values]


def probability(text: str) -> str:
    """Format a probability; never as a certainty that draws cannot give."""
    value = float(text)
    if 0 < value < 0.005:
        return "<0.01"
    if 0.995 <= value < 1:
        return ">0.99"
    return f"{value:.2f}"


def percentage(text: str) -> str:
    """Format a proportion: 27%, with a decimal where a whole number would read as nobody or everybody."""
    value = 100 * float(text)
    if 0 < value < 0.5 or 99.5 <= value < 100:
        return f"{value:.1f}%"
    return f"{floor(value + 0.5 + 1e-9)}%"


def average(mean: str, sd: str = "") -> str:
    """Format a mean and, where it is known, its standard deviation: 54.0 (8.5)."""
    digits = 1 if abs(float(mean)) >= 10 else 2
    return number(mean, digits) + (f" ({number(sd, digits)})" if sd else "")


def p_value(text: str) -> str:
    """Format a p-value: p = 0.62, p < 0.01."""
    shown = probability(text)
    return f"p {shown[0]} {shown[1:]}" if shown[0] in "<>" else f"p = {shown}"


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


def plural(n: int, word: str, words: str = "") -> str:
    """Count things: 1 study, 2 studies."""
    return f"{n} {word}" if n == 1 else f"{n} {words or word + 's'}"


def all_candidates(ranking: Iterable[Row]) -> bool:
    """Whether every treatment may be chosen in every setting."""
    return all(is_true(row, "candidate") for row in ranking)


def rank_note(row: Row) -> str:
    """Say why a treatment has no rank among the candidates; nothing where it has one."""
    if not is_true(row, "candidate"):
        return NOT_A_CANDIDATE
    return "" if row["candidate_sucra"] else NOT_RANKED


def settings_of(rows: Iterable[Row]) -> list[str]:
    """List the settings of a table, in its order."""
    return list(dict.fromkeys(row["setting"] for row in rows))


def reference_of(ranking: Iterable[Row], setting: str) -> str:
    """Find the reference treatment of a setting: the one whose evidence label says so."""
    return next(row["treatment"] for row in ranking if row["setting"] == setting and row["evidence"] == REFERENCE)


def by_rank(ranking: Iterable[Row], setting: str) -> list[Row]:
    """Rows of one setting, best SUCRA first; ties keep the order of the table."""
    return sorted((row for row in ranking if row["setting"] == setting), key=lambda row: -float(row["sucra"]))
