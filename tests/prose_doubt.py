"""Every number that the report and the terminal say of how far an answer can be trusted, held against its table."""

import re
from collections.abc import Callable, Sequence
from math import exp

from secondline.report.prose.phrases import small
from secondline.report.words import Names

from tests.prose_tables import Check, N, Passage, Row, Tables, agrees

P = r"(\d+(?:\.\d+)?)%"
_AMONG = (
    r"(?:the defensible analyses that rank the candidates \(([\d,]+) in all, weighted by the combinations of choices "
    rf"that give them; {P} do not rank them, as the effects between the candidates are prior-driven\)|"
    r"([\d,]+) defensible analyses, weighted by the combinations of choices that give them)"
)
_DECIDES = (
    r"(?:how (.+?) is read|the choice of “[^”]+”) "
    rf"\({P} of the variance of the effect between the two highest\)"
)
_LISTED, _PAGE = 3, 6  # choices and treatments of a sentence; facts of decisive.csv on the page
_LOSS = rf"(less than 0\.001|{N})"


def _setting(here: Passage, tables: Tables) -> str:
    return tables.id("settings", here.setting) if here.setting else "overall"


def _rows(here: Passage, tables: Tables, name: str) -> list[Row]:
    """Rows of a table on doubt; of the setting around the passage, where the table has settings."""
    rows = tables.read(here.outcome, "doubt", f"{name}.csv")
    return [row for row in rows if row.get("setting", _setting(here, tables)) == _setting(here, tables)]


def _percent(shown: str, value: str | float) -> bool:
    return agrees(shown, 100 * float(value))


def _whole(shown: str, value: int | str) -> bool:
    return int(shown.replace(",", "")) == int(value)


def _natural(here: Passage, tables: Tables) -> Callable[[str], float]:
    ratio = tables.labels.measures[here.outcome] in ("HR", "OR", "RR", "IRR")
    return lambda text: exp(float(text)) if ratio else float(text)


def _first_rows(here: Passage, tables: Tables) -> tuple[list[Row], Row | None]:
    """Shares of all analyses: of the treatments, the most frequent first, and of nobody."""
    rows = [row for row in _rows(here, tables, "specification_levels") if not row["axis"]]
    placed = sorted((row for row in rows if row["treatment"]), key=lambda row: -float(row["share_first"]))
    return placed, next((row for row in rows if not row["treatment"]), None)


def _among(here: Passage, tables: Tables, some: str | None, unplaced: str | None, every: str | None) -> bool:
    placed, nobody = _first_rows(here, tables)
    if nobody is None:
        return some is None and _whole(every or "", placed[0]["n"])
    return _whole(some or "", nobody["n"]) and _percent(unplaced or "", nobody["share_first"])


def _decides(here: Passage, tables: Tables, study: str | None, share: str | None) -> bool:
    rows = _rows(here, tables, "specification_shares")
    rows = [row for row in rows if row["quantity"] == "lead_effect" and row["total"]]
    if share is None:
        return not rows
    most = max(rows, key=lambda row: float(row["total"]))
    label = f"Study {most['axis']}"  # that of tests/doubt_tables.py
    return (study in (None, label) or tables.id("studies", study) == most["axis"]) and _percent(share, most["total"])


