"""Reconstruction of individual times: by hand, against the true data of simulated trials, and the Cox model."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence.contrasts import derive_readings
from secondline.evidence.curves import Curve
from secondline.evidence.reconstruction import DRAWS, Individuals, Reconstruction, check_curves, cox, individuals

from tests.conftest import arm, sheet
from tests.trials import DigitisedArm, kaplan_meier, simulate_trial, write_trial

CLOSE = 0.05  # of the log hazard ratio that the true data give


def test_a_curve_without_censoring() -> None:
    """Ten patients, deaths at 1, 3, 3 and 6 months, six followed to 12."""
    curve = Curve((0, 1, 3, 6, 12), (1, 0.9, 0.7, 0.6, 0.6), ((0, 10), (12, 6)), None)
    found = individuals(curve)
    assert found.times == (1, 2, 3, 6, *[12] * 6)  # two deaths between the points at 1 and 3: evenly apart
    assert found.events == (True,) * 4 + (False,) * 6


def test_censoring_between_numbers_at_risk() -> None:
    """Ten at risk, six at 6 months: one death of ten at 1, three censored at 1.5, 3 and 4.5, one of six dies at 8."""
    curve = Curve((0, 1, 1, 8, 8, 12), (1, 1, 0.9, 0.9, 0.75, 0.75), ((0, 10), (6, 6)), 2)
    found = individuals(curve)
    died = [time for time, event in zip(found.times, found.events, strict=True) if event]
    censored = [time for time, event in zip(found.times, found.events, strict=True) if not event]
    assert died == [1, 8]
    assert censored == [1.5, 3, 4.5, *[12] * 5]


def test_events_alone_tell_the_censoring() -> None:
    """Without numbers at risk: a curve that ends at 0.4 with 4 deaths of 10 leaves room for censoring."""
    steps = (1, 0.9, 0.8, 0.6, 0.4)
    free = individuals(Curve((0, 2, 4, 6, 8), steps, ((0, 10),), 6))
    assert (sum(free.events), free.times[-1]) == (6, 8)
    fewer = individuals(Curve((0, 2, 4, 6, 8), steps, ((0, 10),), 4))
    assert sum(fewer.events) == 4
    assert any(time < 8 for time, event in zip(fewer.times, fewer.events, strict=True) if not event)


def test_after_the_last_number_at_risk_patients_leave_as_before() -> None:
    """Two of ten censored in 6 months, so one in the next 3; the others at the end of the curve."""
    found = individuals(Curve((0, 1, 7, 9), (1, 1, 1, 1), ((0, 10), (6, 8)), None))
    assert found.times == (2, 4, 7.5, *[9] * 7)
    assert not any(found.events)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Curves of every shape, their numbers at risk not always in step with them."""
    times = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=25)))
    drops = draw(st.lists(st.floats(0, 1), min_size=len(times), max_size=len(times)))
    n = draw(st.integers(1, 120))
    looks = sorted(draw(st.sets(st.integers(1, times[-1]), max_size=4)))
    left = sorted(draw(st.lists(st.integers(1, n), min_size=len(looks), max_size=len(looks))), reverse=True)
    at_risk = ((0.0, n), *((float(t), k) for t, k in zip(looks, left, strict=True)))
    events = draw(st.integers(0, n) if len(at_risk) == 1 else st.one_of(st.none(), st.integers(0, n)))
    survival = tuple(sorted(drops, reverse=True))
    return Curve((0.0, *map(float, times)), (1.0, *survival), at_risk, events)


@given(curves())
def test_nobody_is_lost(curve: Curve) -> None:
    """As many patients as were at risk at time 0, each leaving between time 0 and the end of the curve."""
    found = individuals(curve)
    assert len(found.times) == len(found.events) == curve.at_risk[0][1]
    assert all(0 < time <= curve.times[-1] for time in found.times)


def test_cox_by_hand() -> None:
    """Deaths at 1 (a), 2 (b), 3 (a), 4 (b) of two patients each.

    Partial likelihood with x = exp(beta): x/(2x+2) 1/(x+2) x/(x+1) 1, whose score 2 - 2x/(x+1) - x/(x+2) is 0 where
    x^2 - x - 4 = 0: x = (1 + sqrt 17) / 2; the information is 2x/(x+1)^2 + 2x/(x+2)^2.
    """
    x = (1 + 17**0.5) / 2
    log_effect, se = cox(Individuals((1, 3), (True, True)), Individuals((2, 4), (True, True)))
    assert log_effect == pytest.approx(log(x), rel=1e-5)
    assert se == pytest.approx((2 * x / (x + 1) ** 2 + 2 * x / (x + 2) ** 2) ** -0.5, rel=1e-5)


