"""Covariates of a meta-regression: how a configuration declares them, and the numbers that sheets and tables give."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.cells import level_name
from secondline.project.documents import Strict, Text, fail
from secondline.project.figures import Average, Identifier
from secondline.project.outcomes import Scale
from secondline.project.table_lines import COLUMNS


class Covariate(Strict):
    """A covariate with which effects vary, and the value at which effects are reported.

    A categorical covariate has `levels`. Effects are reported at the first of them; every other level has slopes, which
    are differences from the first.
    """

    name: Identifier
    """Name of the covariate in sheets and tables."""
    centre: Average | None = None
    """Value at which effects are reported; by default the mean over the studies."""
    per: Scale = 1.0
    """Number of units of the covariate to which a slope, and its prior, refer."""
    levels: Annotated[list[Text], Field(max_length=20)] = Field(default_factory=list)
    """Levels of a categorical covariate, the first being the one at which effects are reported; by default the
    covariate is a number."""
    slopes: Literal["common", "by_class", "independent"] = "common"
    """Which treatments share a slope: `common`, all except the reference; `by_class`, the components of each class;
    `independent`, none."""
    by: Literal["study", "arm"] = "study"
    """Whether a table of arms gives the covariate for the study, with the same value on all of its lines, or for every
    arm."""

    @model_validator(mode="after")
    def _no_column(self) -> "Covariate":
        if self.name in COLUMNS:
            fail("name", self.name, "this word is a column of evidence tables; choose another")
        return self

    @model_validator(mode="after")
    def _levels(self) -> "Covariate":
        if not self.levels:
            return self
        if len(set(self.levels)) != len(self.levels) or len(self.levels) == 1:
            fail("levels", self.levels, "allowed: two or more, each once")
        for i, level in enumerate(self.levels):
            if set(level) & set(":,=[]"):
                fail(("levels", i), level, "allowed: words without : , = [ ]")
        for key, default in (("centre", None), ("per", 1.0)):
            if getattr(self, key) != default:
                problem = "a covariate with levels is no number; effects are given at its first level"
                fail(key, getattr(self, key), problem)
        return self

    @property
    def numbers(self) -> list[str]:
        """Names of the numbers that a model takes: itself, or the indicators of its levels but the first."""
        return [level_name(self.name, level) for level in self.levels[1:]] or [self.name]


class BaselineRisk(Strict):
    """Effects that vary with the modelled baseline of the study: the linear predictor under the reference."""

    centre: Average | None = None
    """Value at which effects are reported, on the link scale; by default the mean of the observed baselines."""


def numbers_of(
    values: Mapping[str, float | str], names: Iterable[str], levels: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Turn the covariates that are asked for into numbers: a word into an indicator for each of its levels.

    Parameters
    ----------
    values : mapping
        Number, or one of its levels, by covariate.
    names : iterable of str
        Covariates; those without a value are left out.
    levels : mapping
        By covariate, for those that are words.
    """
    result: dict[str, float] = {}
    for name, value in ((name, values[name]) for name in names if name in values):
        if name in levels:
            result |= {level_name(name, level): float(value == level) for level in levels[name]}
        else:
            result[name] = float(value)
    return result
