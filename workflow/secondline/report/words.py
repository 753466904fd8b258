"""How ids and numbers of the tables read in figures and in the report."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, floor, log10

from secondline.cell_values import DIRECT, EXACT, OVERALL, REFERENCE, SAMPLED
from secondline.cells import left_out_name, left_out_study
from secondline.likelihoods import SCALES
from secondline.measures import MEASURES, Measure
from secondline.report.settings import Labels
from secondline.report.taus import group_words

Row = Mapping[str, str]
Key = tuple[str, str, str, str, str]
"""Outcome, model, setting, treatment and comparator."""

INTERVAL = "95% equal-tailed credible interval"
DECLARED = "declared baseline"
NOT_A_CANDIDATE = "not a candidate"
NOT_RANKED = "not ranked, prior-driven"
NOT_CONVERGED = "NOT CONVERGED"
ENGINE_WORDS = {EXACT: "exact posterior", SAMPLED: "draws"}
NOT_ASSESSABLE = "not assessable"
SPREADS = {
    "tau": "τ: standard deviation between studies",
    "settings": "ω: standard deviation of component effects between settings",
    "classes": "ω: standard deviation of component effects within classes",
    "class": "ω: standard deviation of component effects within the class",
}
CATEGORIES = {"cr": "CR", "pr": "PR", "sd": "SD", "pd": "PD"}
EVIDENCE_WORDS = {
    REFERENCE: "reference",
    DIRECT: "direct",
    "mixed_setting": "mixed-setting",
    "indirect": "indirect",
    "extrapolated": "extrapolated",
    "prior_driven": "prior-driven",
}


GLOSSARY = {
    "SUCRA": "Average proportion of the other treatments outperformed: 1 if certainly best, 0 if certainly worst.",
    "Median rank": "Posterior median of the rank (1 is best), with its 95% credible interval.",
    "P(best)": "Probability of ranking first among the treatments that are ranked.",
    "P(better)": "Probability that the first treatment is better than the second.",
    "POTH": "Precision of the treatment hierarchy: 1 if the order is certain, 0 if all orders are equally probable.",
    "Predictive interval": "95% interval for the effect in a new study; wider than that for the mean effect.",
    "Residual deviance": "Lack of fit; close to the number of data points if the model fits well.",
    "pD": "Effective number of parameters.",
    "DIC": "Deviance information criterion: lower is better; differences of less than 3 to 5 points are unimportant.",
    "elpd LOO (SE)": "Predictive accuracy for studies left out in turn, with its standard error: higher is better.",
    "p LOO": "Effective number of parameters, estimated by leave-one-study-out cross-validation.",
    "LOO method": "Integration and refits leave the study out; PSIS approximates this, unreliably if k exceeds 0.7.",
    "Exact check": "Whether the posterior was compared with one computed without Markov chains and, if not, why not.",
    "Largest Pareto k": "Reliability of the importance sampling in the exact engine; unreliable above 0.7.",
    "Tables from": "Whether tables show the exact posterior, of which draws are the check, or summaries of draws.",
    "Error of means": "Largest Monte Carlo standard error of a mean of the draws, in posterior standard deviations.",
    "Error of limits": "The same for the limits of 95% intervals.",
    "Largest R-hat": "Agreement between the chains; 1 indicates perfect agreement.",
    "Smallest bulk ESS": "Effective sample size: the number of independent draws that would be equally informative.",
    "τ": "Between-study standard deviation of the effects.",
}


@dataclass(frozen=True)
class Names:
    """Labels of everything a figure or a report names; an id without a label is shown as it is.

    ``labels`` comes from `secondline.jobs.report_settings.figure_labels`.
    """

    labels: Labels
    analysis: str
    outcome: str = ""
    model: str = ""
    direct: Mapping[Key, str] = field(default_factory=dict)
    """Share of what the studies say of an effect that is direct, where it is known: see `secondline.report.direct`."""

    def regimen(self, name: str) -> str:
        """Label of a regimen."""
        return self.labels.regimens.get(name, name)

    def component(self, name: str) -> str:
        """Label of a component."""
        return self.labels.components.get(name, name)

    def setting(self, name: str) -> str:
        """Label of a setting."""
        return self.labels.settings.get(name, name)

    def study(self, name: str) -> str:
        """Name of a study: its first author and year, or its id where a table gives it."""
        return self.labels.studies.get(name, name)

    def studies(self, cell: str) -> str:
        """Names of the studies of a cell that lists their ids."""
        return listed(map(self.study, cell.split()))

    def said(self, text: str) -> str:
        """Write the names of studies into a text of a table, or of the configuration, in place of their ids.

        An id is left where it could be an ordinary word, without a digit or an underscore, or is part of a path or key.
        """
        ids = sorted((name for name in self.labels.studies if re.search(r"[\d_]", name)), key=len, reverse=True)
        if not ids:
            return text
        pattern = rf"(?<![\w./{{-])(?:{'|'.join(map(re.escape, ids))})(?![\w/:-]|\.\w)"
        return re.sub(pattern, lambda found: self.study(found[0]), text)

    def level(self, row: Row) -> str:
        """Label of a level of specification_levels.csv; one that is named after a study has the name of the study."""
        level, label = row["level"], row["label"]
        study = level.removeprefix("without_")
        if study not in self.labels.studies or label != level.replace("_", " "):
            return label or level
        return self.study(study) if study == level else f"without {self.study(study)}"

    def label_of_outcome(self, name: str) -> str:
        """Label of any outcome."""
        return self.labels.outcomes.get(name, name)

    def label_of_analysis(self, name: str) -> str:
        """Label of any analysis, or of one that leaves a study out."""
        known = self.labels.analyses
        base = next((base for base in known if name.startswith(left_out_name(base, ""))), "")
        if name in known or not base:
            return known.get(name, name)
        return f"{known[base]}, leaving out {self.study(left_out_study(name, base))}"

    @property
    def outcome_label(self) -> str:
        """Label of the outcome."""
        return self.label_of_outcome(self.outcome)

    @property
    def analysis_label(self) -> str:
        """Label of the analysis."""
        return self.label_of_analysis(self.analysis)

    @property
    def measure(self) -> str:
        """Effect measure of the outcome, abbreviated."""
        return self.labels.measures.get(self.outcome, self.outcome)

    @property
    def effects(self) -> Measure:
        """Effect measure of the outcome."""
        return MEASURES[self.measure]

    @property
    def lower_is_better(self) -> bool:
        """Whether an effect below that of no difference favours the treatment."""
        return self.labels.better[self.outcome] == "lower"

    @property
    def is_ratio(self) -> bool:
        """Whether effects are ratios, and their logarithms on the link scale."""
        return self.effects.is_ratio

    @property
    def no_effect(self) -> str:
        """Value of no effect, natural scale."""
        return str(self.effects.none)

    @property
    def link_scale(self) -> str:
        """Scale on which effects add up: ``log OR``, or the measure itself."""
        return self.effects.link_scale

    @property
    def direction(self) -> str:
        """Say which effects favour the treatment."""
        return self.favours("the treatment")

    def favours(self, treatment: str) -> str:
        """Say which effects favour the first of two treatments, by its label."""
        side = "below" if self.lower_is_better else "above"
        return f"{self.measure} {side} {self.no_effect} favours {treatment}"

    @property
    def direction_of_outcome(self) -> str:
        """Outcome, and which effects favour the treatment."""
        return f"{self.outcome_label}: {self.direction}."

    @property
    def has_settings(self) -> bool:
        """Whether the network distinguishes settings."""
        return any(name != OVERALL for name in self.labels.settings)

    def place(self, setting: str) -> str:
        """Label of a setting; nothing in a network that has no settings."""
        return self.setting(setting) if self.has_settings else ""

    def heading(self, setting: str) -> str:
        """Outcome, and the setting where there are any."""
        return ", ".join(filter(None, [self.outcome_label, self.place(setting)]))

    def parameter(self, name: str) -> str:
        """Say of what tau or omega is the standard deviation."""
        kind = "class" if name.startswith("omega[") else self.labels.omega.get(self.model, "")
        return SPREADS["tau" if name.startswith("tau") else kind] + group_words(name, self.labels)

    def node(self, name: str) -> str:
        """Label of what an arm received: a regimen, or regimens that it mixes, joined by +."""
        return " / ".join(map(self.regimen, [name] if name in self.labels.regimens else name.split("+")))

    def test(self, row: Row) -> str:
        """Name a test of inconsistency: a node-split, or an interaction of components."""
        if row["kind"] == "split":
            return f"node-split of {self.data_point(row['name'])}"
        return "interaction of " + " and ".join(map(self.component, row["name"].split("*")))

    def coefficient(self, name: str) -> str:
        """Name a coefficient of the linear predictor in labels."""
        kind, _, inside = name.partition("[")
        words = [self._part(part) for part in inside.removesuffix("]").split(",")]
        match kind:
            case "beta" if "*" in words[0]:
                return "interaction of " + " and ".join(map(self.component, words[0].split("*")))
            case "beta":
                return words[0]
            case "delta":
                return f"{words[1]}: departure, {words[0]}"
            case "interaction":
                return f"interaction in {self.regimen(inside.removesuffix(']'))}"
            case "bias":
                return f"bias of {self.study(inside.removesuffix(']'))}"
            case "slope":
                return _slope(*words)
            case _:
                return f"{kind.replace('_', ' ')} of {', '.join(words)}"

    def _part(self, name: str) -> str:
        """Label of a component, of a setting, or of a regimen that has an effect of its own."""
        kinds = (self.labels.components, self.labels.settings, self.labels.regimens, self.labels.studies)
        return next((labels[name] for labels in kinds if name in labels), name)

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
        if SCALES[row["scale"]].per_hundred:
            return [percentage(text).removesuffix("%") for text in texts]
        return [number(text, 1) for text in texts] if row.get("unit") else differences(texts)

    def more_is_better(self, row: Row) -> bool:
        """Whether more of an absolute outcome is better: a longer median, if the event is one to be put off."""
        return self.lower_is_better if SCALES[row["scale"]].falls else not self.lower_is_better

    def natural(self, text: str) -> str:
        """Value of the link scale on the natural one."""
        return ratio(str(exp(float(text)))) if self.is_ratio else differences([text])[0]

    def direct_share(self, row: Row, comparator: str) -> str:
        """Share of direct evidence of the treatment of a row against a comparator; nothing where it is not known."""
        return self.direct.get((self.outcome, self.model, row["setting"], row["treatment"], comparator), "")

    def evidence(self, row: Row, comparator: str) -> str:
        """Evidence label of a row in words, against a comparator; one that is direct with its share: direct, 30%."""
        share = self.direct_share(row, comparator) if row["evidence"] == DIRECT else ""
        words = evidence_words(row["evidence"])
        return f"{words}, {percentage(share)}" if share else words

    def _interval(self, values: list[str]) -> str:
        value, lower, upper = map(ratio, values) if self.is_ratio else differences(values)
        return f"{value} ({lower} to {upper})"


def absolute_scale(row: Row) -> str:
    """Say on which scale an absolute outcome is shown: per 100 patients, median in months, or as the table names it."""
    if SCALES[row["scale"]].per_hundred:
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
    """Format differences shown together, with the digits that the largest of them needs."""
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
    """Format a proportion: 27%, with a decimal where a whole number would read as none or all."""
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


def _slope(covariate: str, owner: str = "") -> str:
    """Name the slope of a covariate, or of one of its levels, of all treatments or of one."""
    name, _, level = covariate.partition("=")
    named = f"interaction with {name} {level}" if level else f"slope of {covariate}"
    unit = "" if level or " per " in covariate else ", per unit"
    return f"{named} of {owner}{unit}" if owner else f"{named}{unit}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Join words as prose does: a, b and c."""
    items = list(words)
    return f" {last} ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


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
