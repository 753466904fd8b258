"""Versions of the packages that shape the numbers."""

from importlib.metadata import version

_NAMED = ("pymc", "nutpie", "numpy", "arviz")


def versions() -> str:
    """Versions of the packages that shape the numbers, as one cell."""
    import platform

    return " ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in _NAMED)])
