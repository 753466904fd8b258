"""Places of nodes and labels around a circle, or around an oval where a page is too narrow for one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin, sqrt

from secondline.report.figures.style import LINE, text_width

RADIUS = 0.95  # inches, of a network with few nodes
LABEL_GAP = 0.12  # from a node to its label
LEAST_WIDTH = 0.55  # of half an oval
NUMBER = 0.2  # inches from the number of a node to the next

Point = tuple[float, float]
Pair = tuple[str, str]
Oval = tuple[float, float]
"""Half the width and half the height, inches."""


@dataclass(frozen=True)
class Label:
    """A node label: its place, and the side of the oval on which it stands."""

    text: str
    x: float
    y: float
    align: str


def oval_for(texts: Sequence[Sequence[str]], half: float, gap: float) -> Oval:
    """Choose an oval for the labels of some panels, of which half of each is so many inches wide."""
    widest = max(text_width(text) for members in texts for text in members)
    tall = max(RADIUS, *(sum(map(label_height, members)) / 2 / 1.9 for members in texts), 0.0)
    wide = max(half - gap - widest, LEAST_WIDTH)
    return min(tall, wide), tall


def label_height(text: str) -> float:
    """Height of a label with the room around it, inches."""
    return LINE * (text.count("\n") + 1) + 0.04


def node_positions(n: int, oval: Oval = (RADIUS, RADIUS)) -> list[Point]:
    """Place nodes on an oval, clockwise from the top and symmetric, with no node at the very top."""
    angles = [pi / 2 - (2 * i + 1) * pi / n for i in range(n)]
    return [(oval[0] * cos(angle), oval[1] * sin(angle)) for angle in angles]


def place_labels(texts: Sequence[str], oval: Oval = (RADIUS, RADIUS), gap: float = LABEL_GAP) -> list[Label]:
    """Place labels around the oval so that none covers another.

    Labels stand on the side of their node. On each side they are pushed apart downwards and then moved
    up together so that the mean shift is nil.
    """
    points, (wide, tall) = node_positions(len(texts), oval), (oval[0] + gap, oval[1] + gap)
    result: dict[int, Label] = {}
    for sign in (1, -1):
        side = [i for i, (x, _) in enumerate(points) if (x >= -1e-9) == (sign == 1)]
        side.sort(key=lambda i: -points[i][1])
        wished = [points[i][1] * tall / oval[1] for i in side]
        for i, y in zip(side, spread(wished, [label_height(texts[i]) for i in side]), strict=True):
            x = max(wide * sqrt(max(1 - (y / tall) ** 2, 0.0)), 0.06 if abs(y) > tall else 0.14)
            result[i] = Label(texts[i], sign * x, y, "left" if sign == 1 else "right")
    return [result[i] for i in range(len(texts))]


def oval_of_numbers(n: int, half: float, gap: float) -> Oval:
    """Choose an oval around which so many numbers stand side by side."""
    needed = max(n * NUMBER / (2 * pi), RADIUS)
    wide = min(needed, half - gap - NUMBER)
    return wide, max(sqrt(max(2 * needed**2 - wide**2, 0.0)), wide)


def number_labels(n: int, oval: Oval, gap: float) -> list[Label]:
    """Place numbers in place of labels, each outside its node."""
    outer = node_positions(n, (oval[0] + gap, oval[1] + gap))
    return [Label(str(k), x, y, "left" if x >= 0 else "right") for k, (x, y) in enumerate(outer, start=1)]


def spread(wished: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres of stacked boxes near their wished places, from top to bottom, none overlapping another."""
    placed: list[float] = []
    for k, y in enumerate(wished):
        placed.append(min(y, placed[-1] - (heights[k - 1] + heights[k]) / 2) if placed else y)
    shift = sum(w - p for w, p in zip(wished, placed, strict=True)) / max(len(placed), 1)
    return [y + shift for y in placed]


def count_places(pairs: Collection[Pair], points: Mapping[str, Point]) -> list[Point]:
    """Choose a place on every edge for its number of studies, each as far as may be from those before it."""
    placed: list[Point] = []
    for a, b in pairs:
        (ax, ay), (bx, by) = points[a], points[b]
        options = [(ax + t * (bx - ax), ay + t * (by - ay)) for t in (0.5, 0.38, 0.62, 0.3, 0.7)]
        lines = [(points[c], points[d]) for c, d in pairs if not {a, b} & {c, d}]

        def room(point: Point, lines: Sequence[tuple[Point, Point]] = lines) -> float:
            gaps = [hypot(point[0] - x, point[1] - y) for x, y in placed]
            return min([*gaps, *(2 * distance(point, *line) for line in lines), 0.36])

        placed.append(max(options, key=room))
    return placed


def distance(point: Point, start: Point, end: Point) -> float:
    """Distance of a point from a line between two others."""
    along = (end[0] - start[0], end[1] - start[1])
    length = hypot(*along)
    return abs((point[0] - start[0]) * along[1] - (point[1] - start[1]) * along[0]) / length
