"""The model of a network, and the form in which it is sampled.

For arm k of study i with design row x_ik::

    y_ik ~ likelihood with linear predictor eta_ik = mu_i + x_ik b + delta_ik
    delta_ik ~ Normal(0, tau^2 / 2)          so that contrasts vary by tau^2 between studies, with correlation 1/2;
                                             tau is that of the group of the study, where studies are divided
    b ~ Normal(0, prior sd), exchangeable ones Normal(0, omega^2); omega is that of the class, where every class has one
    tau and omega ~ any prior of sd_priors, mu_i ~ Normal(0, baseline^2)

and contrasts y of a study that reports no arms are Normal(X b, S + tau^2 R), R with 1 on the diagonal and 1/2 off it.
In plain PyMC that is `secondline.inference.textbook.textbook_model`: read it first. The lines here that correspond to
it are::

    b, tau, omega = natural_parameters(raw)
    log p(y | b, tau) = sum_i log integral p(y_i | mu_i, delta_i, b) p(delta_i | tau) p(mu_i) d(delta_i, mu_i)

Only the way of sampling differs: baselines and random effects are integrated out, in closed form where all is Gaussian
and by quadrature for counts (`kernels.study_integral`), and the sampler moves in ``raw``, standard normal
coordinates of the approximate posterior (`kernels.coordinates`). tests/test_textbook.py compares the integrated
likelihood with the textbook model for every likelihood, and tests/test_calibration.py
(test_the_textbook_model_has_the_same_posterior) the posterior with that which the textbook model is sampled to have.

Design, data and prior scales are data of one graph. With a point mass at 0 for tau or omega it is the model without
heterogeneity or without departures; with other rows it is another model of the effects; with no arms it is a model of
contrasts. So all fits of a job share one compilation, and all jobs share what numba keeps of it on disk.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

from secondline.inference.importance import count_arguments
from secondline.inference.kernels import coordinates, density
from secondline.inference.kernels.coordinates import Approximation, approximate
from secondline.inference.kernels.design_blocks import blocks
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData
from secondline.network.predictor import CUT, EXCHANGEABLE
from secondline.network.structure import Floats

RAW, DATA = "raw", "data"
"""The variable and the data of the model."""


class LogDensity(Op):
    """Everything of the log density but the standard normals of the coordinates; see `density.log_density`."""

    __props__ = ()

    def make_node(self, *inputs: Variable) -> Apply:
        """Take the arguments of `density.log_density`; give what it returns."""
        return Apply(self, [pt.as_tensor(value) for value in inputs], [pt.dscalar(), pt.dvector()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate outside a compiled graph."""
        value, gradient = density.log_density(*inputs)
        output_storage[0][0], output_storage[1][0] = np.asarray(value), gradient

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the value depends differentiably on the coordinates."""
        return [[True, False], [False, False]]

    def pullback(self, inputs: list[Variable], outputs: list[Variable], cotangents: list[Variable]) -> list[Variable]:
        """Gradient: an output of its own."""
        return [cotangents[0] * outputs[1], disconnected_type()]


@dataclass(frozen=True)
class Inputs:
    """What one fit gives to the compiled model, and how its raw draws turn back into coefficients."""

    vector: Floats
    approximation: Approximation
    n_taus: int = 1
    """Number of taus among the raw parameters, at least that of the fit."""
    n_omegas: int = 1
    """Number of omegas behind them, at least that of the fit."""

    @property
    def size(self) -> int:
        """Length of the raw coefficients, at least their number."""
        return self.approximation.size


def network_model(inputs: Inputs) -> pm.Model:
    """Build the model of a network; its fits may differ in everything but the numbers of parameters of ``inputs``.

    The coefficients are sampled in the coordinates of their approximate posterior, see `coordinates`; tau and omega
    over the whole line.
    """
    with pm.Model() as model:
        vector = pm.Data(DATA, inputs.vector)
        raw = pm.Normal(RAW, shape=inputs.size + inputs.n_taus + inputs.n_omegas)
        pm.Potential("log_density", LogDensity()(raw, vector)[0])
    return model


def model_inputs(
    data: NetworkData,
    scales: PriorScales,
    size: int,
    tabulated: bool = True,
    n_taus: int | None = None,
    n_omegas: int | None = None,
) -> Inputs:
    """Collect the data of one fit, in the form of the compiled model.

    Parameters
    ----------
    size : int
        Length of the raw coefficients: the largest number of coefficients of the fits that share a compilation. The
        cutpoints stay at the end.
    tabulated : bool
        Tabulate the integrals of counts: worth it for more than some hundred evaluations.
    n_taus, n_omegas : int, optional
        The largest numbers of taus and of omegas of the fits that share a compilation; by default those of this one.
    """
    own = data.groups.n_taus, len(data.predictor.omegas)
    n_taus, n_omegas = n_taus or own[0], n_omegas or own[1]
    places = _places(data, size)
    approximation = approximate(data, scales, size, places)
    coefficients = np.ones((size, 2))
    coefficients[places, density.SD] = scales.coefficients(data.predictor, 1.0)
    coefficients[:, density.EXCHANGEABLE] = approximation.exchangeable
    counts, gaussian = data.counts, data.gaussian
    *arm_tables, baseline, width, table, resolution = count_arguments(data, scales, tabulated)
    slope = -1 if data.predictor.baseline_slope is None else places[data.predictor.baseline_slope]
    values = baseline, counts.family, width, data.n_cuts, resolution, slope, n_omegas
    vector = density.pack(
        np.array([values], float),
        coordinates.sd_table(scales, approximation.units(scales), own, (n_taus, n_omegas)),
        coefficients,
        *approximation.design.tables,
        approximation.values,
        _wide(gaussian.rows, places, size),
        np.column_stack([gaussian.y, gaussian.scales, data.groups.of_points(gaussian.study)]),
        *blocks(_wide(counts.rows, places, size), counts.start).tables,
        *arm_tables,
        table,
        data.groups.of_points(counts.study)[None].astype(float),
    )
    return Inputs(vector, approximation, n_taus, n_omegas)


def _places(data: NetworkData, size: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Index of every coefficient among the raw ones: the cutpoints last, the padding before them."""
    kinds = data.predictor.kinds
    return np.where(kinds == CUT, np.arange(len(kinds)) + size - len(kinds), np.arange(len(kinds)))


