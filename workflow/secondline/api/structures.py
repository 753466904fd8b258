"""Structures of plain networks, put in order and joined."""

from collections.abc import Sequence

from secondline.errors import UserError
from secondline.network.structure import Structure


def ordered(treatments: Sequence[str], reference: str) -> list[str]:
    """Put the reference first; a part of a network may not have it.

    Examples
    --------
    >>> ordered(["placebo", "a", "b"], "b")
    ['b', 'placebo', 'a']
    """
    return [reference, *(name for name in treatments if name != reference)]


def joined(first: Structure, second: Structure) -> Structure:
    """Treatments of both; those made of components have to be the same in both."""
    if first.settings or second.settings or not (first.is_plain and second.is_plain):
        same = (first.components, first.regimens, first.settings) == (
            second.components,
            second.regimens,
            second.settings,
        )
        if not (same and (first.matrix == second.matrix).all()):
            raise UserError("networks with components or settings are added only where both have the same", "Network")
        return first
    added = set(second.regimens) - set(first.regimens)
    reference = first.regimens[first.reference]
    return Structure.plain(ordered(sorted({*first.regimens, *added}), reference), reference) if added else first
