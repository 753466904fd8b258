"""Individual times behind a Kaplan-Meier curve, and the Cox hazard ratio that they give.

References
----------
Guyot P, Ades AE, Ouwens MJNM, Welton NJ (2012) BMC Medical Research Methodology 12:9.
Efron B (1977) Journal of the American Statistical Association 72:557, for ties.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING

from secondline.evidence.curves import Curve, read_curves
from secondline.evidence.derivation import events_se
from secondline.evidence.readings import Estimate, Spread
from secondline.project.sheets import StudySheet

if TYPE_CHECKING:
    from numpy.random import Generator

CONTRADICTION = 0.05  # events that a curve may lack or have too many of, as a share of the patients
DRAWS = 32  # readings of a pair of curves: each costs a reconstruction and a Cox model


@dataclass(frozen=True)
class Individuals:
    """Reconstructed patients of one arm: the time of each in months, and whether it is an event or a censoring."""

    times: tuple[float, ...]
    events: tuple[bool, ...]


@dataclass(frozen=True)
class _Interval:
    """What happens between two times of the table of numbers at risk."""

    events: tuple[float, ...]
    censored: tuple[float, ...]
    at_risk: int
    """Patients left at the end."""
    survival: float
    """Survival at the end by the events so far."""


@cache
def individuals(curve: Curve) -> Individuals:
    """Reconstruct the patients behind a curve (Guyot 2012).

    Between two times of the table of numbers at risk, patients are censored at even distances, as many as make the
    numbers at risk come out; the drops of the curve then say how many have an event. After the last of these times it
    is as many as make the total of events come out or, where that is not known, as many per month as before. Whoever
    is left at the end of the curve is censored there.

    Two things differ from the paper, both for curves of few points: several events between two points lie evenly apart,
    the last at the second point, and the curve has a value at every time of the table, on the line between its points.
    """
    points = list(zip(curve.times, curve.survival, strict=True))[1:]
    end, (last, _) = curve.times[-1], curve.at_risk[-1]
    events: list[float] = []
    censored: list[float] = []
    n, survival = curve.at_risk[0][1], 1.0
    for (start, _), (stop, target) in pairwise(curve.at_risk):
        here = [point for point in points if start <= point[0] < stop]
        interval = _between(here, start, (stop, curve.before(stop)), n, target, survival)
        events += interval.events
        censored += interval.censored
        n, survival = interval.at_risk, interval.survival
    walk = _walker([point for point in points if point[0] >= last], last, end, n, survival)
    if curve.events is not None:
        wanted = curve.events - len(events)
        count = _solve(lambda c: len(walk(c).events) - wanted, 0, n)
    else:
        count = min(n, round(len(censored) * (end - last) / last))
    interval = walk(count)
    events += interval.events
    censored += [*interval.censored, *[end] * interval.at_risk]
    return Individuals((*events, *censored), (True,) * len(events) + (False,) * len(censored))


def _between(
    points: Sequence[tuple[float, float]], start: float, stop: tuple[float, float], n: int, target: int, survival: float
) -> _Interval:
    """Reconstruct what happens from ``n`` patients at risk at ``start`` to ``target`` at ``stop``.

    ``stop`` is a time and the survival of the curve there, read between two points. Where so low a survival would leave
    fewer at risk than the table says, the curve falls only after this time.
    """
    time, level = stop
    if n * level < target * survival:
        level = points[-1][1] if points else survival
    walk = _walker([*points, (time, level)], start, time, n, survival)
    guess = round(n * level / survival) - target if survival > 0 else 0
    interval = walk(_solve(lambda count: walk(count).at_risk - target, guess, n))
    surplus = max(interval.at_risk - target, 0)
    return replace(interval, censored=(*interval.censored, *[time] * surplus), at_risk=interval.at_risk - surplus)


def _walker(
    points: Sequence[tuple[float, float]], start: float, stop: float, n: int, survival: float
) -> Callable[[int], _Interval]:
    """Return what happens to ``n`` patients between two times, as a function of how many are censored."""

    def walk(count: int) -> _Interval:
        leaving = [start + (j + 1) * (stop - start) / (count + 1) for j in range(count)]
        events: list[float] = []
        left, alive, gone, previous = n, survival, 0, start
        for time, drawn in points:
            while gone < count and left and leaving[gone] < time:
                gone, left = gone + 1, left - 1
            died = min(left, floor(left * (1 - drawn / alive) + 0.5)) if alive > 0 else 0
            if died > 0:
                events += [time - (died - 1 - j) * (time - previous) / died for j in range(died)]
                alive *= 1 - died / left
                left -= died
            previous = time
        after = min(left, count - gone)
        return _Interval(tuple(events), tuple(leaving[: gone + after]), left - after, alive)

    return walk


def _solve(mismatch: Callable[[int], int], guess: int, most: int) -> int:
    """Find the number of censored patients, from 0 to ``most``, with the smallest mismatch, which falls in it."""
    seen: dict[int, int] = {}
    count = min(max(guess, 0), most)
    while count not in seen:
        seen[count] = mismatch(count)
        count = min(max(count + seen[count], 0), most)
    return min(seen, key=lambda c: (abs(seen[c]), c))


@cache
def cox(treatment: Individuals, comparator: Individuals) -> Estimate:
    """Log hazard ratio of treatment against comparator and its standard error, by a Cox model with Efron's ties.

    Raises
    ------
    ValueError
        There is no finite estimate: an arm without events, or arms whose events do not overlap.
    """
    if not (any(treatment.events) and any(comparator.events)):
        raise ValueError("an arm has no event")
    import numpy as np
    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.tools.sm_exceptions import ModelWarning

    times = np.array([*treatment.times, *comparator.times])
    arm = np.repeat([1.0, 0.0], [len(treatment.times), len(comparator.times)])
    status = np.array([*treatment.events, *comparator.events], dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ModelWarning)
        try:
            fit = PHReg(times, arm[:, None], status=status, ties="efron").fit(disp=0)
        except (ModelWarning, np.linalg.LinAlgError):  # a likelihood without maximum
            raise ValueError("the events of the two arms do not overlap in time") from None
    return float(fit.params[0]), float(fit.bse[0])


@dataclass(frozen=True)
class Reconstruction:
    """The curves of two arms as a `Reading`: every point lies within ``precision`` of where it was read.

    The estimate is no monotone function of the points, so that its limits are those of the draws.
    """

    treatment: Curve
    comparator: Curve
    precision: float

    @property
    def varied(self) -> str:
        """See `secondline.evidence.readings.Reading`."""
        return f"survival of every digitised point by {self.precision:g}"

    def central(self) -> Estimate:
        """See `secondline.evidence.readings.Reading`."""
        return cox(individuals(self.treatment), individuals(self.comparator))

    def comparator_se(self) -> float:
        """Compute the standard error of the comparator's log hazard: 1 / sqrt(d)."""
        return events_se(sum(individuals(self.comparator).events))

    def spread(self, seed: int) -> Spread:
        """Estimates with every point moved at random, where they are finite; see `readings.Reading`."""
        from numpy.random import default_rng

        rng = default_rng(seed)
        draws = []
        for _ in range(DRAWS):
            moved = [_moved(curve, self.precision, rng) for curve in (self.treatment, self.comparator)]
            try:
                draws.append(cox.__wrapped__(*(individuals.__wrapped__(curve) for curve in moved)))
            except ValueError:
                continue
        return Spread([self.central(), *draws], draws or [self.central()])


