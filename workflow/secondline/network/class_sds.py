"""Standard deviations of exchangeable effects: one omega of them all, or one of every class.

In a class model the effect of a component c is that of its class and a departure, departure_c ~ N(0, omega^2) with the
same omega in every class, or N(0, omega_k(c)^2) with that of its class k(c): exchangeable class effects (Warren, Abrams
& Sutton, Stat Med 2014;33:2449), with ``class_sd`` "common" or "independent" in the words of the R package multinma. A
class with a single member has a single departure, which says next to nothing of its omega: this keeps its prior.
"""

from collections.abc import Sequence

SHARED, OWN = "shared", "own"
"""Whether all classes have one standard deviation, or every class has its own."""


def omega_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the standard deviations of exchangeable effects: ``omega``, or that of every class."""
    return tuple(f"omega[{name}]" for name in classes) or ("omega",)
