"""Every number in the prose of a report, held against its table.

The page is parsed, the numbers of its sentences are read again and looked up in the CSV files. What no rule accounts
for must hold no digit, so that a sentence nobody thought of fails too. Sections that are tested elsewhere are left out.
"""

import re
from collections import Counter
from collections.abc import Iterable
from html.parser import HTMLParser
from math import exp

from secondline.report.page.first_screen import brief
from secondline.report.prose.verdict import small
from secondline.report.settings import Labels
from secondline.tables import read_table

from tests.prose_doubt import DOUBT_RULES, decisive_sentences
from tests.prose_tables import Check, N, Passage, Row, Tables, agrees
from tests.prose_verdict import VERDICT_RULES

__all__ = ["N", "Tables", "agrees", "assert_prose", "assert_sentences", "passages", "said_on_the_terminal"]

CHECKED = ("answer", "evidence-map", "network", "studies", "audit", "populations", "effects", "rankings", "checking")
CHECKED += ("versions", "doubt", "glance", "benefit")
PROSE = {"p", "dd", "li", "figcaption", "summary", "caption"}
SKIPPED = {"svg", "script", "style", "thead", "tbody"}
VOID = {"meta", "link", "br", "input", "path"}
_OF_OUTCOME = 2  # columns before what `secondline answer` says of an outcome, or a setting of it
CONSTANTS = ("sha256sum", "95%", "p < 0.05", "more than 3.", "SUCRA ranges from 0 (worst) to 1 (best)")
CONSTANTS += ("(0.5, 0.8, 0.95)",)


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
            passage.setting = passage.setting or self._around("data-place")
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


def _abbreviated(text: str) -> str:
    """Take out the words that spell an abbreviation out, as far as their first letters are its letters."""
    for found in reversed(list(re.finditer(r" \(([A-Z]{2,})\)", text))):
        words = list(re.finditer(r"[A-Za-z]+", text[: found.start()]))[-len(found[1]) :]
        if "".join(word[0][0] for word in words).upper() == found[1]:
            text = text[: words[0].start()] + found[1] + text[found.end() :]
    return text


def passages(page: str) -> list[Passage]:
    """Read the prose of the parts that are checked; that on how to read the report is constant."""
    reader = _Reader()
    reader.feed(page)
    for passage in reader.passages:
        passage.text = _abbreviated(" ".join(passage.text.split()))
    return [p for p in reader.passages if p.section in CHECKED and p.text]


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


def _somebody_in_each(_: re.Match[str], __: Passage, tables: Tables) -> bool:
    return all(any(row["named_first"] == "true" for row in rows) for rows in tables.rankings())


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
    following = tables.id("regimens", found[8]) == order[1]["treatment"]
    share = (found[7] or "") == tables.direct_share(here.outcome, effect)
    return named and following and share and (found[6] or "") == evidence and _place(order[0], *found.groups()[1:5])


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
        return _place(row, *found.groups()[3:])
    following = order[order.index(row) + 1]["treatment"]
    rows = tables.read(here.outcome, "model", "relative_effects.csv")
    keys = (row["setting"], name, following)
    effect = next(r for r in rows if (r["setting"], r["treatment"], r["comparator"]) == keys)
    said = effect["evidence"].replace("_", "-"), tables.direct_share(here.outcome, effect)
    return said == (found[2], found[3] or "") and _place(row, *found.groups()[3:])


