"""What a network has to have before a model is fitted to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from secondline.errors import UserError
from secondline.likelihoods import Likelihood
from secondline.network.arms import used_arms
from secondline.network.graph import parts
from secondline.network.structure import Structure

Row = Mapping[str, Any]


def check_figures(measure: str | None, likelihood: Likelihood, arms: Sequence[Row]) -> None:
    """Check that arms give what a likelihood needs, and that it estimates the measure of the network.

    Raises
    ------
    UserError
        The first arm that does not, or a likelihood of arms where no study gives any.
    """
    if not arms and not likelihood.is_gaussian:
        problem = "no study gives arms; allowed: normal, as the contrasts are"
        raise UserError(problem, "Model", key="likelihood", value=likelihood.name)
    if not arms:
        return
    if measure:
        likelihood.scale(measure)
    if measure in likelihood.converted:
        problem = f"study {arms[0]['study']} gives means as they are; name the measure in from_arms too"
        raise UserError(problem, "Network", key="measure", value=measure)
    needed = ("categories",) if likelihood.is_ordered else likelihood.required
    for row in arms:
        missing = [name for name in needed if row.get(name) is None]
        if missing:
            problem = f"study {row['study']}, arm {row['arm']}, gives no {missing[0]}; needed: {', '.join(needed)}"
            raise UserError(problem, "Model", key="likelihood", value=likelihood.name)


def check_connected(structure: Structure, evidence: Sequence[Mapping[str, str]]) -> None:
    """Check that the studies of a plain network link all of its treatments.

    Raises
    ------
    UserError
        The network falls apart, or no study has the reference.
    """
    plain = not structure.settings and (structure.matrix.sum(axis=1) <= 1).all()
    pieces = parts(used_arms(evidence)) if plain else []
    reference = structure.regimens[structure.reference]
    if len(pieces) > 1:
        shown = "; ".join("{" + ", ".join(piece) + "}" for piece in pieces)
        raise UserError(f"it is disconnected: {shown}; allowed: one connected network", "Network")
    if pieces and reference not in pieces[0]:
        problem = f"no study has the reference; allowed: {', '.join(pieces[0])}"
        raise UserError(problem, "Network", key="reference", value=reference)
