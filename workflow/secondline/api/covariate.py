"""A covariate of a model, as a notebook declares it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from secondline.cells import level_name
from secondline.errors import UserError
from secondline.network.slopes import BY_CLASS, COMMON, INDEPENDENT, Slopes
from secondline.sd_prior import is_number


@dataclass(frozen=True)
class Covariate:
    """A covariate with which effects change, and whose slopes are one.

    Parameters
    ----------
    name : str
        Its column.
    centre : float, optional
        Value at which effects are given; by default its mean over the studies.
    per : float
        Units of the covariate to which a slope, and its prior, refer.
    levels : tuple of str
        Its values, where they are words, that at which effects are given first; every other one has slopes.
    slopes : {"common", "independent"} or mapping
        The same slope for every treatment but the reference, one for every treatment (or component), or one for every
        class: class by treatment.

    Raises
    ------
    UserError
        A value that is not allowed, in one line.

    Examples
    --------
    >>> import secondline as sl
    >>> age = sl.Covariate("age", centre=60, per=10)
    >>> prevention = sl.Covariate("prevention", levels=("primary", "secondary"), slopes="independent")
    >>> print(sl.Model(likelihood="binomial", covariates=(age, prevention)))
    binomial likelihood with logit link, random effects, covariates age per 10, prevention (independent slopes)
    """

    name: str
    centre: float | None = None
    per: float = 1.0
    levels: tuple[str, ...] = ()
    slopes: str | Mapping[str, str] = COMMON

    def __post_init__(self) -> None:
        """Check every value."""
        levels = self.levels if isinstance(self.levels, (tuple, list)) else ()
        words = all(isinstance(level, str) and level for level in levels)
        several = not self.levels or (words and len({*levels}) == len(levels) >= 2)
        owners = self.slopes in (COMMON, INDEPENDENT) if isinstance(self.slopes, str) else bool(self.slopes)
        checks = {
            "name": (isinstance(self.name, str) and bool(self.name), "the name of a column"),
            "centre": (self.centre is None or is_number(self.centre), "a number"),
            "per": (is_number(self.per) and self.per > 0, "a number above 0"),
            "levels": (several, "two or more different words, that at which effects are given first"),
            "slopes": (
                owners and isinstance(self.slopes, (str, Mapping)),
                f"{COMMON}, {INDEPENDENT}, or a mapping, class by treatment",
            ),
        }
        for key, (right, allowed) in checks.items():
            if not right:
                raise UserError(f"allowed: {allowed}", "Covariate", key=key, value=getattr(self, key))
        if levels and (self.centre is not None or self.per != 1):
            key = "centre" if self.centre is not None else "per"
            problem = "a covariate with levels is no number; effects are given at its first level"
            raise UserError(problem, "Covariate", key=key, value=getattr(self, key))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers that a model takes: itself, or the indicators of its levels but the first."""
        return tuple(level_name(self.name, level) for level in self.levels[1:]) or (self.name,)

    @property
    def resolved(self) -> tuple[Slopes, ...]:
        """The columns that the covariate adds to the linear predictor; a centre that is not given is 0."""
        by_class = not isinstance(self.slopes, str)
        one = Slopes(
            covariate=self.name,
            centre=float(self.centre or 0.0),
            per=float(self.per),
            kind=BY_CLASS if by_class else str(self.slopes),
            classes=dict(self.slopes) if isinstance(self.slopes, Mapping) else {},
        )
        return tuple(replace(one, covariate=name) for name in self.numbers)

    def __str__(self) -> str:
        """Say in a few words what the covariate is."""
        label = self.resolved[0].label if not self.levels else self.name
        kind = self.slopes if isinstance(self.slopes, str) else BY_CLASS.replace("_", " ")
        return label if kind == COMMON else f"{label} ({kind} slopes)"
