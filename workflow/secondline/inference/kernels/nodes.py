"""Nodes for the integral of a log-concave function over the line, placed by the function itself.

The likelihood of an arm is log-concave in its linear predictor in every family, and so are its integral over the arm's
effect and the product of such integrals that is left to integrate over a study's baseline. Such a function is near a
normal density where the data say much; with empty cells it is a plateau with an edge, whose width and the edge's may
differ a thousandfold.

The caller evaluates the function: `begin` asks for values at some nodes, `advance` looks at them and asks for more,
until `asked` is false. Nodes at equal steps, from a guess of centre and spread, are enough for a function near a normal
density: the trapezoid rule then converges geometrically (Trefethen & Weideman, SIAM Review 2014), and the second
differences of the logarithms tell its error. Otherwise the mode is sought by the sign of the slope, and from there
panels of a Gauss-Lobatto rule go out on both sides, each as wide as curvature and slope within it allow.
"""

from math import exp, inf, log, sqrt

import numba
import numpy as np

# columns of the nodes; the caller fills the second and third for those that are asked for
X, VALUE, SLOPE, WEIGHT = range(4)
# what the state holds; the nodes asked for are FROM to TO, those in use FIRST to LAST
(PHASE, FROM, TO, FIRST, LAST, CENTRE, STEP, LOW, LOW_SLOPE, HIGH, HIGH_SLOPE, TRIES, START, WIDTH) = range(14)
_GRID, _SEEK, _PEAK, _RIGHT, _LEFT = range(5)

STEP_IN_SPREADS = 0.9  # of the equal steps
_HALF, _MORE, _MIDDLE = 6, 4, 18  # nodes on each side at first, in an extension, and at most
DEPTH = 13.0  # below the top, in the logarithm, where the equal steps may end
_ERROR = 13.0  # minus the logarithm of the relative error that a rule may have
_MISSED = 1e-4  # of the change of the logarithm in a panel, at the top
_END = 14.0  # below the top where the panels end
_SEEKER, _PEAK_NODE = 2 * _MIDDLE + 1, 2 * _MIDDLE + 2
_PANEL = 6  # new nodes of a panel: its first node is the last of its neighbour
NODES = _PEAK_NODE + 1 + 80 * _PANEL
"""Room that `work_space` allocates."""
_LOBATTO = np.array(
    [
        0.0,
        0.08488805186071653506,
        0.26557560326464289310,
        0.5,
        0.73442439673535710690,
        0.91511194813928346494,
        1.0,
    ]
)
_LOBATTO_WEIGHTS = np.array(
    [
        1 / 42,
        0.13841302368078297401,
        0.21587269060493131171,
        0.24380952380952380952,
        0.21587269060493131171,
        0.13841302368078297401,
        1 / 42,
    ]
)


@numba.njit(cache=True)
def node_space():
    """Allocate nodes and state."""
    return np.zeros((NODES, 4)), np.zeros(14)


@numba.njit(cache=True)
def asked(state):
    """Whether values are asked for, at the nodes from state[FROM] to state[TO]."""
    return state[FROM] < state[TO]


@numba.njit(cache=True)
def begin(nodes, state, centre, spread, skewed):
    """Ask for values at equal steps about a guess of the centre; they are half as long for a ``skewed`` function."""
    state[PHASE], state[CENTRE], state[STEP] = _GRID, centre, STEP_IN_SPREADS * spread * (0.5 if skewed else 1.0)
    state[FIRST], state[LAST] = _MIDDLE - _HALF, _MIDDLE + _HALF + 1
    _ask_grid(nodes, state, _MIDDLE - _HALF, _MIDDLE + _HALF + 1)


@numba.njit(cache=True)
def advance(nodes, state):
    """Look at the values that were asked for, and ask for more or for none."""
    phase = int(state[PHASE])
    if phase == _GRID:
        _judge_grid(nodes, state)
    elif phase == _SEEK:
        _judge_slope(nodes, state)
    elif phase == _PEAK:
        state[PHASE], state[FIRST], state[LAST] = _RIGHT, _PEAK_NODE, _PEAK_NODE + 1
        _ask_panel(nodes, state)
    else:
        _judge_panel(nodes, state)


