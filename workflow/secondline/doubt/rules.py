"""Rules by which a decision is taken from a posterior, each a function of what is known of the candidates."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from secondline.doubt.question import Contest
from secondline.network.structure import Floats

SUCRA, MEAN, P_BEST, P_MARGIN, WITHIN_MARGIN = "sucra", "mean", "p_best", "p_margin", "within_margin"
RULES = (SUCRA, MEAN, P_BEST, P_MARGIN, WITHIN_MARGIN)
"""Highest SUCRA, best posterior mean, highest P(best), highest probability of being better than the reference of the
setting by more than the margin, and the set of candidates whose posterior mean is within the margin of the best."""

Chosen = tuple[int, ...]
"""Places of the candidates chosen: one, or a set."""


@dataclass(frozen=True, kw_only=True)
class Stakes:
    """What is decided in one setting: the candidates that are ranked, and what counts as better.

    Parameters
    ----------
    setting : str
    names : tuple of str
        Candidates placed in the declared analysis, (candidates,).
    rows : array, (candidates, coefficients)
        Their effects against the reference of the network, times 1 where higher is better and -1 where lower is.
    reference : array, (coefficients,)
        The same of the reference of the setting.
    margin : float
        Smallest difference that matters, link scale, 0 or more.
    """

    setting: str
    names: tuple[str, ...]
    rows: Floats
    reference: Floats
    margin: float

    @classmethod
    def of(cls, contest: Contest, placed: list[int], sign: float, margin: float) -> "Stakes":
        """Take the candidates placed of a contest."""
        return cls(
            setting=contest.setting,
            names=tuple(contest.candidates[k] for k in placed),
            rows=sign * contest.rows[placed],
            reference=sign * contest.reference_row,
            margin=margin,
        )

    def named(self, chosen: Chosen) -> str:
        """Names of the candidates chosen, as one cell."""
        return " + ".join(self.names[k] for k in chosen)


class Standing(Protocol):
    """What a posterior says of the candidates of one setting; higher is better in all of it, (candidates,)."""

    def means(self) -> Floats:
        """Posterior means of the effects."""
        ...

    def sucra(self) -> Floats:
        """SUCRA among the candidates."""
        ...

    def p_best(self) -> Floats:
        """Probability of being the best."""
        ...

    def p_margin(self) -> Floats:
        """Probability of being better than the reference of the setting by more than the margin."""
        ...


class Path(Protocol):
    """The candidates of one setting along a line of data."""

    @property
    def moves(self) -> bool:
        """Whether the line can move any difference of candidates, or their heterogeneity."""
        ...

    def at(self, t: float) -> Standing:
        """Say where they are when the data have moved by t."""
        ...


def scores(rule: str, standing: Standing) -> Floats:
    """Score of every candidate under a rule, (candidates,); the decision depends on nothing else."""
    by_rule = {
        SUCRA: standing.sucra,
        MEAN: standing.means,
        P_BEST: standing.p_best,
        P_MARGIN: standing.p_margin,
        WITHIN_MARGIN: standing.means,
    }
    return by_rule[rule]()


def choose(rule: str, score: Floats, margin: float) -> Chosen:
    """Take the decision of a rule: the best score, or all that are within the margin of it."""
    if rule == WITHIN_MARGIN:
        return tuple(np.flatnonzero(score >= score.max() - margin).tolist())
    return (int(score.argmax()),)


def lead(rule: str, score: Floats, margin: float, before: Chosen, after: Chosen) -> float:
    """How far a decision is from becoming another, in the units of the score: 0 where it changes.

    For a decision set it is the distance of the treatment that enters or leaves from the edge of the set.
    """
    if rule == WITHIN_MARGIN:
        moved = sorted(set(before) ^ set(after))
        edge = score[moved] - (score.max() - margin)
        inside = np.isin(moved, before)
        return float(np.where(inside, edge, -edge).min())
    return float(score[before[0]] - score[after[0]])
