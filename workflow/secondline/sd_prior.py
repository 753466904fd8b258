"""What a prior of a standard deviation, tau or omega, is asked by engines, tables and sentences.

Its density, quantiles and draws, the line on which grids lay it, the coordinates in which the sampler moves, and its
words. The families are in `secondline.sd_priors`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from math import inf, isfinite
from numbers import Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from secondline.errors import UserError
from secondline.sd_lines import PLAIN, Line

Floats = NDArray[np.float64]
LEAST_SCALE, MOST_SCALE = 1e-6, 1e6  # between which every formula stays finite
_ONE_SD = 0.6826894921370859  # of a half-normal, below its scale
_TABULATED = 0.999  # of a prior: the range that integrals of counts are tabulated for
_TAIL = 1e-6  # of a heavy tail, beyond which no grid goes


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, of Python or of NumPy, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


class MisreadError(ValueError):
    """A prior that cannot be read: where the mistake is, relative to the prior, its value, and what is allowed."""

    def __init__(self, path: tuple[str, ...], value: Any, problem: str) -> None:
        super().__init__(problem)
        self.path, self.value, self.problem = path, value, problem


class Form(NamedTuple):
    """A prior as the compiled coordinates read it, see `secondline.inference.kernels.coordinates.sd`.

    With a ``point`` from 0 up the value is that point. With a ``log_sd`` above 0 it is log-normal. Otherwise its
    density is exp(-(x / normal)^2 / 2) (1 + (x / spread)^2)^-power up to ``upper``; steps near ``reach`` are as long.
    """

    point: float = -1.0
    normal: float = inf
    power: float = 0.0
    spread: float = 1.0
    upper: float = inf
    reach: float = 1.0
    log_mean: float = 0.0
    log_sd: float = 0.0


@dataclass(frozen=True)
class SdPrior(ABC):
    """A prior of a standard deviation on the link scale.

    Arguments ``x`` are standard deviations, arrays of any shape from 0 up; densities are by x.
    """

    source: str = field(default="", kw_only=True, compare=False)
    """Where an empirical prior comes from."""
    measure: str = field(default="", kw_only=True, compare=False)
    """Measure of the effects that an empirical prior describes; nothing of a prior for any."""
    name: ClassVar[str]
    """What the configuration and the library call the family."""
    usual: ClassVar[bool] = True
    """Whether its first parameter may be given alone, `half_normal: 0.5`."""
    long_names: ClassVar[dict[str, str]] = {}
    """Parameters that have another name beside `family:`."""
    explained: ClassVar[str] = ""
    """What its symbol means."""
    is_free: ClassVar[bool] = True
    """Whether the parameter has a posterior of its own: a point mass has none."""

    def __post_init__(self) -> None:
        """Check the parameters."""
        for key in self.keys():
            value = getattr(self, key)
            if problem := self.problem(key, value):
                raise UserError(problem, key=self.name, value=value)
        for key in self.parameters():
            object.__setattr__(self, key, float(getattr(self, key)))

    def __bool__(self) -> bool:
        """Whether the parameter is in the model."""
        return True

    @classmethod
    def keys(cls) -> list[str]:
        """Names of what the family takes, the main one first and without the source."""
        return [each.name for each in fields(cls) if each.init and not each.kw_only]

    @classmethod
    def parameters(cls) -> list[str]:
        """Names of the numbers among them, none of which has a default."""
        return [each.name for each in fields(cls) if each.init and each.type is float]

    @classmethod
    def limits(cls, parameter: str) -> tuple[float, float]:
        """Give the least and largest value of a number."""
        return LEAST_SCALE, MOST_SCALE

    @classmethod
    def problem(cls, key: str, value: Any) -> str:
        """Say what is wrong with a value, and what is allowed; nothing of one that is right."""
        least, most = cls.limits(key)
        if is_number(value) and least <= value <= most:
            return ""
        return f"allowed: {'a number above 0, from' if least == LEAST_SCALE else 'a number from'} {least:g} to {most:g}"

    @property
    @abstractmethod
    def log_constant(self) -> float:
        """Log of what makes the density integrate to 1."""

    @abstractmethod
    def log_kernel(self, x: Floats) -> Floats:
        """Log density without its constant, -inf where there is none."""

    def log_density(self, x: Floats) -> Floats:
        """Log density."""
        return np.asarray(self.log_constant + self.log_kernel(x))

    def density(self, x: Floats) -> Floats:
        """Density."""
        return np.asarray(np.exp(self.log_density(x)))

    @abstractmethod
    def quantile(self, p: Any) -> Any:
        """Value below which a share p of the prior is."""

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a value."""
        return float(self.quantile(rng.random()))

    @property
    def line(self) -> Line:
        """Line on which grids lay it."""
        return PLAIN

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the values that it allows."""
        return 0.0, inf

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """Make every value ``factor`` times as large a priori."""

    @property
    def size(self) -> float:
        """How large a value typically is: 68% are below, as of a half-normal below its scale."""
        return float(self.quantile(_ONE_SD))

    @property
    def table_scale(self) -> float:
        """A sixth of the range that integrals of counts are tabulated for."""
        return float(self.quantile(_TABULATED)) / 6

    @property
    @abstractmethod
    def form(self) -> Form:
        """What the sampler reads."""

    def unit(self, least: float) -> float:
        """Distance on the line below which a grid need not resolve; ``least`` is what the data resolve of x."""
        return min(least, self.size)

    def ends(self, reach: float) -> tuple[float, float]:
        """Give the ends of a grid on the line: of a half-normal ``reach`` scales, of others as far as they matter."""
        return 0.0, float(self.quantile(1 - _TAIL))

    @abstractmethod
    def plain(self, pm: Any, name: str) -> Any:
        """Write the prior in plain PyMC, whose module is ``pm``."""

    @property
    @abstractmethod
    def words(self) -> str:
        """Write it in tables and figures, without its source."""

    @property
    def label(self) -> str:
        """Write it in labels of choices."""
        return self.words

    @property
    @abstractmethod
    def symbol(self) -> str:
        """Write it in methods texts."""

    @property
    def page_scale(self) -> float | None:
        """Scale of a half-normal, which is what the page solves by itself; 0 of a parameter left out; else None."""
        return None

    def stated(self, parameter: str) -> str:
        """Say what the prior of a parameter is, with its source."""
        return f"{self.symbol} for {parameter}{self._of_source}"

    @property
    def in_tables(self) -> str:
        """Words with the source."""
        return f"{self.words}{self._of_source}"

    @property
    def _of_source(self) -> str:
        return f" ({self.source})" if self.source else ""

    def given(self) -> dict[str, Any]:
        """Write it as a configuration gives it: `read_sd_prior` reads it again."""
        values = {key: getattr(self, key) for key in self.keys()}
        return {self.name: values | ({"source": self.source} if self.source else {})}

    def __str__(self) -> str:
        """Write the prior as it is called."""
        return f"{self.name}({', '.join(f'{getattr(self, key):g}' for key in self.parameters())})"
