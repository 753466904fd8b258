"""Tables of the report: rows of text from the CSV tables, with captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nma.report.sentences import SYMBOLS, best_candidate, learned
from nma.report.words import (
    INTERVAL,
    METHODS,
    NOT_A_CANDIDATE,
    Names,
    Row,
    by_rank,
    evidence_words,
    is_true,
    number,
    probability,
    ratio_interval,
)

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Table:
    """A table as the page shows it; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    title: str = ""


def _interval(row: Row, value: str, digits: int = 2) -> str:
    lower, upper = (number(row[f"{value}_{end}"], digits) for end in ("lower", "upper"))
    return f"{number(row[value], digits)} ({lower} to {upper})"


def _mix(text: str, names: Names, kind: str = "regimens") -> str:
    """Read a mix such as ``a:3 b:4`` as labels with patients."""
    parts = [part.rsplit(":", 1) for part in text.split()]
    if len(parts) == 1:
        return names.of(kind, parts[0][0])
    return ", ".join(f"{names.of(kind, name)} {n}" for name, n in parts)


def _arm(studies: Mapping[str, Any], study: str, arm: str) -> str:
    return str(studies.get(study, {}).get("arms", {}).get(arm, arm))


def evidence_table(evidence: Sequence[Row], effects: Sequence[Row], studies: Mapping[str, Any], names: Names) -> Table:
    """Tabulate what a fit used: contrasts, or counts by arm."""
    used = [row for row in evidence if is_true(row, "used")]
    if used and "log_effect" in used[0]:
        return _contrast_table(used, effects, studies, names)
    columns = ("Study", "Arm", "Treatments", "Events / patients", "Criterion", "Setting", "Remarks")
    rows = [
        [
            row["study"],
            _arm(studies, row["study"], row["arm"]),
            _mix(row["arm_mix"], names),
            f"{row['events']} / {row['n']}",
            row["criterion"] or "–",
            _mix(row["setting_mix"], names, "settings"),
            _remarks(row),
        ]
        for row in used
    ]
    return Table(f"{names.outcome_label}: counts used. Crude counts, not adjusted.", columns, rows)


def _contrast_table(used: Sequence[Row], effects: Sequence[Row], studies: Mapping[str, Any], names: Names) -> Table:
    keys = ("study", "contrast_set", "treatment_arm", "comparator_arm", "population", "method")
    figures = {tuple(row[key] for key in keys): row for row in effects if row["outcome"] == names.outcome}
    rows = []
    for row in used:
        figure = figures.get(tuple(row[key] for key in keys))
        arms = (_arm(studies, row["study"], row[f"{end}_arm"]) for end in ("treatment", "comparator"))
        mixes = (_mix(row[f"{end}_mix"], names) for end in ("treatment", "comparator"))
        rows.append(
            [
                row["study"],
                " against ".join(arms),
                " against ".join(mixes),
                f"{row['n_treatment']} and {row['n_comparator']}",
                ratio_interval(figure) if figure else "–",
                f"{number(row['log_effect'], 3)} ({number(row['se'], 3)})",
                METHODS.get(row["method"], row["method"]),
                row["adjustment"],
                _mix(row["setting_mix"], names, "settings"),
                _remarks(row),
            ]
        )
    columns = (
        "Study",
        "Arms",
        "Treatments",
        "Patients",
        f"{names.measure} (95% confidence interval)",
        f"log {names.measure} (SE)",
        "Method",
        "Adjusted or crude",
        "Setting",
        "Remarks",
    )
    return Table(f"{names.outcome_label}: contrasts used", columns, rows)


def _remarks(row: Row) -> str:
    remarks = [
        "rests on an assumed number of events" if row.get("assumed") == "true" else "",
        "" if is_true(row, "informative") else "uninformative",
        row.get("derived", ""),
        row["reason"],
    ]
    return "; ".join(filter(None, remarks)) or "–"


def excluded_table(evidence: Sequence[Row], names: Names) -> Table:
    """Tabulate the studies that a fit does not use, and why."""
    rows = [[row["study"], row["reason"] or "–"] for row in evidence if not is_true(row, "used")]
    return Table(f"{names.outcome_label}: studies not used", ("Study", "Reason"), rows)


