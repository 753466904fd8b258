"""Priors of standard deviations, tau and omega: the families.

A family is a frozen class here and a line in `secondline.sd_prior_forms`; nothing else knows the families: everything
asks the object, a `secondline.sd_prior.SdPrior`.
"""

from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, ClassVar, Self, override

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from secondline.sd_lines import Bounded, Line, Logarithmic
from secondline.sd_prior import LEAST_SCALE, MOST_SCALE, Floats, Form, SdPrior

_HEAVY_REACH = 1e6  # scales of a heavy tail within which a step of the sampler grows with the value


@dataclass(frozen=True)
class HalfNormal(SdPrior):
    """The absolute value of a normal distribution around 0."""

    scale: float
    name: ClassVar[str] = "half_normal"
    explained: ClassVar[str] = "HN(s) a half-normal distribution with scale s"

    @property
    @override
    def log_constant(self) -> float:
        return float(0.5 * np.log(2 / np.pi) - np.log(self.scale))

    @override
    def log_kernel(self, x: Floats) -> Floats:
        return np.asarray(-0.5 * (x / self.scale) ** 2)

    @override
    def density(self, x: Floats) -> Floats:
        return np.asarray(np.sqrt(2 / np.pi) / self.scale * np.exp(-0.5 * (x / self.scale) ** 2))

    @override
    def quantile(self, p: Any) -> Any:
        return self.scale * ndtri((1 + np.asarray(p)) / 2)

    @override
    def draw(self, rng: np.random.Generator) -> float:
        return abs(float(rng.normal())) * self.scale

    @override
    def scaled(self, factor: float) -> Self:
        return replace(self, scale=factor * self.scale)

    @property
    @override
    def size(self) -> float:
        return self.scale

    @property
    @override
    def table_scale(self) -> float:
        return self.scale

    @property
    @override
    def form(self) -> Form:
        return Form(normal=self.scale, reach=self.scale)

    @override
    def ends(self, reach: float) -> tuple[float, float]:
        return 0.0, reach * self.scale

    @override
    def plain(self, pm: Any, name: str) -> Any:
        return pm.HalfNormal(name, self.scale)

    @property
    @override
    def words(self) -> str:
        return f"half-normal({self.scale:g})"

    @property
    @override
    def label(self) -> str:
        return f"half-normal, {self.scale:g}"

    @property
    @override
    def symbol(self) -> str:
        return f"HN({self.scale:g})"

    @property
    @override
    def page_scale(self) -> float | None:
        return self.scale


@dataclass(frozen=True)
class Uniform(SdPrior):
    """A uniform distribution from 0 up."""

    upper: float
    name: ClassVar[str] = "uniform"
    explained: ClassVar[str] = "U(0, u) a uniform distribution from 0 to u"

    @property
    @override
    def line(self) -> Line:
        return Bounded(self.upper)

    @property
    @override
    def log_constant(self) -> float:
        return float(-np.log(self.upper))

    @override
    def log_kernel(self, x: Floats) -> Floats:
        return np.where(x <= self.upper, 0.0, -inf)

    @override
    def quantile(self, p: Any) -> Any:
        return self.upper * np.asarray(p)

    @property
    @override
    def support(self) -> tuple[float, float]:
        return 0.0, self.upper

    @override
    def scaled(self, factor: float) -> Self:
        return replace(self, upper=factor * self.upper)

    @property
    @override
    def form(self) -> Form:
        return Form(upper=self.upper)

    @override
    def unit(self, least: float) -> float:
        return min(least / self.upper, 1.0)

    @override
    def ends(self, reach: float) -> tuple[float, float]:
        return 0.0, Bounded.END

    @override
    def plain(self, pm: Any, name: str) -> Any:
        return pm.Uniform(name, 0, self.upper)

    @property
    @override
    def words(self) -> str:
        return f"uniform(0, {self.upper:g})"

    @property
    @override
    def symbol(self) -> str:
        return f"U(0, {self.upper:g})"


