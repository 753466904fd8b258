"""How priors of standard deviations are written: `half_normal: 0.5`, `{family: log_normal, …}`, or a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from secondline.empirical_priors import empirical_sets
from secondline.registry import Registry
from secondline.sd_points import ABSENT, Fixed
from secondline.sd_prior import MisreadError, SdPrior
from secondline.sd_priors import HalfCauchy, HalfNormal, HalfT, LogNormal, Uniform

NONE, FAMILY, SOURCE = "none", "family", "source"


class Written(Protocol):
    """A way to write a prior under a name."""

    @property
    def name(self) -> str:
        """The key."""

    @property
    def example(self) -> str:
        """What follows the key, in words."""

    def read(self, value: Any) -> SdPrior:
        """Read what follows the key."""


@dataclass(frozen=True)
class Family:
    """A family of priors, written with its parameters."""

    kind: Any
    """Its class."""

    @property
    def name(self) -> str:
        """See `Written`."""
        return str(self.kind.name)

    @property
    def example(self) -> str:
        """See `Written`."""
        first, *others = self.kind.keys()
        return first if self.kind.usual else f"{{{', '.join([first, *others])}}}"

    def read(self, value: Any) -> SdPrior:
        """See `Written`."""
        if isinstance(value, Mapping):
            return self._made((self.name,), {key: (key, each) for key, each in value.items()})
        if not self.kind.usual:
            raise MisreadError((self.name,), value, f"allowed: {self.example}")
        (key,) = self.kind.keys()
        if problem := self.kind.problem(key, value):
            raise MisreadError((self.name,), value, problem)
        return self._prior({key: value})

    def read_long(self, given: Mapping[str, Any]) -> SdPrior:
        """Read parameters that are beside ``family``."""
        own = {new: key for key, new in self.kind.long_names.items()}
        keys, needed = self.kind.keys(), [own.get(key, key) for key in self.kind.parameters()]
        needed += [SOURCE] if own else []
        names = {own.get(key, key): key for key in keys}
        for name in dict.fromkeys(["scale", "location", *needed]):
            if name in needed and given.get(name) is None:
                raise MisreadError((name,), None, f"family {self.name} needs it")
            if name not in needed and given.get(name) is not None:
                raise MisreadError((name,), given[name], f"family {self.name} has none; leave it out")
        return self._made((), {names.get(name, name): (name, each) for name, each in given.items()})

    def _made(self, at: tuple[str, ...], given: Mapping[str, tuple[str, Any]]) -> SdPrior:
        """Make a prior of values by key, each with the name under which it was written."""
        keys, numbers = self.kind.keys(), self.kind.parameters()
        for key, (name, value) in given.items():
            if key not in (*keys, SOURCE):
                raise MisreadError((*at, name), value, f"unknown key; allowed: {', '.join([*keys, SOURCE])}")
            text = "" if isinstance(value, str) and value else "allowed: text"
            if problem := text if key == SOURCE else self.kind.problem(key, value):
                raise MisreadError((*at, name), value, problem)
        for key in numbers:
            if key not in given:
                raise MisreadError((*at, key), None, f"{self.name} needs it")
        return self._prior({key: value for key, (_, value) in given.items()})

    def _prior(self, values: Mapping[str, Any]) -> SdPrior:
        made: SdPrior = self.kind(**values)
        return made


FAMILIES: Registry[Family] = Registry("prior", map(Family, (HalfNormal, Uniform, HalfCauchy, HalfT, LogNormal, Fixed)))
"""Every family by its name."""
WRITTEN: Registry[Written] = Registry("prior", [*FAMILIES.values(), *empirical_sets()])
"""Everything that may be written as the one key of a prior."""


def read_sd_prior(value: Any) -> SdPrior:
    """Read a prior as a configuration writes it: a number is the scale of a half-normal.

    Raises
    ------
    MisreadError
        Anything else than a number, `none`, one key of `WRITTEN` with what follows it, or ``family`` with parameters.
    """
    if value == NONE:
        return ABSENT
    if not isinstance(value, Mapping):
        return _half_normal(value)
    if FAMILY in value:
        return _long(value)
    if len(value) != 1 or next(iter(value)) not in WRITTEN:
        shown = ", ".join(map(str, value))
        raise MisreadError((), shown, f"allowed: a number, the scale of a half-normal, or one of {allowed()}")
    ((name, following),) = value.items()
    return WRITTEN[name].read(following)


def allowed() -> str:
    """List everything that may be the one key of a prior, with what follows it."""
    return ", ".join(f"{{{each.name}: {each.example}}}" for each in WRITTEN.values())


def _half_normal(value: Any) -> SdPrior:
    if problem := HalfNormal.problem("scale", value):
        raise MisreadError((), value, f"{problem}, the scale of a half-normal; or one of {allowed()}")
    return HalfNormal(value)


def _long(value: Mapping[str, Any]) -> SdPrior:
    family, given = value[FAMILY], {key: each for key, each in value.items() if key != FAMILY and each is not None}
    if family == NONE:
        for key, each in given.items():
            raise MisreadError((key,), each, f"family {NONE} has none; leave it out")
        return ABSENT
    if family not in FAMILIES:
        raise MisreadError((FAMILY,), family, f"allowed: {', '.join([NONE, *FAMILIES])}")
    return FAMILIES[family].read_long(given)