def _wide(rows: Floats, places: Any, size: int) -> Floats:
    wide = np.zeros((len(rows), size))
    wide[:, places] = rows
    return wide


def natural_parameters(raw: Floats, data: NetworkData, scales: PriorScales, inputs: Inputs) -> dict[str, Floats]:
    """Turn raw draws into coefficients, tau and omega; scales that the model leaves out are absent.

    Parameters
    ----------
    raw : array, (chain, draw, size + taus + omegas)

    Returns
    -------
    dict
        With leading dimensions (chain, draw); tau has those alone, or (chain, draw, groups), and omega those alone, or
        (chain, draw, classes).
    """
    near, predictor = inputs.approximation, data.predictor
    own, own_omegas = data.groups.n_taus, len(predictor.omegas)
    z = np.ascontiguousarray(raw[..., : near.size])
    sizes = inputs.n_taus, inputs.n_omegas
    table = coordinates.sd_table(scales, near.units(scales), (own, own_omegas), sizes)
    sds = [coordinates.sd_draws(raw[..., near.size + k].ravel(), form) for k, form in enumerate(table)]
    taus, omegas = np.column_stack(sds[: inputs.n_taus]), np.column_stack(sds[inputs.n_taus :])
    layout, (columns,), (rows,) = near.design.tables
    flat = z.reshape(-1, near.size), taus, omegas
    u = coordinates.transform_draws(*flat, layout, columns, rows, near.values, near.exchangeable).reshape(z.shape)
    coefficients = u[..., _places(data, inputs.size)] * scales.coefficients(predictor, 1.0)
    # The departures carry the sign of their raw omega: the likelihood saw their product.
    departs = predictor.kinds == EXCHANGEABLE
    coefficients[..., departs] *= omegas.reshape(*z.shape[:-1], -1)[..., predictor.omega_of[departs]]
    result = {"coefficients": coefficients}
    if scales.tau:
        by_group = (own,) if data.groups.names else ()
        result["tau"] = np.abs(taus[:, :own]).reshape(*z.shape[:-1], *by_group)
    if scales.omega:
        by_class = (own_omegas,) if predictor.classes_with_sds else ()
        result["omega"] = np.abs(omegas[:, :own_omegas]).reshape(*z.shape[:-1], *by_class)
    return result
