"""Network plot: which treatments were compared, overall and in every setting with evidence."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, isclose, pi, sin, sqrt
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm, used_arms
from secondline.network.graph import patients
from secondline.report.figures.style import (
    EVIDENCE,
    FONT_SIZE,
    GREY,
    INK,
    LIGHT,
    LINE,
    add_axes,
    add_legend,
    legend_rows,
    new_figure,
    styled,
    text_width,
)
from secondline.report.words import NOT_A_CANDIDATE, Names, Row, is_true, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RADIUS = 1.15  # inches, of a network with few nodes
LABEL_GAP = 0.16  # from a node to its label
CROWDED = 12  # nodes from which labels take one line, and nodes are smaller
MOST_COUNTS = 20  # edges beyond which their studies are not written on them
DENSE = 30  # edges beyond which they are thinner and lighter
NODE = "#56B4E9"
LIGHTER = "#858c96"

Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Edge:
    """What links two regimens in a panel: summed weights, of whole arms and inside mixed arms, and the studies."""

    whole: float
    mixed: float
    studies: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """A regimen in a panel; ``patients`` counts the arms whose size is known, ``complete`` says whether all are."""

    patients: float
    studies: int
    complete: bool
    candidate: bool

    @property
    def given(self) -> bool:
        """Whether any arm in this setting received it."""
        return self.studies > 0


@dataclass(frozen=True)
class _Label:
    """A node label: its place, and the side of the circle on which it stands."""

    text: str
    x: float
    y: float
    align: str


@dataclass(frozen=True)
class _Panel:
    """A network of one setting."""

    setting: str
    heading: str
    nodes: Mapping[str, Node]
    edges: Mapping[Pair, Edge]
    labels: Sequence[_Label]


@dataclass(frozen=True)
class _Look:
    """What all panels share: the radius, the sizes of nodes and lines, and how much edges can show."""

    radius: float
    gap: float
    by_patients: bool
    node_scale: float
    line_scale: float
    dense: bool
    plain: bool
    counts: bool


def draw_network(edges: Sequence[Row], evidence: Sequence[Row], ranking: Sequence[Row], names: Names) -> "Figure":
    """Draw one panel for the whole network and one for every setting with evidence.

    Parameters
    ----------
    edges, evidence, ranking : rows
        network/edges.csv, evidence.csv and any ranking.csv of the outcome; the last says who is a candidate.
    """
    panels, look = _panels(edges, used_arms(evidence), ranking, names)
    reach_x = max(abs(label.x) + text_width(label.text) for panel in panels for label in panel.labels) + 0.12
    reach_y = max(
        *(abs(label.y) + _height(label.text) / 2 for panel in panels for label in panel.labels),
        *(abs(y) + 0.2 for _, y in node_positions(len(panels[0].nodes), look.radius)),
    )
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    handles = _handles(panels)
    width = max(columns * 2 * (reach_x + 0.1), 6.2)
    header, heading = 0.62, 0.30
    footer = 0.15 + 0.19 * legend_rows([handle.get_label() for handle in handles], width) if handles else 0.1
    title = f"{names.outcome_label}: network of comparisons"
    subtitle = f"{names.analysis_label}. {_explanation(panels, look)}"
    with styled():
        height = header + lines * (heading + 2 * (reach_y + 0.08)) + footer
        figure = new_figure(width, height, title, subtitle)
        cell = figure.get_size_inches()[0] / columns
        for i, panel in enumerate(panels):
            left = i % columns * cell + (cell - 2 * reach_x) / 2
            top = header + (i // columns) * (heading + 2 * (reach_y + 0.08)) + heading
            axes = add_axes(figure, left, top, 2 * reach_x, 2 * reach_y)
            axes.set_xlim(-reach_x, reach_x)
            axes.set_ylim(-reach_y, reach_y)
            axes.set_axis_off()
            axes.text(0, reach_y + 0.12, panel.heading, weight="bold", ha="center", va="center")
            _draw_edges(axes, panel, look)
            _draw_nodes(axes, panel, look)
            _write_labels(axes, panel, look)
        add_legend(figure, handles)
    return figure


def _panels(
    edges: Sequence[Row], arms: Sequence[Arm], ranking: Sequence[Row], names: Names
) -> tuple[list[_Panel], _Look]:
    settings = drawn_settings(edges, names)
    regimens = [row["treatment"] for row in ranking if row["setting"] == OVERALL]
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    nodes = {
        setting: {name: node_of(arms, name, setting, candidates[setting, name]) for name in regimens}
        for setting in settings
    }
    drawn = {setting: panel_edges(edges, arms, setting) for setting in settings}
    everything = [node for members in nodes.values() for node in members.values()]
    by_patients = any(node.patients for node in everything)
    texts = {
        setting: [_node_text(names.regimen(name), node, by_patients, len(regimens)) for name, node in members.items()]
        for setting, members in nodes.items()
    }
    weights = [edge.whole + edge.mixed for members in drawn.values() for edge in members.values()]
    largest = max(node.patients if by_patients else node.studies for node in everything)
    node_scale = min(1.1 if by_patients else 4.0, (21 if len(regimens) < CROWDED else 11) / sqrt(max(largest, 1)))
    most = max(map(len, drawn.values()))
    plain = not names.has_settings and not any(edge.mixed for members in drawn.values() for edge in members.values())
    look = _Look(
        radius=max(map(needed_radius, texts.values())),
        gap=LABEL_GAP + _node_size(largest, node_scale) / 2 / 72,
        by_patients=by_patients,
        node_scale=node_scale,
        line_scale=2.6 * min(1.0, 3 / max(weights, default=1.0)) * min(1.0, sqrt(DENSE / max(most, 1))),
        dense=most > DENSE,
        plain=plain,
        counts=plain and most <= MOST_COUNTS,
    )
    panels = []
    for setting in settings:
        studies = len({row["study"] for row in edges if setting in (OVERALL, row["setting"])})
        heading = f"{names.setting(setting)} ({plural(studies, 'study', 'studies')})"
        if not names.has_settings:
            heading = plural(studies, "study", "studies")
        labels = place_labels(texts[setting], look.radius, look.gap)
        panels.append(_Panel(setting, heading, nodes[setting], drawn[setting], labels))
    return panels, look


def drawn_settings(edges: Sequence[Row], names: Names) -> list[str]:
    """List the settings that have a panel: all together, then those with evidence."""
    given = {row["setting"] for row in edges}
    return [OVERALL, *(name for name in names.labels.settings if name in given and name != OVERALL)]


def node_of(arms: Sequence[Arm], regimen: str, setting: str, candidate: bool) -> Node:
    """Count who received a regimen in a setting; mixed arms and settings not given by arm count by their shares."""
    here = [arm for arm in arms if arm.share(regimen) > 0 and arm.own_share(setting) > 0]
    return Node(
        patients=patients(here, regimen, setting),
        studies=len({arm.study for arm in here}),
        complete=all(arm.n for arm in here),
        candidate=candidate,
    )


def panel_edges(edges: Sequence[Row], arms: Sequence[Arm], setting: str) -> dict[Pair, Edge]:
    """Edges of one panel by unordered pair.

    A comparison is one of whole arms where its weight equals the study's share of the setting.
    """
    shares = {(arm.study, row["setting"]): arm.setting_share(row["setting"]) for arm in arms for row in edges}
    whole: defaultdict[Pair, float] = defaultdict(float)
    mixed: defaultdict[Pair, float] = defaultdict(float)
    studies: dict[Pair, dict[str, None]] = {}
    for row in edges:
        if setting in (OVERALL, row["setting"]):
            pair = (min(row["treatment"], row["comparator"]), max(row["treatment"], row["comparator"]))
            weight = float(row["weight"])
            is_whole = isclose(weight, shares[row["study"], row["setting"]], rel_tol=1e-9)
            (whole if is_whole else mixed)[pair] += weight
            studies.setdefault(pair, {})[row["study"]] = None
    return {pair: Edge(whole[pair], mixed[pair], tuple(studies[pair])) for pair in sorted(studies)}


def edge_id(setting: str, pair: Pair, kind: str) -> str:
    """Id of a drawn line in the SVG file; ``kind`` is ``whole`` or ``mixed``."""
    return "-".join(["edge", setting, *pair, kind])


def node_positions(n: int, radius: float = RADIUS) -> list[Point]:
    """Place nodes on a circle, clockwise from the top and symmetric, with no node at the very top."""
    angles = [pi / 2 - (2 * i + 1) * pi / n for i in range(n)]
    return [(radius * cos(angle), radius * sin(angle)) for angle in angles]


def needed_radius(texts: Sequence[str]) -> float:
    """Radius at which the labels of either side stand near their nodes."""
    return max(RADIUS, 0.085 * len(texts), sum(map(_height, texts)) / 2 / 1.9)


def place_labels(texts: Sequence[str], radius: float = RADIUS, gap: float = LABEL_GAP) -> list[_Label]:
    """Place labels around the circle so that none covers another.

    Labels stand on the side of their node. On each side they are pushed apart downwards and then moved
    up together so that the mean shift is nil.
    """
    points, circle = node_positions(len(texts), radius), radius + gap
    result: dict[int, _Label] = {}
    for sign in (1, -1):
        side = [i for i, (x, _) in enumerate(points) if (x >= -1e-9) == (sign == 1)]
        side.sort(key=lambda i: -points[i][1])
        wished = [points[i][1] * circle / radius for i in side]
        for i, y in zip(side, spread(wished, [_height(texts[i]) for i in side]), strict=True):
            x = max(sqrt(max(circle**2 - y**2, 0.0)), 0.06 if abs(y) > circle else 0.14)
            result[i] = _Label(texts[i], sign * x, y, "left" if sign == 1 else "right")
    return [result[i] for i in range(len(texts))]


def spread(wished: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres of stacked boxes near their wished places, from top to bottom, none overlapping another."""
    placed: list[float] = []
    for k, y in enumerate(wished):
        placed.append(min(y, placed[-1] - (heights[k - 1] + heights[k]) / 2) if placed else y)
    shift = sum(w - p for w, p in zip(wished, placed, strict=True)) / max(len(placed), 1)
    return [y + shift for y in placed]


