"""The values that a printed figure may represent, and the estimates that all of them give."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import inf, nan, nextafter
from typing import NamedTuple, Protocol

from secondline.numbers_in_text import decimals

DRAWS = 1024  # a power of 2, as Sobol sequences need
Estimate = tuple[float, float]
"""Log hazard ratio and standard error."""


@dataclass(frozen=True)
class Quantity:
    """A number that an effect is derived from, and the limits between which it may lie.

    ``turns`` are values at which a formula may change from rising to falling in this quantity.
    """

    name: str
    value: float
    low: float
    high: float
    turns: tuple[float, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the quantity may differ from its value."""
        return self.low < self.high


def exact(name: str, value: float) -> Quantity:
    """Return a quantity that is known."""
    return Quantity(name, value, value, value)


def rounded(name: str, value: float, printed: str, limit: float = inf, turns: tuple[float, ...] = ()) -> Quantity:
    """Return a quantity as a paper prints it: 0.5 is anything in [0.45, 0.55), 0.50 anything in [0.495, 0.505).

    Parameters
    ----------
    name : str
    value : float
        The number above 0.
    printed : str
        The printed string; where the number stands in it more than once, the fewest decimals count, and where it does
        not stand in it, the number is taken as written in the sheet.
    limit : float
        The largest value possible, 1 for a p-value.
    turns : tuple of float
        See `Quantity`.
    """
    half = Decimal(5).scaleb(-decimals(value, printed) - 1)
    low, high = Decimal(repr(value)) - half, Decimal(repr(value)) + half
    return Quantity(name, value, float(low), min(nextafter(float(high), 0.0), limit), turns)


def scaled(quantity: Quantity, factor: float) -> Quantity:
    """Multiply a quantity that has no turns by a positive factor, as from weeks to months."""
    return Quantity(quantity.name, quantity.value * factor, quantity.low * factor, quantity.high * factor)


def added(name: str, *quantities: Quantity) -> Quantity:
    """Add quantities, with the limits of their sum."""
    value, low, high = (sum(getattr(q, key) for q in quantities) for key in ("value", "low", "high"))
    return Quantity(name, value, low, high)


def divided(name: str, above: Quantity, below: Quantity) -> Quantity:
    """Divide one quantity by another, with the limits of their ratio; formulas may turn where it is 1."""
    return Quantity(name, above.value / below.value, above.low / below.high, above.high / below.low, turns=(1.0,))


class Spread(NamedTuple):
    """Estimates over all readings: the extremes among them, and draws that are equally plausible."""

    extremes: list[Estimate]
    draws: list[Estimate]


class Reading(Protocol):
    """The estimates that one derivation gives, as its inputs are read."""

    @property
    def varied(self) -> str:
        """What may be read differently, and between which limits; empty if nothing."""

    def central(self) -> Estimate:
        """Estimate from the inputs as printed."""

    def spread(self, seed: int) -> Spread:
        """Estimates over all readings."""


@dataclass(frozen=True)
class Box:
    """A formula over a box of quantities: each lies anywhere between its limits.

    Between the turns of its quantities the formula is monotone in each of them, so that its extremes lie at corners:
    they are exact. ``sign`` is -1 where the figures are printed the other way round.
    """

    formula: Callable[..., Estimate]
    quantities: tuple[Quantity, ...]
    sign: int = 1

    @property
    def varied(self) -> str:
        """See `Reading`."""
        return "; ".join(f"{q.name} {q.low:.6g} to {q.high:.6g}" for q in self.quantities if q.is_open)

    def central(self) -> Estimate:
        """See `Reading`."""
        return self._at([quantity.value for quantity in self.quantities])

    def spread(self, seed: int) -> Spread:
        """Estimates at every corner of the box, split at the turns, and at draws over it."""
        corners = [self._at(corner) for corner in product(*(list(_ends(quantity)) for quantity in self.quantities))]
        return Spread(corners, self._draws(seed))

    def _draws(self, seed: int) -> list[Estimate]:
        """Estimates at a scrambled Sobol sequence (Owen 1997) over the box: quantities uniform and independent."""
        free = [k for k, quantity in enumerate(self.quantities) if quantity.is_open]
        if not free:
            return [self.central()]
        from scipy.stats import qmc

        points = qmc.Sobol(len(free), rng=seed).random(DRAWS)
        values = [quantity.value for quantity in self.quantities]
        estimates = []
        for point in points.tolist():
            for k, share in zip(free, point, strict=True):
                quantity = self.quantities[k]
                values[k] = quantity.low + share * (quantity.high - quantity.low)
            estimates.append(self._at(values))
        return estimates

    def _at(self, values: Sequence[float]) -> Estimate:
        """Estimate at a point; without bound where the figures there say nothing (a hazard ratio with a p of 1)."""
        try:
            log_effect, se = self.formula(*values)
        except ValueError:
            return nan, inf
        return self.sign * log_effect, se


def _ends(quantity: Quantity) -> Iterator[float]:
    """Limits of a quantity, and both sides of every turn between them."""
    yield quantity.low
    if quantity.is_open:
        for turn in quantity.turns:
            if quantity.low < turn < quantity.high:
                yield nextafter(turn, -inf)
                yield nextafter(turn, inf)
        yield quantity.high
