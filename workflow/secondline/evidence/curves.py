"""Digitised Kaplan-Meier curves: strict reading, and what is done about the noise of digitising.

Points are put in order along the curve, which runs to the right and down; times that turn back and survival that rises
within `SLIP` of an axis are noise and evened out by isotonic regression (Barlow 1972), anything more is a mistake.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secondline.project.figures import resolve_count
from secondline.project.sheets import StudySheet
from secondline.project.table_lines import Line, known, read_columns

SLIP = 0.01  # the most that digitising may be off, as a share of an axis
POINT_COLUMNS = ("arm", "time", "survival")
AT_RISK_COLUMNS = ("arm", "time", "n")
MOST_POINTS, MOST_PATIENTS = 10_000, 100_000  # of a file, and of an arm whose patients are reconstructed one by one


@dataclass(frozen=True)
class Curve:
    """The curve of one arm, ready for reconstruction.

    ``times`` (months) never fall from 0, ``survival`` never rises from 1; ``at_risk`` holds times and patients at
    risk just before them, from time 0 on, and ``events`` their total, if known.
    """

    times: tuple[float, ...]
    survival: tuple[float, ...]
    at_risk: tuple[tuple[float, int], ...]
    events: int | None

    def before(self, time: float) -> float:
        """Survival just before a time, on the line between the points on both sides of it."""
        k = bisect_left(self.times, time)
        if k == 0 or k == len(self.times):
            return self.survival[max(k - 1, 0)]
        (start, stop), (high, low) = self.times[k - 1 : k + 1], self.survival[k - 1 : k + 1]
        return high + (low - high) * (time - start) / (stop - start)


def curve_files(sheet: StudySheet, outcome: str | None = None) -> list[str]:
    """Files of the digitised curves of a sheet, on one outcome or on all."""
    records = [record for record in sheet.curves if outcome in (None, record.outcome)]
    return [file for record in records for file in (record.points, record.at_risk) if file]


def read_curves(sheet: StudySheet, i: int) -> dict[str, Curve]:
    """Read the curves of the ``i``-th record of a sheet, by arm.

    Raises
    ------
    UserError
        The first mistake, in one line: a file that is missing or no such table, an unknown arm, a point beyond the
        axes, a curve that rises or turns back, numbers at risk that rise or that the curve contradicts, an arm with
        neither numbers at risk nor events.
    """
    record = sheet.curves[i]
    points = _by_arm(sheet, i, "points", POINT_COLUMNS)
    at_risk = _by_arm(sheet, i, "at_risk", AT_RISK_COLUMNS) if record.at_risk else {}
    for arm, lines in at_risk.items():
        if arm not in points:
            raise lines[0].error("arm", f"{record.points} has no curve of this arm; allowed: {', '.join(points)}")
    return {arm: _curve(sheet, i, arm, lines, at_risk.get(arm, [])) for arm, lines in points.items()}


def _by_arm(sheet: StudySheet, i: int, key: str, columns: Sequence[str]) -> dict[str, list[Line]]:
    """Lines of one of the files of a record, by arm."""
    file = getattr(sheet.curves[i], key)
    if not Path(file).is_file():
        raise sheet.error(("curves", i, key), file, "no such file")
    lines = read_columns(file, columns)
    if len(lines) > MOST_POINTS:
        raise sheet.error(("curves", i, key), file, f"{len(lines)} lines; allowed: up to {MOST_POINTS}")
    arms: dict[str, list[Line]] = {}
    for line in lines:
        arms.setdefault(known(line, "arm", line.text("arm"), list(sheet.arms)), []).append(line)
    return arms


def _curve(sheet: StudySheet, i: int, arm: str, points: Sequence[Line], table: Sequence[Line]) -> Curve:
    record = sheet.curves[i]
    patients, events = sheet.size(arm, record.population), _events(sheet, i, arm)
    if patients is None:
        problem = f"the sheet does not say how many patients of {arm} are in {record.population}; allowed: arms with n"
        raise sheet.error(("curves", i), None, problem)
    if patients > MOST_PATIENTS:
        problem = f"{patients} patients in {arm}; allowed: up to {MOST_PATIENTS} for a curve, or not_used"
        raise sheet.error(("curves", i), None, problem)
    times, survival = _clean(points)
    at_risk = _at_risk(table, patients, times[-1])
    if at_risk[-1][0] > times[-1]:  # the end of the curve is flat, with patients at risk
        times, survival = [*times, at_risk[-1][0]], [*survival, survival[-1]]
    if len(at_risk) == 1 and events is None:
        problem = f"{arm} has neither numbers at risk after time 0 nor events; allowed: one of them, or not_used"
        raise sheet.error(("curves", i), None, problem)
    curve = Curve(tuple(times), tuple(survival), tuple(at_risk), events)
    _check_at_risk(curve, table)
    return curve


def _events(sheet: StudySheet, i: int, arm: str) -> int | None:
    """Events of an arm as the sheet gives them: counted, never assumed."""
    record = sheet.curves[i]
    for given in sheet.events:
        same = (given.outcome, given.arm, given.population) == (record.outcome, arm, record.population)
        if same and given.not_used is None:
            return resolve_count(given.events, given.events.of or sheet.size(arm, record.population))
    return None


def _clean(lines: Sequence[Line]) -> tuple[list[float], list[float]]:
    """Give times and survival of one arm from (0, 1) on, in order along the curve."""
    from scipy.optimize import isotonic_regression

    last = max(line.number_in("time") for line in lines)
    if last <= 0:
        raise lines[0].error("time", "no point of this arm is after time 0; allowed: times in months, from 0 on")
    lines = sorted(lines, key=lambda line: _time(line, last) / last - _survival(line))
    read = [_time(line, last) for line in lines], [_survival(line) for line in lines]
    times: list[float] = isotonic_regression(read[0]).x.tolist()
    survival: list[float] = isotonic_regression(read[1], increasing=False).x.tolist()
    for column, axis, clicked, fitted in (("time", last, read[0], times), ("survival", 1.0, read[1], survival)):
        off = [abs(a - b) / axis for a, b in zip(clicked, fitted, strict=True)]
        if max(off) > SLIP:
            problem = (
                "the curve rises or turns back here; allowed: survival that decreases with time, except for small noise"
            )
            raise lines[off.index(max(off))].error(column, problem)
    if times[0] == 0 and survival[0] < 1 - SLIP:
        raise lines[0].error("survival", "survival at time 0 is below 1; allowed: curves that start at 1")
    early = min(time for time in times if time > 0) / 2  # nothing happens at time 0 itself
    later = [(max(time, early), value) for time, value in zip(times, survival, strict=True) if value < 1 or time > 0]
    path = list(dict.fromkeys([(0.0, 1.0), *later]))
    return [time for time, _ in path], [value for _, value in path]


def _time(line: Line, last: float) -> float:
    time = line.number_in("time")
    if time < -SLIP * last:
        raise line.error("time", "a point before time 0; allowed: 0 or more months")
    return max(time, 0.0)


def _survival(line: Line) -> float:
    survival = line.number_in("survival")
    if not -SLIP <= survival <= 1 + SLIP:
        raise line.error("survival", "allowed: 0 to 1; divide percentages by 100")
    return min(max(survival, 0.0), 1.0)


def _at_risk(table: Sequence[Line], patients: int, end: float) -> list[tuple[float, int]]:
    """Give times and patients at risk from time 0 on, as long as there are any.

    A time within `SLIP` after the end of the curve is its end.
    """
    found = [(0.0, patients)]
    seen: set[float] = set()
    for line in sorted(table, key=lambda line: line.number_in("time")):
        time, n = line.number_in("time"), line.whole("n")
        if time < 0 or time in seen:
            raise line.error("time", "allowed: 0 or more months, each once an arm")
        seen.add(time)
        if n > found[-1][1]:
            problem = f"more patients at risk than before; allowed: 0 to {found[-1][1]}"
            raise line.error("n", problem)
        if n == 0 and time < end * (1 - SLIP):
            raise line.error("n", f"no patient is at risk, but the curve continues to {end:g} months")
        if n == 0:
            break
        found = [(time, n)] if time == 0 else [*found, (time, n)]
    return found


def _check_at_risk(curve: Curve, table: Sequence[Line]) -> None:
    """Check that no more patients are at risk than the curve lets survive, wherever between its points it may run."""
    lines = {line.number_in("time"): line for line in table}
    slip = SLIP * curve.times[-1]
    for (start, n), (end, left) in zip(curve.at_risk, curve.at_risk[1:], strict=False):
        highest = curve.survival[max(bisect_left(curve.times, end - slip) - 1, 0)]
        lowest = curve.survival[min(bisect_right(curve.times, start + slip), len(curve.times) - 1)]
        alive = min(1.0, (highest + SLIP) / max(lowest - SLIP, SLIP))
        if left > n * alive + 1:
            problem = f"the curve leaves at most {int(n * alive + 1)} of the {n} patients at risk at {start:g} months"
            raise lines[end].error("n", problem)
