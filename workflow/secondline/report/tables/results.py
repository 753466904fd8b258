"""Tables of the report: rows of text from the CSV tables, with captions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from secondline.cell_values import EXPONENTIAL, IMPOSSIBLE_RISK, METHODS, SEVERITIES, TOGETHER, see_analyses
from secondline.cells import baseline_cell, merged_categories, parse_baseline
from secondline.network.arms import is_contrast, used_rows
from secondline.report.certainty import Certainty, Shade
from secondline.report.direct import against_baseline
from secondline.report.prose.first import ranked_candidates
from secondline.report.settings import StudyFacts
from secondline.report.tables.observed import observed_beside, observed_words
from secondline.report.words import (
    INTERVAL,
    Names,
    Row,
    absolute_scale,
    by_rank,
    is_true,
    listed,
    number,
    probability,
    rank_note,
    reference_of,
    settings_of,
)

ENDS = ("treatment", "comparator")


@dataclass(frozen=True)
class Table:
    """A table as the page shows it; the first cell of a row is its heading.

    ``studies`` names the studies behind every row, joined by ``|``, where the page is to find them. ``shades`` has the
    shade of every cell, where a table is coloured; ``notes`` are numbered from 1 under it. In documents ``marks`` stand
    after the text of the cells, raised, and ``section`` is the heading under which the table stands.
    """

    caption: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    title: str = ""
    studies: Sequence[str] = ()
    shades: Sequence[Sequence[Shade | None]] = ()
    notes: Sequence[str] = ()
    marks: Sequence[Sequence[str]] = ()
    section: str = ""
    anchor: str = ""
    """Of its notes, on the page: a number follows."""


def interval(row: Row, value: str, digits: int = 2) -> str:
    """Format a value and its interval, from columns such as ``sucra``, ``sucra_lower`` and ``sucra_upper``."""
    lower, upper = (number(row[f"{value}_{end}"], digits) for end in ("lower", "upper"))
    return f"{number(row[value], digits)} ({lower} to {upper})"


def trimmed(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], studies: Sequence[str] = ()) -> Table:
    """Build a table without its empty columns."""
    kept = [k for k in range(len(columns)) if k == 0 or any(row[k] not in ("", "–") for row in rows)]
    cells = [[row[k] for k in kept] for row in rows]
    return Table(caption, tuple(columns[k] for k in kept), cells, studies=studies)


def _mix(text: str, label: Callable[[str], str]) -> str:
    """Read a mix such as ``a:3 b:4`` as labels with patients."""
    parts = [part.rsplit(":", 1) for part in text.split()]
    if len(parts) == 1:
        return label(parts[0][0])
    return ", ".join(f"{label(name)} {n}" for name, n in parts)


def arm_label(studies: Mapping[str, StudyFacts], study: str, arm: str) -> str:
    """Label of an arm as its study sheet gives it, or its id."""
    return studies[study].arms.get(arm, arm) if study in studies else arm


def _arm(studies: Mapping[str, StudyFacts], study: str, arm: str, mix: str) -> str:
    """Label of an arm; nothing where it is called by what it received."""
    named_by_mix = arm == mix or [arm] == [part.rsplit(":", 1)[0] for part in mix.split()]
    return "" if named_by_mix else arm_label(studies, study, arm)


def evidence_tables(
    evidence: Sequence[Row],
    effects: Sequence[Row],
    studies: Mapping[str, StudyFacts],
    names: Names,
    derivation: Sequence[Row] = (),
) -> list[Table]:
    """Tabulate what a fit used: contrasts, figures by arm, or both."""
    used = used_rows(evidence)
    contrasts, arms = [row for row in used if is_contrast(row)], [row for row in used if not is_contrast(row)]
    tables = [_contrast_table(contrasts, effects, studies, names, derivation)] if contrasts else []
    return tables + ([_arm_table(arms, studies, names)] if arms else [])


def _arm_table(used: Sequence[Row], studies: Mapping[str, StudyFacts], names: Names) -> Table:
    counts = any(row.get("events") for row in used)
    columns = (
        "Study",
        "Arm",
        "Treatments",
        "Events / patients",
        "Patients",
        "Time",
        "Mean (SE)",
        "Patients by category",
        "Criterion",
        "Setting",
        "Covariates",
        "Remarks",
    )
    rows = [
        [
            names.study(row["study"]),
            _arm(studies, row["study"], row["arm"], row["arm_mix"]),
            _mix(row["arm_mix"], names.regimen),
            " / ".join(filter(None, [row["events"], row["n"]])) if counts else "",
            "" if counts else row["n"],
            row.get("time") or "",
            f"{number(row['mean'])} ({number(row['se'], 3)})" if row.get("mean") else "",
            ", ".join(f"{name} {n}" for name, n in merged_categories(row.get("categories", "")).items()),
            row.get("criterion", ""),
            _mix(row["setting_mix"], names.setting),
            _values(row),
            names.said(_remarks(row)),
        ]
        for row in used
    ]
    kind = "counts used, unadjusted" if counts else "arm-level data used"
    return trimmed(f"{names.outcome_label}: {kind}", columns, rows, [row["study"] for row in used])


def _contrast_table(
    used: Sequence[Row],
    effects: Sequence[Row],
    studies: Mapping[str, StudyFacts],
    names: Names,
    derivation: Sequence[Row],
) -> Table:
    keys = ("study", "contrast_set", "treatment_arm", "comparator_arm", "population", "method")
    here = [row for row in effects if row["outcome"] == names.outcome]
    figures = {tuple(row[key] for key in keys): row for row in sorted(here, key=lambda row: is_true(row, "selected"))}
    rows = []
    for row in used:
        figure = figures.get(tuple(row[key] for key in keys))
        arms = [_arm(studies, row["study"], row[f"{end}_arm"], row[f"{end}_mix"]) for end in ENDS]
        patients = [row[f"n_{end}"] for end in ENDS]
        rows.append(
            [
                names.study(row["study"]),
                " against ".join(arms) if any(arms) else "–",
                " against ".join(_mix(row[f"{end}_mix"], names.regimen) for end in ENDS),
                " and ".join(n or "unknown" for n in patients) if any(patients) else "",
                names.estimate(figure) if figure else "–",
                f"{number(row['effect'], 3)} ({number(row['se'], 3)})",
                METHODS.get(row["method"], row["method"]),
                row["adjustment"],
                _mix(row["setting_mix"], names.setting),
                _values(row),
                names.said(_remarks(row, _rung_remark(row, names.outcome, derivation))),
            ]
        )
    columns = (
        "Study",
        "Arms",
        "Treatments",
        "Patients",
        f"{names.measure} (95% CI)",
        f"{names.link_scale} (SE)",
        "Method",
        "Adjusted or crude",
        "Setting",
        "Covariates",
        "Remarks",
    )
    caption = f"{names.outcome_label}: contrasts used, with 95% confidence intervals"
    return trimmed(caption, columns, rows, [row["study"] for row in used])


def _values(row: Row) -> str:
    """Read the covariates of a study, ``age:61.5 year:2004``."""
    return row.get("covariates", "").replace(" ", ", ").replace(":", " ")


def _rung_remark(row: Row, outcome: str, derivation: Sequence[Row]) -> str:
    """Say how far the choice of rung moves an effect, where that is more than one standard error."""
    keys = ("study", "contrast_set", "treatment_arm", "comparator_arm")
    for spread in derivation:
        same = spread["outcome"] == outcome and all(spread[key] == row[key] for key in keys)
        if same and spread["method"] == "any" and is_true(spread, "rung_matters"):
            return f"the choice of source shifts the estimate by up to {number(spread['shift'], 1)} standard errors"
    return ""


def _remarks(row: Row, rung: str = "") -> str:
    remarks = [
        rung,
        _assumption(row) if row.get("assumed") == "true" else "",
        "" if is_true(row, "informative") else "uninformative",
        row.get("derived", ""),
        row["reason"],
    ]
    return "; ".join(filter(None, remarks)) or "–"


def _assumption(row: Row) -> str:
    about_arms = "assumed" in row["method"] or TOGETHER in row["reason"]
    return f"based on {'assumptions about its arms' if about_arms else 'an assumed number of events'}"


def excluded_table(evidence: Sequence[Row], names: Names) -> Table:
    """Tabulate the studies that a fit does not use, and why."""
    rows = [
        [names.study(row["study"]), names.said(row["reason"]) or "–"] for row in evidence if not is_true(row, "used")
    ]
    return Table(f"{names.outcome_label}: studies not used", ("Study", "Reason"), rows)


def ranking_table(ranking: Sequence[Row], setting: str, names: Names) -> Table:
    """Tabulate the ranking of one setting, best first; with the ranks among candidates first where not all have one."""
    among, reference = any(map(rank_note, ranking)), reference_of(ranking, setting)
    every = " among all" if among else ""
    columns = ["Treatment", *(["SUCRA among candidates", "P(best) among candidates"] if among else [])]
    columns += [f"SUCRA{every}", f"Median rank{every}", f"P(best){every}"]
    ranked = ranked_candidates(ranking, setting)
    order = [*ranked, *(row for row in by_rank(ranking, setting) if row not in ranked)]
    rows = [
        [
            names.regimen(row["treatment"]) + (f" ({rank_note(row)})" if rank_note(row) else ""),
            *(among_candidates(row) if among else ()),
            interval(row, "sucra"),
            f"{row['median_rank']} ({row['rank_lower']} to {row['rank_upper']})",
            probability(row["p_best"]),
            names.evidence(row, reference),
        ]
        for row in order
    ]
    poth = number(next(row["poth"] for row in ranking if row["setting"] == setting))
    caption = f"{names.heading(setting)}: ranking with {INTERVAL}s; POTH{every} {poth}"
    return Table(caption, (*columns, "Evidence against the reference"), rows, names.place(setting))


def among_candidates(row: Row) -> list[str]:
    """SUCRA with its interval, and P(best), among the candidates; dashes for a treatment without a rank there."""
    ranked = row["candidate_sucra"]
    return [interval(row, "candidate_sucra"), probability(row["candidate_p_best"])] if ranked else ["–", "–"]


def league_table(league: Sequence[Row], setting: str, names: Names, certainty: Certainty | None = None) -> Table:
    """Tabulate every treatment (row) against every other (column), each cell with the certainty where it is known."""
    here = [row for row in league if row["setting"] == setting]
    treatments = [row["treatment"] for row in here]
    rows, shades = [], []
    for row in here:
        texts = {comparator: row[comparator].replace("-", "−") for comparator in treatments}
        found = {
            comparator: certainty.of(setting, row["treatment"], comparator) if certainty and texts[comparator] else None
            for comparator in treatments
        }
        rows.append([names.regimen(row["treatment"]), *(text or "–" for text in texts.values())])
        shades.append([None, *found.values()])
    caption = f"{names.heading(setting)}: {names.measure} of row against column, {INTERVAL}"
    caption += "; colour and letter: certainty" if certainty else ""
    columns = ("Treatment", *(names.regimen(name) for name in treatments))
    return Table(caption, columns, rows, names.place(setting), shades=shades if certainty else ())


def audit_tables(audit: Sequence[Row], names: Names) -> list[Table]:
    """Tabulate the audit findings, one table per severity, the gravest first."""
    columns = ("Study", "Item", "Check", "Reported", "Recomputed", "Message")
    result = []
    for severity in [*SEVERITIES, *sorted({row["severity"] for row in audit} - set(SEVERITIES))]:
        rows = [
            [
                names.study(row["study"]),
                names.said(row["item"]),
                row["check"].replace("_", " "),
                _short(row["reported"]),
                _short(row["recomputed"]),
                _message(row, names),
            ]
            for row in audit
            if row["severity"] == severity
        ]
        result.append(Table(f"Audit of the evidence: {severity}", columns, rows, severity))
    return result


def _message(finding: Row, names: Names) -> str:
    """Message of a finding with the names of studies, and with the labels of the analyses to which it refers."""
    analyses = (finding.get("analyses") or "").split()
    labels = listed(f"“{names.label_of_analysis(name)}”" for name in analyses)
    message = names.said(finding["message"])
    return (
        message.replace(see_analyses(analyses), f"see the {'analysis' if len(analyses) == 1 else 'analyses'} {labels}")
        if analyses
        else message
    )


def _short(text: str) -> str:
    """Shorten a number to four significant digits; leave words as they are."""
    try:
        return f"{float(text):.4g}".replace("-", "−")
    except ValueError:
        return text or "–"


def absolute_table(absolute: Sequence[Row], setting: str, names: Names, observed: Sequence[Row] = ()) -> Table:
    """Tabulate the outcome under every treatment, from the declared baseline, beside what arms observed.

    Parameters
    ----------
    observed : rows
        network/observed.csv.
    """
    here = [row for row in absolute if row["setting"] == setting]
    seen = [observed_beside(observed, row) for row in here]
    beside = any(seen)
    rows = [
        [
            names.regimen(row["treatment"]),
            names.absolute(row),
            against_baseline(row, names),
            *([observed_words(found, names)] if beside else []),
        ]
        for row, found in zip(here, seen, strict=True)
    ]
    first = here[0]
    baseline = ", ".join(filter(None, [_baseline(first["baseline"], names), names.said(first["source"])]))
    caption = f"{names.heading(setting)}: absolute effects, from the baseline {baseline}"
    scale = absolute_scale(first)
    columns = (
        "Treatment",
        f"{scale[0].upper()}{scale[1:]} ({INTERVAL})",
        "Evidence against the baseline",
        *(["Observed in study arms (interval as printed)"] if beside else []),
    )
    return Table(caption, columns, rows, names.place(setting))


_WITHHELD = {
    False: "No estimate is given where the effect relative to the baseline is extrapolated or prior-driven.",
    True: "No estimate is given where the effect takes the risk, or a limit of it, below 0 or above 1.",
}
"""Said of absolute effects that are missing, by whether they are impossible risks."""


def assumption_sentences(absolute: Sequence[Row], names: Names) -> list[str]:
    """Say what the absolute effects of an outcome assume, setting by setting."""
    if not absolute:
        return []
    medians = all(row["assumptions"].startswith(EXPONENTIAL) for row in absolute)
    common = "The uncertainty of the baseline is included and assumed to be independent of the relative effects." + (
        f" Medians assume {EXPONENTIAL}. They apply a relative effect, adjusted or not, to the crude median of a "
        "single arm, and need not agree with those observed in other arms."
        if medians
        else ""
    )
    texts = {row["setting"]: names.said(row["assumptions"]) for row in absolute}
    if medians:
        texts = {setting: text.removeprefix(EXPONENTIAL).removeprefix("; ") for setting, text in texts.items()}
    said = [f"{names.place(setting)}: {text}".removeprefix(": ") for setting, text in texts.items() if text]
    missing = [names.place(setting) for setting in names.labels.settings if setting not in settings_of(absolute)]
    impossible = {row["reason"] == IMPOSSIBLE_RISK for row in absolute if not row["absolute"]}
    withheld = [_WITHHELD[kind] for kind in sorted(impossible)]
    return [
        common,
        *withheld,
        *([f"Assumptions: {'; '.join(said)}."] if said else []),
        *([f"No baseline has been declared for: {listed(missing)}."] if missing else []),
    ]


def paired_table(league: Sequence[Row], pair: tuple[str, str], setting: str, names: Names) -> Table:
    """Tabulate two outcomes in one league table: the first below the diagonal, the second above it."""
    here = [row for row in league if (row["below"], row["above"]) == tuple(pair) and row["setting"] == setting]
    order = [row["treatment"] for row in here]
    rows = [[names.regimen(row["treatment"]), *(row[name].replace("-", "−") or "–" for name in order)] for row in here]
    below, above = (replace(names, outcome=outcome) for outcome in pair)
    caption = (
        f"{names.place(setting) or names.analysis_label}: below the diagonal {below.measure} of "
        f"{below.outcome_label}, above it {above.measure} of {above.outcome_label}; row against column, {INTERVAL}"
    )
    return Table(caption, ("Treatment", *map(names.regimen, order)), rows, names.place(setting))


def _baseline(text: str, names: Names) -> str:
    """Read a baseline such as ``placebo ~ N(-0.73, 0.22^2)`` with the label of its regimen."""
    regimen, figure = parse_baseline(text)
    return baseline_cell(names.regimen(regimen), figure).replace("-", "−").replace("^2", "²")
