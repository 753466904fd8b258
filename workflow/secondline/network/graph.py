"""The treatment network of one fit: who was compared with whom, where, and what can be estimated at all."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby, permutations
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import OVERALL, PRIOR_DRIVEN
from secondline.network.arms import Arm
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Floats, Structure


def _pairs(arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Pairs of arms of one study."""
    by_study = sorted(arms, key=lambda arm: arm.study)
    for _, members in groupby(by_study, key=lambda arm: arm.study):
        yield from combinations(members, 2)


def received(arms: Sequence[Arm], regimens: Sequence[str]) -> list[str]:
    """Regimens that any arm received, in the given order: the rank set."""
    return [regimen for regimen in regimens if any(arm.share(regimen) > 0 for arm in arms)]


def patients(arms: Sequence[Arm], regimen: str, setting: str) -> float:
    """Patients who received a regimen in a setting; mixed arms and settings not given by arm count by their shares."""
    return sum(arm.patients(regimen, setting) for arm in arms)


def edges(arms: Sequence[Arm], settings: Sequence[str]) -> list[dict[str, Any]]:
    """List the comparisons inside every study and setting.

    The weight is w_t,r * w_c,r' * v_s: the share of the study's contrast that compares these two regimens in this
    setting; a study of no setting stands under ``overall``. ``n`` counts the patients of the two regimens in the two
    arms and the setting.
    """
    rows = []
    for a, b in _pairs(arms):
        for setting in [setting for setting in settings if a.setting_share(setting)] or [OVERALL]:
            share = a.setting_share(setting)
            rows += [
                {
                    "treatment": t,
                    "comparator": c,
                    "study": a.study,
                    "setting": setting,
                    "weight": a.share(t) * b.share(c) * share,
                    "n": a.patients(t, setting) + b.patients(c, setting),
                }
                for t in a.regimens
                for c in b.regimens
                if t != c
            ]
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
    return all(len(arm.regimens) == 1 for arm in arms) and structure.is_plain


def parts(arms: Sequence[Arm]) -> list[list[str]]:
    """List the connected parts of the network, the largest first."""
    return sorted((sorted(part) for part in nx.connected_components(graph(arms))), key=lambda part: (-len(part), part))


def label_contrasts(arms: Sequence[Arm], structure: Structure, effects: Effects | None = None) -> list[dict[str, Any]]:
    """Label every ordered pair of received regimens in every setting by the structure of the network alone.

    ``direct``: a study of this setting alone has one arm wholly on each of the two. ``mixed_setting``: such a study has
    several settings, and its result is that of all of them together. ``indirect``: the contrast lies in the row space
    of the selected contrasts. ``extrapolated``: in the row space, but nobody in this setting received one of the two.
    ``not_estimable``: outside the row space. ``mixed_direct`` marks pairs compared only inside mixed arms.

    Parameters
    ----------
    arms : sequence of Arm
        Those that enter the model: of studies that give its covariate, where it has one.
    structure : Structure
    effects : Effects, optional
        The model, whose columns span the row space (see `Predictor.estimated`); by default additive components.
    """
    regimens = received(arms, structure.regimens)
    can_be = estimable(arms, Predictor(structure, effects or Effects()))
    result = []
    for setting in (OVERALL, *structure.settings):
        here = [arm for arm in arms if arm.own_share(setting) > 0]
        direct, _ = _compared([arm for arm in here if arm.setting_share(setting) == 1])
        wholly, partly = _compared(here)
        given = set(received(here, structure.regimens))
        for t, c in permutations(regimens, 2):
            estimated = can_be[structure.regimens.index(t), structure.regimens.index(c)]
            label = "indirect" if {t, c} <= given else "extrapolated"
            label = "direct" if (t, c) in direct else "mixed_setting" if (t, c) in wholly else label
            result.append(
                {
                    "setting": setting,
                    "treatment": t,
                    "comparator": c,
                    "structure": label if estimated else "not_estimable",
                    "mixed_direct": (t, c) in partly and (t, c) not in wholly,
                }
            )
    return result


def estimable(arms: Sequence[Arm], predictor: Predictor) -> NDArray[np.bool_]:
    """Whether a network can estimate the difference of two regimens at all, (regimens, regimens).

    Parameters
    ----------
    arms : sequence of Arm
        Those that enter the model.
    predictor : Predictor
        The model, of which `Predictor.estimated` spans the row space.
    """
    judged = predictor.estimated
    projector, rows = row_space(differences(arms, judged)), judged.effect_rows()[0]
    contrasts = rows[:, None] - rows
    return np.asarray(np.abs(contrasts - contrasts @ projector).max(axis=2, initial=0.0) < 1e-8)


def differences(arms: Sequence[Arm], predictor: Predictor) -> Floats:
    """Differences between the arms of every study in the columns of a model, (pairs, coefficients)."""
    by_study = sorted(arms, key=lambda arm: arm.study)
    rows = dict(zip([(arm.study, arm.name) for arm in by_study], predictor.rows(by_study), strict=True))
    found = [rows[a.study, a.name] - rows[b.study, b.name] for a, b in _pairs(arms)]
    return np.array(found).reshape(len(found), predictor.n_coefficients)


def row_space(rows: Floats) -> Floats:
    """Projector onto the row space."""
    _, singular, basis = np.linalg.svd(rows, full_matrices=False)
    kept = basis[singular > 1e-10 * max(singular.max(initial=0.0), 1.0)]
    return np.asarray(kept.T @ kept)


def _compared(arms: Sequence[Arm]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Pairs of regimens, both ways round, that two arms of one study received wholly, and at least in part."""
    wholly: set[tuple[str, str]] = set()
    partly: set[tuple[str, str]] = set()
    for a, b in _pairs(arms):
        pairs = {(t, c) for t in a.regimens for c in b.regimens if t != c}
        pairs |= {(c, t) for t, c in pairs}
        partly |= pairs
        if len(a.regimens) == len(b.regimens) == 1:
            wholly |= pairs
    return wholly, partly


def setting_reference(arms: Sequence[Arm], structure: Structure, setting: str, reference: str) -> str:
    """Choose the reference regimen of a setting: one that was given there.

    The reference of the network where it was given; otherwise the regimen with most patients there, those with the
    fewest components first; otherwise (nobody treated) the reference of the network.
    """
    given = received([arm for arm in arms if arm.own_share(setting) > 0], structure.regimens)
    if reference in given or not given:
        return reference

    def order(regimen: str) -> tuple[float, float]:
        return structure.matrix[structure.regimens.index(regimen)].sum(), -patients(arms, regimen, setting)

    return min(given, key=order)


def groups(candidates: Sequence[str], evidence: Mapping[tuple[str, str], str]) -> list[list[str]]:
    """Group candidates that are linked by effects that are not prior-driven, the largest group first.

    Parameters
    ----------
    evidence : mapping
        Evidence label by treatment and comparator.
    """
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(candidates)
    pairs = [(t, c) for t in candidates for c in candidates if t != c]
    graph.add_edges_from(pair for pair in pairs if evidence[pair] != PRIOR_DRIVEN)
    found = [[name for name in candidates if name in part] for part in nx.connected_components(graph)]
    return sorted(found, key=len, reverse=True)
