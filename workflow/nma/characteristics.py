"""Baseline characteristics that sheets may give: what they are called, and which differences are worth a flag."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nma.documents import Label, Strict, fail
from nma.sheets import Identifier


class Characteristic(Strict):
    """A baseline characteristic: a share of the patients (``binary``) or an average over them (``continuous``)."""

    label: Label
    """What figures and reports call it."""
    kind: Literal["binary", "continuous"]
    """A share of the patients, or an average over them."""
    unit: Label | None = None
    """Unit of an average."""
    course: bool = False
    """Whether it is about the study's treatment itself, not about the patients before it; the audit alone reads it."""


class Thresholds(Strict):
    """Absolute standardised differences beyond which two groups of patients are flagged (Austin 2009)."""

    notable: Annotated[float, Field(gt=0)] = 0.1
    """Beyond it a difference is notable."""
    large: Annotated[float, Field(gt=0)] = 0.2
    """Beyond it a difference is large."""

    @model_validator(mode="after")
    def _ordered(self) -> "Thresholds":
        if self.large <= self.notable:
            fail("large", self.large, f"must lie above notable, {self.notable:g}")
        return self

    def flag(self, difference: float | None) -> str | None:
        """Name the threshold that a standardised difference exceeds: ``large``, ``notable``, or none."""
        size = abs(difference or 0.0)
        return "large" if size > self.large else "notable" if size > self.notable else None


class Characteristics(Strict):
    """The characteristics that study sheets may give, in the order of tables and figures."""

    standardised_difference: Thresholds = Field(default_factory=Thresholds)
    """Differences that are flagged."""
    characteristics: dict[Identifier, Characteristic] = Field(default_factory=dict)
    """Characteristics, by name."""
