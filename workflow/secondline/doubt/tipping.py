"""Tipping points: the mean of a bias at which the decision changes, its standard deviation as given.

Only the data move with the mean: y - m d. Where tau is fixed the posterior means are linear in m, and the point at
which two of them cross has a closed form. Otherwise tau is estimated anew at every m, and the point is found by a
search. A bias that an effect common to two treatments takes up entirely (d = X c with no part of c in their difference)
cannot change their order, apart from the pull of the priors: under additivity, a bias common to all contrasts of a
component moves the effect of that component alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from secondline.doubt.bias_fan import Declared
from secondline.doubt.crossing import first_crossing, search_points
from secondline.doubt.decision import Decision
from secondline.doubt.gaussian_path import GaussianEngine
from secondline.doubt.question import Contest, Question
from secondline.doubt.rules import MEAN, SUCRA, Chosen, Path, Stakes, choose, scores
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import solve_and_decide
from secondline.network.structure import Floats

COLUMNS = (
    "scheme",
    "bias_sd",
    "setting",
    "rule",
    "first",
    "runner_up",
    "not_named",
    "tipping",
    "tipping_factor",
    "new_first",
    "below",
    "below_first",
    "above",
    "above_first",
    "method",
    "same_as",
    "reason",
)
RUNNER_UP = "runner_up"
RULES = (SUCRA, MEAN, RUNNER_UP)
"""Highest SUCRA among the candidates, best posterior mean, and which of first and runner-up has the better mean."""
CLOSED_FORM, SEARCH = "closed form", "search"
STRUCTURAL = "structural: an effect common to these treatments takes up the bias"
NO_INFLUENCE, NONE_WITHIN_RANGE = "no influence", "none within range"
_REACH_SE, _REACH_RATIO = 10.0, 20.0
_ZERO = 1e-9  # relative

Side = tuple[float, int] | None
"""Mean of the bias at which the decision changes, and the place of the new first."""


class BiasedData:
    """The data of an analysis as a function of the mean of a bias.

    Parameters
    ----------
    declared : Declared
    scheme : BiasScheme
    sd : float
    """

    def __init__(self, declared: Declared, scheme: BiasScheme, sd: float) -> None:
        self.start = declared.without(scheme.at(0.0, sd))
        moved = declared.without(scheme.at(1.0, sd)).data.gaussian.y
        self.direction = moved - self.start.data.gaussian.y
        self.engine = GaussianEngine(self.start.data, self.start.scales)

    @property
    def se(self) -> float:
        """Standard error of the mean of the bias if all effects were known."""
        return float(1 / np.linalg.norm(self.direction))

    @property
    def is_linear(self) -> bool:
        """Whether the posterior means are linear in the mean of the bias: tau and omega are fixed."""
        return len(self.engine.log_density) == 1

    @cached_property
    def _taken_up(self) -> Floats | None:
        """Coefficients that take the bias up entirely, (coefficients,); None where none do."""
        rows = self.start.data.gaussian.rows
        found = np.linalg.lstsq(rows, self.direction, rcond=None)[0]
        left = np.linalg.norm(rows @ found - self.direction)
        return found if left < _ZERO * np.linalg.norm(self.direction) else None

    def cannot_move(self, difference: Floats) -> bool:
        """Whether a difference of treatments that the data determine is none of what takes the bias up."""
        if self._taken_up is None:
            return False
        rows = self.start.data.gaussian.rows
        determined = np.linalg.norm(np.linalg.pinv(rows) @ (rows @ difference) - difference) < 1e-7
        return bool(determined and abs(difference @ self._taken_up) < _ZERO * np.abs(self._taken_up).max())


@dataclass(frozen=True)
class Race:
    """The candidates placed in one setting, and who of them is first by a rule while the bias grows."""

    data: BiasedData
    stakes: Stakes
    path: Path
    first: int
    second: int

    @classmethod
    def of(cls, data: BiasedData, decision: Decision, contest: Contest, question: Question) -> "Race":
        """Take the candidates that are placed where the bias has mean 0."""
        placed = [contest.candidates.index(name) for name in decision.placed]
        stakes = Stakes.of(contest, placed, question.sign, question.margin)
        return cls(data, stakes, data.engine.path(stakes, data.direction), *decision.order[:2])

    def leader(self, rule: str, mean: float) -> Chosen:
        """Place of the first by a rule, where the bias has this mean."""
        standing = self.path.at(mean)
        if rule == RUNNER_UP:
            means = standing.means()
            return (self.first if means[self.first] >= means[self.second] else self.second,)
        return choose(rule, scores(rule, standing), self.stakes.margin)

    def rivals(self, rule: str) -> list[int]:
        """Places of those who may take the lead."""
        racing = (self.first, self.second) if rule == RUNNER_UP else range(len(self.stakes.names))
        return [k for k in racing if (k,) != self.leader(rule, 0.0)]

    def cannot_change(self, rule: str) -> bool:
        """Whether the bias can move no rival past the first."""
        own = self.stakes.rows[self.leader(rule, 0.0)[0]]
        return all(self.data.cannot_move(own - self.stakes.rows[k]) for k in self.rivals(rule))

    def closed_form(self, rule: str) -> tuple[Side, Side]:
        """Nearest crossings of posterior means that are linear in the mean of the bias, below 0 and above."""
        start, end = (self.path.at(mean).means() for mean in (0.0, 1.0))
        (own,), slope = self.leader(rule, 0.0), end - start
        closing = [(k, slope[k] - slope[own]) for k in self.rivals(rule)]
        crossings = [(float((start[own] - start[k]) / by), k) for k, by in closing if abs(by) > _ZERO]
        below = max((found for found in crossings if found[0] < 0), default=None)
        above = min((found for found in crossings if found[0] >= 0), default=None)
        return below, above

    def search(self, rule: str, ratio: bool) -> tuple[Side, Side]:
        """Nearest means of the bias at which the leader changes, below 0 and above."""
        reach = max(_REACH_SE * self.data.se, float(np.log(_REACH_RATIO)) if ratio else 0.0)
        points = search_points(reach, self.data.se)

        def leader(mean: float) -> Chosen:
            return self.leader(rule, mean)

        sides = [first_crossing(leader, side, self.data.se) for side in (-points, points)]
        below, above = ((found.at, found.after[0]) if found else None for found in sides)
        return below, above


def tipping_rows(declared: Declared, scheme: BiasScheme, same_as: str = "") -> Iterator[dict[str, Any]]:
    """Find the tipping points of a scheme, by standard deviation, setting and rule; rows with `COLUMNS`.

    Parameters
    ----------
    same_as : str
        An earlier scheme with the same contrasts.
    """
    names: dict[str, Any] = {"scheme": scheme.name, "same_as": same_as}
    reason = declared.why_not(scheme)
    if reason:
        yield {**names, "reason": reason}
        return
    question, ratio = declared.question, declared.settings.ratio
    for sd in scheme.sds:
        data = BiasedData(declared, scheme, sd)
        solved = solve_and_decide(data.start, question)
        if solved.posterior is None:
            yield {**names, "bias_sd": sd, "reason": solved.reason}
        for decision in solved.decisions:
            at = {**names, "bias_sd": sd, "setting": decision.setting}
            if not decision.placed:
                yield {**at, "not_named": decision.not_named, "reason": decision.not_named}
                continue
            race = Race.of(data, decision, question.contest(decision.setting), question)
            for rule in RULES:
                yield {**at, "rule": rule, **_tipping(race, rule, decision, question.sign, ratio)}


def _tipping(race: Race, rule: str, decision: Decision, sign: float, ratio: bool) -> dict[str, Any]:
    placed = decision.placed
    row: dict[str, Any] = {"first": race.stakes.named(race.leader(rule, 0.0)), "runner_up": decision.runner_up}
    row["not_named"] = decision.not_named
    if race.cannot_change(rule):
        return {**row, "reason": STRUCTURAL}
    if not race.path.moves:
        return {**row, "reason": NO_INFLUENCE}
    closed = race.data.is_linear and rule != SUCRA
    below, above = race.closed_form(rule) if closed else race.search(rule, ratio)
    for side, found in (("below", below), ("above", above)):
        if found:
            row |= {side: float(found[0]), f"{side}_first": placed[found[1]]}
    sides = [found for found in (below, above) if found]
    if not sides:
        return {**row, "method": CLOSED_FORM if closed else SEARCH, "reason": NONE_WITHIN_RANGE}
    nearest = min(sides, key=lambda found: abs(found[0]))
    return {
        **row,
        "tipping": float(nearest[0]),
        "tipping_factor": float(np.exp(sign * nearest[0])) if ratio else None,
        "new_first": placed[nearest[1]],
        "method": CLOSED_FORM if closed else SEARCH,
    }
