"""Tipping points: the mean of a bias at which the decision changes, its standard deviation as given.

Only the data move with the mean: y - m d. Where tau is fixed the posterior means are linear in m, and the point at
which two of them cross has a closed form. Otherwise tau is estimated anew at every m, and the point is found by a
search. The linear predictors of arms with counts move by m d in the place of y; there draws are moved and weighted
anew, and the point has an error (`secondline.doubt.bias_draws`).

A bias that an effect common to two treatments takes up entirely (d = X c with no part of c in their difference) cannot
change their order, apart from the pull of the priors: under additivity, a bias common to all contrasts of a component
moves the effect of that component alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from secondline.cell_values import NOT_SETTLED
from secondline.doubt.bias_fan import Declared
from secondline.doubt.biased_data import BiasedData, BiasPath
from secondline.doubt.crossing import Crossing, first_crossing, search_points
from secondline.doubt.decision import Decision
from secondline.doubt.question import Contest, Question
from secondline.doubt.rules import MEAN, SUCRA, Chosen, Stakes, choose, scores
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import decided, engine_of

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
    "engine",
    "error",
    "instead_of",
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
_ZERO = 1e-9  # slope of a lead

Sides = tuple[Crossing | None, Crossing | None]
"""Means of the bias at which the decision changes, nearest to 0, below it and above."""


@dataclass(frozen=True, kw_only=True)
class Race:
    """Candidates of one setting, and who of them is first by a rule while the bias grows."""

    data: BiasedData
    stakes: Stakes
    path: BiasPath
    rule: str
    """SUCRA, or the posterior mean."""

    @classmethod
    def of(cls, data: BiasedData, decision: Decision, contest: Contest, question: Question, rule: str) -> "Race":
        """Take those placed where the bias has mean 0; of `RUNNER_UP` the first two alone, by the posterior mean."""
        names = [decision.first, decision.runner_up] if rule == RUNNER_UP else decision.placed
        placed = [contest.candidates.index(name) for name in names]
        stakes = Stakes.of(contest, placed, question.sign, question.margin)
        return cls(data=data, stakes=stakes, path=data.path(stakes), rule=MEAN if rule == RUNNER_UP else rule)

    def leader(self, mean: float) -> Chosen:
        """Place of the first, where the bias has this mean; nothing where the engine cannot say."""
        standing = self.path.at(mean)
        return choose(self.rule, scores(self.rule, standing), self.stakes.margin) if standing else ()

    @cached_property
    def first(self) -> int:
        """Place of the first without a bias."""
        return self.leader(0.0)[0]

    @property
    def rivals(self) -> list[int]:
        """Places of those who may take the lead."""
        return [k for k in range(len(self.stakes.names)) if k != self.first]

    @property
    def cannot_change(self) -> bool:
        """Whether the bias can move no rival past the first."""
        own = self.stakes.rows[self.first]
        return all(self.data.cannot_move(own - self.stakes.rows[k]) for k in self.rivals)

    @property
    def closes(self) -> bool:
        """Whether the crossings have a closed form."""
        return self.data.is_linear and self.rule == MEAN

    def closed_form(self) -> Sides:
        """Nearest crossings of posterior means that are linear in the mean of the bias."""
        start, end = (standing.means() for standing in map(self.path.at, (0.0, 1.0)) if standing)
        slope = end - start
        closing = [(k, slope[k] - slope[self.first]) for k in self.rivals]
        found = [
            Crossing(at=float((start[self.first] - start[k]) / by), after=(k,)) for k, by in closing if abs(by) > _ZERO
        ]
        below = max((each for each in found if each.at < 0), default=None, key=lambda each: each.at)
        above = min((each for each in found if each.at >= 0), default=None, key=lambda each: each.at)
        return below, above

    def search(self, ratio: bool) -> tuple[Sides, float]:
        """Nearest means of the bias at which the leader changes, and the larger of their errors.

        The error is infinite where the engine cannot settle one of them, which is None then.
        """
        se, (n, exact) = self.data.se, self.data.search_with
        reach = max(_REACH_SE * se, float(np.log(_REACH_RATIO)) if ratio else 0.0)
        points = search_points(reach, se, n)
        found = [first_crossing(self.leader, side, se, exact) for side in (-points, points)]
        (below, one), (above, other) = (
            self.path.settle(self.rule, side, se) if side else (None, 0.0) for side in found
        )
        return (below, above), max(one, other)


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
    for sd in scheme.sds:
        data = BiasedData(declared, scheme, sd)
        question, own = declared.question_of(data.start), {**names, "bias_sd": sd, "instead_of": declared.own_bias}
        solved = decided(data.start, question, data.solution())
        if solved.posterior is None:
            yield {**own, "reason": solved.reason}
            continue
        for decision in solved.decisions:
            at = {**own, "setting": decision.setting}
            if not decision.placed:
                yield {**at, "not_named": decision.not_named, "reason": decision.not_named}
                continue
            for rule in RULES:
                race = Race.of(data, decision, question.contest(decision.setting), question, rule)
                cells = {
                    "runner_up": decision.runner_up,
                    "not_named": decision.not_named,
                    "engine": engine_of(data.start),
                }
                yield {**at, "rule": rule, **cells, **_tipping(race, question.sign, declared.settings.ratio)}


def _tipping(race: Race, sign: float, ratio: bool) -> dict[str, Any]:
    names = race.stakes.names
    row: dict[str, Any] = {"first": names[race.first]}
    if race.cannot_change:
        return {**row, "reason": STRUCTURAL}
    if not race.path.moves:
        return {**row, "reason": NO_INFLUENCE}
    sides, error = (race.closed_form(), 0.0) if race.closes else race.search(ratio)
    row["method"] = CLOSED_FORM if race.closes else SEARCH
    for key, side in zip(("below", "above"), sides, strict=True):
        if side:
            row |= {key: side.at, f"{key}_first": names[side.after[0]]}
    if not np.isfinite(error):
        return {**row, "reason": NOT_SETTLED}
    found = [side for side in sides if side]
    if not found:
        return {**row, "reason": NONE_WITHIN_RANGE}
    nearest = min(found, key=lambda side: abs(side.at))
    return {
        **row,
        "tipping": nearest.at,
        "tipping_factor": float(np.exp(sign * nearest.at)) if ratio else None,
        "new_first": names[nearest.after[0]],
        "error": error,
    }
