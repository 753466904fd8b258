"""The model of a network in plain PyMC, as a textbook writes it: study baselines and random effects are parameters.

For arm k of study i, with row x_ik of the design, centred within each study with counts so that the baseline mu_i is
the mean of its arms::

    mu_i   ~ Normal(0, baseline)                      flat where arms give means
    effect ~ Normal(0, effect), slopes and class means alike
    tau    ~ its prior, half-normal or another; one of every group of studies, where these are divided
    omega  ~ its prior, that of exchangeable effects; one of every class, where classes have their own
    z_ik   ~ Normal(0, 1)
    eta_ik = mu_i + x_ik effect + tau / sqrt(2) z_ik

    events ~ Binomial(n, p)                           logit p = eta, or log(-log(1 - p)) = eta + log(time)
    events ~ Poisson(time exp(eta))
    mean   ~ Normal(eta, se)
    P(category >= k) = F(eta - cut_k)                 F logistic or normal, cut_1 = 0, log distances ~ Normal;
                                                      categories counted together have the sum of theirs

so that two random effects of one study have variance tau^2 / 2 each and their difference tau^2: contrasts against one
arm have variance tau^2 and correlation 1/2 (Higgins & Whitehead 1996; Dias and others, NICE DSU TSD2, 2011). In a
regression on the baseline risk mu_i is that of the arm on the reference, eta_ik of the others has B (mu_i - centre)
more, and their random effects are z_ik less that of this arm. Contrasts y of a study with covariance S are whitened
together with the pattern of their heterogeneity, T S T' = I and
T R T' = diag(lambda), which leaves them independent::

    T y ~ Normal(T X effect + tau sqrt(lambda) z, 1)

Studies that share patients are whitened as one. Where they give counts, each gives up half of the patients whom they
share; what is left need not be whole, and its likelihood is written as a potential, without binomial coefficients.

`secondline.inference.models` has the same posterior with baselines and random effects integrated out.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from secondline.inference.priors import PriorScales
from secondline.likelihoods import Distribution
from secondline.links import CLOGLOG, LOG, LOGIT, PROBIT
from secondline.network.categories import own_counts, owners
from secondline.network.data import CountData, GaussianData, NetworkData
from secondline.network.predictor import CUT, EXCHANGEABLE
from secondline.network.structure import Floats

Tau = Any
"""Standard deviation between studies: a random variable, or a number, 0.0 in a common-effect model."""
_INVERSE = {
    LOG.name: pt.exp,
    LOGIT.name: pt.sigmoid,
    PROBIT.name: lambda x: 0.5 * pt.erfc(-x / np.sqrt(2)),
    CLOGLOG.name: lambda x: -pt.expm1(-pt.exp(x)),
}
"""Inverse of each link, from the linear predictor to a rate or a probability."""


def textbook_model(data: NetworkData, scales: PriorScales) -> pm.Model:
    """Write the model of a network out in plain PyMC.

    Parameters
    ----------
    data : NetworkData
    scales : PriorScales
        A tau or omega of 0 leaves the parameter out; one that is fixed is a number of the model.

    Returns
    -------
    pymc.Model
        With ``effect`` by coefficient (effects of treatments or components, class means, slopes; departures in units of
        omega), ``tau``, ``omega``, and by likelihood: ``mu``, ``z`` and ``log_distance`` of counts; ``mu_means`` and
        ``z_means`` of means; ``z_contrasts`` of contrasts. ``coefficients`` are those of the linear predictor, as
        `secondline.inference.fit` names them.
    """
    predictor, gaussian = data.predictor, data.gaussian
    names = [name for name, kind in predictor.columns if kind != CUT]
    with pm.Model(coords={"coefficient": names}) as model:
        effect = pm.Normal("effect", 0, scales.coefficients(predictor, 1.0)[: len(names)], dims="coefficient")
        taus = [scales.tau.plain(pm, name) for name in data.groups.taus]
        if scales.omega:
            omegas = [scales.omega.plain(pm, name) for name in predictor.omegas]
            omega = pt.stack(omegas)[predictor.omega_of[: len(names)]] if len(omegas) > 1 else omegas[0]
            effect = pt.switch(predictor.kinds[: len(names)] == EXCHANGEABLE, omega * effect, effect)
        pm.Deterministic("coefficients", effect, dims="coefficient")
        if len(data.counts.study):
            _counts(data, effect, taus, scales)
        if len(gaussian.means.study):
            _means(gaussian, effect, _tau_of(data, taus, gaussian.means.study))
        own = ~np.isin(gaussian.study, gaussian.means.study)
        _contrasts(gaussian, effect, _tau_of(data, taus, gaussian.study[own]), own)
    return model


def _tau_of(data: NetworkData, taus: Sequence[Tau], study: NDArray[np.int64]) -> Tau:
    """Give data points the tau of the group of their study."""
    return pt.stack(taus)[data.groups.of_points(study)] if data.groups.names else taus[0]


def _random_effects(name: str, tau: Tau, spread: Floats) -> pt.TensorVariable | float:
    """Random effects tau sqrt(spread) z, not centred; none in a common-effect model."""
    return 0.0 if isinstance(tau, float) and not tau else tau * np.sqrt(spread) * pm.Normal(name, shape=len(spread))


def _counts(network: NetworkData, effect: pt.TensorVariable, taus: Sequence[Tau], scales: PriorScales) -> None:
    """Events or categories of every arm."""
    data, n_cuts, slope = network.counts, network.n_cuts, network.predictor.baseline_slope
    study = np.repeat(np.arange(len(data.study)), np.diff(data.start))
    mu = pm.Normal("mu", 0, scales.baseline, shape=len(data.study))
    rows = data.rows[:, : data.rows.shape[1] - n_cuts]
    delta = _random_effects("z", _tau_of(network, taus, data.study[study]), np.full(len(study), 0.5))
    eta = mu[study] + pt.dot(rows, effect)
    if slope is not None:
        moves, near = data.at_baseline.T
        eta += effect[slope] * (moves * mu[study] - near)
        if not isinstance(delta, float):
            delta = _against_reference(data, delta, study)
    eta += delta
    inverse = _INVERSE[data.likelihood.link.name]
    if (own_counts(data.counts) % 1).any():
        _effective(data, eta, n_cuts, scales)
        return
    match data.likelihood.distribution:
        case Distribution.POISSON:
            pm.Poisson("events", inverse(eta + data.offset), observed=data.events.astype(int))
        case Distribution.BINOMIAL:
            pm.Binomial("events", data.n.astype(int), inverse(eta + data.offset), observed=data.events.astype(int))
        case _:
            _ordered(data, eta + data.offset, n_cuts, scales)


def _against_reference(data: CountData, delta: pt.TensorVariable, study: Any) -> pt.TensorVariable:
    """Put random effects against that of the arm on the reference, in studies whose effects move with its baseline.

    So that the baseline is that of this arm. In other studies they stay what they are.
    """
    moves = data.at_baseline[:, 0]
    moving = np.maximum.reduceat(moves, data.start[:-1]) > 0
    reference = data.start[:-1] + np.array([int(np.argmin(part)) for part in np.split(moves, data.start[1:-1])])
    return delta - moving[study] * delta[reference[study]]


def _effective(data: CountData, eta: pt.TensorVariable, n_cuts: int, scales: PriorScales) -> None:
    """Give counts that are not whole their likelihood."""
    inverse = _INVERSE[data.likelihood.link.name]
    match data.likelihood.distribution:
        case Distribution.POISSON:
            rate = inverse(eta + data.offset)
            value = data.events * pt.log(rate) - rate
        case Distribution.BINOMIAL:
            p = inverse(eta + data.offset)
            value = data.events * pt.log(p) + (data.n - data.events) * pt.log1p(-p)
        case _:
            p = _categories(data, eta + data.offset, n_cuts, scales)
            parts = [(counts * pt.log(of)).sum(axis=1) for _, counts, of in _alike(data, p)]
            value = pt.concatenate(parts) if len(parts) > 1 else parts[0]
    pm.Potential("effective_patients", value)


def _ordered(data: CountData, eta: pt.TensorVariable, n_cuts: int, scales: PriorScales) -> None:
    """Patients by category, of arms with the same cut-offs together."""
    p = _categories(data, eta, n_cuts, scales)
    for name, counts, of in _alike(data, p):
        pm.Multinomial(f"patients{name}", counts.sum(axis=1).astype(int), of, observed=counts.astype(int))


def _alike(data: CountData, p: pt.TensorVariable) -> Iterator[tuple[str, Floats, pt.TensorVariable]]:
    """Give the arms with the same cut-offs: a name, empty for all cut-offs, their counts, and their probabilities.

    Categories that are counted together have the sum of their probabilities.
    """
    where = owners(data.counts)
    for pattern in np.unique(where, axis=0):
        own = np.flatnonzero((where == pattern).all(axis=1))
        kept, column = np.unique(pattern, return_inverse=True)
        if len(kept) == len(pattern):
            yield "", data.counts[own], p[own] if len(own) < len(where) else p
        else:
            together = (column[:, None] == np.arange(len(kept))).astype(float)
            name = "_".join(map(str, kept + 1))
            yield f"_by_{name}", data.counts[own][:, kept], pt.dot(p[own], together)


def _categories(data: CountData, eta: pt.TensorVariable, n_cuts: int, scales: PriorScales) -> pt.TensorVariable:
    """Probability of every category: the first cutpoint is 0, which the baselines take up."""
    log_distance = pm.Normal("log_distance", 0, scales.cutpoint, shape=n_cuts)
    cuts = pt.concatenate([pt.zeros(1), pt.cumsum(pt.exp(log_distance))])
    above = _INVERSE[data.likelihood.link.name](eta[:, None] - cuts)
    one, zero = pt.ones((len(data.counts), 1)), pt.zeros((len(data.counts), 1))
    return pt.concatenate([one, above], axis=1) - pt.concatenate([above, zero], axis=1)


def _means(data: GaussianData, effect: pt.TensorVariable, tau: Tau) -> None:
    """Means of arms, with a flat baseline in every study."""
    means = data.means
    study = np.unique(means.study, return_inverse=True)[1]
    mu = pm.Flat("mu_means", shape=int(study.max()) + 1)
    eta = mu[study] + pt.dot(means.rows, effect) + _random_effects("z_means", tau, np.full(len(study), 0.5))
    pm.Normal("mean", eta, np.sqrt(means.variance), observed=means.y)


def _contrasts(data: GaussianData, effect: pt.TensorVariable, tau: Tau, own: NDArray[np.bool_]) -> None:
    """Contrasts of the studies that give no arms, whitened; ``own`` says which they are."""
    if own.any():
        effects = pt.dot(data.rows[own], effect) + _random_effects("z_contrasts", tau, data.scales[own])
        pm.Normal("contrast", effects, 1.0, observed=data.y[own])
