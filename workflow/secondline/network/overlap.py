"""Patients whom two studies share: the covariance of their errors, and what is left of counts.

Of two arms with a and b patients, c of whom are the same, the means have variances s^2/a and s^2/b and the covariance
c s^2/(a b). The contrasts of two studies with n1 and n2 treated and c1 and c2 control patients, c12 of the controls the
same, therefore have the correlation::

    rho = [c12 / (c1 c2)] / sqrt((1/n1 + 1/c1) (1/n2 + 1/c2))

With one control group in both, c12 = c1 = c2 = c, it is that of contrasts within one study, sqrt(n1 n2 / ((n1 + c)
(n2 + c))) (Gleser & Olkin 2009). Log hazard ratios have one unit of variance per event, so that events take the place
of patients. There the covariance is c12 / (c1 c2) itself, which an adjustment for covariates leaves as it is: the
weights of the controls in an adjusted effect still sum to -1, and only the standard errors grow. Where the standard
errors are larger than the events require, rho is smaller by as much.

Counts of two studies are independent in their likelihood. Each study gives up half of the patients whom an arm shares:
events, categories and patients of the arm are multiplied by 1 - c12 / (2 n), so that every patient counts once.

References
----------
Gleser LJ, Olkin I (2009) Stochastically dependent effect sizes. In: The Handbook of Research Synthesis and
Meta-Analysis, 2nd edition, 357 (contrasts that share a control group).
Lin DY, Sullivan PF (2009) American Journal of Human Genetics 85:862 (studies that share subjects).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from secondline.errors import UserError
from secondline.network.structure import Floats

Row = Mapping[str, str]
Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class SharedArm:
    """Patients of an arm of one study who are also in an arm of another.

    Parameters
    ----------
    arms : pair of str
        The arm in each study.
    patients : float
        How many patients are in both.

    Examples
    --------
    >>> from secondline import SharedArm
    >>> SharedArm(("placebo", "placebo"), 20).patients
    20
    """

    arms: Pair
    patients: float


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two studies that share patients.

    Parameters
    ----------
    studies : pair of str
    arms : tuple of SharedArm
        Patients in both studies, by arm.
    events : pair of mappings
        Events of every arm of each study, for log hazard ratios; empty where they are not known, and the patients of
        the evidence take their place.
    correlation : float or mapping, optional
        In place of ``arms``, for contrasts: the correlation of every contrast of one study with every contrast of the
        other, or those by the treatment arms of both.

    Raises
    ------
    UserError
        Not two studies, neither arms nor a correlation or both, or figures that are out of range.

    Examples
    --------
    Two trials of one hospital that share 20 patients of their control arms:

    >>> from secondline import Overlap, SharedArm
    >>> shared = Overlap(studies=("a", "b"), arms=(SharedArm(("placebo", "placebo"), 20),))
    >>> shared.studies
    ('a', 'b')
    """

    studies: Pair
    arms: tuple[SharedArm, ...] = ()
    events: tuple[Mapping[str, float], Mapping[str, float]] = field(default=({}, {}))
    correlation: float | Mapping[Pair, float] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no overlap."""
        if len(set(self.studies)) != 2:
            raise self.error("studies", self.studies, "allowed: two different studies")
        if bool(self.arms) == (self.correlation is not None):
            raise self.error("arms", None, "allowed: the patients shared by arm, or a correlation; one of the two")
        for arm in self.arms:
            if not 0 <= arm.patients < np.inf:
                raise self.error("patients", arm.patients, "allowed: a number of patients, 0 or more")
        given = self.correlation
        for value in given.values() if isinstance(given, Mapping) else [] if given is None else [given]:
            if not -1 <= value <= 1:
                raise self.error("correlation", value, "allowed: a number from -1 to 1")

    @classmethod
    def by_arm(
        cls,
        studies: Pair,
        arms: Sequence[tuple[Pair, float]],
        events: tuple[Mapping[str, float], Mapping[str, float]] = ({}, {}),
    ) -> "Overlap":
        """Make an overlap from pairs of arms and the number of patients in both."""
        shared = tuple(SharedArm(arms=pair, patients=patients) for pair, patients in arms)
        return cls(studies=studies, arms=shared, events=events)

    def error(self, key: str, value: Any, problem: str) -> UserError:
        """Build the one-line error for a value of this overlap."""
        return UserError(f"{' and '.join(map(str, self.studies))}: {problem}", key=f"overlaps.{key}", value=value)

    def scaled(self, factor: float) -> "Overlap":
        """Return the overlap with all patients or correlations multiplied by a factor; covariances are linear in it."""
        arms = tuple(replace(arm, patients=factor * arm.patients) for arm in self.arms)
        given = self.correlation
        if isinstance(given, Mapping):
            return replace(self, correlation={pair: factor * value for pair, value in given.items()})
        return replace(self, arms=arms, correlation=None if given is None else factor * given)


@dataclass(frozen=True, kw_only=True)
class StudyArms:
    """The arms of one study in a fit, the comparator of its contrasts first.

    Parameters
    ----------
    study : str
    names : tuple of str, (n + 1,)
    patients : tuple of float, (n + 1,)
        0 where the evidence does not say.
    variances : array, (n + 1,), optional
        Of the means of the arms; None for studies that give contrasts.
    """

    study: str
    names: tuple[str, ...]
    patients: tuple[float, ...]
    variances: Floats | None = None


def correlation_of(shared: float, controls: tuple[float, float], treated: tuple[float, float]) -> float:
    """Correlation of two contrasts that share controls; see the module for the formula.

    Parameters
    ----------
    shared : float
        Controls in both studies.
    controls, treated : pair of float
        Patients, or events, of the arms of both studies.
    """
    (c1, c2), (n1, n2) = controls, treated
    return float(shared / (c1 * c2) / np.sqrt((1 / n1 + 1 / c1) * (1 / n2 + 1 / c2)))


def cross_covariance(
    overlap: Overlap, first: StudyArms, second: StudyArms, covariances: tuple[Floats, Floats]
) -> Floats:
    """Covariance of the contrasts of two studies, (contrasts of the first, contrasts of the second).

    Parameters
    ----------
    first, second : StudyArms
        In the order of ``overlap.studies``.
    covariances : pair of arrays
        Of the contrasts of each study.

    Raises
    ------
    UserError
        An arm that is not in use, whose patients are not known, or that has fewer than it shares.
    """
    if overlap.correlation is not None:
        se = [np.sqrt(np.diag(covariance)) for covariance in covariances]
        return _correlations(overlap.correlation, first, second) * np.outer(*se)
    known = all(set(arms.names) <= set(events) for arms, events in zip((first, second), overlap.events, strict=True))
    sides = [
        _Side(arms, np.array([events[name] for name in arms.names] if known else arms.patients), covariance)
        for arms, events, covariance in zip((first, second), overlap.events, covariances, strict=True)
    ]
    for side in sides:
        side.check(overlap)
    result = np.zeros((len(covariances[0]), len(covariances[1])))
    for shared in overlap.arms:
        at = [_place(overlap, name, side.arms) for name, side in zip(shared.arms, sides, strict=True)]
        alike = _shared(overlap, shared, sides, at, known) / np.sqrt(sides[0].sizes[at[0]] * sides[1].sizes[at[1]])
        result += alike * np.outer(*(side.root(k) for side, k in zip(sides, at, strict=True)))
    return result / np.maximum(1.0, np.outer(*(side.excess for side in sides))) if known else result


@dataclass(frozen=True)
class _Side:
    """One of two studies: its arms, their sizes, and the parts of the variance of its contrasts."""

    arms: StudyArms
    sizes: Floats
    """Events of every arm, or patients."""
    covariance: Floats

    def check(self, overlap: Overlap) -> None:
        """Refuse arms of unknown size."""
        for name, size in zip(self.arms.names, self.sizes, strict=True):
            if not size > 0:
                raise overlap.error("arms", name, f"{self.arms.study} does not say how many patients this arm has")

    @property
    def unit(self) -> Floats:
        """Variance of every contrast in units of that of one patient or event, 1/n + 1/c, (contrasts,)."""
        return np.asarray(1 / self.sizes[1:] + 1 / self.sizes[0])

    @property
    def excess(self) -> Floats:
        """Standard error of every contrast over that which its events require, (contrasts,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance) / self.unit))

    def root(self, arm: int) -> Floats:
        """Return the standard deviation that an arm adds to every contrast, with its sign there, (contrasts,)."""
        variance = np.diag(self.covariance)
        if self.arms.variances is not None:
            treated, control = self.arms.variances[1:], np.full(len(variance), self.arms.variances[0])
        else:
            control = self._control(variance)
            treated = variance - control
        if arm == 0:
            return -np.sqrt(control)
        return np.where(np.arange(len(variance)) == arm - 1, np.sqrt(treated), 0.0)

    def _control(self, variance: Floats) -> Floats:
        """Variance of the comparator in every contrast: their covariance, or the share of it that its size implies."""
        n = len(variance)
        common = float(self.covariance[~np.eye(n, dtype=bool)].mean()) if n > 1 else 0.0
        if 0 < common < variance.min():
            return np.full(n, common)
        return np.asarray(variance / self.sizes[0] / self.unit)