def _height(text: str) -> float:
    return LINE * (text.count("\n") + 1) + 0.05


def _node_text(label: str, node: Node, by_patients: bool, nodes: int) -> str:
    notes = []
    if not node.given:
        notes.append("not given here")
    elif not by_patients:
        notes.append(plural(node.studies, "study", "studies"))
    elif not node.patients:
        notes.append("n unknown")
    else:
        exact = isclose(node.patients, round(node.patients), abs_tol=1e-9)
        sign = "≥" if not node.complete else "=" if exact else "≈"
        notes.append(f"n {sign} {node.patients:.0f}")
    if not node.candidate:
        notes.append(NOT_A_CANDIDATE)
    if nodes >= CROWDED:
        return f"{label} ({', '.join(notes)})"
    return "\n".join([*(wrap(label, 20, break_long_words=False) or [label]), *notes])


def _explanation(panels: Sequence[_Panel], look: _Look) -> str:
    """Say what lines and nodes represent."""
    lines = "studies" if look.plain else "weight in the contrasts of the studies"
    nodes = "patients" if look.by_patients else "studies, since patients are not reported"
    return f"Width of lines: {lines}; size of nodes: {nodes}."


def _draw_edges(axes: Any, panel: _Panel, look: _Look) -> None:
    from matplotlib.patches import FancyArrowPatch

    points = dict(zip(panel.nodes, node_positions(len(panel.nodes), look.radius), strict=True))
    for (a, b), edge in panel.edges.items():
        bend = 0.0
        for kind, weight, line, colour in (
            ("whole", edge.whole, "solid", LIGHTER if look.dense else INK),
            ("mixed", edge.mixed, (0, (4, 2)), EVIDENCE["indirect"].colour),
        ):
            if weight:
                axes.add_patch(
                    FancyArrowPatch(
                        points[a],
                        points[b],
                        arrowstyle="-",
                        connectionstyle=f"arc3,rad={bend}",
                        linestyle=line,
                        linewidth=(0.4 if look.dense else 0.8) + look.line_scale * weight,
                        color=colour,
                        shrinkA=0,
                        shrinkB=0,
                        zorder=1,
                        gid=edge_id(panel.setting, (a, b), kind),
                    )
                )
                bend = 0.18  # a dashed line beside a solid one bends out of its way
    if look.counts:
        for (pair, edge), (x, y) in zip(panel.edges.items(), count_places(panel.edges, points), strict=True):
            box = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.15"}
            axes.text(x, y, str(len(edge.studies)), ha="center", va="center", bbox=box, gid=f"studies-{'-'.join(pair)}")


