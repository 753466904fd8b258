"""Ordered categories of arms that do not report every cut-off.

A category whose lower cut-off an arm does not report has no count of its own: its patients are counted in the nearest
category below that has one. In the counts, (arms, categories) from the lowest up, it is not a number, so that whatever
does not expect it fails and never takes it for a count. Compiled functions are told so by a negative number.
"""

import numpy as np
from numpy.typing import NDArray

from secondline.network.structure import Floats

_STEPS, _ACCURACY = 200, 1e-8
_ADDED = 0.5  # patients in every category, so that none is empty


def own_counts(counts: Floats) -> Floats:
    """Give every category the patients counted in it, those of others that are counted with it included.

    Categories that are counted with the one before them have 0.
    """
    return np.asarray(np.nan_to_num(counts))


def highest_counts(counts: Floats) -> Floats:
    """Patients in the highest category that an arm reports, (arms,)."""
    last = counts.shape[1] - 1 - np.argmax(~np.isnan(counts[:, ::-1]), axis=1)
    return np.asarray(counts[np.arange(len(counts)), last])


def owners(counts: Floats) -> NDArray[np.int64]:
    """Find the category in which the patients of every category are counted, (arms, categories)."""
    itself = np.where(np.isnan(counts), 0, np.arange(counts.shape[1]))
    return np.asarray(np.maximum.accumulate(itself, axis=1), dtype=np.int64)


def expected_counts(counts: Floats) -> Floats:
    """Distribute patients who are counted together over their categories, as the arms together suggest.

    Where the shares of the categories are the same in all arms these are the expectations at the maximum of the
    likelihood (Dempster, Laird & Rubin 1977): good enough to start from, and used for nothing else.

    Parameters
    ----------
    counts : array, (arms, categories)

    Returns
    -------
    array, (arms, categories)
        The counts themselves where every cut-off is reported.
    """
    if not np.isnan(counts).any():
        return counts
    where = owners(counts)
    taken = np.take_along_axis(counts, where, axis=1)
    together = where[:, :, None] == where[:, None, :]
    shares = np.full(counts.shape[1], 1 / counts.shape[1])
    for _ in range(_STEPS):
        expected = taken * shares / (together @ shares)
        before, shares = shares, expected.sum(axis=0) + _ADDED
        shares = shares / shares.sum()
        if np.abs(shares - before).max() < _ACCURACY:
            break
    return np.asarray(taken * shares / (together @ shares))


def counted_apart(counts: Floats) -> Floats:
    """Patients of all arms in every category, where it is counted with no other, (categories,)."""
    missing = np.isnan(counts)
    with_next = np.column_stack([missing[:, 1:], np.zeros(len(counts), dtype=bool)])
    return np.asarray(np.where(missing | with_next, 0.0, counts).sum(axis=0))
