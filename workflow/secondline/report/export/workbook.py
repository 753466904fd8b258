"""The tables of one analysis as a workbook: a sheet of notes, then one per table over all outcomes and settings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from secondline.cell_values import OVERALL
from secondline.layout import RANKED
from secondline.measures import MEASURES
from secondline.report.direct import direct_of
from secondline.report.export.archives import EPOCH
from secondline.report.settings import ReportSettings
from secondline.report.words import Names, Row
from secondline.tables import read_table, write_bytes

if TYPE_CHECKING:
    from xlsxwriter import Workbook

WIDEST = 48  # letters
# Meanings of the columns whose names do not say it.
COLUMNS = {
    "mean, sd, median, lower, upper": "posterior, on the link scale: logarithm of a ratio, or the difference itself",
    "estimate, estimate_lower, estimate_upper": "posterior median and 95% equal-tailed limits, natural scale",
    "predictive_lower, predictive_upper": "95% limits of the effect in a new study, link scale",
    "p_better, p_margin": "probability that the treatment is better, and better by more than the relevant margin",
    "sucra": "surface under the cumulative ranking curve: 0 worst, 1 best, for every outcome",
    "poth": "precision of the treatment hierarchy: 0 if all orders are equally probable, 1 if the order is certain",
    "evidence": "direct, mixed_setting (several settings combined), indirect, extrapolated or prior_driven",
    "direct_share": "share of what the studies say of the effect that is from those which compare the two directly",
    "candidate": "whether the treatment may be chosen in the setting: it contains no drug that failed there",
    "candidate_sucra, candidate_p_best": "among the candidates that the data rank; empty for any other treatment",
    "named_first, not_named": "whether the treatment is named first; why no treatment in the setting is named first",
    "contraction": "1 - (posterior sd / prior sd)^2",
    "prior_sensitivity": "largest widening of the posterior sd when one of the prior scales is doubled",
    "prior_sensitivity_error, prior_sensitivity_prior": "its Monte Carlo error, and the prior concerned",
    "absolute, absolute_lower, absolute_upper": "expected outcome and 95% limits on the scale of its row, in its unit",
    "absolute_mean, absolute_sd": "mean and standard deviation of the expected outcome",
    "shown": "whether most patients of the arm received the treatment in the setting",
    "same_test": "tests that share a number test the same degree of freedom",
    "detectable": "smallest difference detectable with 80% power, without heterogeneity, link scale",
    "assumptions": "what the absolute outcome of the row assumes",
    "effect, se": "effect used by a fit, link scale, and its standard error",
    "assumed, derived": "what was assumed about the figure of a study, or derived rather than printed",
    "engine": "exact: the posterior in closed form; importance: draws by importance sampling; sampled: Markov chains",
    "converged": "false: the fit failed its checks; do not use the numbers of the row",
}


@dataclass(frozen=True)
class Sheet:
    """A table of the workbook: what it holds, and rows as its CSV files have them."""

    name: str
    holds: str
    rows: Sequence[Row]


def analysis_sheets(folder: Path, sensitivity: Sequence[Row], settings: ReportSettings) -> list[Sheet]:
    """Gather the tables of one analysis, those without rows left out.

    Parameters
    ----------
    folder : path
        results/<analysis>
    sensitivity : rows
        The table of all analyses side by side.
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    """
    outcomes, models, headline = settings.outcomes, settings.models, settings.labels.headline

    def stacked(table: str, folders: Sequence[str] = ("",)) -> list[Row]:
        rows: list[Row] = []
        for outcome in outcomes:
            for part in folders:
                found = folder / outcome / part / f"{table}.csv"
                extra = {"outcome": outcome, **({"model": part} if part in models else {})}
                rows += [{**extra, **row} for row in read_table(found)]
        return rows

    shares = direct_of(folder, settings)

    def with_shares(rows: Sequence[Row]) -> list[Row]:
        def share(row: Row) -> str:
            pair = row["treatment"], row["comparator"]
            return shares.get((row["outcome"], headline, row["setting"], *pair), "")

        return [{**row, "direct_share": share(row)} for row in rows] if shares else list(rows)

    checks = ["inconsistency"] if settings.inconsistency == settings.analysis else []
    sheets = [
        Sheet("Evidence", "the data used by each fit, and why a study was not used", stacked("evidence")),
        Sheet("Relative effects", "every pair in every setting", with_shares(stacked("relative_effects", [headline]))),
        Sheet("Ranking", "SUCRA, ranks, P(best)", stacked("ranking", [headline])),
        Sheet("Rank probabilities", "probability of every rank", stacked("rank_probabilities", [headline])),
        Sheet("Absolute effects", "expected outcomes from declared baselines", stacked("absolute_effects", [headline])),
        Sheet(
            "Conversions",
            "differences of risks, numbers needed to treat, survival",
            stacked("conversions", [headline]),
        ),
        Sheet("Observed outcomes", "outcomes observed in the study arms", stacked("observed", ["network"])),
        Sheet("League tables", "row against column, rounded", stacked("league_table", [headline])),
        Sheet(
            "Two outcomes",
            "league tables with one outcome below and one above the diagonal, rounded",
            read_table(folder / "summary" / "league_pairs.csv"),
        ),
        Sheet("Rankings by model", "SUCRA of every model", read_table(folder / "summary" / "ranking.csv")),
        Sheet("Coefficients", "component effects, interactions and slopes", stacked("coefficients", models)),
        Sheet("Heterogeneity", "tau and omega compared with their priors", stacked("heterogeneity", models)),
        Sheet("Model fit", "deviance, DIC, leave-one-out", stacked("fit_statistics", models)),
        Sheet(
            "Degrees of freedom",
            "tests of inconsistency, and which of them concern the same degree of freedom",
            stacked("degrees_of_freedom", checks),
        ),
        Sheet("Node-splits", "direct against indirect", stacked("node_splits", checks)),
        Sheet("Unrelated effects", "without and with consistency", stacked("unrelated_effects", checks)),
        Sheet("Convergence", "convergence of each fit", read_table(folder / "summary" / "fits.csv")),
        Sheet("Sensitivity", _compared(settings), _ranks_of(sensitivity, headline)),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def _compared(settings: ReportSettings) -> str:
    """Say what the table of sensitivity compares."""
    there = settings.compared_in
    return (
        f"rankings of this analysis; for all analyses, see “{there}”"
        if there
        else "rankings of all analyses and refits"
    )


def _ranks_of(sensitivity: Sequence[Row], model: str) -> list[Row]:
    """Ranks of the headline model, once per treatment."""
    kept = ("analysis", "outcome", "setting", "treatment", *RANKED)
    rows = ({key: row[key] for key in kept} for row in sensitivity if row["model"] == model)
    return [dict(items) for items in dict.fromkeys(tuple(row.items()) for row in rows)]


def write_workbook(
    file: Path, sheets: Sequence[Sheet], failed: Sequence[str], names: Names, *, title: str = "", question: str = ""
) -> None:
    """Write the workbook of an analysis.

    Numbers are numbers, shown with three decimals and kept in the precision of the format; ids of outcomes,
    treatments, settings, studies and analyses are written as labels, which the notes translate back.

    Parameters
    ----------
    sheets : sequence of Sheet
        From `analysis_sheets`.
    failed : sequence of str
        Fits whose numbers are not to be used.
    title, question : str
        What the workbook is about, by default the analysis, and the question that it answers.
    """
    from xlsxwriter import Workbook

    title = title or names.analysis_label
    content = BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"title": title, "created": EPOCH})
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        decimals = book.add_format({"num_format": "0.000"})
        _write_notes(book, _notes(sheets, failed, title, question, names))
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            columns = list(dict.fromkeys(key for row in sheet.rows for key in row))
            texts = [[_labelled(names, column, row.get(column, "")) for column in columns] for row in sheet.rows]
            heads = [names.regimen(column) for column in columns]
            for k, head in enumerate(heads):
                page.write_string(0, k, head, bold)
                longest = max([len(head), *(len(row[k]) for row in texts)])
                page.set_column(k, k, min(max(longest if not _number(texts[0][k]) else 10, 8), WIDEST))
            for i, row in enumerate(texts, start=1):
                for k, text in enumerate(row):
                    value = _number(text) if columns[k] not in ("study", "arm") else None
                    if value is None:
                        page.write_string(i, k, text)
                    elif value == int(value) and "." not in text:
                        page.write_number(i, k, value)
                    else:
                        page.write_number(i, k, value, decimals)
            page.freeze_panes(1, 0)
            page.autofilter(0, 0, len(texts), len(columns) - 1)
    write_bytes(file, content.getvalue())


def _number(text: str) -> float | None:
    """Read a number; None for words."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


