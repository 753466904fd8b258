"""The treatment network of one fit: who was compared with whom, where, and what can be estimated at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import networkx as nx
import numpy as np

from nma.network.design import Floats, Structure, parse_mix

OVERALL = "overall"  # the reserved name of the setting that stands for no particular setting


@dataclass(frozen=True)
class Arm:
    """An arm that enters a fit: its composition, the study's patients by failed first line, and its patients.

    ``n`` counts the patients of the population in use, for example of a matched cohort; the composition is that of the
    whole arm.
    """

    study: str
    name: str
    regimens: dict[str, int]
    settings: dict[str, int]
    n: float

    def share(self, regimen: str) -> float:
        """Share of the arm's patients who received a regimen."""
        return self.regimens.get(regimen, 0) / sum(self.regimens.values())

    def setting_share(self, setting: str) -> float:
        """Share of the study's patients in a setting; 1 for ``overall``."""
        return 1.0 if setting == OVERALL else self.settings.get(setting, 0) / max(sum(self.settings.values()), 1)


def used_arms(evidence: Iterable[Mapping[str, str]]) -> list[Arm]:
    """List the arms of the used rows of an evidence table, each once, in the order of the table."""
    arms: dict[tuple[str, str], Arm] = {}
    for row in evidence:
        if row["used"] != "true":
            continue
        ends = (
            [("arm", "arm_mix", "n")]
            if "arm" in row
            else [
                ("treatment_arm", "treatment_mix", "n_treatment"),
                ("comparator_arm", "comparator_mix", "n_comparator"),
            ]
        )
        for name, mix, n in ends:
            key = row["study"], row[name]
            arms.setdefault(key, Arm(*key, parse_mix(row[mix]), parse_mix(row["setting_mix"]), float(row[n])))
    return list(arms.values())