def _moved(curve: Curve, precision: float, rng: "Generator") -> Curve:
    """Move the points of a curve by up to the precision, and even out what then rises."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    moved = np.array(curve.survival) + rng.uniform(-precision, precision, len(curve.survival))
    moved[0] = 1.0
    survival = isotonic_regression(np.clip(moved, 0.0, 1.0), increasing=False).x
    return replace(curve, survival=(1.0, *survival[1:].tolist()))


def check_curves(sheet: StudySheet) -> None:
    """Read and reconstruct every curve of a sheet, and every hazard ratio that curves give.

    Raises
    ------
    UserError
        The first mistake; see `read_curves`. Also a curve that the events of its arm contradict, and curves of two arms
        without a finite hazard ratio.
    """
    for i, record in enumerate(sheet.curves):
        curves = read_curves(sheet, i)
        if record.not_used:
            continue
        for arm, curve in curves.items():
            found = sum(individuals(curve).events)
            if curve.events is not None and abs(found - curve.events) > 2 + CONTRADICTION * curve.at_risk[0][1]:
                problem = f"the curve and the numbers at risk of {arm} show {found} events, the sheet {curve.events}"
                raise sheet.error(("curves", i), None, f"{problem}; mark the curves or the events not_used")
        for contrast_set in sheet.contrast_sets.values():
            for arm in contrast_set.arms:
                if arm != contrast_set.comparator and {arm, contrast_set.comparator} <= set(curves):
                    _check_pair(sheet, i, arm, curves[arm], curves[contrast_set.comparator])


def _check_pair(sheet: StudySheet, i: int, arm: str, treatment: Curve, comparator: Curve) -> None:
    try:
        cox(individuals(treatment), individuals(comparator))
    except ValueError as error:
        raise sheet.error(("curves", i), None, f"no hazard ratio of {arm}: {error}; allowed: not_used") from None
