"""What a fitted model predicts: the effect of a new study, or that of a study in the fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from secondline.inference.exact import GridPosterior
from secondline.inference.generalised_least_squares import GaussianStudy, Unit, gaussian_units
from secondline.inference.grid import NormalMixture
from secondline.inference.task import Fit
from secondline.network.arms import Arm, baseline_first, rows_with
from secondline.network.data import CountData, Row
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats

_NEGLIGIBLE = 1e-10  # weight of a component of the mixture


@dataclass(frozen=True, eq=False)
class Prediction:
    """An effect at every point of a grid of (tau, omega): row b + constant, with a variance beside that of b.

    Parameters
    ----------
    posterior : GridPosterior
    rows : array, (G, coefficients)
    constant, variance : array, (G,)
    """

    posterior: GridPosterior
    rows: Floats
    constant: Floats
    variance: Floats

    def mixture(self, se: float = 0.0) -> NormalMixture:
        """Distribution of the effect, or of a figure that estimates it with the standard error ``se``."""
        posterior = self.posterior
        weights = posterior.component_weights()
        means = np.einsum("rgjc,gc->rgj", posterior.means, self.rows) + self.constant[:, None]
        spread = np.einsum("gkc,gc->gk", posterior.roots, self.rows)
        by_point = np.sqrt((spread**2).sum(axis=1) + self.variance + se**2)
        sds = np.broadcast_to(by_point[:, None], weights.shape)
        kept = weights > _NEGLIGIBLE
        return NormalMixture(weights[kept] / weights[kept].sum(), means[kept][:, None], sds[kept][:, None])


def new_study(contrast: Floats, posterior: GridPosterior) -> Prediction:
    """Predict the effect of a new study: x b + u, u ~ N(0, tau^2).

    Parameters
    ----------
    contrast : array, (coefficients,)
    """
    tau = posterior.tau_points
    return Prediction(posterior, np.tile(contrast, (len(tau), 1)), np.zeros(len(tau)), tau**2)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Contrasts of a study in the fit, together with those of studies that share its patients.

    Parameters
    ----------
    unit : GaussianStudy or OverlappingStudies
    arms : tuple of (str, str)
        Study and treatment arm of every contrast; it is against the baseline arm of that study.
    """

    unit: Unit
    arms: tuple[tuple[str, str], ...]

    def effect(self, arms: Sequence[Arm], posterior: GridPosterior) -> Prediction:
        """Give the effect between two arms of the study: k (X b + u) given its contrasts y ~ N(X b + u, S).

        With u ~ N(0, tau^2 R), T S T' = I and T R T' = diag(lambda), u given b and y has the mean T^-1 diag(v) T
        (y - X b) and the covariance T^-1 diag(v) T^-T, where v = tau^2 lambda / (1 + tau^2 lambda).

        Parameters
        ----------
        arms : sequence of Arm
            Comparator and treatment.
        """
        comparator, treatment = ((arm.study, arm.name) for arm in arms)
        k = np.array([float(name == treatment) - float(name == comparator) for name in self.arms])
        whitener, scales = self.unit.whitening
        whitened = k @ np.linalg.inv(whitener)
        tau2 = posterior.tau_points[:, None] ** 2
        v = tau2 * scales / (1 + tau2 * scales)
        weights = (v * whitened) @ whitener
        rows = k @ self.unit.rows - weights @ self.unit.rows
        return Prediction(posterior, rows, weights @ self.unit.y, (v * whitened**2).sum(axis=1))


def fitted_studies(
    fit: Fit, evidence: Sequence[Row], likelihood: str, overlaps: Sequence[Overlap] = ()
) -> dict[str, Fitted]:
    """Collect the contrasts of every study in a fit; those of counts by the normal approximation of their arms.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    """
    predictor = fit.data.predictor
    rows = rows_with(evidence, predictor.effects.needs)
    members: dict[str, list[str]] = {}
    for arm in baseline_first(rows):
        members.setdefault(arm.study, []).append(arm.name)
    result: dict[str, Fitted] = {}
    for unit in gaussian_units(rows, predictor, likelihood, overlaps, bias=fit.data.bias):
        arms = tuple((study.study, name) for study in unit.members for name in members[study.study][1:])
        result |= {study.study: Fitted(unit, arms) for study in unit.members}
    counts = fit.data.counts
    if len(counts.study):
        estimates, variances = approximated(counts)
        for i, start, end in zip(counts.study, counts.start[:-1], counts.start[1:], strict=True):
            study, own = fit.data.studies[i], slice(start, end)
            names = members[study]
            contrasts = GaussianStudy.of_means(study, estimates[own], variances[own], counts.rows[own], names)
            result[study] = Fitted(contrasts, tuple((study, name) for name in names[1:]))
    return result


def approximated(counts: CountData) -> tuple[Floats, Floats]:
    """Estimates of arms on the link scale and their variances, with half a patient added to every group."""
    from secondline.inference.families import gaussian_approximation

    return gaussian_approximation(counts)
