"""The contrasts of a study from a sheet with more than two arms: printed pairs put together, with their covariance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from secondline.evidence.contrasts import Effect, arm_sizes
from secondline.project.arm_variances import PairwiseEffect
from secondline.project.covariance import solve_covariance
from secondline.project.sheets import StudySheet


@dataclass(frozen=True)
class JointContrasts:
    """Contrasts of a study against one comparator.

    ``covariances`` of every contrast with those before it; empty for the first, and where the variance of the
    comparator, ``baseline_se`` squared, is their covariance. ``message`` says how they were put together, ``assumed``
    whether that needed an assumption, ``flagged`` whether the printed figures disagree: ``loop`` by how many standard
    errors the ratios fail to add up, ``fold`` by which factor a standard error departs from what all together imply.
    """

    effects: tuple[Effect, ...]
    covariances: tuple[tuple[float, ...], ...]
    message: str | None = None
    assumed: bool = False
    flagged: bool = False
    loop: float = 0.0
    fold: float = 1.0


def joint_contrasts(sheet: StudySheet, chosen: Sequence[Effect]) -> JointContrasts:
    """Put the effects chosen for a study together into one contrast for every arm but the comparator.

    Two arms need nothing, nor do arms whose comparator has a standard error of its own (medians, curves). Otherwise the
    covariance is that of `solve_covariance`: from the printed intervals of all pairs, or from those that are printed
    with what the arms' events, or else patients, suggest about the precision of each.
    """
    arms = sheet.contrast_sets[chosen[0].contrast_set].arms
    if len(arms) == 2 or (len(chosen) == len(arms) - 1 and all(effect.baseline_se for effect in chosen)):
        return JointContrasts(tuple(chosen), ((),) * len(chosen))
    comparator = sheet.contrast_sets[chosen[0].contrast_set].comparator
    pairs = [PairwiseEffect(e.treatment_arm, e.comparator_arm, e.log_effect, e.se) for e in chosen]
    solved = solve_covariance(arms, pairs, sizes=arm_sizes(sheet, chosen[0]), comparator=comparator)
    assumed = bool(solved.assumptions)
    effects = [
        replace(
            chosen[0],
            treatment_arm=treatment,
            comparator_arm=comparator,
            log_effect=float(solved.effects[k]),
            se=sqrt(solved.covariance[k, k]),
            baseline_se=None,
            assumed=assumed or any(effect.assumed for effect in chosen),
            source="; ".join(dict.fromkeys(effect.source for effect in chosen)),
        )
        for k, treatment in enumerate(solved.treatments)
    ]
    covariances = tuple(tuple(map(float, solved.covariance[k, :k])) for k in range(len(effects)))
    contradiction = (solved.flagged, solved.loop_in_se, solved.inconsistency)
    return JointContrasts(tuple(effects), covariances, solved.message, assumed, *contradiction)
