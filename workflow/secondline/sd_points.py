"""A standard deviation that is taken as known: a prior like the others, which leaves the parameter out at 0."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar, Self, override

import numpy as np

from secondline.sd_prior import MOST_SCALE, Floats, Form, SdPrior


@dataclass(frozen=True)
class Fixed(SdPrior):
    """A value that is taken as known."""

    value: float
    name: ClassVar[str] = "fixed"
    is_free: ClassVar[bool] = False

    @classmethod
    @override
    def limits(cls, parameter: str) -> tuple[float, float]:
        return 0.0, MOST_SCALE

    def __bool__(self) -> bool:
        """Whether the parameter is in the model: not at 0."""
        return self.value > 0

    @property
    @override
    def log_constant(self) -> float:
        return 0.0

    @override
    def log_kernel(self, x: Floats) -> Floats:
        return np.where(x == self.value, 0.0, -inf)

    @override
    def quantile(self, p: Any) -> Any:
        return np.full_like(np.asarray(p, float), self.value)

    @override
    def draw(self, rng: np.random.Generator) -> float:
        rng.normal()  # as of a half-normal: what is drawn after it is the same with and without the parameter
        return self.value

    @property
    @override
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    @override
    def scaled(self, factor: float) -> Self:
        return replace(self, value=factor * self.value)

    @property
    @override
    def form(self) -> Form:
        return Form(point=self.value)

    @override
    def unit(self, least: float) -> float:
        return 1.0

    @override
    def ends(self, reach: float) -> tuple[float, float]:
        return self.value, self.value

    @override
    def plain(self, pm: Any, name: str) -> Any:
        return self.value

    @property
    @override
    def words(self) -> str:
        return f"fixed at {self.value:g}" if self else "common effect"

    @property
    @override
    def symbol(self) -> str:
        return f"the value {self.value:g}"

    @property
    @override
    def page_scale(self) -> float | None:
        return None if self else 0.0


ABSENT = Fixed(0.0)
"""The prior of a parameter that the model leaves out."""
