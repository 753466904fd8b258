"""Comparisons for which direct and indirect evidence can be compared.

A comparison can be split where some studies compare it directly and the others still estimate it. A study that has both
treatments counts as direct evidence as a whole: a loop within one multi-arm study is consistent by construction (Dias
2010; van Valkenhoef 2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from secondline.network.arms import Arm
from secondline.network.graph import differences, row_space
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure


@dataclass(frozen=True)
class Comparison:
    """A comparison with direct evidence; ``reason`` says why it cannot be split, and is empty where it can."""

    treatment: str
    comparator: str
    studies: tuple[str, ...]
    reason: str = ""


def direct_comparisons(arms: Sequence[Arm], structure: Structure, effects: Effects | None = None) -> list[Comparison]:
    """List the comparisons that a study makes between whole arms, in the order of the treatments.

    Whether the other studies estimate a comparison is judged by the columns of the model, ``effects``; by default
    additive components.
    """
    predictor = Predictor(structure, effects or Effects()).estimated
    studies: dict[tuple[str, str], list[str]] = {}
    for study in dict.fromkeys(arm.study for arm in arms):
        whole = [name for name in structure.regimens if any(a.study == study and a.share(name) == 1 for a in arms)]
        for comparator, treatment in combinations(whole, 2):
            studies.setdefault((treatment, comparator), []).append(study)
    order = structure.regimens.index
    pairs = sorted(studies, key=lambda pair: (order(pair[1]), order(pair[0])))
    return [_comparison(arms, predictor, pair, studies[pair]) for pair in pairs]


def _comparison(arms: Sequence[Arm], predictor: Predictor, pair: tuple[str, str], studies: Sequence[str]) -> Comparison:
    rest = [arm for arm in arms if arm.study not in studies]
    rows = predictor.effect_rows()[0]
    treatment, comparator = (rows[predictor.structure.regimens.index(name)] for name in pair)
    contrast = treatment - comparator
    gap = contrast - contrast @ row_space(differences(rest, predictor))
    reason = "" if np.abs(gap).max(initial=0.0) < 1e-8 else "no closed loop: the other studies do not estimate it"
    return Comparison(*pair, tuple(studies), reason)
