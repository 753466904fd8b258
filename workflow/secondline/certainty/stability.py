"""How often a judgement would be another, were the estimate one of the draws of its posterior.

A judgement of imprecision or of heterogeneity rests on where an estimate and its intervals lie, and the estimate is
uncertain. Each draw of the effect takes its place in turn, with intervals of the same widths on the link scale; what
the rules then judge is counted. Other domains do not depend on the draws.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from secondline.certainty.features import Crossings, crossings
from secondline.certainty.rules import judge
from secondline.certainty.settings import HETEROGENEITY, IMPRECISION
from secondline.network.structure import Floats

Row = Mapping[str, Any]
Words = np.ndarray[tuple[int], np.dtype[np.str_]]


def judged_in_draws(row: Row, draws: Floats) -> Words:
    """Judge imprecision or heterogeneity with every draw of the effect as the estimate.

    Parameters
    ----------
    row : mapping
        ``domain``, ``version``, ``estimate``, its limits and the range of equivalence, link scale.
    draws : array, (D,)
        Draws of the effect, link scale.

    Returns
    -------
    array of str, (D,)
    """
    if row["domain"] not in (IMPRECISION, HETEROGENEITY):
        raise ValueError(f"{row['domain']} does not depend on draws")
    shift = draws - row["estimate"]
    predictive = None
    if row["predictive_lower"] is not None:
        predictive = row["predictive_lower"] + shift, row["predictive_upper"] + shift
    found = crossings(
        draws, (row["lower"] + shift, row["upper"] + shift), predictive, (row["range_lower"], row["range_upper"])
    )
    return _judged(row["domain"], row["version"], found)


def _judged(domain: str, version: str, found: Crossings) -> Words:
    """Judge every interval; as there are few patterns of limits crossed, each pattern once."""
    predictive = np.full_like(found.crossed, -1) if found.predictive_crossed is None else found.predictive_crossed
    patterns = np.stack([found.inside.astype(np.int64), found.crossed, found.range_crossed, predictive], axis=1)
    _, first, which = np.unique(patterns, axis=0, return_index=True, return_inverse=True)
    words = np.array([judge(domain, version, found.features(int(i))).judgement for i in first])
    return np.asarray(words[which.ravel()])


def shares_of(words: Words) -> dict[str, float]:
    """Share of the draws with each judgement, the most frequent first."""
    found, counts = np.unique(words, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(found[i]): float(counts[i] / len(words)) for i in order}
