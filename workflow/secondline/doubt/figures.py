"""The figures of the studies that may be biased, and how the data of a fit move with each of them.

A study of two arms has one contrast to move. In a study of three or more arms an arm is moved, and with it all of its
contrasts: to move one contrast alone would contradict the others. The size of an arm's figure is then its difference
from the other arms, weighted by their precision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from secondline.network.arms import is_contrast, rows_with
from secondline.network.data import NetworkData, contrast_blocks, network_data
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of a study that may be moved.

    Parameters
    ----------
    study, arm : str
        ``arm`` is an arm of a study of three or more, and ``treatment against comparator`` in a study of two.
    ends : tuple of str
        Treatment and comparator arm of a study of two arms, empty otherwise.
    effect, se : float
        Link scale.
    direction : array, (contrasts + arms,)
        How the data move for one unit: the whitened contrasts, then the linear predictors of the arms with counts,
        centred within their study.
    """

    study: str
    arm: str
    ends: tuple[str, ...]
    effect: float
    se: float
    direction: Floats


def figures_of(
    evidence: Sequence[Row], data: NetworkData, likelihood: str, overlaps: Sequence[Overlap] = ()
) -> list[Figure]:
    """List the figures of a network: of the studies with contrasts or means, and of those with counts.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    data : NetworkData
        What was made of it.
    likelihood : str
        Name of the likelihood of the arm rows.
    overlaps : sequence of Overlap
        Patients whom studies of the fit share.
    """
    kept = rows_with(evidence, data.predictor.effects.needs)
    return [*_gaussian(kept, data, likelihood, overlaps), *_counts(data)]


def _gaussian(
    evidence: Sequence[Row], data: NetworkData, likelihood: str, overlaps: Sequence[Overlap]
) -> Iterator[Figure]:
    """Figures of contrasts and of means; the whitened data are linear in them, so that two of them give a direction."""
    if not len(data.gaussian.y):
        return
    predictor = data.predictor

    def whitened(moved: Mapping[int, float]) -> Floats:
        rows = [_moved(row, moved[k]) if k in moved else row for k, row in enumerate(evidence)]
        return network_data(rows, predictor.structure, likelihood, predictor.effects, overlaps, data.bias).gaussian.y

    unmoved = whitened({})
    blocks = {block.study: block for block in contrast_blocks(evidence, predictor, likelihood)}
    of_study = {name: k for k, name in enumerate(data.studies)}
    at: dict[str, list[int]] = {}
    for k, row in enumerate(evidence):
        at.setdefault(row["study"], []).append(k)
    for study, places in at.items():
        if of_study[study] not in blocks:
            continue
        block = blocks[of_study[study]]
        members = [evidence[k] for k in places]
        for arm, ends, own in _movable(members):
            step = _by_contrast(members, own)
            precision = np.linalg.solve(block.covariance, step)
            variance = 1 / float(precision @ step)
            moved = {places[k]: value for k, value in own.items()}
            yield Figure(
                study=study,
                arm=arm,
                ends=ends,
                effect=float(precision @ block.y) * variance,
                se=float(np.sqrt(variance)),
                direction=np.append(whitened(moved) - unmoved, np.zeros(len(data.counts.rows))),
            )


def _movable(members: Sequence[Row]) -> Iterator[tuple[str, tuple[str, ...], dict[int, float]]]:
    """Name every figure of a study, its ends, and by how much it moves which of the study's rows."""
    if not is_contrast(members[0]):
        if len(members) == 2:
            names = members[1]["arm"], members[0]["arm"]
            yield " against ".join(names), names, {1: 1.0}
        else:
            yield from ((row["arm"], (), {k: 1.0}) for k, row in enumerate(members))
        return
    if len(members) == 1:
        names = members[0]["treatment_arm"], members[0]["comparator_arm"]
        yield " against ".join(names), names, {0: 1.0}
        return
    arms = dict.fromkeys(row[end] for end in ("comparator_arm", "treatment_arm") for row in members)
    for arm in arms:
        signs = {
            k: float(row["treatment_arm"] == arm) - float(row["comparator_arm"] == arm) for k, row in enumerate(members)
        }
        yield arm, (), {k: sign for k, sign in signs.items() if sign}


def _by_contrast(members: Sequence[Row], own: Mapping[int, float]) -> Floats:
    """How the contrasts of a study move with its rows: means are contrasts with the first of them."""
    by_row = np.array([own.get(k, 0.0) for k in range(len(members))])
    return by_row if is_contrast(members[0]) else by_row[1:] - by_row[0]


def _moved(row: Row, by: float) -> Row:
    key = "effect" if is_contrast(row) else "mean"
    return {**row, key: repr(float(row[key]) + by)}


def _counts(data: NetworkData) -> Iterator[Figure]:
    """Figures of studies with counts: their size by the normal approximation of every arm."""
    counts = data.counts
    if not len(counts.study):
        return
    from secondline.inference.families import gaussian_approximation

    estimate, variance = gaussian_approximation(counts)
    names = [name for _, name in data.points[len(data.points) - len(counts.rows) :]]
    for i, (first, last) in enumerate(zip(counts.start[:-1], counts.start[1:], strict=True)):
        arms = range(first, last)
        for arm in arms if last - first > 2 else arms[1:]:
            others = [k for k in arms if k != arm]
            weights = 1 / variance[others]
            direction = np.zeros(len(counts.rows))
            direction[first:last] = (np.arange(first, last) == arm) - 1 / (last - first)
            two = (names[arm], names[first]) if last - first == 2 else ()
            yield Figure(
                study=data.studies[counts.study[i]],
                arm=" against ".join(two) or names[arm],
                ends=two,
                effect=float(estimate[arm] - weights @ estimate[others] / weights.sum()),
                se=float(np.sqrt(variance[arm] + 1 / weights.sum())),
                direction=np.append(np.zeros(len(data.gaussian.y)), direction),
            )
