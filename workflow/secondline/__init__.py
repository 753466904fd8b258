"""secondline: Bayesian network meta-analysis, as a pipeline from study sheets to a report and as a library.

The names below are the library; see docs/library.md. They are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secondline.api.covariate import Covariate
    from secondline.api.examples import example
    from secondline.api.fitting import fit, textbook_model
    from secondline.api.model import Model, Priors, normal
    from secondline.api.network import Network
    from secondline.api.result import Result
    from secondline.api.sd_priors import fixed, half_cauchy, half_normal, half_t, log_normal, uniform
    from secondline.api.unequal import Unequal
    from secondline.errors import UserError
    from secondline.network.overlap import Overlap, SharedArm

__all__ = [
    "Covariate",
    "Model",
    "Network",
    "Overlap",
    "Priors",
    "Result",
    "SharedArm",
    "Unequal",
    "UserError",
    "example",
    "fit",
    "fixed",
    "half_cauchy",
    "half_normal",
    "half_t",
    "log_normal",
    "normal",
    "textbook_model",
    "uniform",
]

_HOMES = {
    "Covariate": "api.covariate",
    "Model": "api.model",
    "Network": "api.network",
    "Overlap": "network.overlap",
    "Priors": "api.model",
    "Result": "api.result",
    "SharedArm": "network.overlap",
    "Unequal": "api.unequal",
    "UserError": "errors",
    "example": "api.examples",
    "fit": "api.fitting",
    "fixed": "api.sd_priors",
    "half_cauchy": "api.sd_priors",
    "half_normal": "api.sd_priors",
    "half_t": "api.sd_priors",
    "log_normal": "api.sd_priors",
    "normal": "api.model",
    "textbook_model": "api.fitting",
    "uniform": "api.sd_priors",
}


def __getattr__(name: str) -> Any:
    """Import a name of the library when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the names of the library."""
    return sorted([*globals(), *__all__])
