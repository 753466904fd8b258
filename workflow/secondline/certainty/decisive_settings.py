"""The settings of the list of decisive facts: what the tables do not say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AxisSettings:
    """A choice that was crossed with others: its label, of what it is, and the study whose figures it chooses."""

    label: str
    of: str
    """As ``of`` of the axis in the configuration."""
    study: str = ""


@dataclass(frozen=True, kw_only=True)
class DecisiveSettings:
    """What is listed of the analysis that the others vary.

    Parameters
    ----------
    analysis, headline : str
        The analysis, and its headline model.
    ratios : mapping of bool
        Outcomes in their order, and whether the effects of each are ratios.
    tables : mapping of sequences of str
        Files under doubt/ by outcome.
    axes : mapping of mappings of AxisSettings
        By outcome and axis.
    prognostic : mapping of str
        Labels of the characteristics that are known to predict the outcome.
    overlap : str
        What the analysis takes studies to share: ``none``, ``best`` or ``bound``.
    """

    analysis: str
    headline: str
    ratios: Mapping[str, bool]
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    axes: Mapping[str, Mapping[str, AxisSettings]] = field(default_factory=dict)
    prognostic: Mapping[str, str] = field(default_factory=dict)
    overlap: str = "none"
