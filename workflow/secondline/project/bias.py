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
    """The contrasts that have a bias, defined by one of four properties, and which of their arms is the newer one.

    With ``component``, the newer arm is the one in which more patients receive the component; in mixed arms, the bias
    is proportional to their share. With ``more_components``, arms of regimens with more components than the simplest
    arm of the study are the newer ones. With ``design`` or ``study``, every arm except the comparator is newer; the
    comparator is the arm with only the reference or, if there is none, the arm with which the study compares the
    others.
    """

    component: Identifier | None = None
    """Contrasts between arms with and arms without this component."""
    more_components: bool = False
    """Contrasts between arms with more and arms with fewer components."""
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
    """A bias b ~ N(mean, sd^2) of some contrasts: independent between studies, identical within a study.

    Values are on the link scale (logarithms of ratios). A bias above 0 favours the arm named by ``toward``: that arm
    appears better than it is, whichever direction of the outcome is better.
    """

    label: Label
    """Its label in figures and reports."""
    reason: Text
    """Why such a bias is conceivable."""
    contrasts: BiasedContrasts
    """The contrasts that have this bias."""
    toward: Literal["newer", "older"] = "newer"
    """The arm that the bias favours."""
    mean: Annotated[list[Shift], Field(min_length=1, max_length=50)]
    """Means of the bias, in ascending order."""
    sd: Annotated[list[Spread], Field(min_length=1, max_length=20)] = Field(default_factory=lambda: [0.0])
    """Standard deviations of the bias between studies, in ascending order; by default 0, the same bias in all of
    them."""

    @model_validator(mode="after")
    def _ascending(self) -> "BiasScheme":
        for key in ("mean", "sd"):
            values = getattr(self, key)
            if sorted(set(values)) != values:
                fail(key, values, "allowed: different numbers, ascending")
        return self


class TakenBias(Strict):
    """A bias b ~ N(mean, sd^2) of one scheme, with a size of its own, that an analysis subtracts from its studies."""

    scheme: Identifier
    """One of `bias: schemes:`, which defines the contrasts that have the bias and the arms that it favours."""
    mean: Shift
    """Mean of the bias, on the link scale."""
    sd: Spread = 0.0
    """Standard deviation of the bias between studies, on the link scale."""


class BiasFans(Strict):
    """Biases whose consequences are computed, the outcomes for which this is done, and the outcomes that are common."""

    schemes: Annotated[dict[Identifier, BiasScheme], Field(min_length=1)]
    """Schemes of bias, by name."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes for which the answer is computed over the sizes of the biases; by default those given as contrasts and
    means, which are solved in closed form. Counts take about ten seconds per scheme and standard deviation; ordered
    outcomes cannot be used."""
    common_outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes that more than 15% of the patients have by the end of follow-up; E-values use a different approximation
    for them."""