def ranking_table(ranking: Sequence[Row], setting: str, names: Names) -> Table:
    """Tabulate the ranking of one setting, best first."""
    columns = ("Treatment", "SUCRA", "Median rank", "P(best)", "Evidence against the reference")
    rows = [
        [
            names.regimen(row["treatment"]) + ("" if is_true(row, "candidate") else f" ({NOT_A_CANDIDATE})"),
            _interval(row, "sucra"),
            f"{row['median_rank']} ({row['rank_lower']} to {row['rank_upper']})",
            probability(row["p_best"]),
            evidence_words(row["evidence"]),
        ]
        for row in by_rank(ranking, setting)
    ]
    poth = number(next(row["poth"] for row in ranking if row["setting"] == setting))
    caption = f"{names.outcome_label}, {names.setting(setting)}: ranking with {INTERVAL}s; POTH {poth}"
    return Table(caption, columns, rows, names.setting(setting))


def league_table(league: Sequence[Row], setting: str, names: Names) -> Table:
    """Tabulate every treatment (row) against every other (column)."""
    treatments = [row["treatment"] for row in league if row["setting"] == setting]
    rows = [
        [names.regimen(row["treatment"]), *(row[comparator] or "–" for comparator in treatments)]
        for row in league
        if row["setting"] == setting
    ]
    caption = f"{names.outcome_label}, {names.setting(setting)}: {names.measure} of row against column, {INTERVAL}"
    columns = ("Treatment", *(names.regimen(name) for name in treatments))
    return Table(caption, columns, rows, names.setting(setting))


def sensitivity_table(
    sensitivity: Sequence[Row],
    ranking: Sequence[Row],
    setting: str,
    settings: Mapping[str, Any],
    names: Names,
) -> Table:
    """Tabulate for every analysis the first among the candidates, and where this report's first stands."""
    barred = settings["not_candidates"].get(setting, [])
    best = best_candidate(ranking, setting)
    mine = best["treatment"] if best else ""
    by_analysis: dict[str, dict[str, Row]] = {}
    for row in sensitivity:
        if row["setting"] == setting:
            by_analysis.setdefault(row["analysis"], {})[row["treatment"]] = row
    rows = []
    for analysis in sorted(by_analysis, key=lambda name: _analysis_order(name, settings)):
        members = by_analysis[analysis]
        order = sorted(
            (row for row in members.values() if row["treatment"] not in barred),
            key=lambda row: -float(row["sucra"]),
        )
        cells = [_analysis_label(analysis, settings), str(len(members))]
        cells += _rank_cells(order[0], names) if order else ["–"] * 3
        cells += _rank_cells(members[mine], names)[1:] if mine in members else ["not in the network", "–"]
        rows.append(cells)
    label = names.regimen(mine) if mine else "–"
    columns = (
        "Analysis",
        "Treatments ranked",
        "First among candidates",
        "SUCRA",
        "P(best)",
        f"{label}: SUCRA",
        f"{label}: P(best)",
    )
    caption = f"{names.outcome_label}, {names.setting(setting)}: what the first rank hangs on"
    return Table(caption, columns, rows, names.setting(setting))


def _rank_cells(row: Row, names: Names) -> list[str]:
    return [names.regimen(row["treatment"]), number(row["sucra"]), probability(row["p_best"])]


def _left_out(analysis: str, settings: Mapping[str, Any]) -> str:
    """Study left out in an analysis named ``<analysis>_without_<study>``, or nothing."""
    prefix = f"{settings['leave_one_out']}_without_"
    is_known = analysis in settings["labels"]["analyses"]
    return analysis.removeprefix(prefix) if analysis.startswith(prefix) and not is_known else ""


def _analysis_label(analysis: str, settings: Mapping[str, Any]) -> str:
    analyses = settings["labels"]["analyses"]
    study = _left_out(analysis, settings)
    if study:
        return f"{analyses[settings['leave_one_out']]}, leaving out {study}"
    label = str(analyses.get(analysis, analysis))
    return f"{label} (this report)" if analysis == settings["analysis"] else label


def _analysis_order(analysis: str, settings: Mapping[str, Any]) -> tuple[int, str]:
    known = list(settings["labels"]["analyses"])
    if analysis == settings["analysis"]:
        return -1, analysis
    return (known.index(analysis) if analysis in known else len(known)), analysis


