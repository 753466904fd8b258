"""Figures in the rows of an evidence table."""

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np

from secondline.cells import parse_categories
from secondline.likelihoods import Distribution, Likelihood
from secondline.network.structure import Floats

Row = Mapping[str, str]


def contrast_covariance(members: Sequence[Row]) -> Floats:
    """Assemble the covariance of a study's contrasts, (n, n).

    The covariances with the rows before stand in ``covariances``; where they do not, the comparator is common to all
    rows and its variance is their covariance.
    """
    covariance = np.diag([float(row["se"]) ** 2 for row in members])
    for k, row in enumerate(members[1:], start=1):
        if row.get("covariances"):
            values = [float(value) for value in row["covariances"].split()]
        else:
            values = [float(row["baseline_se"]) ** 2] * k
        covariance[k, :k] = covariance[:k, k] = values
    return covariance


def arm_size(row: Row) -> float:
    """Patients of an arm; 0 where only events over time are known."""
    if row.get("categories"):
        return float(sum(n or 0 for n in parse_categories(row["categories"]).values()))
    return float(row.get("n") or 0)


def arm_counts(row: Row, likelihood: Likelihood) -> list[float]:
    """Read the counts of an arm, as `secondline.network.data.CountData` has them."""
    if likelihood.is_ordered:
        return [nan if n is None else float(n) for n in parse_categories(row["categories"]).values()]
    if likelihood.distribution is Distribution.POISSON:
        return [float(row["events"])]
    return [float(row["events"]), float(row["n"])]