def _pairs(arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Pairs of arms of one study."""
    return ((a, b) for a, b in combinations(arms, 2) if a.study == b.study)


def received(arms: Sequence[Arm], regimens: Sequence[str]) -> list[str]:
    """Regimens that any arm received, in the given order: the rank set."""
    return [regimen for regimen in regimens if any(arm.share(regimen) > 0 for arm in arms)]


def patients(arms: Sequence[Arm], regimen: str, setting: str) -> float:
    """Patients who received a regimen in a setting; arms of mixed studies count by their shares."""
    return sum(arm.share(regimen) * arm.n * arm.setting_share(setting) for arm in arms)


def edges(arms: Sequence[Arm], settings: Sequence[str]) -> list[dict[str, Any]]:
    """List the comparisons inside every study and setting.

    The weight is w_t,r * w_c,r' * v_s: the share of the study's contrast that compares these two regimens in this
    setting. ``n`` counts the patients of the two regimens in the two arms and the setting.
    """
    rows = []
    for a, b in _pairs(arms):
        for setting in settings:
            share = a.setting_share(setting)
            for t, c in ((t, c) for t in a.regimens for c in b.regimens if t != c):
                if share:
                    rows.append(
                        {
                            "treatment": t,
                            "comparator": c,
                            "study": a.study,
                            "setting": setting,
                            "weight": a.share(t) * b.share(c) * share,
                            "n": (a.share(t) * a.n + b.share(c) * b.n) * share,
                        }
                    )
    return sorted(rows, key=lambda row: (row["treatment"], row["comparator"], row["study"], row["setting"]))


def graph(arms: Sequence[Arm]) -> "nx.Graph[str]":
    """Graph of regimens; an edge says that two regimens stand in different arms of one study."""
    result: nx.Graph[str] = nx.Graph()
    result.add_nodes_from(regimen for arm in arms for regimen in arm.regimens)
    for a, b in _pairs(arms):
        result.add_edges_from((t, c) for t in a.regimens for c in b.regimens if t != c)
    return result


def is_plain(arms: Sequence[Arm], structure: Structure) -> bool:
    """Whether the network is plain: one regimen per arm and one component per treatment, none shared."""
    matrix = structure.matrix
    return all(len(arm.regimens) == 1 for arm in arms) and bool(
        (matrix.sum(axis=0) <= 1).all() and (matrix.sum(axis=1) <= 1).all()
    )


def parts(arms: Sequence[Arm]) -> list[list[str]]:
    """List the connected parts of the network, the largest first."""
    return sorted((sorted(part) for part in nx.connected_components(graph(arms))), key=lambda part: (-len(part), part))


def label_contrasts(arms: Sequence[Arm], structure: Structure) -> list[dict[str, Any]]:
    """Label every ordered pair of received regimens in every setting by the structure of the network alone.

    ``direct``: a study of the setting has one arm wholly on each of the two. ``indirect``: the contrast lies in the row
    space of the selected contrasts. ``extrapolated``: in the row space, but nobody in this setting received one of the
    two. ``not_estimable``: outside the row space. ``mixed_direct`` marks pairs compared only inside mixed arms.
    """
    regimens = received(arms, structure.regimens)
    rows = [_difference(a, b, structure) for a, b in _pairs(arms)]
    projector = _row_space(np.array(rows).reshape(-1, len(structure.components)))
    result = []
    for setting in (OVERALL, *structure.settings):
        here = [arm for arm in arms if arm.setting_share(setting) > 0]
        for t, c in permutations(regimens, 2):
            contrast = structure.matrix[structure.regimens.index(t)] - structure.matrix[structure.regimens.index(c)]
            estimable = bool(np.abs(contrast - contrast @ projector).max(initial=0.0) < 1e-8)
            direct = any(_wholly(a, b, t, c) for a, b in _pairs(here))
            mixed = any(_partly(a, b, t, c) for a, b in _pairs(here))
            given = all(any(arm.share(regimen) > 0 for arm in here) for regimen in (t, c))
            structure_label = (
                "not_estimable" if not estimable else "direct" if direct else "indirect" if given else "extrapolated"
            )
            result.append(
                {
                    "setting": setting,
                    "treatment": t,
                    "comparator": c,
                    "structure": structure_label,
                    "mixed_direct": mixed and not direct,
                }
            )
    return result


def _difference(a: Arm, b: Arm, structure: Structure) -> Floats:
    shares = [np.array([arm.share(regimen) for regimen in structure.regimens]) for arm in (a, b)]
    return np.asarray((shares[0] - shares[1]) @ structure.matrix)


def _row_space(rows: Floats) -> Floats:
    """Projector onto the row space."""
    _, singular, basis = np.linalg.svd(rows, full_matrices=False)
    kept = basis[singular > 1e-10 * max(singular.max(initial=0.0), 1.0)]
    return np.asarray(kept.T @ kept)


def _wholly(a: Arm, b: Arm, t: str, c: str) -> bool:
    return (a.share(t) == 1 and b.share(c) == 1) or (a.share(c) == 1 and b.share(t) == 1)


def _partly(a: Arm, b: Arm, t: str, c: str) -> bool:
    return (a.share(t) > 0 and b.share(c) > 0) or (a.share(c) > 0 and b.share(t) > 0)


def setting_reference(arms: Sequence[Arm], structure: Structure, setting: str, reference: str) -> str:
    """Choose the reference regimen of a setting: one that was given there.

    The reference of the network where it was given; otherwise the regimen with most patients there, those with the
    fewest components first; otherwise (nobody treated) the reference of the network.
    """
    if patients(arms, reference, setting) > 0:
        return reference
    given = [regimen for regimen in structure.regimens if patients(arms, regimen, setting) > 0]
    if not given:
        return reference

    def order(regimen: str) -> tuple[float, float]:
        return structure.matrix[structure.regimens.index(regimen)].sum(), -patients(arms, regimen, setting)

    return min(given, key=order)