def _more(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return int(found[1]) == len(tables.candidates(here.outcome, here.setting)) - 3


def _severity(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    outcomes = [outcome for outcome in tables.labels.outcomes if (tables.analysis / outcome).is_dir()]
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
    measure, better = tables.labels.measures[here.outcome], tables.labels.better[here.outcome]
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
    named = [tables.id("studies", re.split(r", (?=\D)", text)[0]) for text in found[1].split("; ")]
    return not Counter(named) - Counter(studies) and len(named) + int(found[2] or 0) == len(studies)


def _overlap(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "model", "heterogeneity.csv")
    return any(agrees(found[1], row["prior_overlap"]) for row in rows)


def _rank_errors(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "model", "rank_probabilities.csv")
    exact = found[0].startswith("numerical")
    return found[1] == f"{max(float(row['error']) for row in rows):.1g}" and (rows[0]["engine"] == "exact") == exact


def _versions(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    cells = {row["versions"] for row in tables.read("summary", "fits.csv")}
    return re.sub(r",| and", "", found[1]).lower().split("; ") == sorted(cells)


def _run_time(found: re.Match[str], _: Passage, tables: Tables) -> bool:
    rows = [row for file in sorted(tables.analysis.glob("*/timings.csv")) for row in read_table(file)]
    stages = [sum(float(row[f"{stage}_s"]) for row in rows) for stage in ("import", "compile", "sampling", "other")]
    return [int(text) for text in found.groups()] == [len(rows), *(round(s) for s in (sum(stages), *stages))]


RULES: list[tuple[str, Check]] = [
    (r"^The evidence \((\d+) stud(?:y|ies)\) comes ", _studies_used),
    (r"from (\d+) stud(?:y|ies) of undeclared design", _studies_used),
    (r"Of (\d+) effects? relative to the reference[^,]*, ([^.]*)\.", _labels),
    (r"^(?:\d+ (?:direct|mixed-setting|indirect|extrapolated|prior-driven) ?)+$", _shares),
    (r"In (\d+) of (\d+) rankings? \([^)]*\), no treatment can be named first\.", _nobody_in),
    (r"One treatment can be named first in each ranking:", _somebody_in_each),
    (r"(?:Where one is named,|(?<=\):)) the 95% credible interval of its SUCRA overlaps that of the "
     rf"next-ranked treatment in (\d+) of (\d+); its P\(best\) is {N}(?: to {N})?\.", _overlaps),
    (rf"^(?:NOT CONVERGED, do not use: )?(.+?) ranks first(?: among the candidates)?: SUCRA {N} \(95% equal-tailed "
     rf"credible interval {N} to {N}(?:, an interval that spans the whole scale)?\), P\(best\) {N}, based on an? "
     r"(?:([a-z-]+) )?comparison(?: \(([\d.]+%) of the evidence\))? with the next "
     r"(?:candidate|treatment), (.+?)(?: \((?:extrapolated from other settings, "
     r"as not both were given here|in a study of several settings combined)\))?, (?=from )", _first),
    (rf"(?<=\. )(?:(.+?) a|A)gainst (.+?): \w+ {N} \({N} to {N}\), P\(better\) {N}\.", _next),
    (r"No treatment can be named first(?=[:;])", _nobody),
    (rf": SUCRA favours (.+?) \({N}\), P\(best\) favours (.+?) \({N}\) and the posterior mean favours "
     r"(.+?)\.", _disagree),
    (rf"(?<=Among all treatments, )(.+?) has a higher SUCRA \({N}\) but is not a candidate here\.", _barred),
    (rf"^(.+?) (?:[A-Z?] ?([a-z-]+)(?:, ([\d.]+%))? )?{N} \({N} to {N}\), P\(best\) {N}$", _card),
    (r"^and (\d+) more$", _more),
    (r"^(error|warning|info): (\d+)$", _severity),
    (r": (\d+) rows$", lambda found, here, _: int(found[1]) == here.rows),
    (r"Of (\d+) figures checked against the papers, (\d+) were found at the stated place, (\d+) elsewhere in the paper "
     r"and (\d+) not at all\.", _verified),
    (r"^(\d+) characteristics? (?:is|are) reported by at least one study\.", _given),
    (r"Of (\d+) that can be compared (between [a-z ]+), (\d+) differs? by more than [\d.]+ SD\.", _differ),
    (r"The model explains (\d+) contrasts? between treatments with (\d+) effects?, which leaves (\d+|no) degrees? of "
     r"freedom to", _freedom),
    (r"The following (\d+) tests concern the same degree of freedom:", _one_test),
    (r"With 80% power and, optimistically, no heterogeneity, the smallest detectable differences? (?:is|are), on the "
     r"scale of the [^:]*: (.*?)\. Smaller", _detectable),
    (rf"The restricted maximum likelihood estimate of τ is {N}\.", _twin),
    (rf"Q between designs is {N} \(df (\d+), p ([=<>] [\d.]+)\)\.", _twin),
    (r"can be compared for (\d+) of (\d+) comparisons? with direct evidence", _splits),
    (r"the smallest p-value is that of .*? \(p ([=<>] [\d.]+)\)\.", _smallest),
    (r"They disagree \(p < 0\.05\) for: (.*?\))\. ", _disagreeing),
    (rf"With unrelated mean effects, the residual deviance is {N} and the DIC {N}; under consistency, they are {N} and "
     rf"{N} \((\d+) data points?\)\.", _unrelated),
    (r"(\w+) (below|above) ([01]) favours the treatment", _direction),
    (rf"POTH(?: among all)? {N}$", _poth),
    (rf"residual deviance {N} for (\d+) data points?\.", _fit),
    (r"Deviance and leverage add up to more than 3 for: (.*?)(?:; and (\d+) more)?\.$", _outlying),
    (rf"overlap of prior and posterior {N}", _overlap),
    # the seed and the commit stand in no table
    (r"^The base seed is \d+; the seed of every fit is derived from it\."
     r"(?: The Git commit is [0-9a-f]+;)?", lambda *_: True),
    (r"(?:numerical error|errors) of at most (\S+)\.$", _rank_errors),
    (r"The models were fitted with (.*?)\. The same commit", _versions),
    (r"The fits of this analysis, (\d+) in all, took (\d+) s: (\d+) s for imports, (\d+) s for compilation, (\d+) s "
     r"for draws and (\d+) s for checks\.$", _run_time),
]  # fmt: skip


def assert_prose(page: str, tables: Tables) -> int:
    """Check every number in the prose of a page; returns how many statements were found.

    Raises
    ------
    AssertionError
        A number that is not its table's, or that no rule knows.
    """
    return assert_sentences(passages(page), tables)


def assert_sentences(said: Iterable[Passage], tables: Tables) -> int:
    """Check every number in some passages, as `assert_prose`."""
    found = 0
    labels = tables.labels
    kinds = (labels.regimens, labels.settings, labels.outcomes, labels.analyses, labels.studies)
    texts = {text for kind in kinds for text in kind.values()}
    texts |= {small(text) for text in texts}
    known = sorted(texts | {labels.headline} | _studies(tables), key=len, reverse=True)
    decisive = decisive_sentences(tables)
    decisive |= {brief(sentence) for sentence in decisive}
    for passage in said:
        if passage.text in decisive:
            found += 1
            continue
        rest = passage.text
        for pattern, check in (*RULES, *DOUBT_RULES, *VERDICT_RULES):
            for match in re.finditer(pattern, passage.text):
                assert check(match, passage, tables), f"{passage.section}, {passage.outcome}: {match[0]}"
                rest = rest.replace(match[0], " ")
                found += 1
        for text in (*CONSTANTS, *known):
            rest = rest.replace(text, " ")
        assert not re.search(r"\d", rest), f"{passage.section}, {passage.outcome}: nobody checks {rest!r}"
    return found


def said_on_the_terminal(lines: Iterable[str], labels: Labels) -> list[Passage]:
    """Read what `secondline answer` prints: a passage for every setting, and one for the general sentences."""
    outcomes = {text: name for name, text in labels.outcomes.items()}
    found: list[Passage] = []
    outcome = setting = ""
    for line in filter(str.strip, lines):
        words, depth = line.strip(), len(line) - len(line.lstrip())
        if depth == 0:
            outcome, setting = next(outcomes[text] for text in outcomes if words.startswith(f"{text} (")), ""
            continue
        if depth == _OF_OUTCOME:
            setting = "" if words.startswith("- ") else words
        if not found or (found[-1].outcome, found[-1].setting) != (outcome, setting):
            found.append(Passage("terminal", outcome, setting))
        if words != setting:
            found[-1].text = f"{found[-1].text} {words.removeprefix('- ')}".strip()
    return found


def _studies(tables: Tables) -> set[str]:
    """Ids of studies, as tables name them."""
    rows = [row for outcome in tables.labels.outcomes if (tables.analysis / outcome).is_dir()
            for row in tables.read(outcome, "evidence.csv")]  # fmt: skip
    return {text for row in rows for text in (f"{row['study']},", row["study"]) if not row["study"].isdigit()}