@dataclass(frozen=True)
class HalfT(SdPrior):
    """The absolute value of a t distribution around 0."""

    scale: float
    df: float
    name: ClassVar[str] = "half_t"
    usual: ClassVar[bool] = False
    explained: ClassVar[str] = "HT(k, s) a half-t distribution with k degrees of freedom and scale s"

    @classmethod
    @override
    def limits(cls, parameter: str) -> tuple[float, float]:
        return (1.0, 1000.0) if parameter == "df" else (LEAST_SCALE, MOST_SCALE)

    @property
    @override
    def log_constant(self) -> float:
        half = self.df / 2
        return float(
            np.log(2) + gammaln(half + 0.5) - gammaln(half) - 0.5 * np.log(np.pi * self.df) - np.log(self.scale)
        )

    @override
    def log_kernel(self, x: Floats) -> Floats:
        return np.asarray(-(self.df + 1) / 2 * np.log1p((x / self.scale) ** 2 / self.df))

    @override
    def quantile(self, p: Any) -> Any:
        return self.scale * stdtrit(self.df, (1 + np.asarray(p)) / 2)

    @override
    def scaled(self, factor: float) -> Self:
        return replace(self, scale=factor * self.scale)

    @property
    @override
    def form(self) -> Form:
        spread = self.scale * float(np.sqrt(self.df))
        return Form(power=(self.df + 1) / 2, spread=spread, reach=_HEAVY_REACH * self.scale)

    @override
    def plain(self, pm: Any, name: str) -> Any:
        return pm.HalfStudentT(name, nu=self.df, sigma=self.scale)

    @property
    @override
    def words(self) -> str:
        return f"half-t({self.scale:g}, {self.df:g} degrees of freedom)"

    @property
    @override
    def symbol(self) -> str:
        return f"HT({self.df:g}, {self.scale:g})"


@dataclass(frozen=True)
class HalfCauchy(HalfT):
    """The absolute value of a Cauchy distribution around 0: a half-t with one degree of freedom."""

    df: float = field(default=1.0, init=False, repr=False)
    name: ClassVar[str] = "half_cauchy"
    usual: ClassVar[bool] = True
    explained: ClassVar[str] = "HC(s) a half-Cauchy distribution with scale s"

    @property
    @override
    def words(self) -> str:
        return f"half-Cauchy({self.scale:g})"

    @property
    @override
    def symbol(self) -> str:
        return f"HC({self.scale:g})"


VARIANCE, SD = "variance", "sd"
_LINEAR = 10.0  # unit of the grid of a logarithm, in its standard deviations: its points are at nearly equal distances


@dataclass(frozen=True)
class LogNormal(SdPrior):
    """A log-normal distribution of the variance, as Turner (2015) and Rhodes (2015) give theirs, or of the sd."""

    mean: float
    sd: float
    on: str = VARIANCE
    """What is log-normal: the variance, or the standard deviation."""
    name: ClassVar[str] = "log_normal"
    usual: ClassVar[bool] = False
    long_names: ClassVar[dict[str, str]] = {"location": "mean", "scale": "sd"}
    explained: ClassVar[str] = "LN(m, s²) a log-normal distribution whose logarithm has mean m and standard deviation s"

    @classmethod
    @override
    def limits(cls, parameter: str) -> tuple[float, float]:
        return (-1000.0, 1000.0) if parameter == "mean" else (1e-3, 100.0)

    @classmethod
    @override
    def problem(cls, key: str, value: Any) -> str:
        if key == "on":
            return "" if value in (VARIANCE, SD) else f"allowed: {VARIANCE}, {SD}"
        return super().problem(key, value)

    @property
    def _power(self) -> int:
        return 2 if self.on == VARIANCE else 1

    @property
    @override
    def line(self) -> Logarithmic:
        return Logarithmic(self.mean / self._power, self.sd / self._power)

    @property
    @override
    def log_constant(self) -> float:
        return float(-0.5 * np.log(2 * np.pi) - np.log(self.line.sd))

    @override
    def log_kernel(self, x: Floats) -> Floats:
        log_x = np.log(np.where(x > 0, x, 1.0))
        return np.where(x > 0, -0.5 * ((log_x - self.line.mean) / self.line.sd) ** 2 - log_x, -inf)

    @override
    def quantile(self, p: Any) -> Any:
        return self.line.value(ndtri(p))

    @override
    def scaled(self, factor: float) -> Self:
        return replace(self, mean=self.mean + self._power * float(np.log(factor)))

    @property
    @override
    def form(self) -> Form:
        return Form(log_mean=self.line.mean, log_sd=self.line.sd)

    @override
    def unit(self, least: float) -> float:
        return _LINEAR

    @override
    def ends(self, reach: float) -> tuple[float, float]:
        return -reach, reach

    @override
    def plain(self, pm: Any, name: str) -> Any:
        return pm.LogNormal(name, self.line.mean, self.line.sd)

    @property
    @override
    def words(self) -> str:
        return f"log-normal({self.mean:g}, {self.sd:g}²) of the {'variance' if self.on == VARIANCE else 'sd'}"

    @property
    @override
    def symbol(self) -> str:
        return f"LN({self.mean:g}, {self.sd:g}²)"

    @override
    def stated(self, parameter: str) -> str:
        return super().stated(f"{parameter}²" if self.on == VARIANCE else parameter)

    @override
    def __str__(self) -> str:
        return f"{self.name}({self.mean:g}, {self.sd:g}, on={self.on})"
