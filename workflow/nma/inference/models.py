"""The compiled model: one PyMC graph for every likelihood and every model of the effects.

The design, the data and the prior scales are data of the graph. With a prior scale of 0 for tau or omega it is the
model without heterogeneity or without departures; with other rows it is another model of the effects; with no arms it
is a model of contrasts. So all fits of a job share one compilation, and all jobs share what numba keeps of it on disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from nma.inference import coordinates, families, inner, quadrature
from nma.inference.coordinates import Approximation, approximate
from nma.inference.importance import count_arguments
from nma.inference.scales import PriorScales
from nma.network.data import NetworkData
from nma.network.predictor import CUT, EXCHANGEABLE
from nma.network.structure import Floats

# Reproducible to the last bit: with fast maths the first run and later runs of one seed were seen to differ.
pytensor.config.numba__fastmath = False

# columns of the table of coefficients, and what the first table holds
_SD, _EXCHANGEABLE = range(2)
_TAU, _OMEGA, _TAU_UNIT, _OMEGA_UNIT, _BASELINE, _FAMILY, _WIDTH, _N_CUTS, _RESOLUTION = range(9)


class Coordinates(Op):  # type: ignore[misc]
    """Coefficients from the sampler's coordinates; see `coordinates.transform`."""

    __props__ = ()

    def make_node(self, *inputs: Variable) -> Apply:
        """Take the arguments of `coordinates.transform`; give what it returns."""
        types = [pt.dvector(), pt.dmatrix(), pt.dmatrix(), pt.dvector()]
        return Apply(self, [pt.as_tensor(value) for value in inputs], types)

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate outside a compiled graph."""
        z, tau, omega, *tables = inputs
        found = coordinates.transform(z, float(tau), float(omega), *tables)
        for storage, value in zip(output_storage, found, strict=True):
            storage[0] = value

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only u and the log determinant depend differentiably on z, tau and omega."""
        return [[True, False, False, True]] * 3 + [[False] * 4] * 4

    def pullback(self, inputs: list[Variable], outputs: list[Variable], cotangents: list[Variable]) -> list[Variable]:
        """Gradient: u is linear in z, and the derivatives by tau and omega are outputs."""
        _, root, derivatives, log_det = outputs
        du, dlog_det = (
            pt.zeros_like(outputs[k]) if isinstance(cotangents[k].type, DisconnectedType) else cotangents[k]
            for k in (0, 3)
        )
        along = derivatives @ du + dlog_det[0] * log_det[1:]
        return [root.T @ du, along[0], along[1], *(disconnected_type() for _ in range(4))]