def _place(overlap: Overlap, name: str, arms: StudyArms) -> int:
    if name not in arms.names:
        raise overlap.error("arms", name, f"not an arm of {arms.study} in use; allowed: {', '.join(arms.names)}")
    return arms.names.index(name)


def _shared(overlap: Overlap, shared: SharedArm, sides: Sequence[_Side], at: Sequence[int], by_events: bool) -> float:
    """Patients in both arms; by events, those who had one, as many as the arm with the smaller share lets expect."""
    patients = [side.arms.patients[k] for side, k in zip(sides, at, strict=True)]
    _check_size(overlap, shared, patients)
    if not by_events:
        return shared.patients
    return float(shared.patients * min(side.sizes[k] / n for side, k, n in zip(sides, at, patients, strict=True)))


def _check_size(overlap: Overlap, shared: SharedArm, patients: Sequence[float]) -> None:
    for study, arm, n in zip(overlap.studies, shared.arms, patients, strict=True):
        if not n > 0:
            raise overlap.error("arms", arm, f"{study} does not say how many patients this arm has")
        if shared.patients > n:
            problem = f"arm {arm} of {study} has {n:g}; allowed: no more than that"
            raise overlap.error("patients", shared.patients, problem)


def _correlations(given: float | Mapping[Pair, float], first: StudyArms, second: StudyArms) -> Floats:
    if not isinstance(given, Mapping):
        return np.full((len(first.names) - 1, len(second.names) - 1), given)
    return np.array([[given.get((a, b), 0.0) for b in second.names[1:]] for a in first.names[1:]])