def count_places(pairs: Sequence[Pair] | Mapping[Pair, Edge], points: Mapping[str, Point]) -> list[Point]:
    """Choose a place on every edge for its number of studies, each as far as may be from those before it."""
    placed: list[Point] = []
    for a, b in pairs:
        (ax, ay), (bx, by) = points[a], points[b]
        options = [(ax + t * (bx - ax), ay + t * (by - ay)) for t in (0.5, 0.38, 0.62, 0.3, 0.7)]
        lines = [(points[c], points[d]) for c, d in pairs if not {a, b} & {c, d}]

        def room(point: Point, lines: Sequence[tuple[Point, Point]] = lines) -> float:
            gaps = [hypot(point[0] - x, point[1] - y) for x, y in placed]
            return min([*gaps, *(2 * _gap(point, *line) for line in lines), 0.36])

        placed.append(max(options, key=room))
    return placed


def _gap(point: Point, start: Point, end: Point) -> float:
    """Distance of a point from a line between two others."""
    along = (end[0] - start[0], end[1] - start[1])
    length = hypot(*along)
    return abs((point[0] - start[0]) * along[1] - (point[1] - start[1]) * along[0]) / length


def _draw_nodes(axes: Any, panel: _Panel, look: _Look) -> None:
    for node, (x, y) in zip(panel.nodes.values(), node_positions(len(panel.nodes), look.radius), strict=True):
        count = node.patients if look.by_patients else node.studies
        size = _node_size(count, look.node_scale) if node.given else 4
        edge = INK if node.given else GREY
        face = NODE if node.given and node.candidate else "white"
        axes.plot([x], [y], "o", markersize=size, markerfacecolor=face, markeredgecolor=edge, zorder=3)


