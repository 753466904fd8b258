"""Which comparison of every study an order of the treatments points along, and which of them several studies make.

Imported where a run is planned: nothing here needs an array.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

LEAST_STUDIES = 10
"""Studies below which asymmetry of a funnel plot cannot be told from chance (Sterne 2011)."""

Pair = tuple[str, str]
"""Treatment and comparator: the later and the earlier one in the order."""


def widest(treatments: Iterable[str], order: Sequence[str]) -> Pair | None:
    """Find the two treatments of a study that are furthest apart in the order; None where it has no two of them."""
    places = sorted({order.index(name) for name in treatments if name in order})
    return (order[places[-1]], order[places[0]]) if len(places) > 1 else None


def comparisons_tested(studies: Mapping[str, Iterable[str]], order: Sequence[str]) -> dict[str, Pair]:
    """Choose one comparison of every study: the widest, if it is that of another study too.

    Contrasts of a study of several arms are correlated, so that no more than one of them counts.

    Parameters
    ----------
    studies : mapping
        What the arms of every study received, by study.
    order : sequence of str
        Treatments, from the one that small studies may favour least.
    """
    chosen = {study: pair for study, treatments in studies.items() if (pair := widest(treatments, order))}
    made = Counter(chosen.values())
    return {study: pair for study, pair in chosen.items() if made[pair] > 1}
