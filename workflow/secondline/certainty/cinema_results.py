"""The numbers in a project file of CINeMA: the frequentist analysis of a plain network, as CINeMA makes it.

Contrasts are pooled by generalised least squares with tau by the method of moments; direct evidence on a comparison is
that of the studies that make it, pooled with the same tau; indirect evidence is what is left when it is taken from the
network estimate (back-calculation, König 2013), so that their difference is the test that CINeMA calls separating
indirect from direct evidence. Contributions are flows by shortest paths through the hat matrix of two stages
(`secondline.certainty.flows`). All effects are on the link scale, of the first treatment of a pair against the second.

References
----------
Dias S, Welton NJ, Caldwell DM, Ades AE (2010) Statistics in Medicine 29:932 (back-calculation).
König J, Krahn U, Binder H (2013) Statistics in Medicine 32:5414 (share of the direct evidence).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
from scipy.special import ndtr, ndtri

from secondline.cell_values import SHORTEST, TWO_STAGE
from secondline.certainty.flows import divide
from secondline.certainty.hat_matrices import Contrast, Pair, contrasts_of, edges_of, hat_matrix
from secondline.inference import frequentist
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.network.structure import Floats

_REACH = float(ndtri(0.975))


@dataclass(frozen=True, kw_only=True)
class CinemaResults:
    """What CINeMA knows of a network.

    Parameters
    ----------
    tau : float or None
        None where nothing informs it: then the effects are common.
    pairs, direct : tuple of pairs
        All comparisons, and those that a study makes, in alphabetical order.
    hat : array, (pairs, direct)
        Weights of the direct comparisons in the effects.
    effects : tuple of dict
        Network, direct and indirect estimates of every pair, under the names that CINeMA gives them.
    contributions : mapping
        Percentage of every study in every effect; 100 in all.
    """

    tau: float | None
    pairs: tuple[Pair, ...]
    direct: tuple[Pair, ...]
    hat: Floats
    effects: tuple[Mapping[str, Any], ...]
    contributions: Mapping[Pair, Mapping[str, float]]


def cinema_results(studies: Sequence[GaussianStudy], coefficients: Mapping[str, Floats]) -> CinemaResults:
    """Compute what CINeMA knows of a connected plain network.

    Parameters
    ----------
    studies : sequence of GaussianStudy
        At least one.
    coefficients : mapping
        Row of the design of every treatment.
    """
    moments = frequentist.moments_tau(studies)
    tau = moments or 0.0
    contrasts = contrasts_of(studies, tau)
    direct, pairs = edges_of(contrasts), list(combinations(sorted(coefficients), 2))
    hat = hat_matrix(contrasts, pairs, tau, TWO_STAGE)
    rows = np.array([coefficients[name] for name in sorted(coefficients)])
    network = frequentist.relative_effects(fit_given_tau(studies, tau), sorted(coefficients), rows)
    pooled = {pair: _pooled([one for one in contrasts if one.pair == pair], tau) for pair in direct}
    effects = [_effects(pair, network, moments, pooled.get(pair), is_tested(pair, studies)) for pair in pairs]
    return CinemaResults(
        tau=moments,
        pairs=tuple(pairs),
        direct=tuple(direct),
        hat=hat,
        effects=tuple(effects),
        contributions={pair: _percentages(row, pair, contrasts, tau) for pair, row in zip(pairs, hat, strict=True)},
    )


def is_tested(pair: Pair, studies: Sequence[GaussianStudy]) -> bool:
    """Whether the studies that do not make a comparison connect its treatments: then there is indirect evidence on it.

    A loop within one study is consistent by construction, and tests nothing (`secondline.network.loops`).
    """
    others: nx.Graph[str] = nx.Graph()
    for study in studies:
        if not set(pair) <= set(study.treatments):
            nx.add_star(others, study.treatments)
    return set(pair) <= set(others) and nx.has_path(others, *pair)


def _pooled(contrasts: Sequence[Contrast], tau: float) -> tuple[float, float]:
    """Direct estimate of the first treatment against the second, and its standard error."""
    weights = np.array([1 / (contrast.variance + tau**2) for contrast in contrasts])
    effects = np.array([-contrast.effect for contrast in contrasts])
    return float(weights @ effects / weights.sum()), float(1 / np.sqrt(weights.sum()))


def _effects(
    pair: Pair,
    network: frequentist.RelativeEffects,
    tau: float | None,
    direct: tuple[float, float] | None,
    tested: bool,
) -> dict[str, Any]:
    i, j = map(network.treatments.index, pair)
    effect, se = float(network.effect[i, j]), float(network.se[i, j])
    limits = (network.lower, network.upper)
    new_study = limits if tau is None else (network.prediction_lower, network.prediction_upper)
    share = (se / direct[1]) ** 2 if direct else 0.0
    row = {
        **_sides(effect, se, direct, tested),
        "PropDir": share,
        "NMA treatment effect": effect,
        "se treat effect": se,
        "lower CI": float(limits[0][i, j]),
        "upper CI": float(limits[1][i, j]),
        "lower PrI": float(new_study[0][i, j]),
        "upper PrI": float(new_study[1][i, j]),
        "PropDirNetmeta": share,
    }
    return row | {"_row": ":".join(pair)}


def _sides(effect: float, se: float, direct: tuple[float, float] | None, tested: bool) -> dict[str, float]:
    """Direct and indirect evidence and their difference, as far as there are both."""
    if direct is None:
        return _interval("Indirect", effect, se)
    if not tested:
        return _interval("Direct", *direct)
    indirect = back_calculated((effect, se), direct)
    difference, error = direct[0] - indirect[0], float(np.hypot(direct[1], indirect[1]))
    middle, lower, upper = _interval("SideIF", difference, error).values()
    return {
        **_interval("Direct", *direct),
        **_interval("Indirect", *indirect),
        "SideIF": middle,
        "SideIFlower": lower,
        "SideIFupper": upper,
        "SideZ": difference / error,
        "SidePvalue": float(2 * ndtr(-abs(difference / error))),
    }


def back_calculated(network: tuple[float, float], direct: tuple[float, float]) -> tuple[float, float]:
    """Indirect estimate and its standard error: what makes the network estimate a mean of both by their precision."""
    precision = 1 / network[1] ** 2 - 1 / direct[1] ** 2
    return (network[0] / network[1] ** 2 - direct[0] / direct[1] ** 2) / precision, float(1 / np.sqrt(precision))


def _interval(name: str, estimate: float, se: float) -> dict[str, float]:
    return {name: estimate, f"{name}L": estimate - _REACH * se, f"{name}U": estimate + _REACH * se}


def _percentages(row: Floats, pair: Pair, contrasts: Sequence[Contrast], tau: float) -> dict[str, float]:
    """Percentage of every study in an effect, also where it is 0."""
    edges = edges_of(contrasts)
    parts = dict(zip(edges, divide(row, edges, *pair, SHORTEST), strict=True))
    found, whole = dict.fromkeys((contrast.study for contrast in contrasts), 0.0), dict.fromkeys(edges, 0.0)
    for contrast in contrasts:
        whole[contrast.pair] += contrast.share(tau)
    for contrast in contrasts:
        found[contrast.study] += 100 * float(parts[contrast.pair]) * contrast.share(tau) / whole[contrast.pair]
    return found
