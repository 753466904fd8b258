"""Baseline-risk regression: effects that change with the baseline of the study, as it is modelled (NICE DSU TSD3).

It is defined where the baseline of a study is a parameter: for counts of arms, of studies with an arm wholly on the
reference. In other studies all arms are treated; a slope that is common to all treatments moves them together, which
the baseline takes up, so that they enter as without it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from secondline.errors import UserError
from secondline.likelihoods import Distribution, Likelihood
from secondline.network.arms import Arm, arms_of, is_contrast
from secondline.network.structure import Floats, Structure

BASELINE_RISK = "baseline risk"
Row = Mapping[str, str]


def why_not(likelihood: Likelihood) -> str:
    """Why an outcome has no regression on its baseline; empty where it has one."""
    if likelihood.is_gaussian or likelihood.is_contrasts:
        return "contrasts and means of arms have no modelled baseline; allowed: outcomes of events"
    if likelihood.is_ordered:
        return "ordered categories have a baseline of several cutpoints; allowed: outcomes of events"
    return ""


def observed_baseline(row: Row, likelihood: Likelihood) -> float:
    """Observed linear predictor of an arm, half an event added where none or all had it."""
    events, time = float(row["events"]), float(row["time"]) if likelihood.takes_time else 1.0
    if likelihood.distribution is Distribution.POISSON:
        return float(np.log((events or 0.5) / time))
    n = float(row["n"])
    share = events / n if 0 < events < n else (events + 0.5) / (n + 1)
    return float(likelihood.link.link(share)) - float(np.log(time))


def mean_baseline(rows: Sequence[Row], structure: Structure, likelihood: Likelihood) -> float:
    """Mean of the observed baselines of the studies that have an arm on the reference.

    Raises
    ------
    UserError
        No study has one.
    """
    name = structure.regimens[structure.reference]
    own = [row for row in rows if not is_contrast(row) and arms_of(row)[0].share(name) == 1]
    if not own:
        raise UserError(f"no study has an arm of counts on {name}, the baseline", key="baseline_risk")
    return float(np.mean([observed_baseline(row, likelihood) for row in own]))


def check_baselines(centre: float | None, rows: Sequence[Row], likelihood: Likelihood) -> None:
    """Check that every study has a modelled baseline, where a model has a regression on it.

    Raises
    ------
    UserError
        The outcome has none, or a study gives contrasts.
    """
    if centre is None:
        return
    problem = why_not(likelihood)
    contrasts = [row["study"] for row in rows if is_contrast(row)]
    if not problem and contrasts:
        problem = f"study {contrasts[0]} gives contrasts, which have no modelled baseline; allowed: events by arm"
    if problem:
        raise UserError(problem, key="baseline_risk")


def moving(arms: Sequence[Arm], structure: Structure) -> Floats:
    """Which arms of one study move with its baseline, (arms,): 1 but for that on the reference; none without one.

    Raises
    ------
    UserError
        An arm in which some patients received the reference and some did not, or two arms on it.
    """
    name = structure.regimens[structure.reference]
    shares = np.array([arm.share(name) for arm in arms])
    mixed = [arm.name for arm, share in zip(arms, shares, strict=True) if 0 < share < 1]
    problem = f"arm {mixed[0]} mixes {name} with others" if mixed else ""
    if (shares == 1).sum() > 1:
        problem = f"several arms are on {name}"
    if problem:
        problem += ", so that the baseline is not defined; allowed: a model without baseline_risk"
        raise UserError(problem, f"study {arms[0].study}", key="baseline_risk")
    return 1 - shares if shares.any() else np.zeros(len(arms))