class MarginalCounts(Op):  # type: ignore[misc]
    """Log likelihood of counts by study with the study effects integrated out; see `quadrature`."""

    __props__ = ()

    def make_node(self, *inputs: Variable) -> Apply:
        """Take the arguments of `quadrature.log_likelihood`, the family fourth; give log L by study and the terms."""
        return Apply(self, [pt.as_tensor(value) for value in inputs], [pt.dvector(), pt.dmatrix()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate outside a compiled graph."""
        f, tau, cuts, family, arms, studies, inner, outer, baseline_sd, width, table, resolution = inputs
        tables, scalars = (arms, studies, inner, outer), (float(baseline_sd), int(width))
        result = quadrature.log_likelihood(
            int(family), f, float(tau), cuts, *tables, *scalars, table, float(resolution)
        )
        output_storage[0][0], output_storage[1][0] = result

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only log L depends differentiably on f, tau and the cutpoints."""
        return [[True, False]] * 3 + [[False, False]] * 9

    def pullback(self, inputs: list[Variable], outputs: list[Variable], cotangents: list[Variable]) -> list[Variable]:
        """Gradient by Fisher's identity: the conditional expectation of the complete-data score."""
        cuts, start = inputs[2], pt.cast(inputs[5][:, 0], "int64")
        by_arm = pt.repeat(cotangents[0], start[1:] - start[:-1])
        terms = outputs[1]
        df = by_arm * terms[:, families.SCORE]
        dtau = (by_arm * terms[:, families.TAU_SCORE]).sum()
        # The first cutpoint is fixed at 0; the scores of the others are the last terms.
        moved = (by_arm[:, None] * terms[:, terms.shape[1] - pt.maximum(cuts.shape[0] - 1, 0) :]).sum(axis=0)
        dcuts = pt.concatenate([pt.zeros(pt.minimum(cuts.shape[0], 1)), moved])
        return [df, dtau, dcuts, *(disconnected_type() for _ in inputs[3:])]


def _kernel_version() -> int:
    """Key of the compile cache: compiled code is made anew when the kernels' sources change."""
    modules = coordinates, families, inner, quadrature
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return int.from_bytes(sha256(sources).digest()[:4])


@register_funcify_default_op_cache_key(Coordinates)  # type: ignore[untyped-decorator]
def _coordinates(op: Coordinates, node: Apply, **_: Any) -> Any:
    kernel = coordinates.transform

    @numba_njit
    def transform(z, tau, omega, rows, values, start, exchangeable):  # type: ignore[no-untyped-def]
        return kernel(np.ascontiguousarray(z), tau[()], omega[()], rows, values, start, exchangeable)

    return transform, _kernel_version()


@register_funcify_default_op_cache_key(MarginalCounts)  # type: ignore[untyped-decorator]
def _marginal_counts(op: MarginalCounts, node: Apply, **_: Any) -> Any:
    kernel = quadrature.log_likelihood

    @numba_njit
    def marginal_counts(f, tau, cuts, family, arms, studies, inner, outer, baseline, width, table, resolution):  # type: ignore[no-untyped-def]
        scalars = int(family[()]), tau[()], baseline[()], int(width[()]), resolution[()]
        return kernel(
            scalars[0], f, scalars[1], cuts, arms, studies, inner, outer, scalars[2], scalars[3], table, scalars[4]
        )

    return marginal_counts, _kernel_version()


def pack(*tables: Floats) -> Floats:
    """Pack two-dimensional tables into one vector, each behind its shape.

    nutpie compiles an extraction for every data array of a model, at seconds each; so a model has one.
    """
    return np.concatenate([part for table in tables for part in (np.array(table.shape, float), table.ravel())])


def _unpack(vector: Variable, n: int) -> list[Variable]:
    """Take n tables out of a packed vector, symbolically."""
    tables, start = [], 0
    for _ in range(n):
        rows, columns = (pt.cast(vector[start + k], "int64") for k in (0, 1))
        end = start + 2 + rows * columns
        tables.append(vector[start + 2 : end].reshape((rows, columns)))
        start = end
    return tables


@dataclass(frozen=True)
class Inputs:
    """What one fit gives to the compiled model, and how its raw draws turn back into coefficients."""

    vector: Floats
    approximation: Approximation

    @property
    def size(self) -> int:
        """Length of the raw coefficients, at least their number."""
        return self.approximation.size


def _signed_scale(name: str, prior: Variable, unit: Variable) -> Variable:
    """Half-normal scale with a sign, ``unit`` sinh(raw); 0 where its prior scale is.

    The likelihood depends on tau and omega through their squares alone: sampled over the whole line they have no
    boundary and no funnel at 0, where the usual log transform gives divergences. In raw the density is neither spiked
    at the resolution of the data nor long-tailed beyond.
    """
    raw = pm.Normal(name)
    value = unit * pt.sinh(raw)
    log_density = 0.5 * raw**2 - 0.5 * (value / pt.maximum(prior, 1e-300)) ** 2 + pt.log(pt.cosh(raw))
    pm.Potential(f"{name}_prior", pt.switch(prior > 0, log_density, 0.0))
    return pt.switch(prior > 0, value, 0.0)


def network_model(inputs: Inputs) -> pm.Model:
    """Build the model of a network; its fits may differ in everything but ``inputs.size``.

    The coefficients are sampled in the coordinates of their approximate posterior, see `coordinates`.
    """
    with pm.Model() as model:
        tables = _unpack(pm.Data("data", inputs.vector), 13)
        (
            settings,
            coefficients,
            near_rows,
            near_values,
            near_start,
            rows,
            contrasts,
            arm_rows,
            *arm_tables,
            inner_table,
        ) = tables
        value = settings[0]
        z = pm.Normal("z", shape=inputs.size)
        tau = _signed_scale("tau_raw", value[_TAU], value[_TAU_UNIT])
        omega = _signed_scale("omega_raw", value[_OMEGA], value[_OMEGA_UNIT])
        exchangeable = coefficients[:, _EXCHANGEABLE]
        u, _, _, log_det = Coordinates()(z, tau, omega, near_rows, near_values, near_start[0], exchangeable)
        pm.Potential("coordinates", 0.5 * (z**2).sum() - 0.5 * (u**2).sum() + log_det[0])
        b = u * coefficients[:, _SD] * pt.switch(exchangeable > 0, omega, 1.0)
        variance = 1 + tau**2 * contrasts[:, 1]
        residual = contrasts[:, 0] - rows @ b
        pm.Potential("contrasts", -0.5 * (residual**2 / variance + pt.log(variance)).sum())
        n_cuts = pt.cast(value[_N_CUTS], "int64")
        cuts = pt.concatenate([pt.zeros(1), pt.cumsum(pt.exp(b[b.shape[0] - n_cuts :]))])
        family, width = pt.cast(value[_FAMILY], "int64"), pt.cast(value[_WIDTH], "int64")
        scalars = value[_BASELINE], width, inner_table, value[_RESOLUTION]
        pm.Potential("counts", MarginalCounts()(arm_rows @ b, tau, cuts, family, *arm_tables, *scalars)[0].sum())
    return model


def model_inputs(data: NetworkData, scales: PriorScales, size: int) -> Inputs:
    """Collect the data of one fit, in the form of the compiled model.

    Parameters
    ----------
    size : int
        Length of the raw coefficients: the largest number of coefficients of the fits that share a compilation. The
        cutpoints stay at the end.
    """
    places = _places(data, size)
    approximation = approximate(data, scales, size, places)
    coefficients = np.ones((size, 2))
    coefficients[places, _SD] = scales.coefficients(data.predictor, 1.0)
    coefficients[:, _EXCHANGEABLE] = approximation.exchangeable
    counts, gaussian = data.counts, data.gaussian
    *arm_tables, baseline, width, table, resolution = count_arguments(data, scales)
    units = approximation.units(scales)
    values = scales.tau, scales.omega, *units, baseline, counts.family, width, data.n_cuts, resolution
    vector = pack(
        np.array([values], float),
        coefficients,
        approximation.rows,
        approximation.values,
        approximation.start[None, :],
        _wide(gaussian.rows, places, size),
        np.column_stack([gaussian.y, gaussian.scales]),
        _wide(counts.rows, places, size),
        *arm_tables,
        table,
    )
    return Inputs(vector, approximation)


def _places(data: NetworkData, size: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Index of every coefficient among the raw ones: the cutpoints last, the padding before them."""
    kinds = data.predictor.kinds
    return np.where(kinds == CUT, np.arange(len(kinds)) + size - len(kinds), np.arange(len(kinds)))


def _wide(rows: Floats, places: Any, size: int) -> Floats:
    wide = np.zeros((len(rows), size))
    wide[:, places] = rows
    return wide


def natural_parameters(
    raw: Mapping[str, Any], data: NetworkData, scales: PriorScales, inputs: Inputs
) -> dict[str, Floats]:
    """Turn raw draws into coefficients, tau and omega; scales that the model leaves out are absent.

    Parameters
    ----------
    raw : mapping of arrays
        Draws with leading dimensions (chain, draw).
    """
    near = inputs.approximation
    tau, omega = (
        unit * np.sinh(np.asarray(raw[name])) if scale else np.zeros(np.shape(raw[name]))
        for name, unit, scale in zip(
            ("tau_raw", "omega_raw"), near.units(scales), (scales.tau, scales.omega), strict=True
        )
    )
    z = np.asarray(raw["z"])
    flat = z.reshape(-1, near.size), tau.ravel(), omega.ravel()
    u = coordinates.transform_draws(*flat, near.rows, near.values, near.start, near.exchangeable).reshape(z.shape)
    coefficients = u[..., _places(data, inputs.size)] * scales.coefficients(data.predictor, 1.0)
    # The departures carry the sign of the raw omega: the likelihood saw their product.
    coefficients[..., data.predictor.kinds == EXCHANGEABLE] *= omega[..., None]
    result = {"coefficients": coefficients}
    if scales.tau:
        result["tau"] = np.abs(tau)
    if scales.omega:
        result["omega"] = np.abs(omega)
    return result