def _node_size(count: float, scale: float) -> float:
    """Diameter of a node in points."""
    return 5 + scale * sqrt(count)


def _write_labels(axes: Any, panel: _Panel, look: _Look) -> None:
    points = node_positions(len(panel.nodes), look.radius)
    for label, node, (x, y) in zip(panel.labels, panel.nodes.values(), points, strict=True):
        if hypot(label.x - x, label.y - y) > look.gap + 0.12:
            axes.plot([x, label.x], [y, label.y], color=LIGHT, linewidth=0.7, zorder=0)
        axes.text(
            label.x,
            label.y,
            label.text,
            ha=label.align,
            va="center",
            color=INK if node.given and node.candidate else GREY,
            gid="node-label",
            linespacing=1.1,
            size=FONT_SIZE,
        )


def _handles(panels: Sequence[_Panel]) -> list[Any]:
    """Legend of what not every network has: mixed arms, and hollow nodes."""
    from matplotlib.lines import Line2D

    edges = [edge for panel in panels for edge in panel.edges.values()]
    nodes = [node for panel in panels for node in panel.nodes.values()]
    handles = []
    if any(edge.mixed for edge in edges):
        mixed: dict[str, Any] = {"color": EVIDENCE["indirect"].colour, "linestyle": (0, (4, 2)), "linewidth": 2}
        handles.append(Line2D([], [], color=INK, linewidth=3.4, label="whole arms compared"))
        handles.append(Line2D([], [], label="compared within mixed arms", **mixed))
    reasons = [] if all(node.given for node in nodes) else ["not given here"]
    reasons += [] if all(node.candidate for node in nodes) else [NOT_A_CANDIDATE]
    if reasons:
        hollow: dict[str, Any] = {"marker": "o", "markersize": 8, "markerfacecolor": "white", "markeredgecolor": INK}
        handles.append(Line2D([], [], linestyle="none", label=f"hollow: {', or '.join(reasons)}", **hollow))
    return handles
