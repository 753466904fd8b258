"""A PyMC model whose log density is one compiled function, handed to nutpie without translating its graph.

nutpie translates the graph of a model in every process anew, four seconds for a graph of one operation: more than the
draws of most fits take. The function behind that operation, kept on disk in the form that nutpie calls, loads at once.
"""

import ctypes
from math import log, nan, pi

import numba
import numpy as np
import pymc as pm
from nutpie.compile_pymc import CompiledPyMCModel, address_as_void_pointer, make_user_data

from secondline.inference.kernels.density import log_density
from secondline.inference.models import DATA, RAW
from secondline.network.structure import Floats

_DOUBLES = numba.types.CPointer(numba.float64)
_LOG_2PI = log(2 * pi)
_RECOVERABLE = 1  # an error that nutpie takes for a divergence


@numba.cfunc(
    numba.int64(numba.uint64, _DOUBLES, _DOUBLES, _DOUBLES, numba.types.voidptr),
    cache=True,
)
def _log_density(n, raw, gradient, value, data):
    """Write log density and gradient of the model; ``data`` begins with the address and length of the packed tables."""
    x, out = numba.carray(raw, (n,)), numba.carray(gradient, (n,))
    record = numba.carray(data, (2,), np.uint64)
    vector = numba.carray(address_as_void_pointer(record[0]), (record[1],), np.float64)
    try:
        found, slope = log_density(x, vector)
    except Exception:  # of whatever kind: compiled code knows no other
        return _RECOVERABLE
    # on top of that of the standard normals of the coordinates
    for i in range(n):
        found -= 0.5 * (x[i] ** 2 + _LOG_2PI)
        out[i] = slope[i] - x[i]
        if not np.isfinite(out[i]):
            return _RECOVERABLE
    value[0] = found
    return 0 if np.isfinite(found) else _RECOVERABLE


@numba.cfunc(
    numba.int64(numba.uint64, numba.uint64, _DOUBLES, _DOUBLES, numba.types.voidptr),
    cache=True,
)
def _keep(n, length, raw, out, data):
    """Keep the raw coordinates of a draw as they are."""
    for i in range(n):
        out[i] = raw[i]
    return 0


def nutpie_model(model: pm.Model) -> CompiledPyMCModel:
    """Compile a model of `models.network_model`, or load what is compiled already.

    The chains start where PyMC lets them: within 1 of the origin of the coordinates.

    Raises
    ------
    RuntimeError
        If the compiled log density is another one than that of the model.
    """
    size = int(model[RAW].shape.eval()[0])
    data = {DATA: model[DATA].get_value()}
    keys = {model[DATA]: DATA}
    compiled = CompiledPyMCModel(
        _n_dim=size,
        dims={},
        _coords={},
        _shapes={RAW: (size,)},
        compiled_logp_func=_log_density,
        compiled_expand_func=_keep,
        initial_point_func=lambda seed: np.random.default_rng(seed).uniform(-1, 1, size),
        shared_data=data,
        shared_var_keys=keys,
        user_data=make_user_data(keys, data),
        n_expanded=size,
        shape_info=([RAW], [slice(0, size)], [(size,)]),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )
    _check(model, compiled)
    return compiled


def evaluate(compiled: CompiledPyMCModel, raw: Floats) -> tuple[float, Floats]:
    """Log density and gradient that nutpie gets at a point of the coordinates."""
    value, gradient = np.empty(1), np.empty(compiled.n_dim)
    doubles = ctypes.POINTER(ctypes.c_double)
    arrays = (array.ctypes.data_as(doubles) for array in (np.ascontiguousarray(raw, float), gradient, value))
    failed = compiled.compiled_logp_func.ctypes(compiled.n_dim, *arrays, compiled.user_data.ctypes.data)
    return (nan if failed else float(value[0])), gradient


def _check(model: pm.Model, compiled: CompiledPyMCModel) -> None:
    point = compiled.initial_point_func(0)
    graph = model.compile_fn([model.logp(), model.dlogp()], mode="FAST_COMPILE")
    expected = np.concatenate([np.atleast_1d(part) for part in graph({RAW: point})])
    value, gradient = evaluate(compiled, point)
    if not np.allclose([value, *gradient], expected, rtol=1e-8, atol=1e-8, equal_nan=True):
        raise RuntimeError(f"compiled log density {value} differs from that of the model, {expected[0]}")