def test_swapping_the_arms() -> None:
    """The other arm above flips the sign."""
    a, b = Individuals((1, 2, 5, 7), (True, True, False, True)), Individuals((1, 4, 6, 9), (True, False, True, True))
    forward, backward = cox(a, b), cox(b, a)
    assert forward[0] == pytest.approx(-backward[0], abs=1e-7)
    assert forward[1] == pytest.approx(backward[1], rel=1e-6)


def test_arms_without_a_hazard_ratio() -> None:
    """No event in an arm, or all events of one arm before anybody leaves the other."""
    early, late = Individuals((1, 2, 3), (True,) * 3), Individuals((7, 8, 9), (True,) * 3)
    with pytest.raises(ValueError, match="no event"):
        cox(early, Individuals((4, 5), (False, False)))
    with pytest.raises(ValueError, match="do not overlap"):
        cox(early, late)


def reconstructed(trial: tuple[DigitisedArm, DigitisedArm], folder: str, events: bool) -> Reconstruction:
    """Read a digitised trial as a user gives it: two files, and the events of every arm or not."""
    record, given_events = write_trial(trial, folder, events)
    sizes = [len(side.patients.times) for side in trial]
    arms = {"len": arm(sizes[0], lenvatinib=sizes[0]), "sor": arm(sizes[1], sorafenib=sizes[1])}
    study = sheet(arms=arms, curves=[record], events=given_events)
    check_curves(study)
    (derived,) = derive_readings(study, "os")
    assert isinstance(derived.reading, Reconstruction)
    return derived.reading


def errors_of(count: int, folder: str, seed: int) -> list[tuple[float, float]]:
    """Errors of the log hazard ratio, and ratios of standard errors, of reconstructed against true data."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        trial = simulate_trial(rng)
        true, read = cox(*(side.patients for side in trial)), reconstructed(trial, folder, k % 2 == 0).central()
        found.append((read[0] - true[0], read[1] / true[1]))
    return found


def report(errors: list[tuple[float, float]]) -> float:
    """Print how close the reconstructions are, and return the share that is close."""
    size = np.abs([error for error, _ in errors])
    share = float((size <= CLOSE).mean())
    bias, ratio = (np.mean(column) for column in zip(*errors, strict=True))
    shown = f"median {np.median(size):.4f}, largest {size.max():.4f}, mean {bias:+.4f}; mean ratio of se {ratio:.4f}"
    print(f"{len(errors)} trials: {share:.1%} of log hazard ratios within {CLOSE}; {shown}")
    return share


def test_simulated_trials(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Twenty trials: nearly every hazard ratio within 0.05 of the true data's."""
    errors = errors_of(20, str(tmp_path_factory.mktemp("trials")), 1)
    assert report(errors) >= 0.9
    assert all(0.9 < ratio < 1.1 for _, ratio in errors)


@pytest.mark.slow
def test_two_hundred_simulated_trials(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Acceptance: at least 95% within 0.05, and no bias."""
    errors = errors_of(200, str(tmp_path_factory.mktemp("trials")), 20261121)
    assert report(errors) >= 0.95
    assert abs(np.mean([error for error, _ in errors])) < 0.005


def test_the_reconstructed_curve_is_the_curve(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The Kaplan-Meier estimate of the reconstructed patients runs along that of the true ones."""
    rng = np.random.default_rng(5)
    trial = simulate_trial(rng)
    reading = reconstructed(trial, str(tmp_path_factory.mktemp("trials")), True)
    for side, curve in zip(trial, (reading.treatment, reading.comparator), strict=True):
        (times, survival), (steps, again) = kaplan_meier(side.patients), kaplan_meier(individuals(curve))
        for time in np.linspace(0, curve.times[-1], 25):
            there = [
                np.append(1.0, s)[np.searchsorted(t, time, side="right")]
                for t, s in ((times, survival), (steps, again))
            ]
            assert there[0] == pytest.approx(there[1], abs=0.05)


def test_readings_of_a_curve() -> None:
    """Points moved by half a per cent: a small spread about the estimate, the same for the same seed."""
    times = tuple(float(t) for t in range(13))
    slow, fast = (Curve(times, tuple(0.5 ** (t / half) for t in times), ((0.0, 50),), 30) for half in (11, 8))
    reading = Reconstruction(slow, fast, 0.005)
    spread = reading.spread(3)
    values = [effect for effect, _ in spread.draws]
    assert len(values) == DRAWS
    assert reading.varied == "survival of every digitised point by 0.005"
    assert spread.extremes == [reading.central(), *spread.draws]
    assert 0 < np.std(values) < 0.1
    assert np.mean(values) == pytest.approx(reading.central()[0], abs=0.05)
    assert spread == reading.spread(3) != reading.spread(4)
