"""Questions of an assessment: a population, a treatment, its comparators and outcomes."""

from pydantic import Field, model_validator

from secondline.project.documents import Label, Strict, fail
from secondline.project.figures import Identifier


class Pico(Strict):
    """One question, as asked in an EU joint clinical assessment, which selects effects from an analysis."""

    label: Label | None = None
    """Its label; by default that of its population."""
    population: Identifier = "overall"
    """Setting of the patients; by default all of them together."""
    treatment: Identifier
    """The treatment that is assessed."""
    comparators: list[Identifier] = Field(min_length=1)
    """Treatments with which it is compared."""
    outcomes: list[Identifier] = Field(min_length=1)
    """Outcomes, in the order of the table."""

    @model_validator(mode="after")
    def _once(self) -> "Pico":
        for key in ("comparators", "outcomes"):
            names = getattr(self, key)
            for i, name in enumerate(names):
                if name in names[:i]:
                    fail((key, i), name, "named twice; allowed: each once")
        if self.treatment in self.comparators:
            fail(
                ("comparators", self.comparators.index(self.treatment)), self.treatment, "this is the treatment itself"
            )
        return self