def kept_shares(sizes: Mapping[Pair, float], overlaps: Iterable[Overlap]) -> dict[Pair, float]:
    """Share of its patients that an arm with counts keeps, by study and arm, where it gives any up.

    Parameters
    ----------
    sizes : mapping
        Patients of every arm with counts, by study and arm.

    Raises
    ------
    UserError
        A correlation, of which counts can make no use; an arm that is not in use or gives up more than it has.
    """
    lost: dict[Pair, float] = {}
    for overlap in overlaps:
        if not set(overlap.studies) <= {study for study, _ in sizes}:
            continue
        if overlap.correlation is not None:
            raise overlap.error("correlation", None, "these studies give counts; allowed: the patients shared by arm")
        for shared in overlap.arms:
            keys = list(zip(overlap.studies, shared.arms, strict=True))
            for study, arm in keys:
                if (study, arm) not in sizes:
                    allowed = ", ".join(name for of, name in sizes if of == study)
                    raise overlap.error("arms", arm, f"not an arm of {study} in use; allowed: {allowed}")
            _check_size(overlap, shared, [sizes[key] for key in keys])
            for key in keys:
                lost[key] = lost.get(key, 0.0) + shared.patients / 2
    for (study, arm), patients in lost.items():
        if patients >= sizes[study, arm]:
            problem = f"arm {arm} of {study} would keep none of its {sizes[study, arm]:g} patients"
            raise UserError(problem, key="overlaps", value=patients)
    return {key: 1 - patients / sizes[key] for key, patients in lost.items()}
