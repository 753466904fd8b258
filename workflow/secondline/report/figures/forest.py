"""Forest plot: every treatment against the reference of its setting."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL, REFERENCE
from secondline.report.figures.axis import AXIS_HEIGHT, EffectAxis, Ends
from secondline.report.figures.rows import (
    BELOW,
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
    EVIDENCE,
    GREY,
    PAGE,
    add_axes,
    add_legend,
    header_height,
    legend_height,
    new_figure,
    styled,
)
from secondline.report.words import (
    NOT_A_CANDIDATE,
    Names,
    Row,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    reference_of,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, LEAST_ROW = 0.19, 0.15  # inches

Key = tuple[str, str]


def draw_forest(relative: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw one panel per setting, with treatments in the order of the overall ranking, best first.

    Parameters
    ----------
    relative, ranking : rows
        relative_effects.csv and ranking.csv of one model.
    """
    settings = settings_of(ranking)
    panels = [_panel_rows(relative, ranking, setting) for setting in settings]
    rows = [row for members in panels for row in members]
    axis = EffectAxis.over(
        [_credible(row) for row in rows], [ends for row in rows if (ends := _predictive(row))], names.is_ratio
    )
    labels, texts = _labels(ranking, names), {_key(row): _texts(row, names) for row in rows}
    titles = (f"{names.measure} (95% CrI)", "evidence")
    known = [titles, ("", evidence_words(REFERENCE)), *texts.values()]
    columns = columns_of(list(labels.values()), list(zip(*known, strict=True)), (axis, names), (PAGE,))
    handles = _handles(rows, all_candidates(ranking))
    headings = panel_headings([_heading(ranking, setting, names) for setting in settings], columns)
    page = RowPage.of(
        [len(members) for members in panels],
        headings,
        row_heights(list(labels.values()), ROW, LEAST_ROW),
        (header_height(warning), AXIS_HEIGHT - BELOW + legend_height(handles, PAGE)),
    )
    with styled():
        figure = new_figure(PAGE, page.height, *_caption(ranking, names), warning)
        for part in page.parts:
            members = panels[part.panel][part.first : part.last]
            axes = add_axes(figure, columns.left, part.top, columns.plot, page.row * len(members))
            _draw_panel(axes, axis, members, labels, _hollow(ranking))
            write_columns(axes, columns, titles, {y: texts[_key(row)] for y, row in enumerate(members)})
            write_heading(figure, part, headings)
        axis.label(axes, names)
        add_legend(figure, handles)
    return figure


def _key(row: Row) -> Key:
    return row["setting"], row["treatment"]


def _texts(row: Row, names: Names) -> tuple[str, str]:
    """Write what stands beside a row."""
    return names.estimate(row), names.evidence(row, row["comparator"])


def _caption(ranking: Sequence[Row], names: Names) -> tuple[str, str]:
    """Title, and what is drawn."""
    order = "Treatments are in the order of the overall ranking" if names.has_settings else "Ordered by the ranking"
    about = (
        f"{names.analysis_label}, model “{names.model}”. {names.effects.words} ({names.measure}) of every treatment "
        f"against the reference{' of its setting' if names.has_settings else ''}, posterior medians; "
        f"{names.direction}. {order}, best first. Thick bars: 95% equal-tailed credible intervals (CrI); thin lines: "
        "95% predictive intervals; an arrow head marks an interval that extends beyond the axis. Marker, colour and "
        "line show the kind of evidence"
    )
    hollow = "" if all_candidates(ranking) else "; hollow markers are treatments that are not candidates"
    return f"{names.outcome_label}: relative effects", f"{about}{hollow}."


def _labels(ranking: Sequence[Row], names: Names) -> dict[Key, str]:
    """Labels of the rows, by setting and treatment."""
    return {
        _key(row): label_of(names.regimen(row["treatment"]), "" if is_true(row, "candidate") else NOT_A_CANDIDATE)
        for row in ranking
    }


def _hollow(ranking: Sequence[Row]) -> set[Key]:
    """List the treatments that are not candidates, with their settings."""
    return {_key(row) for row in ranking if not is_true(row, "candidate")}


def _heading(ranking: Sequence[Row], setting: str, names: Names) -> str:
    reference = names.regimen(reference_of(ranking, setting))
    return f"{names.place(setting)}: against {reference}" if names.has_settings else f"Against {reference}"


def _panel_rows(relative: Sequence[Row], ranking: Sequence[Row], setting: str) -> list[Row]:
    reference = reference_of(ranking, setting)
    order = [row["treatment"] for row in by_rank(ranking, OVERALL)]
    rows = [row for row in relative if row["setting"] == setting and row["comparator"] == reference]
    return sorted(rows, key=lambda row: order.index(row["treatment"]))


def _credible(row: Row) -> Ends:
    return float(row["lower"]), float(row["upper"])


def _predictive(row: Row) -> Ends | None:
    return (float(row["predictive_lower"]), float(row["predictive_upper"])) if row["predictive_lower"] else None


def _draw_panel(axes: Any, axis: EffectAxis, rows: Sequence[Row], labels: Mapping[Key, str], hollow: set[Key]) -> None:
    axis.prepare(axes, len(rows))
    for y, row in enumerate(rows):
        candidate = _key(row) not in hollow
        _draw_row(axes, axis, y, row, candidate)
        write_label(axes, y, labels[_key(row)], candidate)


def _draw_row(axes: Any, axis: EffectAxis, y: int, row: Row, candidate: bool) -> None:
    mark = EVIDENCE[row["evidence"]]
    if predictive := _predictive(row):
        axis.draw_interval(axes, y, predictive, mark.colour, 0.9)
    axis.draw_interval(axes, y, _credible(row), mark.colour, 2.6, mark.line)
    face = mark.colour if candidate else "white"
    axes.plot(
        [float(row["estimate"])],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=face,
        markersize=5,
        zorder=4,
        gid=f"effect-{row['treatment']}",
    )


def _handles(rows: Sequence[Row], everyone: bool) -> list[Any]:
    """Legend of what is drawn; ``everyone``, all treatments are candidates."""
    from matplotlib.lines import Line2D

    found = {row["evidence"] for row in rows}
    handles: list[Any] = [
        Line2D(
            [],
            [],
            color=mark.colour,
            marker=mark.marker,
            linestyle=mark.line,
            linewidth=2.4,
            markersize=5,
            label=evidence_words(name),
        )
        for name, mark in EVIDENCE.items()
        if name in found
    ]
    handles.append(Line2D([], [], color=GREY, linewidth=2.6, label="95% credible interval (CrI)"))
    if any(map(_predictive, rows)):
        handles.append(Line2D([], [], color=GREY, linewidth=0.9, label="95% predictive interval"))
    if not everyone:
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label=f"hollow: {NOT_A_CANDIDATE}", **hollow))
    return handles