@numba.njit(cache=True)
def average(nodes, state, terms, expected):
    """Log of the integral; averages ``terms`` (nodes, T) over the function into ``expected`` (T,)."""
    first, last = int(state[FIRST]), int(state[LAST])
    top, total = nodes[first:last, VALUE].max(), 0.0
    expected[:] = 0.0
    for s in range(first, last):
        weight = nodes[s, WEIGHT] * exp(nodes[s, VALUE] - top)
        if weight > 0.0:
            total += weight
            for t in range(expected.shape[0]):
                expected[t] += weight * terms[s, t]
    expected /= total
    return top + log(total)


@numba.njit(cache=True)
def _ask(state, start, end):
    state[FROM], state[TO] = start, end


@numba.njit(cache=True)
def _ask_grid(nodes, state, start, end):
    for s in range(start, end):
        nodes[s, X] = state[CENTRE] + (s - _MIDDLE) * state[STEP]
        nodes[s, WEIGHT] = state[STEP]
    _ask(state, start, end)


@numba.njit(cache=True)
def _judge_grid(nodes, state):
    """Accept the equal steps, extend them on a side where they end too early, or give them up."""
    first, last = int(state[FIRST]), int(state[LAST])
    top = nodes[first:last, VALUE].max()
    if not is_resolved(nodes[first:last, VALUE], top):
        _seek(nodes, state)
    elif nodes[first, VALUE] > top - DEPTH:
        if first < _MORE:
            _seek(nodes, state)
        else:
            state[FIRST] = first - _MORE
            _ask_grid(nodes, state, first - _MORE, first)
    elif nodes[last - 1, VALUE] > top - DEPTH:
        if last + _MORE > 2 * _MIDDLE + 1:
            _seek(nodes, state)
        else:
            state[LAST] = last + _MORE
            _ask_grid(nodes, state, last, last + _MORE)
    else:
        _ask(state, 0, 0)


@numba.njit(cache=True)
def is_resolved(values, top):
    """Whether equal steps are short enough everywhere.

    The trapezoid rule on a normal density has the relative error 2 exp(-2 pi^2 / c), with c its curvature times the
    square of the step, the second difference of the logarithms; a part of the function counts by its height.
    """
    for s in range(1, values.shape[0] - 1):
        depth, curvature = top - values[s], 2.0 * values[s] - values[s - 1] - values[s + 1]
        if depth < _ERROR and not curvature * (_ERROR - depth) <= 2.0 * np.pi**2:
            return False
    return True


@numba.njit(cache=True)
def _seek(nodes, state):
    """Begin to seek the mode, between the nodes where the slope changes its sign if there are such."""
    state[PHASE], state[TRIES] = _SEEK, 0
    state[LOW], state[HIGH], state[LOW_SLOPE], state[HIGH_SLOPE] = -inf, inf, inf, -inf
    for s in range(int(state[FIRST]), int(state[LAST])):
        _narrow(state, nodes[s, X], nodes[s, SLOPE])
    _ask_slope(nodes, state)


@numba.njit(cache=True)
def _narrow(state, x, slope):
    """Take account of the slope at a point: the mode is to its right where it is positive."""
    if slope > 0.0:
        if x > state[LOW]:
            state[LOW], state[LOW_SLOPE] = x, slope
    elif x < state[HIGH]:
        state[HIGH], state[HIGH_SLOPE] = x, slope


@numba.njit(cache=True)
def _ask_slope(nodes, state):
    """Ask for one more slope: beyond the nodes known, ever further, or between two of them."""
    low, high, tries = state[LOW], state[HIGH], int(state[TRIES])
    if low == -inf:
        x = high - state[STEP] * 2.0**tries
    elif high == inf:
        x = low + state[STEP] * 2.0**tries
    else:
        share = 0.5
        if tries % 2 == 0 and state[LOW_SLOPE] < inf and state[HIGH_SLOPE] > -inf:
            share = state[LOW_SLOPE] / (state[LOW_SLOPE] - state[HIGH_SLOPE])
        x = low + min(max(share, 0.02), 0.98) * (high - low)
    nodes[_SEEKER, X] = x
    _ask(state, _SEEKER, _SEEKER + 1)


