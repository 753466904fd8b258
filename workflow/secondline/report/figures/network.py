"""Network plot: which treatments were compared, overall and in every setting with evidence."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, isclose, sqrt
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm, used_arms
from secondline.network.graph import patients
from secondline.report.figures.circle import (
    LABEL_GAP,
    LEAST_WIDTH,
    RADIUS,
    Label,
    Oval,
    Pair,
    count_places,
    label_height,
    node_positions,
    number_labels,
    oval_for,
    oval_of_numbers,
    place_labels,
)
from secondline.report.figures.pages import stack
from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    add_axes,
    add_legend,
    legend_height,
    new_figure,
    panel_letters,
    shortened,
    styled,
    text_width,
    wrapped,
    write,
)
from secondline.report.words import NOT_A_CANDIDATE, Names, Row, is_true, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CROWDED = 12  # nodes from which labels take one line, and nodes are smaller
MOST_NAMES = 60  # nodes beyond which numbers and a key take the place of names
MOST_COUNTS = 20  # edges beyond which their studies are not written on them
DENSE = 30  # edges beyond which they are thinner and lighter
NODE = "#56B4E9"
LIGHTER = "#858c96"


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
class _Panel:
    """A network of one setting."""

    setting: str
    heading: str
    nodes: Mapping[str, Node]
    edges: Mapping[Pair, Edge]
    labels: Sequence[Label]


@dataclass(frozen=True)
class _Look:
    """What all panels share: widths, the oval, the sizes of nodes and lines, and how much edges can show."""

    width: float
    columns: int
    oval: Oval
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
    columns, cell = look.columns, look.width / look.columns
    reach = max(
        *(abs(label.y) + label_height(label.text) / 2 for panel in panels for label in panel.labels),
        look.oval[1] + 0.15,
    )
    handles = [*_handles(panels), *_key(panels[0], names)]
    headings = [
        letter + "\n".join(wrapped(panel.heading, cell / BOLD - 0.25))
        for letter, panel in zip(panel_letters(len(panels)), panels, strict=True)
    ]
    above = 0.04 + LINE * max(heading.count("\n") + 1 for heading in headings)
    lines = -(-len(panels) // columns)
    tops, height = stack([above + 2 * reach + 0.05] * lines, 0.02, legend_height(handles, look.width))
    with styled():
        figure = new_figure(look.width, height, *_caption(panels, look, names))
        for i, panel in enumerate(panels):
            line, column = divmod(i, columns)
            axes = add_axes(figure, column * cell, tops[line] + above, cell, 2 * reach)
            axes.set_xlim(-cell / 2, cell / 2)
            axes.set_ylim(-reach, reach)
            axes.set_axis_off()
            write(figure, column * cell + MARGIN, tops[line], headings[i], weight="bold")
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
    look, texts = _look(nodes, drawn, names)
    panels = []
    for setting in settings:
        studies = len({row["study"] for row in edges if setting in (OVERALL, row["setting"])})
        heading = f"{names.setting(setting)} ({plural(studies, 'study', 'studies')})"
        if not names.has_settings:
            heading = plural(studies, "study", "studies")
        placed = (
            place_labels(texts[setting], look.oval, look.gap)
            if len(regimens) <= MOST_NAMES
            else number_labels(len(regimens), look.oval, look.gap)
        )
        panels.append(_Panel(setting, heading, nodes[setting], drawn[setting], placed))
    return panels, look


def _look(
    nodes: Mapping[str, Mapping[str, Node]], drawn: Mapping[str, Mapping[Pair, Edge]], names: Names
) -> tuple[_Look, dict[str, list[str]]]:
    """Choose the look of all panels, and the labels of their nodes by setting."""
    everything = [node for members in nodes.values() for node in members.values()]
    count = len(next(iter(nodes.values())))
    by_patients = any(node.patients for node in everything)
    largest = max(node.patients if by_patients else node.studies for node in everything)
    node_scale = min(
        0.9 if by_patients else 3.2,
        (15 if count < CROWDED else 8 if count <= MOST_NAMES else 4) / sqrt(max(largest, 1)),
    )
    gap = LABEL_GAP + _node_size(largest, node_scale) / 2 / 72
    columns = min(len(nodes), 2 if count <= MOST_NAMES else 1)
    for width in (COLUMN, PAGE):
        half = width / columns / 2 - MARGIN
        room = half - gap - (RADIUS if half > 2 else LEAST_WIDTH + 0.2)
        texts = {
            setting: [_node_text(names.regimen(name), node, by_patients, count, room) for name, node in members.items()]
            for setting, members in nodes.items()
        }
        many = count > MOST_NAMES
        oval = oval_of_numbers(count, half, gap) if many else oval_for(list(texts.values()), half, gap)
        whole = all(text_width(word) <= room for name in nodes[OVERALL] for word in names.regimen(name).split())
        if len(nodes) == 1 and count < CROWDED and whole:
            break
    edges = [edge for members in drawn.values() for edge in members.values()]
    most = max(map(len, drawn.values()))
    plain = not names.has_settings and not any(edge.mixed for edge in edges)
    weights = [edge.whole + edge.mixed for edge in edges]
    scale = 2.1 * min(1.0, 3 / max(weights, default=1.0)) * min(1.0, sqrt(DENSE / max(most, 1)))
    counts = plain and most <= MOST_COUNTS
    return _Look(width, columns, oval, gap, by_patients, node_scale, scale, most > DENSE, plain, counts), texts


def drawn_settings(edges: Sequence[Row], names: Names) -> list[str]:
    """List the settings that have a panel: all together, then those with evidence."""
    given = {row["setting"] for row in edges}
    return [OVERALL, *(name for name in names.labels.settings if name in given and name != OVERALL)]


def node_of(arms: Sequence[Arm], regimen: str, setting: str, candidate: bool) -> Node:
    """Count who received a regimen in a setting; mixed arms and settings not given by arm count by their shares."""
    here = arms_of_node(arms, regimen, setting)
    return Node(
        patients=patients(here, regimen, setting),
        studies=len({arm.study for arm in here}),
        complete=all(arm.n for arm in here),
        candidate=candidate,
    )


def arms_of_node(arms: Sequence[Arm], regimen: str, setting: str) -> list[Arm]:
    """List the arms in which anybody received a regimen in a setting."""
    return [arm for arm in arms if arm.share(regimen) > 0 and arm.own_share(setting) > 0]


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


def node_id(setting: str, regimen: str) -> str:
    """Id of a drawn node in the SVG file."""
    return f"node-{setting}-{regimen}"


def _node_text(label: str, node: Node, by_patients: bool, nodes: int, room: float) -> str:
    """Label of a node with its notes, in lines of at most some width in inches."""
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
        lines, note = wrapped(label, room), f"({', '.join(notes)})"
        together = f"{lines[-1]} {note}"
        parts = [*lines[:-1], together] if text_width(together) <= room else [*lines, note]
    else:
        parts = [line for part in (label, *notes) for line in wrapped(part, room)]
    return "\n".join(shortened(part, room) for part in parts)


def _caption(panels: Sequence[_Panel], look: _Look, names: Names) -> tuple[str, str]:
    """Title, and what lines and nodes represent."""
    lines = "the number of studies" if look.plain else "the weight in the contrasts of the studies"
    nodes = "the number of patients (n)" if look.by_patients else "the number of studies, as patients are not reported"
    counted = " Numbers on lines: studies." if look.counts else ""
    about = f"{names.analysis_label}. Width of lines: {lines}; size of nodes: {nodes}.{counted}"
    return f"{names.outcome_label}: network of comparisons", about


def _key(panel: _Panel, names: Names) -> list[Any]:
    """Key to the numbers of nodes, where they have no names."""
    from matplotlib.lines import Line2D

    if len(panel.nodes) <= MOST_NAMES:
        return []
    return [
        Line2D([], [], linestyle="none", label=f"{k}  {names.regimen(name)}")
        for k, name in enumerate(panel.nodes, start=1)
    ]


def _draw_edges(axes: Any, panel: _Panel, look: _Look) -> None:
    from matplotlib.patches import FancyArrowPatch

    points = dict(zip(panel.nodes, node_positions(len(panel.nodes), look.oval), strict=True))
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
                        linewidth=(0.3 if look.dense else 0.7) + look.line_scale * weight,
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


def _draw_nodes(axes: Any, panel: _Panel, look: _Look) -> None:
    for (name, node), (x, y) in zip(panel.nodes.items(), node_positions(len(panel.nodes), look.oval), strict=True):
        count = node.patients if look.by_patients else node.studies
        size = _node_size(count, look.node_scale) if node.given else 3.5
        edge = INK if node.given else GREY
        face = NODE if node.given and node.candidate else "white"
        place = {"zorder": 3, "gid": node_id(panel.setting, name)}
        axes.plot(
            [x], [y], "o", markersize=size, markerfacecolor=face, markeredgecolor=edge, markeredgewidth=0.8, **place
        )


def _node_size(count: float, scale: float) -> float:
    """Diameter of a node in points."""
    return 4 + scale * sqrt(count)


def _write_labels(axes: Any, panel: _Panel, look: _Look) -> None:
    points = node_positions(len(panel.nodes), look.oval)
    for label, node, (x, y) in zip(panel.labels, panel.nodes.values(), points, strict=True):
        if hypot(label.x - x, label.y - y) > look.gap + 0.1:
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
        )


def _handles(panels: Sequence[_Panel]) -> list[Any]:
    """Legend of what not every network has: mixed arms, and hollow nodes."""
    from matplotlib.lines import Line2D

    edges = [edge for panel in panels for edge in panel.edges.values()]
    nodes = [node for panel in panels for node in panel.nodes.values()]
    handles = []
    if any(edge.mixed for edge in edges):
        mixed: dict[str, Any] = {"color": EVIDENCE["indirect"].colour, "linestyle": (0, (4, 2)), "linewidth": 1.6}
        handles.append(Line2D([], [], color=INK, linewidth=2.6, label="whole arms compared"))
        handles.append(Line2D([], [], label="compared within mixed arms", **mixed))
    reasons = [] if all(node.given for node in nodes) else ["not given here"]
    reasons += [] if all(node.candidate for node in nodes) else [NOT_A_CANDIDATE]
    if reasons:
        hollow: dict[str, Any] = {"marker": "o", "markersize": 6, "markerfacecolor": "white", "markeredgecolor": INK}
        handles.append(Line2D([], [], linestyle="none", label=f"hollow: {', or '.join(reasons)}", **hollow))
    return handles
