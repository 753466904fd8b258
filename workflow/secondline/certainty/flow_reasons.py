"""Why a network has no flows: found without any arithmetic, as the Snakefile asks at the start of every run."""

from collections.abc import Mapping, Sequence

from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import used_arms, used_rows
from secondline.network.bias import Bias
from secondline.network.graph import is_plain
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure

NOT_PLAIN = "arms mix treatments, or a treatment has several components"
SHARED = "studies share patients"
BIASED = "the analysis takes a bias from its studies"
ORDERED = "the outcome has ordered categories"
NO_STUDY = "no study has information on a comparison"

Row = Mapping[str, str]


def why_no_flows(
    evidence: Sequence[Row],
    structure: Structure,
    likelihood: str,
    overlaps: Sequence[Overlap],
    bias: Bias | None = None,
) -> str:
    """Say why a network has no flows; empty if it has."""
    if not is_plain(used_arms(evidence), structure):
        return NOT_PLAIN
    studies = {row["study"] for row in used_rows(evidence)}
    if any(set(overlap.studies) <= studies for overlap in overlaps):
        return SHARED
    if bias and bias.of(studies).contrasts:
        return BIASED
    return ORDERED if LIKELIHOODS[likelihood].is_ordered else ""
