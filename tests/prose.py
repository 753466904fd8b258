"""Every number in the prose of a report, held against its table.

The page is parsed, the numbers of its sentences are read again and looked up in the CSV files. What no rule accounts
for must hold no digit, so that a sentence nobody thought of fails too. Sections that are tested elsewhere are left out.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from math import exp
from pathlib import Path
from typing import Any

from nma.tables import read_table

CHECKED = ("answer", "evidence-map", "network", "studies", "audit", "populations", "effects", "rankings", "checking")
CHECKED += ("versions",)
PROSE = {"p", "dd", "li", "figcaption", "summary", "caption"}
SKIPPED = {"svg", "script", "style", "thead", "tbody"}
VOID = {"meta", "link", "br", "input", "path"}
CONSTANTS = ("sha256sum", "95%", "p < 0.05", "more than 3.")
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


class _Reader(HTMLParser):
    """Collect the prose of a page with the section, outcome and setting around it."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.passages: list[Passage] = []
        self.open: list[Passage] = []
        self.folded: list[Passage] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        attributes = dict(attrs)
        self.stack.append((tag, attributes))
        if tag in PROSE or attributes.get("class") == "shares":
            passage = Passage(
                self._around("id", "section-"), self._around("data-outcome"), self._around("data-setting")
            )
            passage.outcome = passage.outcome or self._around("data-of")
            self.passages.append(passage)
            self.open.append(passage)
            if tag == "summary":
                self.folded.append(passage)
        if tag == "tr" and any(name == "tbody" for name, _ in self.stack):
            for passage in self.folded:
                passage.rows += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore what is empty."""

    def _around(self, name: str, prefix: str = "") -> str:
        found = [a[name] or "" for _, a in self.stack if name in a and (a[name] or "").startswith(prefix)]
        return found[-1].removeprefix(prefix) if found else ""

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            ended, attributes = self.stack.pop()
            if ended in PROSE or attributes.get("class") == "shares":
                self.open.pop()
            if ended == "details":
                self.folded.pop()
            if ended == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.open and not any(tag in SKIPPED for tag, _ in self.stack):
            self.open[-1].text += data


def passages(page: str) -> list[Passage]:
    """Read the prose of the sections that are checked; the glossary is constant."""
    reader = _Reader()
    reader.feed(re.sub(r'<details class="reading">.*?</details>', "", page, flags=re.DOTALL))
    for passage in reader.passages:
        passage.text = " ".join(passage.text.split())
    return [p for p in reader.passages if p.section in CHECKED and p.text]


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
    """The tables of a report; labels as `nma.report.settings.figure_labels` gives them."""

    analysis: Path
    evidence: Path
    labels: Mapping[str, Any]
    lead: list[str]
    name: str
    cache: dict[Path, list[dict[str, str]]] = field(default_factory=dict)

    def read(self, *parts: str) -> list[dict[str, str]]:
        """Rows of a table of the analysis; ``model`` stands for the headline model."""
        file = self.analysis.joinpath(*(self.labels["headline"] if part == "model" else part for part in parts))
        return self.cache.setdefault(file, read_table(file))

    def id(self, kind: str, label: str) -> str:
        """Id of a label."""
        return next((name for name, text in self.labels[kind].items() if text == label), label)

    def ranking(self, outcome: str, setting: str) -> list[dict[str, str]]:
        """Ranking of a setting, by its label, best first."""
        wanted = self.id("settings", setting) if setting else "overall"
        rows = [row for row in self.read(outcome, "model", "ranking.csv") if row["setting"] == wanted]
        return sorted(rows, key=lambda row: -float(row["sucra"]))

    def candidates(self, outcome: str, setting: str) -> list[dict[str, str]]:
        """Candidates of a setting that have a rank among them, best first."""
        rows = [row for row in self.ranking(outcome, setting) if row["candidate_sucra"]]
        return sorted(rows, key=lambda row: -float(row["candidate_sucra"]))

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
                yield self.candidates(outcome, self.labels["settings"].get(setting, setting))

    def of_lead(self) -> list[dict[str, str]]:
        """Effects against the reference, of the lead outcomes: by setting, where there are settings."""
        rows = [row for outcome in self.lead for row in self.read(outcome, "model", "ranking.csv")]
        by_setting = len(self.labels["settings"]) > 1
        return [
            row for row in rows if row["evidence"] != "reference" and (row["setting"] != "overall" or not by_setting)
        ]


Check = Callable[[re.Match[str], Passage, Tables], bool]


def _studies_used(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    outcomes = [here.outcome] if here.outcome else tables.lead
    rows = [row for outcome in outcomes for row in tables.read(outcome, "evidence.csv") if row["used"] == "true"]
    return int(found[1]) == len({row["study"] for row in rows})


def _labels(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    rows = tables.of_lead()
    shown = {word.replace("-", "_"): int(n) for n, word in re.findall(r"(\d+) (?:is|are) ([a-z-]+)", found[2])}
    return int(found[1]) == len(rows) and shown == Counter(row["evidence"] for row in rows)


def _shares(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    rows = tables.of_lead()
    shown = {word.replace("-", "_"): int(n) for n, word in re.findall(r"(\d+) ([a-z-]+)", found[0])}
    return shown == Counter(row["evidence"] for row in rows)


def _overlaps(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    orders = [order for order in tables.orders() if order and order[0]["named_first"] == "true"]
    overlapping = sum(float(a["candidate_sucra_lower"]) <= float(b["candidate_sucra_upper"]) for a, b, *_ in orders)
    best = [float(order[0]["candidate_p_best"]) for order in orders]
    ends = agrees(found[3], min(best)) and agrees(found[4] or found[3], max(best))
    return (int(found[1]), int(found[2])) == (overlapping, len(orders)) and ends


def _nobody_in(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    rankings = list(tables.rankings())
    nobody = sum(not any(row["named_first"] == "true" for row in rows) for rows in rankings)
    return (int(found[1]), int(found[2])) == (nobody, len(rankings))


def _place(row: Row, *shown: str) -> bool:
    keys = ("sucra", "sucra_lower", "sucra_upper", "p_best")
    return all(agrees(*pair) for pair in zip(shown, _columns(row, *(f"candidate_{key}" for key in keys)), strict=True))


def _columns(row: Row, *names: str) -> list[str]:
    return [row[name] for name in names]


def _first(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    order = tables.candidates(here.outcome, here.setting)
    named = tables.id("regimens", found[1]) == order[0]["treatment"] and order[0]["named_first"] == "true"
    effect = _between(here, tables)
    evidence = effect["evidence"] if effect["evidence"] not in ("extrapolated", "mixed_setting") else ""
    following = tables.id("regimens", found[7]) == order[1]["treatment"]
    return named and following and (found[6] or "") == evidence and _place(order[0], *found.groups()[1:5])


def _between(here: Passage, tables: Tables) -> Row:
    """Row of the effect of the highest of the candidates against the next."""
    order = tables.candidates(here.outcome, here.setting)
    keys = (order[0]["setting"], order[0]["treatment"], order[1]["treatment"])
    rows = tables.read(here.outcome, "model", "relative_effects.csv")
    return next(row for row in rows if (row["setting"], row["treatment"], row["comparator"]) == keys)


def _next(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    row = _between(here, tables)
    values = _columns(row, "estimate", "estimate_lower", "estimate_upper", "p_better")
    pair = tables.id("regimens", found[1] or ""), tables.id("regimens", found[2])
    named = pair in (("", row["comparator"]), (row["treatment"], row["comparator"]))
    return named and all(agrees(*pair) for pair in zip(found.groups()[2:], values, strict=True))


def _nobody(_: re.Match[str], here: Passage, tables: Tables) -> bool:
    return not any(row["named_first"] == "true" for row in tables.ranking(here.outcome, here.setting))


def _disagree(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    order = tables.candidates(here.outcome, here.setting)
    firsts = {
        key: next(r for r in order if key in r["candidate_first_by"].split()) for key in ("sucra", "p_best", "mean")
    }
    labels = [tables.id("regimens", found[k]) for k in (1, 3, 5)]
    values = [firsts[key][f"candidate_{key}"] for key in ("sucra", "p_best")]
    return labels == [row["treatment"] for row in firsts.values()] and all(
        agrees(*pair) for pair in zip((found[2], found[4]), values, strict=True)
    )


def _barred(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    order = tables.ranking(here.outcome, here.setting)
    row = next(row for row in order if row["treatment"] == tables.id("regimens", found[1]))
    return row["candidate"] == "false" and agrees(found[2], row["sucra"])


def _card(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    name = tables.id("regimens", found[1])
    order = tables.candidates(here.outcome, here.setting)
    row = next(row for row in order if row["treatment"] == name)
    if not found[2]:
        return _place(row, *found.groups()[2:])
    following = order[order.index(row) + 1]["treatment"]
    rows = tables.read(here.outcome, "model", "relative_effects.csv")
    keys = (row["setting"], name, following)
    label = next(r["evidence"] for r in rows if (r["setting"], r["treatment"], r["comparator"]) == keys)
    return label.replace("_", "-") == found[2] and _place(row, *found.groups()[2:])


def _more(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return int(found[1]) == len(tables.candidates(here.outcome, here.setting)) - 3


def _severity(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    outcomes = [outcome for outcome in tables.labels["outcomes"] if (tables.analysis / outcome).is_dir()]
    studies = {row["study"] for outcome in outcomes for row in tables.read(outcome, "evidence.csv")}
    rows = [row for row in read_table(tables.evidence / "audit.csv") if row["study"] in studies]
    return int(found[2]) == sum(row["severity"] == found[1] for row in rows)


def _verified(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    counts = Counter(row["status"] for row in read_table(tables.evidence / "sources.csv"))
    counts.pop("no source", None)
    wanted = [counts.total(), counts["found"], counts["found elsewhere"], counts["not found"]]
    return [int(text) for text in found.groups()] == wanted


def _characteristics(tables: Tables) -> list[dict[str, str]]:
    rows = read_table(tables.evidence / "transitivity.csv")
    return [r for r in rows if r["analysis"] == tables.name and r["group"] == "overall" and int(r["studies"])]


def _given(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    return int(found[1]) == len(_characteristics(tables))


def _differ(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    end = "within" if "arms" in found[2] else "between"
    known = [row for row in _characteristics(tables) if row[end]]
    return (int(found[1]), int(found[3])) == (len(known), sum(row[f"{end}_flag"] == "large" for row in known))


def _tests(here: Passage, tables: Tables) -> list[dict[str, str]]:
    return tables.read(here.outcome, "inconsistency", "degrees_of_freedom.csv")


def _freedom(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    total = _tests(here, tables)[0]
    return [found[1], found[2], found[3] if found[3] != "no" else "0"] == [
        total[key] for key in ("contrasts", "effects", "df")
    ]


def _one_test(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return int(found[1]) in Counter(row["same_test"] for row in _tests(here, tables)).values()


def _detectable(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    values = [float(row["detectable"]) for row in _tests(here, tables) if row["detectable"]]
    shown = re.findall(rf" {N}(?:, a ratio of {N})?(?:; |$)", found[1])
    return bool(shown) and all(
        any(agrees(value, known) and (not ratio or agrees(ratio, exp(known))) for known in values)
        for value, ratio in shown
    )


def _twin(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = {r["statistic"]: r for r in tables.read(here.outcome, "frequentist", "heterogeneity.csv") if not r["design"]}
    if len(found.groups()) == 1:
        return agrees(found[1], rows["tau (restricted maximum likelihood)"]["value"])
    between = rows["Q between designs"]
    p = found[3].replace("= ", "").replace(" ", "")
    return agrees(found[1], between["value"]) and found[2] == between["df"] and agrees(p, between["p_value"])


def _splits(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = [r for r in tables.read(here.outcome, "inconsistency", "node_splits.csv") if r["evidence"] == "network"]
    return (int(found[1]), int(found[2])) == (sum(row["assessable"] == "true" for row in rows), len(rows))


def _smallest(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "inconsistency", "node_splits.csv")
    least = min(float(row["p_value"]) for row in rows if row["p_value"])
    return agrees(found[1].replace("= ", "").replace(" ", ""), least)


def _disagreeing(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "inconsistency", "node_splits.csv")
    small = [float(row["p_value"]) for row in rows if row["p_value"] and float(row["p_value"]) < 0.05]
    shown = [text.replace("= ", "").replace(" ", "") for text in re.findall(r"\(p ([=<>] [\d.]+)\)", found[1])]
    return len(shown) == len(small) and all(agrees(*pair) for pair in zip(shown, small, strict=True))


def _unrelated(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = {row["model"]: row for row in tables.read(here.outcome, "inconsistency", "fit_statistics.csv")}
    values = [rows[model][key] for model in ("unrelated", "consistency") for key in ("residual_deviance", "dic")]
    return all(agrees(*p) for p in zip(found.groups(), [*values, rows["consistency"]["data_points"]], strict=True))


def _direction(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    measure, better = tables.labels["measures"][here.outcome], tables.labels["better"][here.outcome]
    side = "below" if better == "lower" else "above"
    return found.groups() == (measure, side, "1" if measure in ("HR", "OR", "RR", "IRR") else "0")


def _poth(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return agrees(found[1], tables.ranking(here.outcome, here.setting)[0]["poth"])


def _fit(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    points = tables.read(here.outcome, "model", "data_points.csv")
    return agrees(found[1], sum(float(row["deviance"]) for row in points)) and int(found[2]) == len(points)


def _outlying(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    points = tables.read(here.outcome, "model", "data_points.csv")
    studies = [row["study"] for row in points if float(row["deviance"]) + float(row["leverage"]) > 3]
    named = [re.split(r", (?=\D)", text)[0] for text in found[1].split("; ")]
    return not Counter(named) - Counter(studies) and len(named) + int(found[2] or 0) == len(studies)


def _overlap(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "model", "heterogeneity.csv")
    return any(agrees(found[1], row["prior_overlap"]) for row in rows)


def _versions(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    cells = {row["versions"] for row in tables.read("summary", "fits.csv")}
    return re.sub(r",| and", "", found[1]).split("; ") == sorted(cells)


def _run_time(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    rows = [row for file in sorted(tables.analysis.glob("*/timings.csv")) for row in read_table(file)]
    stages = [sum(float(row[f"{stage}_s"]) for row in rows) for stage in ("import", "compile", "sampling", "other")]
    return [int(text) for text in found.groups()] == [len(rows), *(round(s) for s in (sum(stages), *stages))]


RULES: list[tuple[str, Check]] = [
    (r"^(\d+) stud(?:y|ies): the evidence comes ", _studies_used),
    (r"from (\d+) stud(?:y|ies) of undeclared design", _studies_used),
    (r"Of (\d+) effects? against the reference[^,]*, ([^.]*)\.", _labels),
    (r"^(?:\d+ (?:direct|mixed-setting|indirect|extrapolated|prior-driven) ?)+$", _shares),
    (r"In (\d+) of (\d+) rankings? no treatment can be named first\.", _nobody_in),
    (rf"Where one is named, the interval of its SUCRA overlaps that of the next in (\d+) of (\d+); its P\(best\) is "
     rf"{N}(?: to {N})?\.", _overlaps),
    (rf"^(?:NOT CONVERGED, do not use: )?(.+?) ranks first(?: among the candidates)?: SUCRA {N} \(95% equal-tailed "
     rf"credible interval {N} to {N}(?:, an interval that spans the whole scale)?\), P\(best\) {N}, (?:on ([a-z-]+) "
     r"evidence against|extrapolated from other settings: it and|from a study of several settings together, against) "
     r"the next (?:candidate|treatment), (.+?)(?:, were not both given here)?, (?=from )", _first),
    (rf"(?<=\. )(?:(.+?) a|A)gainst (.+?): \w+ {N} \({N} to {N}\), P\(better\) {N}\.", _next),
    (r"No treatment can be named first(?=[:;])", _nobody),
    (rf": SUCRA puts (.+?) first \({N}\), P\(best\) (.+?) \({N}\) and the posterior mean (.+?)\.", _disagree),
    (rf"(?<=Among all treatments )(.+?) has a higher SUCRA \({N}\) but is not a candidate here\.", _barred),
    (rf"^(.+?) (?:[A-Z?] ?([a-z-]+) )?{N} \({N} to {N}\), P\(best\) {N}$", _card),
    (r"^and (\d+) more$", _more),
    (r"^(error|warning|info): (\d+)$", _severity),
    (r": (\d+) rows$", lambda found, here, _: int(found[1]) == here.rows),
    (r"Of (\d+) figures looked up in the papers, (\d+) stand at the stated place, (\d+) elsewhere in the paper, and "
     r"(\d+) were not found\.", _verified),
    (r"^(\d+) characteristics? (?:is|are) given by at least one study\.", _given),
    (r"Of (\d+) that can be compared (between [a-z ]+), (\d+) differs? by more than [\d.]+ SD\.", _differ),
    (r"The model explains (\d+) contrasts? between treatments by (\d+) effects?: (\d+|no) degrees? of freedom "
     r"(?:is|are)", _freedom),
    (r"One test, not (\d+):", _one_test),
    (r"With 80% power, and at best, without heterogeneity, the difference that could be detected is, as [^:]*: (.*?)\. "
     r"A smaller", _detectable),
    (rf"τ by restricted maximum likelihood: {N}\.", _twin),
    (rf"Q between designs {N}, df (\d+), p ([=<>] [\d.]+)\.", _twin),
    (r"held against each other for (\d+) of (\d+) comparisons? with direct evidence", _splits),
    (r"the smallest is p ([=<>] [\d.]+),", _smallest),
    (r"They disagree, at p < 0\.05, on: (.*?\))\. ", _disagreeing),
    (rf"With unrelated mean effects the residual deviance is {N} and the DIC {N}; with consistency {N} and {N}, for "
     r"(\d+) data points?\.", _unrelated),
    (r"(\w+) (below|above) ([01]) favours the treatment", _direction),
    (rf"POTH {N}$", _poth),
    (rf"residual deviance {N} for (\d+) data points?\.", _fit),
    (r"Deviance and leverage add up to more than 3 for: (.*?)(?:; and (\d+) more)?\.$", _outlying),
    (rf"overlap of prior and posterior {N}", _overlap),
    # the seed and the commit stand in no table
    (r"^Seed \d+, from which every fit derives its own\.(?: Git commit [0-9a-f]+;)?", lambda *_: True),
    (r"Fitted with (.*?)\. The same commit", _versions),
    (r"The fits of this analysis, (\d+) in all, took (\d+) s: (\d+) s for imports, (\d+) s for compilation, (\d+) s "
     r"for draws and (\d+) s for checks\.$", _run_time),
]  # fmt: skip


def assert_prose(page: str, tables: Tables) -> int:
    """Check every number in the prose; returns how many statements were found.

    Raises
    ------
    AssertionError
        A number that is not its table's, or that no rule knows.
    """
    found = 0
    known = sorted({str(text) for kind in ("regimens", "settings", "outcomes", "analyses", "headline")
                    for text in _texts(tables.labels[kind])} | _studies(tables), key=len, reverse=True)  # fmt: skip
    for passage in passages(page):
        rest = passage.text
        for pattern, check in RULES:
            for match in re.finditer(pattern, passage.text):
                assert check(match, passage, tables), f"{passage.section}, {passage.outcome}: {match[0]}"
                rest = rest.replace(match[0], " ")
                found += 1
        for text in (*CONSTANTS, *known):
            rest = rest.replace(text, " ")
        assert not re.search(r"\d", rest), f"{passage.section}, {passage.outcome}: nobody checks {rest!r}"
    return found


def _texts(labels: Any) -> list[str]:
    return list(labels.values()) if isinstance(labels, Mapping) else [labels]


def _studies(tables: Tables) -> set[str]:
    """Names of studies and of data points."""
    rows = [row for outcome in tables.labels["outcomes"] if (tables.analysis / outcome).is_dir()
            for row in tables.read(outcome, "model", "data_points.csv")]  # fmt: skip
    return {text for row in rows for text in (f"{row['study']},", row["study"]) if not row["study"].isdigit()}
