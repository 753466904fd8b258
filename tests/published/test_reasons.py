"""Why published figures differ from ours, as published.csv says: each reason is shown by computing what it says.

The programs of NICE DSU's documents are written out in plain PyMC, which shares nothing with this project but the data.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.special import expit, xlogy
from secondline.certainty.plain_network import plain_studies
from secondline.evidence.selection import evidence_rows
from secondline.inference.frequentist import moments_tau, relative_effects
from secondline.inference.generalised_least_squares import GaussianStudy, fit
from secondline.jobs.settings import summary_settings
from secondline.jobs.start import open_project
from secondline.network.structure import Floats, Structure

from scripts.published import VALIDATION, read_figures
from tests.conftest import ROOT

SMOKING = ("no_contact", "self_help", "ind_counseling", "grp_counseling")


@dataclass(frozen=True)
class Arms:
    """Arms by study, the baseline first: study, treatment, events, denominator and covariate."""

    study: np.ndarray
    treatment: np.ndarray
    events: Floats
    size: Floats
    covariate: Floats

    @property
    def first(self) -> np.ndarray:
        """Treatment of the baseline of every arm."""
        return self.treatment[np.searchsorted(self.study, self.study)]

    @property
    def others(self) -> np.ndarray:
        """Arms that are no baseline."""
        return np.flatnonzero(np.diff(self.study, prepend=-1) == 0)


def read_arms(file: str, treatments: Sequence[str], size: str = "n", covariate: str = "") -> Arms:
    """Read the arms of a network; a second arm of one treatment has its name with "arm 2"."""
    with (ROOT / file).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    studies = list(dict.fromkeys(row["study"] for row in rows))
    study = np.array([studies.index(row["study"]) for row in rows])
    treatment = np.array([treatments.index(row["treatment"].removesuffix(" arm 2")) for row in rows])
    order = np.lexsort((treatment, study))
    numbers = ([float(row[name]) if name else 0.0 for row in rows] for name in ("events", size, covariate))
    return Arms(study[order], treatment[order], *(np.array(column)[order] for column in numbers))


@dataclass(frozen=True)
class Sampled:
    """Draws of the effects and tau, and the deviance: its mean, and pD at two kinds of posterior means."""

    effects: Floats
    tau: Floats
    deviance: float
    at_fitted: float
    """pD with the deviance at the posterior means of the fitted numbers of events, as our tables have it."""
    at_parameters: float
    """pD with the deviance at the posterior means of baselines and effects, as WinBUGS has it."""


def run(
    arms: Arms, *, consistent: bool = True, random: bool = True, covariate: bool = False, rates: bool = False
) -> Sampled:
    """Sample a program of NICE DSU: tau uniform(0, 5), everything else normal(0, 100^2).

    Without consistency every comparison has an effect of its own, and the random effects of a trial with several arms
    are independent, as in the program of document 4; with it they have a correlation of 1/2.
    """
    others, base = arms.others, arms.first
    pairs = sorted({(base[a], arms.treatment[a]) for a in others})
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 100, shape=int(arms.study[-1]) + 1)
        d = pm.Normal("d", 0, 100, shape=int(arms.treatment.max()) if consistent else len(pairs))
        if consistent:
            against = pt.concatenate([[0.0], d])
            delta = against[arms.treatment[others]] - against[base[others]]
        else:
            delta = d[[pairs.index((base[a], arms.treatment[a])) for a in others]]
        if covariate:
            active = (arms.treatment[others] > 0).astype(float) - (base[others] > 0)
            delta += pm.Normal("slope", 0, 100) * (arms.covariate[others] * active)
        if random:
            z = pm.Normal("z", 0, 1, shape=len(others))
            delta += pm.Uniform("tau", 0, 5) * (pt.dot(root(arms.study[others]), z) if consistent else z)
        eta = pm.Deterministic("eta", pt.set_subtensor(mu[arms.study][others], mu[arms.study][others] + delta))
        if rates:
            pm.Poisson("events", arms.size * pt.exp(eta), observed=arms.events.astype(int))
        else:
            pm.Binomial("events", n=arms.size.astype(int), logit_p=eta, observed=arms.events.astype(int))
        compiled = nutpie.compile_pymc_model(model)
    settings = {"draws": 4000, "tune": 1500, "chains": 4, "cores": 2, "target_accept": 0.95}
    found = nutpie.sample(compiled, **settings, seed=20261201, progress_bar=False).posterior
    draws = found["eta"].to_numpy().reshape(-1, len(arms.study))
    fitted = arms.size * (np.exp(draws) if rates else expit(draws))
    deviance = deviances(arms, fitted, rates).mean()
    parameters = draws.mean(axis=0)
    at_parameters = deviances(arms, arms.size * (np.exp(parameters) if rates else expit(parameters)), rates)
    return Sampled(
        found["d"].to_numpy().reshape(len(draws), -1),
        found["tau"].to_numpy().ravel() if random else np.zeros(len(draws)),
        float(deviance),
        float(deviance - deviances(arms, fitted.mean(axis=0), rates)),
        float(deviance - at_parameters),
    )


def root(study: np.ndarray) -> Floats:
    """Take the root of the correlation of random effects against a common baseline: 1/2 within a study."""
    return np.linalg.cholesky(0.5 * (study[:, None] == study) + 0.5 * np.eye(len(study)))


def deviances(arms: Arms, fitted: Floats, rates: bool) -> Floats:
    """Residual deviance at fitted numbers of events, (..., arms)."""
    r, n = arms.events, arms.size
    part = xlogy(r, r) - xlogy(r, fitted)
    part += fitted - r if rates else xlogy(n - r, n - r) - xlogy(n - r, n - fitted)
    return np.asarray(2 * part.sum(axis=-1))


@pytest.mark.slow
def test_smoking_without_consistency() -> None:
    """Document 4 has the random effects of trials with several arms independent: then all its figures come out."""
    found = run(read_arms("config/examples/smoking.csv", SMOKING), consistent=False)
    assert found.effects.mean(axis=0) == pytest.approx([0.34, 0.86, 1.43, -0.05, 0.65, 0.20], abs=0.05)
    assert found.effects.std(axis=0) == pytest.approx([0.58, 0.27, 0.88, 0.74, 0.73, 0.78], abs=0.04)
    assert np.median(found.tau) == pytest.approx(0.89, abs=0.015)
    assert found.deviance == pytest.approx(53.4, abs=0.3)
    assert found.at_parameters == pytest.approx(46.1, abs=0.4)
    assert found.at_fitted == pytest.approx(44.9, abs=0.4)


@pytest.mark.slow
def test_effective_parameters_of_smoking() -> None:
    """WinBUGS takes the deviance at the posterior means of the parameters: these differ in arms with few events."""
    found = run(read_arms("config/examples/smoking.csv", SMOKING))
    assert found.deviance == pytest.approx(54.0, abs=0.4)
    assert found.at_parameters == pytest.approx(45.0, abs=0.3)
    assert found.at_fitted == pytest.approx(43.9, abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("random", "deviance", "p_d", "of_ours"), [(False, 45.8, 20.5, 21.5), (True, 42.6, 24.2, 25.0)]
)
def test_effective_parameters_of_statins(random: bool, deviance: float, p_d: float, of_ours: float) -> None:
    """The same, with random effects: 24.2 is printed. With fixed ones 21.0 is, which is the number of parameters."""
    trials = read_arms("validation/statins/trials.csv", ("Placebo", "Statin"), covariate="secondary")
    found = run(trials, random=random, covariate=True)
    assert found.deviance == pytest.approx(deviance, abs=0.4)
    assert found.at_parameters == pytest.approx(p_d, abs=0.3)
    assert found.at_fitted == pytest.approx(of_ours, abs=0.3)


@pytest.mark.slow
def test_deviance_of_dietary_fat() -> None:
    """The printed DIC less the printed pD is 22.3, and so is the deviance; 23.32 is a slip."""
    trials = read_arms("validation/dietary_fat/trials.csv", ("Control", "Reduced Fat"), size="time")
    found = run(trials, random=False, rates=True)
    assert found.deviance == pytest.approx(33.2 - 10.9, abs=0.2)
    assert found.at_parameters == pytest.approx(10.9, abs=0.2)


# --- antihypertensives and headache -----------------------------------------------

Limits = dict[tuple[str, str, str], float]


def limits(studies: Sequence[GaussianStudy], structure: Structure, tau: float) -> Limits:
    """Effects and limits on the log scale, given tau, by both treatments and the column of flow_effects.csv."""
    found = relative_effects(fit(studies, tau), structure.regimens, np.asarray(structure.matrix))
    columns = {"estimate": found.effect, "estimate_lower": found.lower, "estimate_upper": found.upper}
    return {
        (t, c, column): float(values[i, j])
        for column, values in columns.items()
        for i, t in enumerate(found.treatments)
        for j, c in enumerate(found.treatments)
    }


def test_limits_of_cinema_are_rounded_twice() -> None:
    """Rounded to four decimals on the log scale all 45 figures are the printed ones; no other tau gives all of them."""
    _, project = open_project([VALIDATION / "antihypertensives/config.yaml"])
    rows, summarised = evidence_rows(project, project.config.base, "diabetes"), summary_settings(project, "diabetes")
    structure = Structure.of(summarised.treatments)
    studies = plain_studies(rows, structure, summarised.likelihood)
    printed = [figure for figure in read_figures("antihypertensives") if figure.table.endswith("/flow_effects")]
    assert len(printed) == 45

    def others(tau: float, decimals: int = 15) -> set[str]:
        found = limits(studies, structure, tau)
        values = {one.figure: found[one.row["treatment"], one.row["comparator"], one.column] for one in printed}
        return {one.figure for one in printed if f"{np.exp(round(values[one.figure], decimals)):.3f}" != one.published}

    tau = moments_tau(studies)
    assert tau is not None
    assert others(tau) == {one.figure for one in printed if one.reason}
    assert len(others(tau)) == 2
    assert not others(tau, decimals=4)
    assert all(others(other) for other in np.linspace(0.9 * tau, 1.1 * tau, 201))


def test_contrasts_of_headache_have_the_published_posterior() -> None:
    """Under the prior normal(0, 100^2) of their analysis, which is part of the posterior that they were made from."""
    with (VALIDATION / "headache/contrasts.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    with (ROOT / "tests/data/thresholds/headache_posterior.csv").open(newline="") as handle:
        published = [float(row["mean"]) for row in csv.DictReader(handle)]
    design = np.zeros((len(rows), 8))
    for sign, end in ((1, "treatment"), (-1, "comparator")):
        design[np.arange(len(rows)), [int(row[end].split()[1]) - 1 for row in rows]] += sign
    x, y = design[:, 1:], np.array([float(row["effect"]) for row in rows])
    weighted = x.T / np.array([float(row["se"]) for row in rows]) ** 2
    assert np.linalg.solve(weighted @ x + np.eye(7) / 100**2, weighted @ y) == pytest.approx(published, abs=1e-12)
