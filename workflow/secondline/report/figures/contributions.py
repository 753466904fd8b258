"""What every study, and the prior, contributes to the effects against the reference: stacked bars by comparison."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import PRIOR_SHARE
from secondline.report.certainty import Certainty, level_of
from secondline.report.figures.concern import CONCERNS, PRIOR, Concern, bar_style, concern_handles
from secondline.report.figures.rows import (
    RowPage,
    columns_of,
    label_of,
    panel_headings,
    row_heights,
    write_columns,
    write_heading,
    write_label,
)
from secondline.report.figures.style import (
    GREY,
    INK,
    PAGE,
    add_axes,
    add_legend,
    header_height,
    legend_height,
    new_figure,
    styled,
    text_width,
)
from secondline.report.words import Names, Row, percentage, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, LEAST_ROW = 0.19, 0.15  # inches
_BAR = 0.78  # of a row
_AROUND = (0.22, 0.24)  # inches above and under a panel


def levels_of(certainty: Certainty) -> dict[str, int | None]:
    """Level of concern of every study as a whole; None is not judged."""
    return {row["study"]: level_of(row) for row in certainty.risk_of_bias if row["domain"] == "overall"}


def draw_contributions(certainty: Certainty, names: Names) -> "Figure":
    """Draw a bar for every treatment against the reference of each setting, of the studies by risk of bias."""
    places = settings_of(certainty.findings)
    panels = [[row for row in certainty.findings if row["setting"] == place] for place in places]
    levels, shares = levels_of(certainty), _shares(certainty)
    handles = concern_handles(_concerns(certainty, levels))
    labels = {row["treatment"]: label_of(names.regimen(row["treatment"])) for row in certainty.findings}
    columns = columns_of(list(labels.values()), [[_direct(row) for row in certainty.findings]], widths=(PAGE,))
    headings = panel_headings([_heading(rows[0], names) for rows in panels], columns)
    page = RowPage.of(
        [len(rows) for rows in panels],
        headings,
        row_heights(list(labels.values()), ROW, LEAST_ROW),
        (header_height(""), legend_height(handles, PAGE)),
        _AROUND,
    )
    with styled():
        title = f"{names.outcome_label}: contributions of the studies"
        figure = new_figure(PAGE, page.height, title, _about(names))
        for part in page.parts:
            rows = panels[part.panel][part.first : part.last]
            axes = add_axes(figure, columns.left, part.top, columns.plot, page.row * len(rows))
            _draw_panel(axes, rows, shares, levels, columns.plot, names)
            for k, row in enumerate(rows):
                write_label(axes, k + 0.5, labels[row["treatment"]])
            direct = {k + 0.5: (_direct(row),) for k, row in enumerate(rows) if _pair(row) in shares}
            write_columns(axes, columns, ("",), direct)
            write_heading(figure, part, headings)
        add_legend(figure, handles)
    return figure


def _heading(row: Row, names: Names) -> str:
    against = f"against {names.regimen(row['comparator'])}"
    return f"{names.place(row['setting'])}: {against}" if names.has_settings else f"A{against[1:]}"


def _about(names: Names) -> str:
    of_setting = " of its setting" if names.has_settings else ""
    return (
        f"{names.analysis_label}, model “{names.model}”. Length: share of each study, and of the prior, in the effect "
        f"of a treatment against the reference{of_setting}. Colour and sign: risk of bias of the study as a whole. "
        "Right: share of the evidence of the studies that comes from those which compare the two directly."
    )


def _pair(row: Row) -> tuple[str, str, str]:
    return row["setting"], row["treatment"], row["comparator"]


def _shares(certainty: Certainty) -> dict[tuple[str, ...], dict[str, float]]:
    """Shares by comparison, in both directions, and by study."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in certainty.contributions:
        for pair in ((row["treatment"], row["comparator"]), (row["comparator"], row["treatment"])):
            if row["share"]:
                found.setdefault((row["setting"], *pair), {})[row["study"]] = float(row["share"])
    return found


def _concerns(certainty: Certainty, levels: Mapping[str, int | None]) -> list[Concern]:
    """Concerns that occur, in the order of the bars, and the prior."""
    studies = {row["study"] for row in certainty.contributions if row["study"] not in ("", PRIOR_SHARE)}
    kinds = {levels.get(study) for study in studies}
    return [*(concern for level, concern in CONCERNS.items() if level in kinds), PRIOR]


def _draw_panel(
    axes: Any,
    rows: Sequence[Row],
    shares: Mapping[tuple[str, ...], Mapping[str, float]],
    levels: Mapping[str, int | None],
    width: float,
    names: Names,
) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows), 0)
    for k, row in enumerate(rows):
        own = shares.get(_pair(row))
        if own is None:
            style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate("not assessable", (0, k + 0.5), (4, 0), color=GREY, va="center", **style)
        else:
            _draw_bar(axes, own, levels, k + 0.5, width, names)
    axes.set_yticks([])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.spines["left"].set_visible(False)


def _direct(row: Row) -> str:
    share = row["direct_share"]
    return f"{percentage(share)} direct" if share and float(share) > 0 else "none direct"


def _draw_bar(
    axes: Any,
    shares: Mapping[str, float],
    levels: Mapping[str, int | None],
    middle: float,
    width: float,
    names: Names,
) -> None:
    """Draw the studies by level, those with the largest shares first, then the prior, with names where they fit."""
    order = list(CONCERNS)
    studies = [study for study in shares if study != PRIOR_SHARE]
    studies.sort(key=lambda study: (order.index(levels.get(study)), -shares[study]))
    start = 0.0
    for study in [*studies, *([PRIOR_SHARE] if PRIOR_SHARE in shares else [])]:
        concern = PRIOR if study == PRIOR_SHARE else CONCERNS[levels.get(study)]
        share = shares[study]
        axes.barh(middle, share, _BAR, left=start, gid=f"share-{study}", **bar_style(concern))
        words = f"{concern.sign} {names.study(study)}" if study != PRIOR_SHARE else f"prior {percentage(str(share))}"
        if text_width(words) + 0.08 <= share * width:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if study == PRIOR_SHARE else None
            axes.text(start + share / 2, middle, words, ha="center", va="center", color=INK, bbox=box)
        elif concern.sign and text_width(concern.sign) + 0.04 <= share * width:
            axes.text(start + share / 2, middle, concern.sign, ha="center", va="center", color=INK)
        start += share
