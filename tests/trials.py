"""Simulated two-arm trials, and what somebody who digitises their Kaplan-Meier figure gets to see."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from secondline.evidence.reconstruction import Individuals

WIDTH, HEIGHT = 600, 400  # pixels of the figure
NOISE = 0.7  # standard deviation of a click in pixels


@dataclass(frozen=True)
class DigitisedArm:
    """One arm: its patients, the points clicked, the numbers at risk and the total of events."""

    patients: Individuals
    points: list[tuple[float, float]]
    at_risk: list[tuple[float, int]]
    events: int


def kaplan_meier(patients: Individuals) -> tuple[np.ndarray, np.ndarray]:
    """Give times of events and survival after them (Kaplan & Meier 1958)."""
    times, events = np.array(patients.times), np.array(patients.events)
    steps = np.unique(times[events])
    died = np.array([(times[events] == t).sum() for t in steps])
    at_risk = np.array([(times >= t).sum() for t in steps])
    return steps, np.cumprod(1 - died / at_risk)


def simulate_trial(rng: np.random.Generator) -> tuple[DigitisedArm, DigitisedArm]:
    """Simulate a trial: Weibull survival (the exponential among it), staggered entry, loss to follow-up."""
    median, ratio = rng.uniform(4, 14), rng.uniform(0.35, 1.3)
    shape = rng.choice([1.0, rng.uniform(0.7, 1.6)])
    accrual, follow_up, loss = rng.uniform(6, 18), rng.uniform(12, 36), rng.uniform(0.0, 0.03)
    period, count = rng.choice([2, 3, 4, 6]), rng.integers(30, 81)
    axis = np.ceil(follow_up / period) * period
    arms = []
    for hazard in (ratio, 1.0):
        n = rng.integers(40, 301)
        scale = median / np.log(2) ** (1 / shape) / hazard ** (1 / shape)
        death = scale * rng.weibull(shape, n)
        exit_ = np.minimum(
            rng.uniform(max(follow_up - accrual, 1), follow_up, n), rng.exponential(1 / max(loss, 1e-9), n)
        )
        # days, as trials record them
        times = np.maximum(np.round(np.minimum(death, exit_) * 30.4375), 1) / 30.4375
        patients = Individuals(tuple(times.tolist()), tuple((death <= exit_).tolist()))
        arms.append(digitise(patients, axis, period, int(count), rng))
    return arms[0], arms[1]


def _spaced(path: np.ndarray, count: int) -> np.ndarray:
    """Choose at least ``count`` corners at about even distances along a path."""
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(path, axis=0)).sum(axis=1))])
    chosen, places = np.array([], dtype=int), count
    while len(chosen) < count:
        chosen = np.unique([np.abs(along - place).argmin() for place in np.linspace(0, along[-1], places)])
        places += 10
    return chosen


def digitise(patients: Individuals, axis: float, period: float, count: int, rng: np.random.Generator) -> DigitisedArm:
    """Click along the curve of an arm: corners of its steps or, if they are too many, some at even distances."""
    end = max(patients.times)
    steps, survival = kaplan_meier(patients)
    before = np.concatenate([[1.0], survival[:-1]])
    corners = [point for t, high, low in zip(steps, before, survival, strict=True) for point in ((t, high), (t, low))]
    path = [(0.0, 1.0), *corners, (end, survival[-1])]
    if len(path) > count:
        path = [path[k] for k in _spaced(np.array(path) * [WIDTH / axis, HEIGHT], count)]
    clicks = np.array(path) * [WIDTH / axis, HEIGHT] + rng.normal(0, NOISE, (len(path), 2))
    points = np.round(clicks) / [WIDTH / axis, HEIGHT]
    times = np.array(patients.times)
    at_risk = [(float(t), int((times >= t).sum())) for t in np.arange(0, end, period)]
    return DigitisedArm(patients, [tuple(point) for point in points.tolist()], at_risk, sum(patients.events))


def write_trial(
    trial: tuple[DigitisedArm, DigitisedArm], folder: str, events: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Write the files of a trial, and give the records of a sheet: its curves and, if asked for, its events."""
    names = ("len", "sor")
    sections = {"points": ("survival", "points"), "at_risk": ("n", "at_risk")}
    record: dict[str, Any] = {"outcome": "os", "place": "Figure 2"}
    for key, (column, attribute) in sections.items():
        rows = [(name, *row) for name, side in zip(names, trial, strict=True) for row in getattr(side, attribute)]
        file = Path(folder) / f"{key}.csv"
        file.write_text("\n".join([f"arm,time,{column}", *(",".join(map(str, row)) for row in rows), ""]))
        record[key] = str(file)
    counts = [
        {"outcome": "os", "arm": name, "events": {"count": side.events, "printed": str(side.events)}}
        for name, side in zip(names, trial, strict=True)
    ]
    return record, counts if events else []
