"""The tables flows.csv and flow_effects.csv: contributions as flows through a plain network, for other programs' users.

Nothing in them is Bayesian: contrasts are pooled by generalised least squares, with tau by the method of moments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np

from secondline.cell_values import AGGREGATE, NOT_ASSESSABLE, SHORTEST, TWO_STAGE, WALK
from secondline.certainty.flow_reasons import NO_STUDY, why_no_flows
from secondline.certainty.flows import divide
from secondline.certainty.hat_matrices import (
    Contrast,
    Pair,
    contrasts_of,
    edges_of,
    hat_matrix,
)
from secondline.certainty.plain_network import plain_studies
from secondline.inference import frequentist
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.network.bias import Bias
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure
from secondline.summaries.frequentist import RELATIVE_COLUMNS, relative_rows
from secondline.summaries.settings import ComparisonSettings, SummarySettings
from secondline.tables import read_table, write_table

COLUMNS = (
    "hat_matrix",
    "decomposition",
    "treatment",
    "comparator",
    "direct_treatment",
    "direct_comparator",
    "study",
    "share",
    "tau",
    "method",
)
EFFECT_COLUMNS = (*RELATIVE_COLUMNS, "tau", "method")
METHOD = "contrasts pooled, tau by the method of moments"
FIXED = "contrasts pooled, common effect"
MOST_ROWS = 200_000
"""Of flows.csv; beyond, the effects are those against the reference alone."""

Row = Mapping[str, str]
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of flows.csv and of flow_effects.csv."""

    flows: Rows
    effects: Rows


def write_flows(evidence: str, settings: SummarySettings, outputs: Sequence[str]) -> None:
    """Write flows.csv and flow_effects.csv of an outcome."""
    structure = Structure.of(settings.treatments)
    found = find_flows(
        read_table(evidence), structure, settings.likelihood, settings, settings.overlaps, bias=settings.bias
    )
    write_table(outputs[0], found.flows, COLUMNS)
    write_table(outputs[1], found.effects, EFFECT_COLUMNS)


def find_flows(
    evidence: Sequence[Row],
    structure: Structure,
    likelihood: str,
    settings: ComparisonSettings,
    overlaps: Sequence[Overlap] = (),
    most_rows: int = MOST_ROWS,
    bias: Bias | None = None,
) -> Tables:
    """Divide the effects of a plain network among its comparisons and studies, by both hat matrices and decompositions.

    Parameters
    ----------
    evidence : rows
        Evidence table of a fit.
    structure : Structure
    likelihood : str
        Name of the likelihood of the arm rows.
    settings : ComparisonSettings
        Measure and scale of the effects.
    overlaps : sequence of Overlap
        Patients whom studies share.
    most_rows : int
        If all pairs would take more rows, the effects are those against the reference alone.
    bias : Bias, optional
        That the analysis takes from its studies; then there are no flows.

    Returns
    -------
    Tables
        Where a network has no flows, one row whose ``method`` says why. Rows without a share are left out.
    """
    reason = why_no_flows(evidence, structure, likelihood, overlaps, bias)
    studies = [] if reason else plain_studies(evidence, structure, likelihood)
    if not studies:
        method = f"{NOT_ASSESSABLE}: {reason or NO_STUDY}"
        return Tables(flows=[{"method": method}], effects=[{"method": method}])
    moments = frequentist.moments_tau(studies)
    known = {"tau": moments, "method": FIXED if moments is None else METHOD}
    tau = moments or 0.0
    effects = [{**row, **known} for row in _effects(studies, structure, settings, tau)]
    try:
        contrasts = contrasts_of(studies, tau)
    except ValueError as error:
        method = f"{NOT_ASSESSABLE}: the contrasts of {error} are no independent comparisons with positive weights"
        return Tables(flows=[{"method": method}], effects=effects)
    pairs = _connected(contrasts, structure)
    if 4 * len(pairs) * len(contrasts) > most_rows:
        pairs = [pair for pair in pairs if structure.regimens[structure.reference] in pair]
    flows = [{**row, **known} for row in _flows(contrasts, pairs, structure, tau)]
    return Tables(flows=flows, effects=effects)


def _effects(
    studies: Sequence[GaussianStudy], structure: Structure, settings: ComparisonSettings, tau: float
) -> Iterator[dict[str, Any]]:
    given = {name for study in studies for name in study.treatments}
    treatments = [name for name in structure.regimens if name in given]
    rows = np.array([structure.matrix[structure.regimens.index(name)] for name in treatments])
    yield from relative_rows(frequentist.relative_effects(fit_given_tau(studies, tau), treatments, rows), settings)


def _connected(contrasts: Sequence[Contrast], structure: Structure) -> list[Pair]:
    """Pairs of treatments that comparisons connect: comparator, and the treatment that comes later in the network."""
    graph: nx.Graph[str] = nx.Graph(edges_of(contrasts))
    of = {name: k for k, part in enumerate(nx.connected_components(graph)) for name in part}
    treatments = [name for name in structure.regimens if name in of]
    return [(c, t) for c, t in combinations(treatments, 2) if of[c] == of[t]]


def _flows(
    contrasts: Sequence[Contrast], pairs: Sequence[Pair], structure: Structure, tau: float
) -> Iterator[dict[str, Any]]:
    """Follow every effect from the treatment that is first in the alphabet, so that ties do not depend on the network.

    Comparisons are named as the network has them, its earlier treatment as comparator.
    """
    edges, order = edges_of(contrasts), structure.regimens.index
    inside = {edge: [contrast for contrast in contrasts if contrast.pair == edge] for edge in edges}
    whole = {edge: sum(contrast.share(tau) for contrast in own) for edge, own in inside.items()}
    ends = [(min(pair), max(pair)) for pair in pairs]
    for kind in (TWO_STAGE, AGGREGATE):
        hat = hat_matrix(contrasts, ends, tau, kind)
        for decomposition in (SHORTEST, WALK):
            for row, end, (comparator, treatment) in zip(hat, ends, pairs, strict=True):
                names = {"hat_matrix": kind, "decomposition": decomposition}
                names |= {"treatment": treatment, "comparator": comparator}
                for edge, part in zip(edges, divide(row, edges, *end, decomposition), strict=True):
                    first, second = sorted(edge, key=order)
                    own = {"direct_treatment": second, "direct_comparator": first}
                    for contrast in inside[edge] if part > 0 else ():
                        share = float(part) * contrast.share(tau) / whole[edge]
                        yield {**names, **own, "study": contrast.study, "share": share}
