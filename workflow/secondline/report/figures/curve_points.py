"""The points of a specification curve that a figure shows: specifications at equal steps of the weight."""

import csv
import gzip
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from secondline.cell_values import OVERALL
from secondline.report.words import Row

SHOWN = 180  # specifications in a figure; more could not be told apart
AXIS = "axis_"
"""How the column of an axis begins in specifications.csv.gz."""
_NUMBERS = ("lead_effect", "lead_lower", "lead_upper", "weight")


@dataclass(frozen=True)
class Point:
    """A specification: the effect of the lead contrast with its interval, link scale, and the level of every axis."""

    effect: float
    lower: float
    upper: float
    levels: Sequence[str]


@dataclass(frozen=True)
class Curve:
    """The specifications of one setting in the order of the effect of the lead contrast.

    Parameters
    ----------
    setting, treatment, comparator : str
        The contrast is that of the two candidates with the highest SUCRAs in the declared analysis.
    axes : tuple of str
    points : sequence of Point
        Thinned, the smallest effect first.
    declared : Point or None
        None where the declared analysis gives no such effect.
    place : float
        Share of the weight of the specifications with a smaller effect than the declared one.
    estimated, weight : int, float
        Number of specifications that give the effect, and their share of the weight.
    """

    setting: str
    treatment: str
    comparator: str
    axes: tuple[str, ...]
    points: Sequence[Point]
    declared: Point | None
    place: float
    estimated: int
    weight: float


def lead_contrasts(levels: Iterable[Row]) -> dict[str, tuple[str, str]]:
    """Lead contrast of every setting that has one, in the order of the table.

    Parameters
    ----------
    levels : rows
        specification_levels.csv
    """
    return {
        row["setting"]: (row["lead"], row["lead_comparator"])
        for row in levels
        if not row["axis"] and row["lead"] and row["lead_comparator"]
    }


def shown_settings[T](contrasts: dict[str, T]) -> list[str]:
    """Choose a setting for every decision: where all settings together decide as another does, that one alone."""
    first: dict[T, str] = {}
    for setting in sorted(contrasts, key=lambda name: name == OVERALL):
        first.setdefault(contrasts[setting], setting)
    return [setting for setting in contrasts if setting in first.values()]


def read_curves(file: Path, levels: Sequence[Row], most: int = SHOWN) -> list[Curve]:
    """Read the curves of the settings that decide between different candidates.

    Parameters
    ----------
    file : path
        specifications.csv.gz, which is read line by line.
    levels : rows
        specification_levels.csv
    """
    contrasts = lead_contrasts(levels)
    found = {setting: _Column() for setting in shown_settings(contrasts)}
    chosen: list[tuple[str, ...]] = []
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        header = next(csv.reader([next(lines)]))
        places = [k for k, name in enumerate(header) if name.startswith(AXIS)]
        numbers = [header.index(name) for name in _NUMBERS]
        setting, number, declared = (header.index(name) for name in ("setting", "specification", "declared"))
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        for line in lines:
            row = line.rstrip("\n").split(",") if '"' not in line else next(csv.reader([line]))
            specification = int(row[number]) - 1
            if specification == len(chosen):
                cells = tuple(row[k] for k in places)
                chosen.append(known.setdefault(cells, cells))
            if row[setting] in found:
                found[row[setting]].add(specification, [row[k] for k in numbers], row[declared] == "true")
    axes = tuple(header[k].removeprefix(AXIS) for k in places)
    return [_curve(name, contrasts[name], axes, column, chosen, most) for name, column in found.items()]


@dataclass
class _Column:
    """The numbers of one setting, by specification that gives an effect."""

    specification: "array[int]" = field(default_factory=lambda: array("l"))
    numbers: list["array[float]"] = field(default_factory=lambda: [array("d") for _ in _NUMBERS])
    declared: int | None = None
    weight: float = 0.0

    def add(self, specification: int, cells: Sequence[str], declared: bool) -> None:
        self.weight += float(cells[-1])
        if not all(cells):
            return
        if declared:
            self.declared = len(self.specification)
        self.specification.append(specification)
        for numbers, cell in zip(self.numbers, cells, strict=True):
            numbers.append(float(cell))


def _curve(
    setting: str,
    contrast: tuple[str, str],
    axes: tuple[str, ...],
    column: _Column,
    chosen: Sequence[tuple[str, ...]],
    most: int,
) -> Curve:
    effects, lower, upper, weights = column.numbers
    order = sorted(range(len(effects)), key=lambda k: (effects[k], k))

    def point(k: int) -> Point:
        return Point(effects[k], lower[k], upper[k], chosen[column.specification[k]])

    sums = list(accumulate(weights[k] for k in order))
    total = sums[-1] if sums else 0.0
    own = column.declared
    before = sum(weights[k] for k in order if own is not None and effects[k] < effects[own])
    return Curve(
        setting=setting,
        treatment=contrast[0],
        comparator=contrast[1],
        axes=axes,
        points=[point(order[k]) for k in _thinned(sums, most)],
        declared=None if own is None else point(own),
        place=before / total if total else 0.0,
        estimated=len(order),
        weight=total / column.weight if column.weight else 0.0,
    )


def _thinned(sums: Sequence[float], most: int) -> list[int]:
    """Places in an order at equal steps of its weight, of which the sums are given; all of them where they are few."""
    if len(sums) <= most:
        return list(range(len(sums)))
    steps = [(k + 0.5) / most * sums[-1] for k in range(most)]
    return [min(bisect_left(sums, step), len(sums) - 1) for step in steps]
