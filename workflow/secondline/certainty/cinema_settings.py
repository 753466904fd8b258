"""The settings of a project file of CINeMA."""

from collections.abc import Mapping
from dataclasses import dataclass

from secondline.network.bias import Bias
from secondline.network.overlap import Overlap
from secondline.network.structure import Treatments


@dataclass(frozen=True, kw_only=True)
class CinemaSettings:
    """What a project file of CINeMA for one outcome depends on, beside the evidence."""

    outcome: str
    likelihood: str
    measure: str
    treatments: Treatments
    risk_of_bias: Mapping[str, int]
    """Level of concern by study as a whole (1 low, 2 some, 3 high), of the studies that were judged."""
    indirectness: Mapping[str, int]
    """The same for indirectness."""
    overlaps: tuple[Overlap, ...] = ()
    """Patients whom studies share."""
    bias: Bias | None = None
    """Bias that the analysis takes from its studies."""
