"""Network plot: who was compared with whom, overall and in every setting with evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, isclose, pi, sin, sqrt
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from nma.network.graph import Arm, patients, used_arms
from nma.report.style import EVIDENCE, FONT_SIZE, GREY, INK, add_axes, new_figure, styled, text_width
from nma.report.words import NOT_A_CANDIDATE, OVERALL, Names, Row, is_true

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RADIUS = 1.15  # inches
LABEL_RADIUS = RADIUS + 0.26
LINE = FONT_SIZE * 1.25 / 72  # height of a line of text
NODE = "#56B4E9"

Point = tuple[float, float]


@dataclass(frozen=True)
class Edge:
    """What links two regimens in a panel: summed weights, of whole arms and inside mixed arms."""

    whole: float
    mixed: float


@dataclass(frozen=True)
class _Label:
    """A node label: its place, and the side of the circle on which it stands."""

    text: str
    x: float
    y: float
    align: str


def draw_network(edges: Sequence[Row], evidence: Sequence[Row], ranking: Sequence[Row], names: Names) -> "Figure":
    """Draw one panel for the whole network and one for every setting with evidence.

    Parameters
    ----------
    edges, evidence, ranking : rows
        network/edges.csv, evidence.csv and any ranking.csv of the outcome; the last says who is a candidate.
    """
    arms = used_arms(evidence)
    given = {row["setting"] for row in edges}
    settings = [OVERALL, *(name for name in names.labels["settings"] if name in given)]
    regimens = [row["treatment"] for row in ranking if row["setting"] == OVERALL]
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    panels = []
    for setting in settings:
        counts = {name: patients(arms, name, setting) for name in regimens}
        texts = [_node_text(names.regimen(name), counts[name], candidates[setting, name]) for name in regimens]
        panels.append((setting, counts, place_labels(texts)))
    reach_x = max(abs(label.x) + text_width(label.text) for _, _, labels in panels for label in labels) + 0.12
    reach_y = (
        max(abs(label.y) + LINE * (label.text.count("\n") + 1) / 2 for _, _, labels in panels for label in labels)
        + 0.08
    )
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    header, heading, footer = 0.62, 0.30, 0.50
    title = f"{names.outcome_label}: network of comparisons"
    subtitle = f"{names.analysis_label}. Lines: weight in the contrasts of the studies; nodes: patients."
    width = max(columns * 2 * reach_x, text_width(subtitle) + 0.3, 6.2)
    cell = width / columns
    with styled():
        figure = new_figure(width, header + lines * (heading + 2 * reach_y) + footer, title, subtitle)
        for i, (setting, counts, labels) in enumerate(panels):
            left = i % columns * cell + (cell - 2 * reach_x) / 2
            top = header + (i // columns) * (heading + 2 * reach_y) + heading
            axes = add_axes(figure, left, top, 2 * reach_x, 2 * reach_y)
            axes.set_xlim(-reach_x, reach_x)
            axes.set_ylim(-reach_y, reach_y)
            axes.set_axis_off()
            studies = {row["study"] for row in edges if setting in (OVERALL, row["setting"])}
            some = "1 study" if len(studies) == 1 else f"{len(studies)} studies"
            axes.text(
                0,
                reach_y + 0.12,
                f"{names.setting(setting)} ({some})",
                weight="bold",
                ha="center",
                va="center",
            )
            _draw_edges(axes, regimens, panel_edges(edges, arms, setting))
            _draw_nodes(axes, regimens, counts, {name: candidates[setting, name] for name in regimens})
            for label in labels:
                colour = GREY if "\nnot " in label.text else INK
                axes.text(
                    label.x,
                    label.y,
                    label.text,
                    ha=label.align,
                    va="center",
                    color=colour,
                    gid="node-label",
                    linespacing=1.1,
                )
        _legend(figure)
    return figure


def panel_edges(edges: Sequence[Row], arms: Sequence[Arm], setting: str) -> dict[tuple[str, str], Edge]:
    """Edges of one panel by unordered pair.

    A comparison is one of whole arms where its weight equals the study's share of the setting.
    """
    shares = {(arm.study, row["setting"]): arm.setting_share(row["setting"]) for arm in arms for row in edges}
    whole: Counter[tuple[str, str]] = Counter()
    mixed: Counter[tuple[str, str]] = Counter()
    for row in edges:
        if setting in (OVERALL, row["setting"]):
            pair = (min(row["treatment"], row["comparator"]), max(row["treatment"], row["comparator"]))
            weight = float(row["weight"])
            is_whole = isclose(weight, shares[row["study"], row["setting"]], rel_tol=1e-9)
            (whole if is_whole else mixed)[pair] += weight  # type: ignore[assignment]
    return {pair: Edge(whole[pair], mixed[pair]) for pair in sorted({*whole, *mixed})}


def node_positions(n: int) -> list[Point]:
    """Place nodes on a circle, clockwise from the top and symmetric, with no node at the very top."""
    angles = [pi / 2 - (2 * i + 1) * pi / n for i in range(n)]
    return [(RADIUS * cos(angle), RADIUS * sin(angle)) for angle in angles]


def place_labels(texts: Sequence[str]) -> list[_Label]:
    """Place labels around the circle so that none covers another.

    Labels stand on the side of their node. On each side they are pushed apart downwards and then moved
    up together so that the mean shift is nil.
    """
    points = node_positions(len(texts))
    result: dict[int, _Label] = {}
    for sign in (1, -1):
        side = [i for i, (x, _) in enumerate(points) if (x >= -1e-9) == (sign == 1)]
        side.sort(key=lambda i: -points[i][1])
        wished = [points[i][1] * LABEL_RADIUS / RADIUS for i in side]
        heights = [LINE * (texts[i].count("\n") + 1) + 0.05 for i in side]
        for i, y in zip(side, spread(wished, heights), strict=True):
            x = max(sqrt(max(LABEL_RADIUS**2 - y**2, 0.0)), 0.06 if abs(y) > LABEL_RADIUS else 0.14)
            result[i] = _Label(texts[i], sign * x, y, "left" if sign == 1 else "right")
    return [result[i] for i in range(len(texts))]


def spread(wished: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres of stacked boxes near their wished places, from top to bottom, none overlapping another."""
    placed: list[float] = []
    for k, y in enumerate(wished):
        placed.append(min(y, placed[-1] - (heights[k - 1] + heights[k]) / 2) if placed else y)
    shift = sum(w - p for w, p in zip(wished, placed, strict=True)) / max(len(placed), 1)
    return [y + shift for y in placed]