@numba.njit(cache=True, error_model="numpy")
def _judge_slope(nodes, state):
    """End where the function cannot be much higher than at the better end of the bracket."""
    _narrow(state, nodes[_SEEKER, X], nodes[_SEEKER, SLOPE])
    state[TRIES] += 1
    width, low, high = state[HIGH] - state[LOW], state[LOW_SLOPE], state[HIGH_SLOPE]
    if state[TRIES] < 200 and not min(low, -high) * width < 1.0:
        _ask_slope(nodes, state)
        return
    nodes[_PEAK_NODE, X] = state[LOW] if low < -high else state[HIGH]
    nodes[_PEAK_NODE, WEIGHT] = 0.0
    state[START], state[PHASE] = _PEAK_NODE, _PEAK
    state[WIDTH] = min(1.5 / sqrt(max((low - high) / width, 1e-300)), max(8.0 * width, state[STEP]))
    state[STEP] = state[WIDTH]
    _ask(state, _PEAK_NODE, _PEAK_NODE + 1)


@numba.njit(cache=True)
def _ask_panel(nodes, state):
    """Ask for the next panel on the side in hand."""
    start, free = int(state[START]), int(state[LAST])
    if free + _PANEL > nodes.shape[0]:
        _ask(state, 0, 0)
        return
    width = state[WIDTH] if state[PHASE] == _RIGHT else -state[WIDTH]
    for i in range(1, _PANEL + 1):
        nodes[free + i - 1, X] = nodes[start, X] + width * _LOBATTO[i]
    _ask(state, free, free + _PANEL)


@numba.njit(cache=True, error_model="numpy")
def _judge_panel(nodes, state):
    """Accept the panel and go on, or make it narrower.

    The relative error of the rule on a normal density is near 2e-12 q^13, with q the width times the root of the
    curvature, and on an exponential one 2e-16 q^13, with q the change of the logarithm.
    """
    start, free, width = int(state[START]), int(state[LAST]), state[WIDTH]
    top = max(nodes[_PEAK_NODE : free + _PANEL, VALUE].max(), nodes[_PEAK_NODE, VALUE])
    before, highest, lowest, curvature = start, nodes[start, VALUE], nodes[start, VALUE], 0.0
    for s in range(free, free + _PANEL):
        bend = (nodes[before, SLOPE] - nodes[s, SLOPE]) / (nodes[s, X] - nodes[before, X])
        curvature = max(curvature, bend)
        highest, lowest = max(highest, nodes[s, VALUE]), min(lowest, nodes[s, VALUE])
        before = s
    size = sqrt(curvature) * width + 0.48 * (highest - lowest)
    fitting = 3.4 * exp(min(top - highest, 30.0) / 13.0) / max(size, 1e-300)
    if _missed(nodes, start, free, width if state[PHASE] == _RIGHT else -width) * exp(highest - top) > _MISSED:
        fitting = min(fitting, 0.5)
    if not fitting >= 1.0 and width > 1e-12 * (1.0 + abs(nodes[start, X])):
        state[WIDTH] = width * (max(0.8 * fitting, 0.15) if fitting == fitting else 0.15)
        _ask_panel(nodes, state)
        return
    nodes[start, WEIGHT] += width * _LOBATTO_WEIGHTS[0]
    for i in range(1, _PANEL + 1):
        nodes[free + i - 1, WEIGHT] = width * _LOBATTO_WEIGHTS[i]
    end = free + _PANEL
    state[START], state[LAST], state[WIDTH] = end - 1, end, width * min(3.0, 0.85 * fitting)
    if nodes[end - 1, VALUE] < top - _END:
        _turn(nodes, state)
    else:
        _ask_panel(nodes, state)


@numba.njit(cache=True)
def _missed(nodes, start, free, width):
    """By how much the rule misses the change of the logarithm in a panel: a bend between its nodes shows there."""
    change = _LOBATTO_WEIGHTS[0] * nodes[start, SLOPE]
    for i in range(1, _PANEL + 1):
        change += _LOBATTO_WEIGHTS[i] * nodes[free + i - 1, SLOPE]
    return abs(nodes[free + _PANEL - 1, VALUE] - nodes[start, VALUE] - width * change)


@numba.njit(cache=True)
def _turn(nodes, state):
    """Go to the other side of the mode, or end."""
    if state[PHASE] == _LEFT:
        _ask(state, 0, 0)
        return
    state[PHASE], state[START], state[WIDTH] = _LEFT, _PEAK_NODE, state[STEP]
    _ask_panel(nodes, state)
