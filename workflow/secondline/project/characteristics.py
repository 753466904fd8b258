"""Baseline characteristics that sheets may give: what they are called, and which differences are worth a flag."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.documents import Label, Strict, fail
from secondline.project.figures import Identifier


class Characteristic(Strict):
    """A baseline characteristic: a proportion of the patients (``binary``) or an average over them (``continuous``)."""

    label: Label
    """Its label in figures and reports."""
    kind: Literal["binary", "continuous"]
    """A proportion of the patients, or an average over them."""
    unit: Label | None = None
    """Unit of an average."""
    course: bool = False
    """Whether it describes the treatment in the study rather than the patients at baseline; used only by the audit."""
    prognostic: bool = False
    """Whether it is known to predict outcomes under any treatment; large differences in it are listed as decisive."""


class Thresholds(Strict):
    """Absolute standardised differences beyond which two groups of patients are flagged (Austin 2009)."""

    notable: Annotated[float, Field(gt=0)] = 0.1
    """Threshold beyond which a difference is notable."""
    large: Annotated[float, Field(gt=0)] = 0.2
    """Threshold beyond which a difference is large."""

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
    """Thresholds for flagging differences."""
    characteristics: dict[Identifier, Characteristic] = Field(default_factory=dict)
    """Characteristics, by name."""