def _node_text(label: str, n: float, candidate: bool) -> str:
    lines = wrap(label, 20, break_long_words=False) or [label]
    if n == 0:
        lines.append("not given here")
    else:
        lines.append(f"n = {n:.0f}" if isclose(n, round(n), abs_tol=1e-9) else f"n ≈ {n:.0f}")
    if not candidate:
        lines.append(NOT_A_CANDIDATE)
    return "\n".join(lines)


def _draw_edges(axes: Any, regimens: Sequence[str], edges: Mapping[tuple[str, str], Edge]) -> None:
    from matplotlib.patches import FancyArrowPatch

    points = dict(zip(regimens, node_positions(len(regimens)), strict=True))
    for (a, b), edge in edges.items():
        bend = 0.0
        for weight, line, colour in (
            (edge.whole, "solid", INK),
            (edge.mixed, (0, (4, 2)), EVIDENCE["indirect"].colour),
        ):
            if weight:
                axes.add_patch(
                    FancyArrowPatch(
                        points[a],
                        points[b],
                        arrowstyle="-",
                        connectionstyle=f"arc3,rad={bend}",
                        linestyle=line,
                        linewidth=0.8 + 2.6 * min(weight, 3.0),
                        color=colour,
                        shrinkA=0,
                        shrinkB=0,
                        zorder=1,
                    )
                )
                bend = 0.18  # a dashed line beside a solid one bends out of its way


def _draw_nodes(
    axes: Any, regimens: Sequence[str], counts: Mapping[str, float], candidates: Mapping[str, bool]
) -> None:
    for name, (x, y) in zip(regimens, node_positions(len(regimens)), strict=True):
        n = counts[name]
        size = 5 + 1.1 * sqrt(n) if n else 4
        edge = INK if n else GREY
        face = NODE if n and candidates[name] else "white"
        axes.plot([x], [y], "o", markersize=min(size, 26), markerfacecolor=face, markeredgecolor=edge, zorder=3)


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=INK, linewidth=3.4, label="whole arms compared"),
        Line2D(
            [],
            [],
            color=EVIDENCE["indirect"].colour,
            linewidth=2,
            linestyle=(0, (4, 2)),
            label="compared inside mixed arms",
        ),
        Line2D(
            [],
            [],
            marker="o",
            markersize=8,
            markerfacecolor="white",
            markeredgecolor=INK,
            linestyle="none",
            label=f"hollow: not given here, or {NOT_A_CANDIDATE}",
        ),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3, borderaxespad=0.3, handlelength=3, columnspacing=1.4)
