"""A row of a hat matrix as a flow from one treatment to another, divided among the comparisons that it passes.

A comparison with a positive weight carries the flow from its first treatment to its second, one with a negative weight
the other way round. Flow that takes a path of n comparisons counts 1/n of its size for each of them. The paths are the
shortest ones, one after the other until no flow is left (Papakonstantinou 2018), or all of them, each as often as a
walker takes it who leaves every treatment along the flow (Davies 2022).

References
----------
Davies AL, Papakonstantinou T, Nikolakopoulou A, Rücker G, Galla T (2022) Statistics in Medicine 41:2091.
Papakonstantinou T, Nikolakopoulou A, Rücker G et al. (2018) F1000Research 7:610.
"""

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from secondline.cell_values import SHORTEST
from secondline.network.structure import Floats

_NOTHING = 1e-10
"""Of a flow of 1 in all, what is no flow but rounding."""

Pair = tuple[str, str]


def divide(flow: Floats, edges: Sequence[Pair], source: str, sink: str, decomposition: str) -> Floats:
    """Divide a flow of 1 among the comparisons that it passes.

    Parameters
    ----------
    flow : array, (edges,)
        Row of a hat matrix.
    edges : sequence of pairs of treatments
    source, sink : str
        Comparator and treatment of the effect.
    decomposition : str
        `SHORTEST` or `WALK`.

    Returns
    -------
    array, (edges,)
        None negative; they sum to 1.
    """
    directed = {
        (edge if value > 0 else edge[::-1]): abs(float(value))
        for edge, value in zip(edges, flow, strict=True)
        if abs(value) > _NOTHING
    }
    parts = (_shortest if decomposition == SHORTEST else _walked)(directed, source, sink)
    found = np.array([parts.get(edge, 0.0) + parts.get(edge[::-1], 0.0) for edge in edges])
    return np.asarray(found / found.sum())


def _shortest(flow: Mapping[Pair, float], source: str, sink: str) -> dict[Pair, float]:
    left, parts = dict(flow), dict.fromkeys(flow, 0.0)
    order = list(dict.fromkeys(name for edge in flow for name in edge))
    while path := _shortest_path(left, order, source, sink):
        size = min(left[edge] for edge in path)
        for edge in path:
            parts[edge] += size / len(path)
            left[edge] -= size
            if left[edge] <= _NOTHING:
                del left[edge]
    return parts


def _shortest_path(flow: Mapping[Pair, float], order: Sequence[str], source: str, sink: str) -> list[Pair]:
    """Find a shortest path by breadth-first search; of equally short ones the first by the order of the treatments.

    That is the order in which the comparisons of the flow name them, as in the implementations of the method.
    """
    before: dict[str, str] = {source: ""}
    waiting = deque([source])
    while waiting and sink not in before:
        here = waiting.popleft()
        for there in order:
            if (here, there) in flow and there not in before:
                before[there] = here
                waiting.append(there)
    path, here = [], sink if sink in before else source
    while here != source:
        path.append((before[here], here))
        here = before[here]
    return path[::-1]


def _walked(flow: Mapping[Pair, float], source: str, sink: str) -> dict[Pair, float]:
    """Sum over all paths their probability over their length, by the steps before and after every comparison."""
    names = sorted({name for edge in flow for name in edge})
    index = {name: k for k, name in enumerate(names)}
    step = np.zeros((len(names), len(names)))
    for (here, there), size in flow.items():
        step[index[here], index[there]] = size
    out = step.sum(axis=1, keepdims=True)
    step = np.divide(step, out, out=np.zeros_like(step), where=out > 0)
    reached, ends = [np.eye(len(names))[index[source]]], [np.eye(len(names))[index[sink]]]
    for _ in names[1:]:
        reached.append(reached[-1] @ step)
        ends.append(step @ ends[-1])
    before, after = np.array(reached), np.array(ends)
    lengths = 1 + np.add.outer(np.arange(len(names)), np.arange(len(names)))
    return {
        (here, there): float(
            step[index[here], index[there]] * before[:, index[here]] @ (1 / lengths) @ after[:, index[there]]
        )
        for here, there in flow
    }
