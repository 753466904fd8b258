"""Rows of studies with counts: centred within the study, or against its reference in a regression on the baseline."""

from collections.abc import Sequence

import numpy as np

from secondline.likelihoods import Likelihood
from secondline.network.arms import arms_of
from secondline.network.baseline_risk import Row, moving, observed_baseline
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats


def count_rows(studies: Sequence[Sequence[Row]], predictor: Predictor, likelihood: Likelihood) -> tuple[Floats, Floats]:
    """Rows of all arms, (arms, coefficients), and what a regression on the baseline needs beside them, (arms, 2).

    Without one the rows are centred, so that the baseline is the mean of the arms, and nothing is needed, (0, 2). With
    one the baseline is that of the arm on the reference: the rows are those against it, and the slope takes the
    distance of the observed baseline from the centre. The likelihood adds that of the modelled baseline from the
    observed one: it is given whether an arm moves with the baseline, 1 or 0, and the observed baseline where it does.
    """
    found = [_of_study(members, predictor, likelihood) for members in studies]
    rows = np.vstack([np.zeros((0, predictor.n_coefficients)), *(rows for rows, _ in found)])
    return rows, np.vstack([np.zeros((0, 2)), *(more for _, more in found)])


def _of_study(members: Sequence[Row], predictor: Predictor, likelihood: Likelihood) -> tuple[Floats, Floats]:
    """Rows of one study, and what a regression on the baseline needs beside them."""
    arms = [arm for row in members for arm in arms_of(row)]
    centre, column = predictor.effects.baseline_risk, predictor.baseline_slope
    rows = predictor.rows(arms)
    if centre is None or column is None:
        return rows - rows.mean(axis=0), np.zeros((0, 2))
    moves = moving(arms, predictor.structure)
    if not moves.any():
        return rows - rows.mean(axis=0), np.zeros((len(rows), 2))
    base = int(np.flatnonzero(moves == 0)[0])
    near = observed_baseline(members[base], likelihood)
    rows = rows - rows[base]
    rows[:, column] = moves * (near - centre)
    return rows, np.column_stack([moves, moves * near])
