"""A design by study: the rows of each study over the few columns that it touches. So a network costs by its arms."""

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from secondline.network.structure import Floats

# columns of the layout: where a study begins among the rows, the columns and the values
ROW, COLUMN, VALUE = range(3)


@dataclass(frozen=True)
class Blocks:
    """Rows of a design, study by study."""

    layout: Floats
    """First row, column and value of every study, and their numbers: (studies + 1, 3)."""
    columns: Floats
    """Columns that each study touches, in ascending order."""
    values: Floats
    """Rows of each study over its columns, one after the other."""

    @property
    def tables(self) -> tuple[Floats, Floats, Floats]:
        """Tables of two dimensions each, as compiled code takes them."""
        return self.layout, self.columns[None, :], self.values[None, :]


def blocks(rows: Floats, start: NDArray[np.int64]) -> Blocks:
    """Split rows (N, P) into studies that begin at ``start``, which ends with N."""
    layout, columns, values = [(0, 0, 0)], [np.zeros(0)], [np.zeros(0)]
    for first, end in pairwise(start):
        touched = np.flatnonzero(rows[first:end].any(axis=0))
        block = rows[first:end, touched].ravel()
        layout.append((end, layout[-1][COLUMN] + len(touched), layout[-1][VALUE] + len(block)))
        columns.append(touched.astype(float))
        values.append(block)
    return Blocks(np.array(layout, float), np.concatenate(columns), np.concatenate(values))


@numba.njit(cache=True)
def multiply(layout, columns, values, b, result):
    """Fill ``result`` (N,) with rows times b (P,)."""
    for s in range(layout.shape[0] - 1):
        at, first, end = int(layout[s, VALUE]), int(layout[s, COLUMN]), int(layout[s + 1, COLUMN])
        for row in range(int(layout[s, ROW]), int(layout[s + 1, ROW])):
            result[row] = 0.0
            for c in range(first, end):
                result[row] += values[at] * b[int(columns[c])]
                at += 1


@numba.njit(cache=True)
def add_transposed(layout, columns, values, score, result):
    """Add rows' times score (N,) to ``result`` (P,)."""
    for s in range(layout.shape[0] - 1):
        at, first, end = int(layout[s, VALUE]), int(layout[s, COLUMN]), int(layout[s + 1, COLUMN])
        for row in range(int(layout[s, ROW]), int(layout[s + 1, ROW])):
            for c in range(first, end):
                result[int(columns[c])] += values[at] * score[row]
                at += 1