def _lead(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    first, share, *among, study, decides = found.groups()
    placed, _ = _first_rows(here, tables)
    own = [row for row in placed if row["treatment"] == tables.id("regimens", first)]
    named = tables.candidates(here.outcome, here.setting)[0]
    return (
        (named["treatment"], named["named_first"]) == (tables.id("regimens", first), "true")
        and _percent(share, own[0]["share_of_placed"] if own else 0)
        and _among(here, tables, *among)
        and _decides(here, tables, study, decides)
    )


def _nobody(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    *among, shares, study, decides = found.groups()
    placed, _ = _first_rows(here, tables)
    shown = re.findall(rf"{P} (?:give the highest SUCRA )?to (.+?)(?=(?:,| and) \d|$)", shares)
    wanted = [(row["treatment"], float(row["share_of_placed"])) for row in placed]
    others = [("another", sum(share for _, share in wanted[_LISTED:]))] if len(wanted) > _LISTED else []
    wanted = [*wanted[:_LISTED], *others]
    return (
        [tables.id("regimens", name) for _, name in shown] == [name for name, _ in wanted]
        and all(_percent(text, share) for (text, _), (_, share) in zip(shown, wanted, strict=True))
        and _among(here, tables, *among)
        and _decides(here, tables, study, decides)
    )


def _in_short(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    """Read the shares on the first screen: of the one that is named, or of the two that are first most often."""
    n, ranked, shares = found.groups()
    placed, nobody = _first_rows(here, tables)
    shown = [(share, name) for share, name in re.findall(rf"{P} (?:put )?(.+?)(?: first)?(?=, | and \d|$)", shares)]
    named = next(
        (row["treatment"] for row in tables.candidates(here.outcome, here.setting) if row["named_first"] == "true"), ""
    )
    by_name = {row["treatment"]: float(row["share_of_placed"]) for row in placed}
    wanted = [(named, by_name.get(named, 0.0))] if named else list(by_name.items())[:2]
    if not named and len(placed) > len(wanted):
        wanted.append(("another", sum(list(by_name.values())[2:])))
    labels = {small(text): name for name, text in tables.labels.regimens.items()} | {"another": "another"}
    return (
        _whole(n, (nobody or placed[0])["n"])
        and (ranked is None) == (nobody is None)
        and (nobody is None or _percent(ranked, 1 - float(nobody["share_first"])))
        and [labels[name] for _, name in shown] == [name for name, _ in wanted]
        and all(_percent(text, share) for (text, _), (_, share) in zip(shown, wanted, strict=True))
    )


def _read(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    """Read the choice that explains most, without its share."""
    rows = [
        row for row in _rows(here, tables, "specification_shares") if row["quantity"] == "lead_effect" and row["total"]
    ]
    most = max(rows, key=lambda row: float(row["total"]))["axis"]
    return found[1] is None or found[1] == f"Study {most}" or tables.id("studies", found[1]) == most


def _in_none(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    placed, nobody = _first_rows(here, tables)
    return not placed and nobody is not None and _whole(found[1], nobody["n"])


def _certainty(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    placed, nobody = _first_rows(here, tables)
    row = next(row for row in (*placed, *filter(None, [nobody])) if row["lead_p_better_median"])
    pair = tables.id("regimens", found[1]), tables.id("regimens", found[2])
    effects = tables.read(here.outcome, "model", "relative_effects.csv")
    keys = (_setting(here, tables), *pair)
    own = next(row for row in effects if (row["setting"], row["treatment"], row["comparator"]) == keys)
    return (
        pair == (row["lead"], row["lead_comparator"])
        and agrees(found[3], own["p_better"])
        and agrees(found[4], row["lead_p_better_median"])
        and _percent(found[5], row["lead_share_certain"])
    )


def _changes(here: Passage, tables: Tables, change: str, size: str) -> list[Row]:
    rows = _rows(here, tables, "specification_flips")
    return [row for row in rows if (row["change"], row["size"]) == (change, size)]


def _flips(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    alone, pairs = (_changes(here, tables, "another_first", size) for size in "12")
    rows = alone if found[1].startswith("A single") else pairs
    levels = _rows(here, tables, "specification_levels")
    labels = {(row["axis"], row["level"]): Names(tables.labels, tables.name).level(row) for row in levels}
    chosen = [(row[f"axis_{k}"], row[f"level_{k}"]) for row in rows[:_LISTED] for k in "12" if row[f"axis_{k}"]]
    quoted = re.findall(r"“([^”]*)”", found[2])
    firsts = [tables.id("regimens", name) for name in re.findall(r"” \(((?:[^()]|\([^()]*\))+)\)", found[2])]
    return (
        bool(rows)
        and (rows is alone or not alone)
        and len(quoted) == len(chosen)
        and all(text.endswith(f": {labels[each]}") for text, each in zip(quoted, chosen, strict=True))
        and firsts == [row["first"] for row in rows[:_LISTED]]
        and int(found[3] or 0) == max(len(rows) - _LISTED, 0)
    )


def _no_flip(_: re.Match[str], here: Passage, tables: Tables) -> bool:
    return not any(_changes(here, tables, "another_first", size) for size in "12")


def _unlinked(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return _whole(found[1], len(_changes(here, tables, "nobody_placed", "1")))


def _moved(here: Passage, tables: Tables) -> list[Row]:
    return [r for r in _rows(here, tables, "thresholds") if r["rule"] == "sucra" and r["study"] and r["effect"]]


def _nearest(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = _moved(here, tables)
    ends = [(abs(float(row[f"{end}_se"])), row, end) for row in rows for end in ("lower", "upper") if row[end]]
    distance, row, end = min(ends, key=lambda each: each[0])
    natural, study = _natural(here, tables), tables.labels.studies.get(row["study"], row["study"])
    return (
        found[1] in (study, f"{study}, {row['arm']}")
        and found[2] == tables.labels.measures[here.outcome]
        and agrees(found[3], natural(row["effect"]))
        and agrees(found[4], natural(row[end]))
        and agrees(found[5], distance)
        and tables.id("regimens", found[6]) == row[f"{end}_first"]
    )


def _inside(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = _moved(here, tables)
    inside = sum(row["inside_interval"] == "true" for row in rows)
    return (inside, len(rows)) == ((int(found[1]), int(found[2])) if found.groups() else (0, len(rows)))


def _radius(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = [row for row in _rows(here, tables, "thresholds_joint") if row["rule"] == "sucra" and row["radius"]]
    return agrees(found[1], rows[0]["radius"])


def _is_highest(found: re.Match[str], first: int, row: Row, tables: Tables) -> bool:
    """Whether three groups of a match, the first of them given, are the highest two; none where nobody has a rank."""
    if row["not_named"] == "not_placed":
        return not found[first]
    pair = [tables.id("regimens", found[k]) for k in (first, first + 2)]
    return pair == [row["first"], row["runner_up"]] and agrees(found[first + 1], row["p_better"])


def _overlap(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    studies = " ".join(tables.id("studies", found[k]) for k in (1, 2))
    rows = [row for row in _rows(here, tables, "overlap") if row["studies"] == studies and row["first"]]
    none, bound = (next(row for row in rows if row["level"] == level) for level in ("none", "bound"))
    patients, correlation = agrees(found[3], bound["patients"]), agrees(found[4] or "0", bound["correlation"] or 0)
    if found[5]:
        pairs = [tables.id("regimens", found[k]) for k in (5, 6)]
        same = all(pairs == [row["first"], row["runner_up"]] for row in (none, bound))
        shown = found[7], found[8]
    else:
        return (
            patients and correlation and _is_highest(found, 9, none, tables) and _is_highest(found, 12, bound, tables)
        )
    return patients and correlation and same and all(map(agrees, shown, (none["p_better"], bound["p_better"])))


def _biases(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    measure, better = tables.labels.measures[here.outcome], tables.labels.better[here.outcome]
    rows = [row for row in _rows(here, tables, "bias_tipping") if row["rule"] == "sucra" and not row["same_as"]]
    smallest = {row["scheme"]: row for row in sorted(rows, key=lambda row: -float(row["bias_sd"]))}
    moved = [row for row in smallest.values() if row["tipping"]]
    shown = re.findall(rf", {re.escape(measure)} (?:× )?{N} \(((?:[^()]|\([^()]*\))+)\)(?:; |$)", found[1])
    sign = -1 if better == "lower" else 1
    wanted = sorted((row["new_first"], float(row["tipping_factor"] or sign * float(row["tipping"]))) for row in moved)
    given = sorted((tables.id("regimens", name), text) for text, name in shown)
    return len(given) == len(wanted) and all(
        name == other and agrees(text, value)
        for (name, text), (other, value) in zip(_by_value(given), wanted, strict=True)
    )


def _by_value(given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(given, key=lambda pair: (pair[0], float(pair[1].replace("−", "-"))))


def _loss(shown: str, value: str) -> bool:
    return float(value) < 0.001 if shown.startswith("less") else agrees(shown, value)


def _trials(here: Passage, tables: Tables) -> list[Row]:
    return [row for row in _rows(here, tables, "next_study") if row["loss_avoided"]]


def _now(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    row = _trials(here, tables)[0]
    factor = agrees(found[5], row["expected_loss_now_ratio"]) if found[5] else not row["expected_loss_now_ratio"]
    first, unit = tables.id("regimens", found[1]) == row["first"], found[4] == row["unit"]
    return first and unit and factor and _loss(found[2], row["expected_loss_now"])


def _trial(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    """Numbers of all sizes, each from the row that avoids most of the loss of those of its size."""
    pairs, shown, unit, changes, now, left, decisive, cut, idle = found.group(*range(1, 6), 7, 8, 9, 10)
    by_size: dict[float, list[Row]] = {}
    for row in _trials(here, tables):
        by_size.setdefault(float(row["size"]), []).append(row)
    best = [max(rows, key=lambda row: float(row["loss_avoided"])) for rows in by_size.values()]
    best = sorted((row for row in best if row["best"] == "true"), key=lambda row: float(row["size"]))
    sizes = re.findall(r"[\d.]+", shown)
    none = set(by_size) - {float(row["size"]) for row in best}
    named = [
        " with ".join(tables.labels.regimens.get(row[key], row[key]) for key in ("treatment", "comparator"))
        for row in best
    ]
    by_size_named = {float(row["size"]): pair for row, pair in zip(best, named, strict=True)}
    losses = _of_each(re.findall(r"less than 0\.001|[\d.]+", left), len(best))
    columns = [(changes, "p_change"), (decisive, "p_decisive")]
    return (
        len(sizes) == len(best) == len(losses)
        and all(agrees(text, row["size"]) and row["size_unit"] == unit for text, row in zip(sizes, best, strict=True))
        and (pairs == named[0] if len(set(named)) == 1 else _pairs_of_sizes(pairs, unit) == by_size_named)
        and all(
            _percent(text, row[key])
            for each, key in columns
            for text, row in zip(_of_each(re.findall(r"([\d.]+)%", each), len(best)), best, strict=True)
        )
        and _loss(now, best[0]["expected_loss_now"])
        and all(_loss(text, row["loss_left"]) for text, row in zip(losses, best, strict=True))
        and agrees(cut, best[0]["decisive"])
        and {float(text) for text in re.findall(r"[\d.]+", idle or "")} == none
    )


def _of_each(texts: list[str], n: int) -> list[str]:
    """Repeat what is said once of all sizes."""
    return texts * n if len(texts) == 1 else texts


def _pairs_of_sizes(text: str, unit: str) -> dict[float, str]:
    """Which pair is compared by the trials of every size, where that is said."""
    parts = re.findall(rf"(?:^| or )(.+?) \(([\d., and]+) {unit}\)(?= or |$)", text)
    return {float(size): pair for pair, sizes in parts for size in re.findall(r"[\d.]+", sizes)}


def _no_trial(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = _trials(here, tables)
    sizes = {float(text) for text in re.findall(r"[\d.]+", found[1])}
    return (
        sizes == {float(row["size"]) for row in rows}
        and rows[0]["size_unit"] == found[2]
        and not any(row["best"] == "true" for row in rows)
    )


def _own_bias(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    return {row["instead_of"] for row in _rows(here, tables, "bias_tipping") if row["first"]} == {found[1]}


def _weights(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    (row,) = tables.read(here.outcome, "doubt", "specification_counts.csv")
    return all(_whole(found[k + 1], row[key]) for k, key in enumerate(("combinations", "invalid", "duplicates")))


def _held_out(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "doubt", "held_out.csv")
    compared = [row for row in rows if row["z"]]
    far = [row for row in compared if abs(float(row["z"])) > 1.5]
    of_others = [[row for row in each if row["p_value"]] for each in (compared, far)]
    wanted = [len(rows), len(compared), len(of_others[0]), len(far), len(of_others[1])]
    return [int(text) for text in found.groups()] == (wanted if len(found.groups()) > 1 else [len(far)])


def _freedom(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = tables.read(here.outcome, "doubt", "additivity.csv")
    return any(row["kind"] == "total" and row["df"] == found[1] for row in rows)


def _interaction(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = [row for row in tables.read(here.outcome, "doubt", "additivity.csv") if row["kind"] == "interaction"]
    keys = ("estimate", "sd", "z", "detectable")
    return any(
        row["estimate"]
        and all(agrees(found[k + 1], row[key]) for k, key in enumerate(keys))
        and (found[5] is None or agrees(found[5], exp(float(row["detectable"]))))
        for row in rows
    )


def _of_flips(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = [row for row in tables.read(here.outcome, "doubt", "specification_flips.csv") if row["first"]]
    return int(found[1]) < int(found[2]) == len(rows)


def decisive_sentences(tables: Tables) -> set[str]:
    """Sentences of decisive.csv, of which another test reads the numbers: the page gives them word for word."""
    return {" ".join(row["what"].split()) for row in _decisive(tables)}


def _decisive(tables: Tables) -> list[dict[str, str]]:
    file = "decisive.csv"
    return tables.read(file) if (tables.analysis / file).is_file() else []


def _more_decisive(found: re.Match[str], here: Passage, tables: Tables) -> bool:
    rows = [row for row in _decisive(tables) if row["outcome"] == here.outcome]
    counts = [sum(row["setting"] == each["setting"] for row in rows) for each in rows]
    return int(found[1]) + _PAGE in counts


_HIGHEST = (
    r"(?:nobody has a rank, as the effects between the candidates are prior-driven|the highest SUCRA is that of (.+?) "
    rf"\(P\(better\) {N} against (.+?)\))"
)
_OVERLAP = (
    rf"(?:^|(?<=\. ))([^.]+?) and ([^.]+?) may share up to {N} patients(?:, correlation {N})?: with none (?:and with "
    rf"all of them the highest SUCRA is that of (.+?), and P\(better\) against (.+?) is {N} and {N}\.|of them "
    rf"{_HIGHEST}, with all of them {_HIGHEST}\.)"
)
_ENDS = r"(?= [A-Z]|$)"
DOUBT_RULES: list[tuple[str, Check]] = [
    (rf"(?:^|(?<=\. ))([^.]+?) ranks first in {P} of {_AMONG}(?:; what decides most is {_DECIDES})?\.", _lead),
    (rf"No treatment is named first(?:, as [^:]*)?: of {_AMONG}, (.+?)\.{_ENDS}(?: What decides most is {_DECIDES}\.)?",
     _nobody),
    (rf"^Of ([\d,]+) defensible ways to analyse the studies,(?: {P} can rank the candidates; of these,)? ([^.]+?)\."
     r"(?= What|$)",
     _in_short),
    (r"(?<=\. )What decides most is (?:how (.+?) is read|the choice of “[^”]+”)\.$", _read),
    (r"In none of ([\d,]+) defensible analyses can the candidates be ranked\.", _in_none),
    (rf"The probability that (.+?) is better than (.+?) is {N} in the declared analysis and {N} in the median of all "
     rf"that estimate it; it is above 0\.95 in {P} of them\.", _certainty),
    (r"(A single choice changes who has the highest SUCRA|No single choice changes who has the highest SUCRA; two "
     rf"together do): (“.*?\))(?:; (\d+) more)?\.{_ENDS}", _flips),
    (r"No single choice and no pair of choices puts another candidate first\.", _no_flip),
    (r"After (\d+) choices? alone nobody has a rank", _unlinked),
    (rf"The study nearest to changing who has the highest SUCRA is (.+?): its (.+?) would have to move from {N} to "
     rf"{N}, by {N} standard errors, for (.+?) to have it\.", _nearest),
    (r"For (\d+) of (\d+) effects? a threshold lies inside the 95% interval\.", _inside),
    (r"No threshold lies inside the 95% interval of its effect\.", _inside),
    (rf"If all effects move together, {N} standard errors in the least favourable direction are enough\.", _radius),
    (_OVERLAP, _overlap),
    (r"The smallest biases whose removal gives the highest SUCRA to another candidate, as changes of the \S+ of the "
     rf"arm that they favour: (.*?\))\.{_ENDS}", _biases),
    (rf"(?:^|(?<=\. ))([^.]+?) has the best posterior mean; the expected loss of choosing it now, because another "
     rf"candidate may be better, is {_LOSS} \(([^,()]+)(?:, a factor of {N} in [^()]+)?\)\.", _now),
    (rf"The most valuable next trial would compare (.+?): of ([\d., and]+) ([a-z ]+?), it would change the choice with "
     rf"a probability of (.+?) and reduce the expected loss from {_LOSS} to (.+?); with a probability of (.+?), the "
     rf"candidate then chosen would be better than the next with a probability above {N}(?:; of ([\d., or]+) [a-z ]+?, "
     r"no trial would change the choice)?\.", _trial),
    (r"No trial of ([\d., or]+) ([a-z ]+?) would change the choice, whichever two candidates it compares\.", _no_trial),
    (r"These biases take the place of the one that the analysis has itself, (b ~ N\(.+?²\))\.", _own_bias),
    (r"Shares count combinations of choices: ([\d,]+), of which ([\d,]+) cannot be fitted and ([\d,]+) repeat another "
     r"analysis\.", _weights),
    (r"Of (\d+) printed figures? that the analysis does not use, (\d+) can be compared with it, (\d+) of them on other "
     r"patients than those of the fit; (\d+) differ from the prediction by more than 1\.5 standard deviations, (\d+) "
     r"of them on other patients\.", _held_out),
    (r": (\d+) printed figures? not used, with \|z\| above 1\.5$", _held_out),
    (r"The studies can contradict the additivity of component effects on (\d+) degrees? of freedom", _freedom),
    (rf"The estimate of the .+?, on the scale of the .+?, is {N} \(standard deviation {N}, z = {N}\); the smallest "
     rf"interaction detectable with 80% power(?:, allowing for heterogeneity,)? is {N}(?:, a ratio of {N},)? in either "
     r"direction\.", _interaction),
    (r"sets of choices that change the highest SUCRA, (\d+) of (\d+)$", _of_flips),
    (r"the table decisive\.csv lists (\d+) more", _more_decisive),
]  # fmt: skip
