"""What counts as a number in a notebook."""

from math import isfinite
from numbers import Real
from typing import Any


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, of Python or of NumPy, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
