"""Lines on which standard deviations are laid: smooth maps from the line to values, so that no density has an edge."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Line(ABC):
    """An increasing map from places on a line, arrays of any shape, to standard deviations."""

    @abstractmethod
    def value(self, place: Floats) -> Floats:
        """Give the standard deviation at a place."""

    @abstractmethod
    def place(self, value: Floats) -> Floats:
        """Give the place of a standard deviation."""

    @abstractmethod
    def slope(self, place: Floats) -> Floats:
        """Give its derivative by the place."""


@dataclass(frozen=True)
class Plain(Line):
    """The standard deviation itself."""

    def value(self, place: Floats) -> Floats:
        """See `Line`."""
        return place

    def place(self, value: Floats) -> Floats:
        """See `Line`."""
        return value

    def slope(self, place: Floats) -> Floats:
        """See `Line`."""
        return np.ones_like(place)


@dataclass(frozen=True)
class Bounded(Line):
    """Standard deviations below an upper end: end tanh(place), an odd map."""

    upper: float
    END: ClassVar[float] = 9.0
    """Place beyond which 3e-8 of the values are."""

    def value(self, place: Floats) -> Floats:
        """See `Line`."""
        return np.asarray(self.upper * np.tanh(place))

    def place(self, value: Floats) -> Floats:
        """See `Line`."""
        return np.asarray(np.arctanh(value / self.upper))

    def slope(self, place: Floats) -> Floats:
        """See `Line`."""
        return np.asarray(self.upper / np.cosh(place) ** 2)


@dataclass(frozen=True)
class Logarithmic(Line):
    """Standard deviations by their logarithm, in units of ``sd`` from ``mean``."""

    mean: float
    sd: float

    def value(self, place: Floats) -> Floats:
        """See `Line`."""
        return np.asarray(np.exp(self.mean + self.sd * place))

    def place(self, value: Floats) -> Floats:
        """See `Line`."""
        return np.asarray((np.log(value) - self.mean) / self.sd)

    def slope(self, place: Floats) -> Floats:
        """See `Line`."""
        return np.asarray(self.sd * self.value(place))


PLAIN = Plain()
