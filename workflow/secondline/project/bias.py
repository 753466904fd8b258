"""Biases that an analysis may have: which contrasts, whom they flatter, and how large they may be."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.documents import Label, Strict, Text, fail
from secondline.project.figures import Identifier

Design = Literal["retrospective_cohort", "prospective_cohort", "randomised_trial"]
_MOST = 5.0  # on the link scale: a ratio of 148
Shift = Annotated[
    float, Field(ge=-_MOST, le=_MOST, json_schema_extra={"errorMessage": f"from -{_MOST:g} to {_MOST:g}"})
]
Spread = Annotated[float, Field(ge=0, le=100, json_schema_extra={"errorMessage": "a number from 0 to 100"})]
_KINDS = ("component", "more_components", "design", "study")


class BiasedContrasts(Strict):
    """The contrasts that have a bias, by one of four properties, and which of their arms is the newer one.

    With ``component``, the arm of which more patients receive it is the newer; in mixed arms the bias is in proportion
    to their share. With ``more_components``, arms of regimens with more components than the simplest arm of the study
    are. With ``design`` or ``study``, every arm but the comparator is: the arm with the reference alone, or else the
    one that the study compares the others with.
    """

    component: Identifier | None = None
    """Contrasts of arms with and without this component."""
    more_components: bool = False
    """Contrasts of arms with more and with fewer components."""
    design: Design | None = None
    """All contrasts of studies whose sheets give this design."""
    study: Text | None = None
    """All contrasts of one study."""

    @model_validator(mode="after")
    def _one_kind(self) -> "BiasedContrasts":
        given = [kind for kind in _KINDS if getattr(self, kind)]
        if len(given) != 1:
            fail((), ", ".join(given) or None, f"allowed: exactly one of {', '.join(_KINDS)}")
        return self


class BiasScheme(Strict):
    """A bias b ~ N(mean, sd^2) of some contrasts: independent between studies, one and the same within a study.

    Values are on the link scale (logarithms of ratios). A bias above 0 flatters the arm that it is ``toward``: that arm
    appears better than it is, whichever direction of the outcome is better.
    """

    label: Label
    """Its label in figures and reports."""
    reason: Text
    """Why such a bias is conceivable."""
    contrasts: BiasedContrasts
    """The contrasts that have it."""
    toward: Literal["newer", "older"] = "newer"
    """The arm that it flatters."""
    mean: Annotated[list[Shift], Field(min_length=1, max_length=50)]
    """Means of the bias, ascending."""
    sd: Annotated[list[Spread], Field(min_length=1, max_length=20)] = Field(default_factory=lambda: [0.0])
    """Standard deviations of the bias between studies, ascending; by default 0, the same bias in all of them."""

    @model_validator(mode="after")
    def _ascending(self) -> "BiasScheme":
        for key in ("mean", "sd"):
            values = getattr(self, key)
            if sorted(set(values)) != values:
                fail(key, values, "allowed: different numbers, ascending")
        return self


class TakenBias(Strict):
    """A bias b ~ N(mean, sd^2) that an analysis takes from its studies: of a scheme, with a size of its own."""

    scheme: Identifier
    """One of `bias: schemes:`, which says what contrasts have it and whom it flatters."""
    mean: Shift
    """Mean of the bias, on the link scale."""
    sd: Spread = 0.0
    """Standard deviation of the bias between studies, on the link scale."""


class BiasFans(Strict):
    """Biases to follow, by name, in which outcomes, and the outcomes whose events are common."""

    schemes: Annotated[dict[Identifier, BiasScheme], Field(min_length=1)]
    """Schemes of bias, by name."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes whose answer is followed over the size of the biases; by default those of contrasts and means, which are
    solved in closed form. Counts take about ten seconds a scheme and standard deviation; ordered outcomes have none."""
    common_outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes that more than 15% of the patients have by the end of follow-up, by which E-values choose their
    approximation."""
