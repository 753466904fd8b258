"""Degrees of freedom of inconsistency: on how many counts the studies can contradict a model, and what tests the same.

Studies that compare the same treatments are one design. Every design estimates its contrasts for itself; the model
explains them by fewer effects. The difference of the two numbers are the degrees of freedom of the design-by-treatment
interaction (Higgins 2012), those of additive components, which may fail where loops do not, included. A node-split and
an interaction of components are each a direction in that space: two of the same direction are one test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
from scipy.linalg import block_diag

from secondline.network.arms import Arm
from secondline.network.graph import received, row_space
from secondline.network.predictor import Effects, Predictor, node
from secondline.network.structure import Floats, Structure

_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Freedom:
    """What the studies can contradict: contrasts that designs estimate for themselves, and effects of the model."""

    contrasts: int
    effects: int

    @property
    def df(self) -> int:
        """Degrees of freedom of inconsistency."""
        return self.contrasts - self.effects


def contrasts(arms: Sequence[Arm], predictor: Predictor) -> Floats:
    """Rows of the contrasts of every study against its first arm, (contrasts, coefficients)."""
    rows, start, parts = predictor.rows(arms), 0, []
    for _, members in groupby(arms, key=lambda arm: arm.study):
        end = start + len(list(members))
        parts.append(rows[start + 1 : end] - rows[start])
        start = end
    return np.vstack([np.zeros((0, predictor.n_coefficients)), *parts])


def freedom(arms: Sequence[Arm], predictor: Predictor) -> Freedom:
    """Count the degrees of freedom of a consistency model.

    Within a design the contrasts between treatments are free, and so is whatever else the rows of its studies hold,
    such as the shares of mixed arms.

    Parameters
    ----------
    arms : sequence of Arm
        The rows of one study together.
    predictor : Predictor
        The consistency model, without departures.
    """
    designs: dict[tuple[str, ...], list[Floats]] = {}
    for _, group in groupby(arms, key=lambda arm: arm.study):
        members = list(group)
        names = [node(arm, predictor.structure) for arm in members]
        design = tuple(sorted(set(names)))
        indicators = np.array([[float(name == other) for other in design] for name in names])
        rows = np.hstack([indicators, predictor.rows(members)])
        designs.setdefault(design, []).append(rows[1:] - rows[0])
    free = block_diag(*map(np.vstack, designs.values())) if designs else np.zeros((0, 0))
    return Freedom(_rank(free), _rank(contrasts(arms, predictor)))


def _rank(rows: Floats) -> int:
    return round(float(np.trace(row_space(rows)))) if rows.size else 0


def possible_interactions(arms: Sequence[Arm], structure: Structure, effects: Effects) -> list[tuple[str, str]]:
    """Pairs of components that a regimen of the network combines and whose effects the model adds."""
    if effects.regimen_level:
        return []
    regimens = [structure.matrix[structure.regimens.index(name)] for name in received(arms, structure.regimens)]
    known = [set(pair) for pair in effects.interactions]
    return [
        (structure.components[a], structure.components[b])
        for a, b in combinations(range(len(structure.components)), 2)
        if any(row[a] and row[b] for row in regimens)
        and {structure.components[a], structure.components[b]} not in known
    ]


def same_tests(rows: Floats, columns: Mapping[str, Floats]) -> dict[str, int]:
    """Find which tests take the same direction in the space of inconsistency.

    Parameters
    ----------
    rows : array, (contrasts, coefficients)
        The consistency model.
    columns : mapping
        What each test adds to it, (contrasts,).

    Returns
    -------
    dict
        A number from 1 on, shared by tests of one direction; 0 where the model explains all of a test.
    """
    directions: list[Floats] = []
    result = {}
    explained = row_space(rows.T) if rows.size else np.zeros((len(rows), len(rows)))
    for name, column in columns.items():
        left = column - explained @ column
        size = float(np.linalg.norm(left))
        result[name] = (
            0 if size <= _TOLERANCE * max(1.0, float(np.linalg.norm(column))) else _place(left / size, directions)
        )
    return result


def _place(direction: Floats, directions: list[Floats]) -> int:
    """Find the number of a direction among those known, which it joins if it is new."""
    for k, known in enumerate(directions):
        if abs(abs(float(known @ direction)) - 1) < _TOLERANCE:
            return k + 1
    directions.append(direction)
    return len(directions)
