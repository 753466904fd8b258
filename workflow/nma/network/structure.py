"""What the treatments are made of: components, regimens and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Structure:
    """What the treatments are made of: everything of a treatments file but the labels.

    A regimen is a sum of components. In a plain network every treatment but the reference is one component.
    """

    components: tuple[str, ...]
    regimens: tuple[str, ...]
    settings: tuple[str, ...]
    matrix: Floats
    """(regimens, components): 1 where a regimen holds a component."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Structure":
        """Build the structure from the resolved settings of a job."""
        components, regimens = tuple(settings["components"]), settings["regimens"]
        matrix = np.array([[float(c in parts) for c in components] for parts in regimens.values()])
        shape = (len(regimens), len(components))
        return cls(components, tuple(regimens), tuple(settings["settings"]), matrix.reshape(shape))

    @property
    def reference(self) -> int:
        """Index of the regimen without components."""
        return int(np.flatnonzero(self.matrix.sum(axis=1) == 0)[0])