LABELLED: dict[str, Callable[[Names, str], str]] = {
    "outcome": Names.label_of_outcome,
    "below": Names.label_of_outcome,
    "above": Names.label_of_outcome,
    "setting": Names.setting,
    "treatment": Names.regimen,
    "comparator": Names.regimen,
    "analysis": Names.label_of_analysis,
    "study": Names.study,
    **dict.fromkeys(("reason", "source", "assumptions"), Names.said),
}


def _labelled(names: Names, column: str, text: str) -> str:
    """Label of an id in a column that holds ids, and texts with the names of studies."""
    return LABELLED[column](names, text) if column in LABELLED else text


def _write_notes(book: "Workbook", notes: Iterator[tuple[str, list[str]]]) -> None:
    """Write the first sheet: what the workbook is, units, and ids behind the labels."""
    page = book.add_worksheet("Notes")
    head = book.add_format({"bold": True})
    alarm = book.add_format({"bold": True, "font_color": "#b00020"})
    page.set_column(0, 0, 34)
    page.set_column(1, 3, 60)
    for i, (kind, cells) in enumerate(notes):
        for k, text in enumerate(cells):
            page.write_string(i, k, text, {"head": head, "alarm": alarm}.get(kind))


def _notes(
    sheets: Sequence[Sheet], failed: Sequence[str], title: str, question: str, names: Names
) -> Iterator[tuple[str, list[str]]]:
    """Rows of the notes, each a heading, an alarm or text."""
    labels = names.labels
    yield "head", [f"Network meta-analysis: {title}"]
    if failed:
        yield "alarm", ["NOT CONVERGED, do not use:", "; ".join(failed)]
    if question and question != title:
        yield "", ["Question", question]
    yield "", ["Analysis", names.analysis_label]
    yield "", ["Headline model", names.model]
    yield "", ["Intervals", "95% equal-tailed credible intervals, unless a column says otherwise"]
    yield (
        "",
        [
            "Numbers",
            "displayed to three decimal places, stored at spreadsheet precision; the CSV files have full precision",
        ],
    )
    yield "", []
    yield "head", ["Outcome", "Effect measure", "Better", "Relevant margin"]
    for outcome, label in labels.outcomes.items():
        if any(row.get("outcome") == outcome for sheet in sheets for row in sheet.rows):
            measure = labels.measures[outcome]
            cells = [f"{measure}, {MEASURES[measure].words.lower()}", labels.better[outcome]]
            yield "", [f"{label} ({outcome})", *cells, str(labels.margins[outcome])]
    yield "", []
    yield "head", ["Sheet", "Contents"]
    for sheet in sheets:
        yield "", [sheet.name, sheet.holds]
    yield "", []
    yield "head", ["Column", "Meaning"]
    known = {key for sheet in sheets for row in sheet.rows for key in row}
    for column, meaning in COLUMNS.items():
        if set(column.split(", ")) & known:
            yield "", [column, meaning]
    yield "", []
    yield "head", ["Treatment", "Its id in the CSV files"]
    for name, label in labels.regimens.items():
        yield "", [label, name]
    used = {row.get("study") for sheet in sheets for row in sheet.rows} & set(labels.studies)
    if used:
        yield "", []
        yield "head", ["Study", "Its id in the CSV files, and the name of its sheet"]
        for name in (name for name in labels.studies if name in used):
            yield "", [labels.studies[name], name]
    if names.has_settings:
        yield "", []
        yield "head", ["Setting", "Its id in the CSV files"]
        for name, label in labels.settings.items():
            yield "", [label, name + (" (all settings together)" if name == OVERALL else "")]
