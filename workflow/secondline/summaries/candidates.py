"""Ranks among the candidates of a setting, and whether any of them may be named first.

A rank is no better than the comparisons that it rests on. Candidates linked by effects that are not prior-driven make a
group. The group that holds more than half of the candidates is ranked, draw by draw, as if there were no other
treatment; a candidate outside it has no rank, and without such a group nobody has. One is named first where SUCRA,
P(best) and the posterior mean agree on it, its effect against the next is not prior-driven, and it is better than the
next with a probability of at least 0.6.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secondline.cell_values import DISAGREE, NO_CANDIDATE, NOT_PLACED, ONE_CANDIDATE, PRIOR_DRIVEN, TOO_CLOSE
from secondline.network.graph import groups
from secondline.summaries.hierarchy import Hierarchy, rank_cells
from secondline.thresholds import LEAST_P_BETTER

COLUMNS = (
    "candidate_sucra",
    "candidate_sucra_lower",
    "candidate_sucra_upper",
    "candidate_mean_rank",
    "candidate_median_rank",
    "candidate_rank_lower",
    "candidate_rank_upper",
    "candidate_p_best",
    "candidate_first_by",
    "named_first",
    "not_named",
)


@dataclass(frozen=True)
class CandidateRanks:
    """Cells of the ranking table by candidate that the data place, and who is named first.

    ``not_named`` says why nobody is; it is empty where somebody is.
    """

    not_named: str
    first: str = ""
    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def row(self, treatment: str) -> dict[str, Any]:
        """Cells of a treatment; ranks are empty for one that is no candidate, or that the data do not place."""
        ranked = self.cells.get(treatment, {})
        named = {"named_first": not self.not_named and treatment == self.first, "not_named": self.not_named}
        return {**dict.fromkeys(COLUMNS), **ranked, **named}


def rank_candidates(
    among: Callable[[Sequence[str]], Hierarchy], candidates: Sequence[str], evidence: Mapping[tuple[str, str], str]
) -> CandidateRanks:
    """Rank the candidates of one setting that the data place, and decide whether one may be named first.

    Parameters
    ----------
    among : callable
        Gives the hierarchy of treatments as if there were no other.
    candidates, evidence
        As for `groups`.
    """
    if len(candidates) < 2:
        return CandidateRanks(ONE_CANDIDATE if candidates else NO_CANDIDATE)
    placed = groups(candidates, evidence)[0]
    if 2 * len(placed) <= len(candidates):
        return CandidateRanks(NOT_PLACED)
    found = among(placed)
    cells = dict(zip(placed, rank_cells(found), strict=True))
    order = sorted(range(len(placed)), key=lambda i: -found.sucra[i])
    first, following = placed[order[0]], placed[order[1]]
    first_by = {
        "sucra": first,
        "p_best": placed[int(found.ranks[:, 0].argmax())],
        "mean": placed[int(found.means.argmax())],
    }
    p_better = float(found.p_better[order[0], order[1]])
    reason = _why_not(first_by, evidence[first, following], p_better)
    return CandidateRanks(reason, first, {name: _shown(name, cells[name], first_by) for name in placed})


def _why_not(first_by: Mapping[str, str], label: str, p_better: float) -> str:
    if label == PRIOR_DRIVEN:
        return PRIOR_DRIVEN
    if len(set(first_by.values())) > 1:
        return DISAGREE
    return TOO_CLOSE if p_better < LEAST_P_BETTER else ""


def _shown(name: str, cells: Mapping[str, Any], first_by: Mapping[str, str]) -> dict[str, Any]:
    criteria = " ".join(criterion for criterion, first in first_by.items() if first == name)
    return {**{f"candidate_{key}": value for key, value in cells.items()}, "candidate_first_by": criteria}
