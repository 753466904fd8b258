"""The compiled models: one PyMC graph per likelihood, whose data and prior scales are swapped from fit to fit.

With a prior scale of 0 for tau or omega the same graph is the model without heterogeneity or without settings, so that
`fixed`, `pooled` and `setting` share one compilation, and so do all data sets of one treatment structure.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from nma.inference import quadrature
from nma.inference.scales import BASELINE, EFFECT, OMEGA, TAU, PriorScales
from nma.network.design import ArmData, ContrastData, Floats, Structure

# Reproducible to the last bit: with fast maths the first run and later runs of one seed were seen to differ.
pytensor.config.numba__fastmath = False


class MarginalBinomial(Op):  # type: ignore[misc]
    """Log likelihood of counts by study with the study effects integrated out; see `quadrature`."""

    __props__ = ()

    def make_node(self, *inputs: Variable) -> Apply:
        """Take f, tau, arms, starts, inner and outer nodes, baseline sd; give log L by study, expectations by arm."""
        return Apply(self, [pt.as_tensor(value) for value in inputs], [pt.dvector(), pt.dmatrix()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate outside a compiled graph."""
        f, tau, *arguments, baseline_sd = inputs
        result = quadrature.log_likelihood(f, float(tau), *arguments, float(baseline_sd))
        output_storage[0][0], output_storage[1][0] = result

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only log L depends differentiably on f and tau."""
        return [[True, False], [True, False], *([[False, False]] * 5)]

    def pullback(self, inputs: list[Variable], outputs: list[Variable], cotangents: list[Variable]) -> list[Variable]:
        """Gradient by Fisher's identity: the conditional expectation of the complete-data score."""
        start = inputs[3]
        by_arm = pt.repeat(cotangents[0], start[1:] - start[:-1])
        df = by_arm * outputs[1][:, quadrature.SCORE]
        dtau = (by_arm * outputs[1][:, quadrature.TAU_SCORE]).sum()
        return [df, dtau, *(disconnected_type() for _ in inputs[2:])]


def _kernel_version() -> int:
    """Key of the compile cache: compiled code is made anew when the kernel's source changes."""
    source = Path(quadrature.__file__).read_bytes()
    return int.from_bytes(sha256(source).digest()[:4])


@register_funcify_default_op_cache_key(MarginalBinomial)  # type: ignore[untyped-decorator]
def _marginal_binomial(op: MarginalBinomial, node: Apply, **_: Any) -> Any:
    kernel = quadrature.log_likelihood

    @numba_njit
    def marginal_binomial(f, tau, arms, start, inner, outer, baseline_sd):  # type: ignore[no-untyped-def]
        return kernel(f, tau[()], arms, start, inner, outer, baseline_sd[()])

    return marginal_binomial, _kernel_version()


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


def _coefficients(structure: Structure, scales: Variable) -> tuple[Variable, Variable]:
    """Priors of the effects: the stacked coefficients, and tau.

    A half-normal scale is the absolute value of a normal, and the likelihood depends on tau and omega through their
    squares alone. Sampled as normals over the whole line they have no boundary and no funnel at 0: where the usual log
    transform of a half-normal gave divergences, there are none.
    """
    beta = pm.Normal("beta_raw", dims="component") * scales[EFFECT]
    tau = pm.Normal("tau_raw") * scales[TAU]
    if not structure.settings:
        return beta, tau
    omega = pm.Normal("omega_raw") * scales[OMEGA]
    delta = pm.Normal("delta_raw", dims=("setting", "component")) * omega
    return pt.concatenate([beta, delta.flatten()]), tau


def contrast_model(structure: Structure) -> pm.Model:
    """Build the model of whitened contrasts: y ~ N(rows b, 1 + tau^2 lambda), random effects integrated out."""
    with pm.Model(coords={"component": structure.components, "setting": structure.settings}) as model:
        scales, rows, contrasts = _unpack(pm.Data("data", np.zeros(1)), 3)
        b, tau = _coefficients(structure, scales[0])
        variance = 1 + tau**2 * contrasts[:, 1]
        residual = contrasts[:, 0] - rows @ b
        pm.Potential("log_likelihood", -0.5 * (residual**2 / variance + pt.log(variance)).sum())
    return model


def count_model(structure: Structure) -> pm.Model:
    """Build the binomial model with logit link, study baselines and arm effects integrated out by quadrature."""
    with pm.Model(coords={"component": structure.components, "setting": structure.settings}) as model:
        scales, rows, arms, start, inner, outer = _unpack(pm.Data("data", np.zeros(1)), 6)
        b, tau = _coefficients(structure, scales[0])
        first = pt.cast(start[0], "int64")
        log_likelihood = MarginalBinomial()(rows @ b, tau, arms, first, inner, outer, scales[0, BASELINE])[0]
        pm.Potential("log_likelihood", log_likelihood.sum())
    return model


def model_data(data: ContrastData | ArmData, scales: PriorScales) -> dict[str, Floats]:
    """Collect the data of one fit, in the form of the compiled model."""
    prior = scales.vector()[None, :]
    if isinstance(data, ContrastData):
        return {"data": pack(prior, data.rows, np.column_stack([data.y, data.scales]))}
    start = data.start[None, :].astype(float)
    return {"data": pack(prior, data.rows, quadrature.arm_table(data), start, *quadrature.nodes(data))}


def natural_parameters(raw: Mapping[str, Any], scales: PriorScales) -> dict[str, Floats]:
    """Turn raw draws into beta, delta, tau and omega; parameters that the model leaves out are absent.

    Parameters
    ----------
    raw : mapping of arrays
        Draws with leading dimensions (chain, draw).
    """
    result = {"beta": np.asarray(raw["beta_raw"]) * scales.effect}
    if scales.tau:
        result["tau"] = np.abs(np.asarray(raw["tau_raw"])) * scales.tau
    if scales.omega:
        # The departures carry the sign of the raw omega: the likelihood saw their product.
        signed = np.asarray(raw["omega_raw"]) * scales.omega
        result["omega"] = np.abs(signed)
        result["delta"] = np.asarray(raw["delta_raw"]) * signed[..., None, None]
    return result