def heterogeneity_table(parameters: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate tau and omega of every model."""
    rows = [
        [
            model,
            SYMBOLS[row["parameter"]],
            _interval({**row, "median_lower": row["lower"], "median_upper": row["upper"]}, "median"),
            row["prior"],
            learned(row),
        ]
        for model, members in parameters.items()
        for row in members
    ]
    columns = ("Model", "Parameter", f"Median ({INTERVAL})", "Prior", "What the data added")
    return Table(f"{names.outcome_label}: heterogeneity on the log scale", columns, rows)


def statistics_table(statistics: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate the fit statistics of every model."""
    rows = [
        [
            model,
            row["data_points"],
            *(number(row[key]) for key in ("residual_deviance", "p_d", "dic")),
            f"{number(row['elpd_loo'])} ({number(row['elpd_loo_se'])})",
            number(row["p_loo"]),
        ]
        for model, members in statistics.items()
        for row in members
    ]
    columns = ("Model", "Data points", "Residual deviance", "pD", "DIC", "elpd LOO (SE)", "p LOO")
    return Table(f"{names.outcome_label}: fit statistics; LOO leaves out a study", columns, rows)


def check_table(checks: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate the largest differences between the sampler and the exact engine."""
    rows = []
    for model, members in checks.items():
        scored = [row for row in members if row["z"]]
        worst = max(scored, key=lambda row: abs(float(row["z"])), default=None)
        pareto = max((row["pareto_k"] for row in members if row["pareto_k"]), key=float, default="")
        rows.append(
            [
                model,
                str(len(scored)),
                number(worst["z"].removeprefix("-")) if worst else "–",
                f"{worst['parameter']}, {worst['quantity']}" if worst else "–",
                number(pareto),
            ]
        )
    columns = ("Model", "Quantities compared", "Largest |z|", "Where", "Largest Pareto k")
    return Table(f"{names.outcome_label}: sampler against exact engine", columns, rows)


def mixture_table(mixtures: Sequence[Row], studies: Mapping[str, Any], names: Names) -> Table:
    """Tabulate how far the mixture approximation is off for studies with mixed arms."""
    rows = [
        [
            row["study"],
            " against ".join(_arm(studies, row["study"], row[f"{end}_arm"]) for end in ("treatment", "comparator")),
            *(number(row[key], 3) for key in ("linear", "marginal", "error", "se")),
        ]
        for row in mixtures
    ]
    columns = (
        "Study",
        "Arms",
        "As modelled",
        "As a large study would see it",
        "Error",
        "Standard error of the study",
    )
    return Table(f"{names.outcome_label}: error of the mixture approximation, log {names.measure}", columns, rows)


def fits_table(fits: Sequence[Row], names: Names) -> Table:
    """Tabulate how every fit went."""
    rows = [
        [
            names.of("outcomes", row["outcome"]),
            row["model"],
            "yes" if is_true(row, "converged") else "NO",
            row["draws"],
            number(row["min_ess_bulk"], 0),
            number(row["max_r_hat"], 4),
            row["divergences"],
        ]
        for row in fits
    ]
    columns = ("Outcome", "Model", "Converged", "Draws", "Smallest bulk ESS", "Largest R-hat", "Divergences")
    return Table("Convergence of every fit", columns, rows)


def audit_tables(audit: Sequence[Row]) -> list[Table]:
    """Tabulate the audit findings, one table a severity, the gravest first."""
    columns = ("Study", "Item", "Check", "Reported", "Recomputed", "Message")
    result = []
    for severity in [*SEVERITIES, *sorted({row["severity"] for row in audit} - set(SEVERITIES))]:
        rows = [
            [
                row["study"],
                row["item"],
                row["check"].replace("_", " "),
                _short(row["reported"]),
                _short(row["recomputed"]),
                row["message"],
            ]
            for row in audit
            if row["severity"] == severity
        ]
        result.append(Table(f"Audit of the study sheets: {severity}", columns, rows, severity))
    return result


def _short(text: str) -> str:
    """Shorten a number to four significant digits; leave words as they are."""
    try:
        return f"{float(text):.4g}".replace("-", "−")
    except ValueError:
        return text or "–"


def studies_table(studies: Mapping[str, Any]) -> Table:
    """Tabulate the studies with their designs and sources."""
    rows = [[name, facts["design"].replace("_", " "), facts["citation"]] for name, facts in studies.items()]
    return Table("Studies and their designs", ("Study", "Design", "Source"), rows)
